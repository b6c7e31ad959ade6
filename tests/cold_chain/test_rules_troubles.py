"""Cooling that fails, cells that run low, and sites that fall silent at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from data.cold_chain.rules import settle
from data.cold_chain.rules.troubles import (
    Battery,
    Lost,
    battery,
    has_missed_enough,
    is_cooling_failing,
    is_outage,
    lost_together,
)
from data.cold_chain.values import BatteryChemistry, UnitType

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FREEZER = settle({"temperature_min_celsius": -25, "temperature_max_celsius": -18}, UnitType.FREEZER)


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("celsius", "is_door_open", "is_failing"),
    [
        ([-10.0] * 5, False, True), ([-10.0] * 5, None, True), ([-10.0] * 5, True, False), ([-10.0] * 4, False, False),
        ([-10, -10, -10, -10, -10.49], False, True), ([-10, -10, -10, -10, -10.5], False, False),
        ([-10, -10, -18, -10, -10], False, False), ([-10, -9, -8, -7, -6], False, True), ([-30.0] * 5, False, False),
    ],
)  # fmt: skip
def test_when_a_unit_seems_to_cool_no_more(celsius: list[float], is_door_open: bool | None, is_failing: bool) -> None:
    assert is_cooling_failing(FREEZER, celsius, is_door_open=is_door_open) is is_failing


@pytest.mark.parametrize(
    ("percent", "volts", "chemistry", "how"),
    [
        (10, None, None, Battery.LOW), (10.1, None, None, Battery.BETWEEN), (20, None, None, Battery.BETWEEN),
        (20.1, None, None, Battery.FULL), (None, None, None, Battery.UNKNOWN), (None, 2.49, None, Battery.LOW),
        (None, 2.5, None, Battery.BETWEEN), (None, 2.7, None, Battery.FULL), (80, 2.4, BatteryChemistry.CR17450, Battery.LOW),
        (40, 2.4, BatteryChemistry.ALKALINE_2AA, Battery.FULL), (None, 2.4, BatteryChemistry.ALKALINE_2AA, Battery.UNKNOWN),
    ],
)  # fmt: skip
def test_how_full_a_battery_is(percent: float | None, volts: float | None, chemistry: BatteryChemistry | None, how: Battery) -> None:
    assert battery(percent, volts, chemistry, low_percent=10) is how


def lost(*minutes: tuple[float, float]) -> frozenset[int]:
    """Units by number, each last heard at a minute and speaking so often; those that were lost together."""
    return lost_together(Lost(n, after(at), timedelta(minutes=every)) for n, (at, every) in enumerate(minutes))


def test_units_were_lost_together_when_one_moment_can_have_taken_them_all() -> None:
    assert lost((0, 5), (2, 5), (4, 5)) == {0, 1, 2}
    assert lost((0, 5), (10, 5), (4, 5)) == {0, 1, 2}
    assert lost((0, 5), (10.1, 5), (4, 5)) == {0, 2}
    assert lost((0, 60), (50, 1), (52, 1)) == {0, 1, 2}
    assert lost() == frozenset()


@pytest.mark.parametrize(
    ("count", "of", "is_one"), [(0, 0, False), (1, 1, False), (2, 2, True), (2, 3, False), (3, 3, True), (3, 40, True)]
)
def test_three_units_or_all_of_two_are_the_sites_trouble(count: int, of: int, is_one: bool) -> None:
    assert is_outage(count, of) is is_one


@pytest.mark.parametrize(("missed", "critical", "is_enough"), [(1, 1, False), (1, 5, False), (2, 5, True), (3, 10, False), (5, 10, True)])
def test_one_missed_check_in_makes_nobody_lost(missed: int, critical: int, is_enough: bool) -> None:
    assert has_missed_enough(missed, replace(FREEZER, missed_for_interrupted=critical)) is is_enough
