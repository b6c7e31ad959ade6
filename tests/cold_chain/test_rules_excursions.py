"""How bad an excursion was, and what it most likely came from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from data.cold_chain.rules import settle
from data.cold_chain.rules.excursions import Past, area, begin, suggest_cause
from data.cold_chain.values import Direction, ExcursionCause, UnitType

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FREEZER = settle({"temperature_min_celsius": -25, "temperature_max_celsius": -18}, UnitType.FREEZER)


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("before", "later", "expected"),
    [(2, 2, 20), (0, 4, 20), (2, -2, 5), (-2, 2, 5), (4, -1, 16), (-1, -3, 0), (0, 0, 0), (0, -5, 0)],
)
def test_only_what_lies_beyond_the_limit_counts(before: float, later: float, expected: float) -> None:
    assert area(before, later, 10) == pytest.approx(expected)


def test_an_excursion_remembers_its_worst_moment_and_its_size() -> None:
    one = begin(UUID(int=3), FREEZER, -17, AT, is_door_open=False)
    for minute, celsius, is_open in ((5, -15, False), (10, -16, True), (15, -19, False)):
        one.see(celsius, after(minute), interval=FREEZER.interval, is_door_open=is_open)
    assert (one.peak_celsius, one.peak_at, one.reading_count, one.was_door_open) == (-15, after(5), 4, True)
    assert one.degree_minutes == pytest.approx((1 + 3) / 2 * 5 + (3 + 2) / 2 * 5 + 2 * 2 / 3 / 2 * 5)
    assert one.direction is Direction.ABOVE


def test_what_nobody_measured_adds_no_degree_minutes() -> None:
    one = begin(UUID(int=3), FREEZER, -17, AT, is_door_open=False)
    one.see(-17, after(15), interval=FREEZER.interval, is_door_open=False)
    assert one.degree_minutes == pytest.approx(15)
    one.see(-17, after(30.1), interval=FREEZER.interval, is_door_open=False)
    assert one.degree_minutes == pytest.approx(15)


def test_too_cold_is_measured_from_the_lower_limit() -> None:
    one = begin(UUID(int=3), FREEZER, -26, AT, is_door_open=False)
    one.see(-28, after(10), interval=FREEZER.interval, is_door_open=False)
    assert (one.direction, one.peak_celsius, one.degree_minutes) == (Direction.BELOW, -28, pytest.approx(20))


PAST = Past(UnitType.FREEZER, Direction.ABOVE, AT, after(30), 2.0, was_door_open=False)


@pytest.mark.parametrize(
    ("past", "cause"),
    [
        (PAST, ExcursionCause.UNKNOWN),
        (replace(PAST, was_door_open=True), ExcursionCause.DOOR),
        (replace(PAST, has_cooling_failure=True, was_door_open=True), ExcursionCause.EQUIPMENT),
        (replace(PAST, is_in_outage=True), ExcursionCause.POWER),
        (replace(PAST, has_sensor_fault=True), ExcursionCause.SENSOR),
        (replace(PAST, earlier=[after(-360), after(-725), after(-1070)]), ExcursionCause.DEFROST),
        (replace(PAST, earlier=[after(-360), after(-725)], was_door_open=True), ExcursionCause.DOOR),
        (replace(PAST, earlier=[after(-360), after(-560), after(-900)]), ExcursionCause.UNKNOWN),
        (replace(PAST, earlier=[after(-360)]), ExcursionCause.UNKNOWN),
        (replace(PAST, earlier=[after(-360), after(-720)], ended_at=after(90)), ExcursionCause.UNKNOWN),
        (replace(PAST, earlier=[after(-360), after(-720)], ended_at=None), ExcursionCause.UNKNOWN),
        (replace(PAST, earlier=[after(-360), after(-720)], direction=Direction.BELOW), ExcursionCause.UNKNOWN),
    ],
)
def test_what_it_most_likely_was(past: Past, cause: ExcursionCause) -> None:
    assert suggest_cause(past) is cause
