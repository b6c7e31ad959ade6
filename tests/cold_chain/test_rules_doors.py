"""An open door excuses warm air, for so long each day of its place and no longer."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain.queries.watch import Watched
from data.cold_chain.rules import ALARM, EXCURSION, OK, Rule, State, is_out, settle
from data.cold_chain.rules.doors import DoorOpen, Mask, door_open_for, excuse, excusing_since
from data.cold_chain.values import UnitStatus, UnitType

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FREEZER = settle({"temperature_min_celsius": -25, "temperature_max_celsius": -18}, UnitType.FREEZER)


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


ZONE = "Asia/Phnom_Penh"  # seven hours ahead: the day there began at 17:00


def masked(mask: Mask, minutes: tuple[float, float], *, state: State = State(), open_since: float = 0, rule: Rule = FREEZER) -> Mask:
    return excuse(mask, state, rule, after(open_since), after(minutes[0]), after(minutes[1]), ZONE)


@pytest.mark.parametrize(
    ("mask", "minutes", "expected"),
    [
        (Mask(), (0, 5), Mask(date(2026, 11, 20), 300)),
        (Mask(date(2026, 11, 20), 100), (0, 5), Mask(date(2026, 11, 20), 400)),
        (Mask(date(2026, 11, 19), 3600), (0, 5), Mask(date(2026, 11, 20), 300)),
        (Mask(date(2026, 11, 20), 3500), (0, 5), Mask(date(2026, 11, 20), 3600)),
        (Mask(), (-5, 5), Mask(date(2026, 11, 20), 300)),
        (Mask(), (0, 90), Mask(date(2026, 11, 20), 1200)),
        (Mask(), (5, 5), Mask()),
    ],
)
def test_what_a_door_excuses_is_counted_a_day_and_never_beyond_its_share(
    mask: Mask, minutes: tuple[float, float], expected: Mask
) -> None:
    assert masked(mask, minutes) == expected


def test_an_excursion_is_excused_until_its_longer_delay_is_over_and_an_alarm_not_at_all() -> None:
    assert masked(Mask(), (0, 60), state=State(EXCURSION, AT)).seconds == 1200
    assert masked(Mask(), (0, 60), state=State(ALARM, AT)) == Mask()
    assert masked(Mask(), (0, 60), state=State(UnitStatus.OFFLINE)) == Mask()


def test_at_midnight_there_the_door_has_its_whole_share_again() -> None:
    midnight = datetime(2026, 11, 20, 17, tzinfo=UTC)
    spent = Mask(date(2026, 11, 20), 3600)
    before, later = midnight - timedelta(seconds=1), midnight
    assert excusing_since(spent, FREEZER, AT, before, ZONE) is None
    assert excusing_since(spent, FREEZER, AT, later, ZONE) == AT
    over = excuse(Mask(), State(), FREEZER, midnight - timedelta(minutes=4), midnight - timedelta(minutes=4), midnight + timedelta(minutes=6), ZONE)
    assert over == Mask(date(2026, 11, 21), 360)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23), ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Santiago", date(2026, 9, 6), 23), ("America/New_York", date(2026, 11, 1), 25), ("Asia/Phnom_Penh", date(2026, 3, 29), 24),
    ],
)  # fmt: skip
def test_a_day_is_as_long_as_clocks_there_make_it(zone: str, day: date, hours: int) -> None:
    there = ZoneInfo(zone)
    middle = datetime(day.year, day.month, day.day, 12, tzinfo=there).astimezone(UTC)
    instants = [middle + timedelta(minutes=15 * step + 1) for step in range(-80, 81)]
    same = [at for at in instants if excuse(Mask(day, 10), State(), FREEZER, at - timedelta(minutes=1), at - timedelta(minutes=1), at, zone).day == day]
    spent = [at for at in instants if excusing_since(Mask(day, 3600), FREEZER, AT, at, zone) is None]
    assert spent == same and len(spent) == hours * 4


@given(
    st.lists(st.tuples(st.floats(0.1, 600), st.floats(-40, 20), st.booleans()), max_size=40),
    st.integers(0, 120), st.integers(0, 180), st.integers(0, 240),
)  # fmt: skip
def test_however_a_door_is_used_it_never_excuses_more_than_its_share_of_a_day(
    steps: list[tuple[float, float, bool]], share: int, grace: int, delay: int
) -> None:
    rule = replace(
        FREEZER, door_mask=timedelta(minutes=share), door_grace=timedelta(minutes=grace), delay_door_open=timedelta(minutes=delay)
    )
    unit = watched(rule)
    at = AT
    for minutes, celsius, is_open in steps:
        at += timedelta(minutes=minutes)
        unit.see_door(is_open, at)
        unit.read(celsius, at)
        assert unit.mask.seconds <= share * 60
        day = at.astimezone(ZoneInfo(ZONE)).date()
        if unit.mask == Mask(day, share * 60) or not share:
            assert not (is_out(rule, celsius) and unit.state.status is OK), "the share is used up"


def watched(rule: Rule = FREEZER) -> Watched:
    return Watched(UUID(int=1), "Freezer 1", UUID(int=2), ZONE, rule, State(), None, None, None, None, None)


def test_with_its_share_used_up_an_open_door_gives_neither_grace_nor_patience() -> None:
    rule = replace(FREEZER, door_mask=timedelta(minutes=10))
    unit = watched(rule)
    seen = []
    for minute in range(0, 26, 5):
        unit.see_door(True, after(minute))
        unit.read(-10, after(minute))
        seen.append((unit.state.status, unit.mask.seconds))
    assert seen == [(OK, 0), (OK, 300), (EXCURSION, 600), (EXCURSION, 600), (ALARM, 600), (ALARM, 600)]


def test_a_door_that_is_shut_between_readings_is_counted_until_then() -> None:
    unit = watched()
    unit.see_door(True, AT)
    unit.read(-10, AT)
    unit.see_door(False, after(2))
    assert unit.mask == Mask(date(2026, 11, 20), 120) and unit.door_closed_at == after(2)
    unit.read(-10, after(5))
    assert (unit.state.status, unit.mask.seconds) == (EXCURSION, 120)


def test_the_clock_does_not_count_what_the_next_reading_will_count() -> None:
    unit = watched(replace(FREEZER, door_mask=timedelta(minutes=4)))
    unit.see_door(True, AT)
    unit.read(-10, AT)
    unit.state = State(EXCURSION, AT)
    for minute in (1, 2, 3):
        unit.pass_time(after(minute))
    assert unit.mask.seconds == 0
    unit.read(-10, after(3))
    assert unit.mask.seconds == 180


@pytest.mark.parametrize(
    ("minutes", "how"),
    [(0, DoorOpen.FINE), (2.99, DoorOpen.FINE), (3, DoorOpen.WARNING), (9.99, DoorOpen.WARNING), (10, DoorOpen.CRITICAL)],
)
def test_how_bad_an_open_door_is(minutes: float, how: DoorOpen) -> None:
    assert door_open_for(FREEZER, AT, after(minutes)) is how
