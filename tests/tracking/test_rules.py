"""What a report decides about a tag, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import cos, radians
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.tracking.rules import (
    MAINLAND_CHINA,
    Heard,
    Limits,
    Place,
    PlaceKind,
    Standing,
    areas_of,
    decides,
    distance_m,
    follow,
    spent,
    wait_before_next_fetch,
    where,
)
from data.tracking.values import TrackerStatus

T0 = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATITUDE, LONGITUDE = 11.55, 104.92
SHOP = Place(UUID(int=1), PlaceKind.DELIVERY, LATITUDE, LONGITUDE, 100)
STORE = Place(UUID(int=2), PlaceKind.STORAGE, LATITUDE, LONGITUDE, 100)
CREATED, IN_TRANSIT, IN_STORAGE, DELIVERED = TrackerStatus


def east(metres: float, *, hours: float = 0, accuracy_m: float = 10, confidence: int = 3) -> Heard:
    """A report that far east of the place."""
    longitude = LONGITUDE + metres / (111_195.08 * cos(radians(LATITUDE)))
    return Heard(T0 + hours * HOUR, LATITUDE, longitude, accuracy_m, confidence)


def shifted(place: Place, metres: float, number: int) -> Place:
    return replace(place, id=UUID(int=number), longitude=east(metres).longitude)


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((0, 0, 0, 0), 0, 0),
        ((0, 0, 0, 1), 0, 111_195),
        ((0, 179.5, 0, -179.5), 0, 111_195),
        ((90, 0, -90, 0), 0, 20_015_115),
        ((51.5074, -0.1278, 48.8566, 2.3522), 0, 343_557),
    ],
)
def test_distances_are_those_on_a_sphere(one: tuple[float, float, float, float], other: int, metres: float) -> None:
    assert distance_m(*one) == pytest.approx(metres, abs=60)


@pytest.mark.parametrize(
    ("away_m", "accuracy_m", "present", "is_there"),
    [
        (0, 10, None, True),
        (109, 10, None, True),
        (111, 10, None, False),
        (184, 85, None, True),
        (186, 85, None, False),
        (131, 10, SHOP.id, True),
        (133, 10, SHOP.id, False),
        (221, 85, SHOP.id, True),
        (223, 85, SHOP.id, False),
    ],
)
def test_a_circle_is_entered_with_the_accuracy_and_left_past_a_buffer(
    away_m: float, accuracy_m: float, present: UUID | None, is_there: bool
) -> None:
    assert (where(east(away_m, accuracy_m=accuracy_m), [SHOP], present) == SHOP) == is_there


def test_the_buffer_of_a_wide_circle_has_a_bound() -> None:
    port = replace(STORE, geofence_size_m=5000)
    assert where(east(5109), [port], port.id) == port
    assert where(east(5111), [port], port.id) is None
    assert where(east(5600), [port], port.id, Limits(largest_buffer_m=10_000)) == port


@pytest.mark.parametrize(
    ("places", "present", "expected"),
    [
        ([STORE, SHOP], None, SHOP),
        ([STORE, SHOP], STORE.id, SHOP),
        ([shifted(STORE, 50, 4), STORE], None, STORE),
        ([shifted(STORE, 50, 4), STORE], UUID(int=4), shifted(STORE, 50, 4)),
        ([shifted(SHOP, 130, 5), STORE], UUID(int=5), shifted(SHOP, 130, 5)),
        ([shifted(SHOP, 130, 5), STORE], None, STORE),
    ],
)
def test_delivery_goes_before_storage_then_the_present_place_then_the_nearest(
    places: list[Place], present: UUID | None, expected: Place
) -> None:
    assert where(east(0), places, present) == expected


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (east(0), True),
        (east(0, confidence=1), False),
        (east(0, confidence=2), True),
        (east(0, accuracy_m=100), True),
        (east(0, accuracy_m=101), False),
    ],
)
def test_only_sure_and_sharp_reports_decide(report: Heard, expected: bool) -> None:
    assert decides(report) == expected


def test_a_journey_from_the_factory_through_storage_to_the_shop_and_away() -> None:
    shop = shifted(SHOP, 10_000, 1)
    journey = [
        east(5000, hours=0), east(4000, hours=1),
        east(20, hours=2), east(125, hours=5),
        east(5000, hours=6),
        east(10_000, hours=8), east(10_010, hours=30),
        east(20_000, hours=31),
    ]  # fmt: skip
    standing, changes = follow(Standing(), journey, [STORE, shop])
    assert [(each.status, each.place_id, each.since) for each in changes] == [
        (IN_TRANSIT, None, T0),
        (IN_STORAGE, STORE.id, T0 + 2 * HOUR),
        (IN_TRANSIT, None, T0 + 6 * HOUR),
        (DELIVERED, shop.id, T0 + 8 * HOUR),
        (IN_TRANSIT, None, T0 + 31 * HOUR),
    ]
    assert (standing.total_transit_time, standing.total_storage_time) == (4 * HOUR, 4 * HOUR)
    assert spent(standing, T0 + 33 * HOUR) == (6 * HOUR, 4 * HOUR)


def test_what_is_heard_first_inside_a_circle_was_never_in_transit() -> None:
    standing, changes = follow(Standing(), [east(0)], [STORE])
    assert [each.status for each in changes] == [IN_STORAGE]
    assert standing.total_transit_time == timedelta()


def test_from_one_warehouse_straight_into_the_next_is_a_change_of_place() -> None:
    second = shifted(STORE, 1000, 9)
    standing, changes = follow(Standing(), [east(0), east(1000, hours=3)], [STORE, second])
    assert [(each.status, each.place_id) for each in changes] == [(IN_STORAGE, STORE.id), (IN_STORAGE, second.id)]
    assert standing.total_storage_time == 3 * HOUR


def test_reports_are_judged_in_the_order_of_their_time_whatever_order_they_came_in() -> None:
    reports = [east(0, hours=1), east(5000, hours=2), east(5000)]
    assert follow(Standing(), reports, [STORE]) == follow(Standing(), sorted(reports, key=lambda r: r.recorded_at), [STORE])


def test_a_late_report_does_not_move_a_tag_back() -> None:
    standing, _ = follow(Standing(), [east(0, hours=4)], [STORE])
    after, changes = follow(standing, [east(5000, hours=3), east(5000, hours=4)], [STORE])
    assert (after, changes) == (standing, [])


def test_vague_reports_leave_the_standing_as_it_is() -> None:
    standing, _ = follow(Standing(), [east(0)], [STORE])
    assert follow(standing, [east(5000, hours=1, confidence=1), east(9000, hours=2, accuracy_m=200)], [STORE]) == (standing, [])


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 100), st.integers(0, 1000)), max_size=12), st.integers(0, 12))
def test_it_does_not_matter_where_a_stream_of_reports_is_cut(said: list[tuple[int, int, int]], cut: int) -> None:
    reports = sorted((east(m, hours=h, accuracy_m=a) for m, a, h in said), key=lambda each: each.recorded_at)
    reports = list({each.recorded_at: each for each in reports}.values())
    whole, changes = follow(Standing(), reports, [STORE])
    first, before = follow(Standing(), reports[:cut], [STORE])
    second, after = follow(first, reports[cut:], [STORE])
    assert (second, before + after) == (whole, changes)


@pytest.mark.parametrize(("failures", "intervals"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 16), (9000, 16)])
def test_failures_double_the_wait_up_to_sixteen(failures: int, intervals: int) -> None:
    assert wait_before_next_fetch(failures, timedelta(minutes=5)) == intervals * timedelta(minutes=5)


@pytest.mark.parametrize(
    ("latitude", "longitude", "is_inside"),
    [(22.54, 114.06, True), (11.55, 104.92, False), (18.2, 73.6, True), (53.6, 100, False), (35.68, 139.69, False)],
)
def test_factories_lie_in_the_excluded_box(latitude: float, longitude: float, is_inside: bool) -> None:
    assert MAINLAND_CHINA.holds(latitude, longitude) == is_inside


def test_excluded_boxes_are_written_as_their_four_sides() -> None:
    assert areas_of("73.6, 18.2, 134.8, 53.5;") == (MAINLAND_CHINA,)
    assert areas_of("") == ()


@pytest.mark.parametrize("written", ["1,2,3", "1,2,3,4,5", "a,b,c,d", "3,0,1,2", "0,2,1,1", "nan,0,1,1", "-181,0,1,1"])
def test_what_is_no_box_is_refused(written: str) -> None:
    with pytest.raises(Invalid):
        areas_of(written)
