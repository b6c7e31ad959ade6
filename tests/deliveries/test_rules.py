from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from data.core.errors import Invalid
from data.deliveries import rules
from data.deliveries.values import (
    Address,
    AssignmentStatus,
    Availability,
    Fix,
    OrderStatus,
    Report,
    ShipmentStatus,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
A = AssignmentStatus


def fix(after_s: float, accuracy_m: float | None = 8) -> Fix:
    return Fix("phone", NOON + timedelta(seconds=after_s), 11.5, 104.9, accuracy_m=accuracy_m)


@pytest.mark.parametrize(
    ("accuracy_m", "trusted"), [(5, True), (199.9, True), (200, False), (5000, False), (None, False)]
)
def test_a_fix_is_trusted_below_200_m_and_never_when_it_does_not_say(accuracy_m: float | None, trusted: bool) -> None:
    assert rules.is_accurate(accuracy_m) is trusted


@pytest.mark.parametrize(("said", "kept"), [(None, None), (0, 0), (33.3, 33.3), (70, 70), (70.1, 70), (900, 70)])
def test_no_van_is_faster_than_252_km_h(said: float | None, kept: float | None) -> None:
    assert rules.believable_speed(said) == kept


@pytest.mark.parametrize(
    ("new", "old", "moves"),
    [
        (fix(10), fix(0), True),
        (fix(0), fix(0), False),
        (fix(-10), fix(0), False),
        (fix(10, 500), fix(0), False),
        (fix(120, 500), fix(0), False),
        (fix(121, 500), fix(0), True),
        (fix(121, None), fix(0), True),
        (fix(10, 500), fix(0, 500), True),
        (fix(10), fix(0, 500), True),
        (fix(-10), fix(0, 500), False),
    ],
    ids=["newer", "the same", "late", "worse", "worse, 2 min on", "worse, after 2 min", "silent about it, after 2 min",
         "both bad", "better", "better but late"],
)  # fmt: skip
def test_a_driver_is_moved_by_newer_fixes_that_are_not_worse(new: Fix, old: Fix, moves: bool) -> None:
    assert rules.takes_the_place_of(new, old) is moves


def test_of_a_batch_the_same_fix_leads_as_if_they_had_come_one_by_one() -> None:
    batch = [
        Report(UUID(int=1), f, NOON) for f in (fix(90, 500), fix(0), fix(60), fix(100, 900), fix(150, 400), fix(30))
    ]
    assert rules.leading(batch).fix == fix(60)
    assert rules.leading([*batch, Report(UUID(int=1), fix(200, 700), NOON)]).fix == fix(200, 700)


@pytest.mark.parametrize(
    ("is_heard", "carries", "expected"),
    [(False, 0, "offline"), (False, 2, "offline"), (True, 0, "available"), (True, 1, "on_delivery")],
)
def test_who_is_silent_is_offline_whatever_they_carry(is_heard: bool, carries: int, expected: str) -> None:
    assert rules.availability(is_heard=is_heard, carries=carries) is Availability(expected)


ALLOWED = {
    (A.PENDING, A.ACCEPTED), (A.PENDING, A.REJECTED), (A.PENDING, A.CANCELLED),
    (A.ACCEPTED, A.EN_ROUTE), (A.ACCEPTED, A.CANCELLED), (A.EN_ROUTE, A.ARRIVED), (A.EN_ROUTE, A.CANCELLED),
    (A.ARRIVED, A.DELIVERED), (A.ARRIVED, A.CANCELLED),
}  # fmt: skip


@pytest.mark.parametrize("to", list(A))
@pytest.mark.parametrize("status", list(A))
def test_steps_follow_each_other_and_nothing_follows_an_end(status: A, to: A) -> None:
    assert (rules.refusal_to_step(status, to) is None) is ((status, to) in ALLOWED)


def test_every_step_has_its_stamp_and_its_meaning_for_the_parcel() -> None:
    reachable = {to for steps in rules.STEPS.values() for to in steps}
    assert reachable - {A.CANCELLED} == set(rules.STAMPS)
    assert reachable <= set(rules.SHIPMENT_AFTER)
    assert rules.SHIPMENT_AFTER[A.DELIVERED] == (ShipmentStatus.DELIVERED, OrderStatus.FULFILLED)
    assert rules.SHIPMENT_AFTER[A.REJECTED][0] is ShipmentStatus.READY


@pytest.mark.parametrize("status", list(ShipmentStatus))
def test_only_what_waits_can_be_given_to_a_driver(status: ShipmentStatus) -> None:
    assert (rules.refusal_to_assign(status) is None) is (status in (ShipmentStatus.PENDING, ShipmentStatus.READY))


@pytest.mark.parametrize(
    ("promised_after_s", "delivered_after_s", "late"),
    [(None, None, False), (60, None, False), (-60, None, True), (-60, -120, False), (-60, -30, True)],
)
def test_a_promise_is_broken_by_time_and_kept_for_good(
    promised_after_s: float | None, delivered_after_s: float | None, late: bool
) -> None:
    def at(s: float | None) -> datetime | None:
        return None if s is None else NOON + timedelta(seconds=s)

    assert rules.is_late(at(promised_after_s), at(delivered_after_s), now=NOON) is late


@pytest.mark.parametrize(
    ("address", "field"),
    [
        (Address(line1="  "), "delivery.line1"),
        (Address(line1="Market", latitude=11.5), "delivery.longitude"),
        (Address(line1="Market", longitude=104.9), "delivery.latitude"),
        (Address(line1="Market", latitude=91, longitude=104.9), "delivery.latitude"),
        (Address(line1="Market", latitude=11.5, longitude=181), "delivery.longitude"),
    ],
)
def test_an_address_nobody_can_find_is_refused_by_its_field(address: Address, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_address(address, "delivery")
    assert refused.value.field == field


def test_a_tracking_number_tells_the_day_and_no_two_numbers_look_alike() -> None:
    assert rules.tracking_number(NOON, 0) == "DM-20261120-222222"
    assert rules.tracking_number(NOON, 2**30 - 1) == "DM-20261120-ZZZZZZ"
    assert not set("01OI") & set(rules.ALPHABET)
    assert len({rules.tracking_number(NOON, n) for n in range(0, 2**30, 2**20 + 1)}) == 1024
