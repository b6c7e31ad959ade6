from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain import rules
from data.cold_chain.reports import minutes
from data.cold_chain.reports.drawing_up import calibrated, verdict
from data.cold_chain.reports.excursions import Bounds, spells
from data.cold_chain.reports.facts import Calibrated, CalibrationFact, Verdict
from data.cold_chain.reports.gathering import Readings
from data.cold_chain.reports.limits import Change, Held, Scope, over_time
from data.cold_chain.reports.minutes import Shares
from data.cold_chain.reports.unit_time import Log, UnitTime
from data.cold_chain.values import UnitType

START = datetime(2026, 11, 1, tzinfo=UTC)
START_S = int(START.timestamp())
FRIDGE = rules.settle({}, UnitType.FRIDGE)  # 0.56 to 5 °C, every 5 minutes, 10 minutes excused
REACH_MIN = 8  # 7½ minutes and half a minute


def readings(*rows: tuple[float, float] | tuple[float, float, float]) -> Readings:
    """(minute, °C) or (minute, °C, minutes until it arrived)."""
    taken = np.array([START_S + round(row[0] * 60) for row in rows], dtype=np.int64)
    delays = np.array([round((row[2] if len(row) > 2 else 0) * 60) for row in rows], dtype=np.int64)
    return Readings(taken, taken + delays, np.array([round(row[1] * 100) for row in rows], dtype=np.int64))


def time_of(read: Readings, *logs: tuple[float, bool], length_min: int = 60, manual_min: float = 20) -> UnitTime:
    spoken = [Log(START_S + round(at * 60), manual_min * 60, ok) for at, ok in logs]
    return UnitTime(START, START + timedelta(minutes=length_min), read, [Held(START, FRIDGE)], spoken, manual_min * 60)


@pytest.mark.parametrize(
    ("read", "logs", "expected"),
    [
        ((), (), Shares(unknown=60)),
        (((0, 3),), (), Shares(measured=REACH_MIN, unknown=60 - REACH_MIN)),
        (((-5, 3),), (), Shares(measured=3, unknown=57)),  # taken before the stretch, still speaks for its beginning
        (tuple((m, 3) for m in range(0, 60, 5)), (), Shares(measured=60)),
        (((0.5, 3),), (), Shares(measured=9, unknown=51)),  # the minute it was taken in is measured too
        (((0, 3, 15), (20, 3, 15.1)), (), Shares(measured=8, late=8, unknown=44)),
        (((0, 3, 60), (2, 3)), (), Shares(late=2, measured=8, unknown=50)),
        ((), ((10, True),), Shares(manual=20, unknown=40)),
        (((10, 3),), ((5, True),), Shares(measured=8, manual=12, unknown=40)),
        (((58, 3),), ((55, True),), Shares(measured=2, manual=3, unknown=55)),
    ],
)
def test_how_minutes_are_known(read: tuple[tuple[float, float], ...], logs: tuple[tuple[float, bool], ...], expected: Shares) -> None:
    assert time_of(readings(*read), *logs).shares() == expected


MINUTE = st.integers(-60, 200)


@given(
    st.lists(st.tuples(MINUTE, st.integers(-30, 10), st.integers(0, 60)), max_size=40, unique_by=lambda row: row[0]),
    st.lists(st.tuples(st.integers(-60, 100), st.booleans()), max_size=5), st.integers(0, 120),
)  # fmt: skip
def test_the_four_are_always_all_minutes_and_the_days_add_up_to_them(
    read: list[tuple[int, int, int]], logs: list[tuple[int, bool]], length: int
) -> None:
    time = time_of(readings(*sorted(read)), *logs, length_min=length)
    assert time.shares().total == length
    days = time.days(ZoneInfo("Asia/Phnom_Penh"))
    assert sum((day.minutes for day in days), Shares()) == time.shares()
    silent = [run for run in minutes.silent_runs(START_S, time.kinds)]
    assert sum(run.minutes for run in silent) == time.shares().manual + time.shares().unknown
    assert sum(run.manual_minutes for run in silent) == time.shares().manual
    assert 0 <= time.outside_minutes() <= length
    for day in days:
        assert 0 <= day.outside_minutes <= day.minutes.total


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(-30, 10)), min_size=1, max_size=30, unique_by=lambda row: row[0]), st.integers(0, 59))
def test_one_more_reading_in_time_never_makes_less_known(read: list[tuple[int, int]], more: int) -> None:
    before = time_of(readings(*sorted(read))).shares()
    after = time_of(readings(*sorted({**dict(read), more: 3}.items()))).shares()
    assert after.measured >= before.measured and after.unknown <= before.unknown


@pytest.mark.parametrize(
    ("day", "length"),
    [(date(2026, 3, 29), 23 * 60), (date(2026, 10, 25), 25 * 60), (date(2026, 6, 1), 24 * 60)],
)
def test_a_day_on_which_the_clocks_change_has_its_own_length(day: date, length: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    since = datetime(day.year, day.month, day.day, tzinfo=berlin).astimezone(UTC)
    until = datetime(day.year, day.month, day.day, tzinfo=berlin) + timedelta(days=1)
    time = UnitTime(since, until.astimezone(UTC), readings(), [Held(since, FRIDGE)], [], 14_400)
    (only,) = time.days(berlin)
    assert (only.day, only.minutes.total) == (day, length)


def test_figures_weigh_each_reading_by_how_long_it_stands() -> None:
    time = time_of(readings((0, 2), (5, 2), (6, 8), (11, 2), (50, 2)))
    fact = time.reading_fact()
    assert (fact.count, fact.lowest_celsius, fact.highest_celsius) == (5, 2, 8)
    assert fact.highest_at == START + timedelta(minutes=6)
    assert fact.average_celsius == pytest.approx((2 * 6 + 8 * 5 + 2 * 8 + 2 * 8) / 27)
    assert fact.kinetic_celsius is not None and fact.average_celsius is not None and fact.kinetic_celsius > fact.average_celsius
    assert time.outside_minutes() == 5


def bounds(count: int) -> Bounds:
    return Bounds(np.full(count, 0.0), np.full(count, 5.0), np.full(count, 0.5))


def found(*rows: tuple[float, float]) -> list[tuple[float, float | None, float, float]]:
    read = readings(*rows)
    lasting = np.full(len(rows), 300.0)
    listed = spells(read.taken_s, read.celsius, bounds(len(rows)), lasting, np.full(len(rows), 900.0))
    return [
        ((s.started_s - START_S) / 60, None if s.ended_s is None else (s.ended_s - START_S) / 60, s.peak_celsius, round(s.degree_minutes, 3))
        for s in listed
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, 3), (5, 4)], []),
        ([(0, 5.0), (5, 0.0)], []),  # the limits themselves are inside
        ([(0, 3), (5, 6), (10, 3)], [(5, 10, 6, 5 * 0.5 / 3)]),
        ([(0, 6), (5, 4.8), (10, 6), (15, 4.5)], [(0, 15, 6, 5 * 0.5 / 1.2 + 5 * 0.5 / 1.2 + 5 * 0.5 / 1.5)]),  # not well inside between
        ([(0, 6), (5, 7)], [(0, None, 7, 7.5)]),  # still lasts
        ([(0, -1), (5, 2), (10, 9), (15, 2)], [(0, 5, -1, 5 * 0.5 / 3), (10, 15, 9, 5 * 16 / 6 / 2)]),
        ([(0, 6), (60, 6), (65, 3)], [(0, 65, 6, 5 * 0.5 / 3)]),  # nobody knows how warm it was between
    ],
)
def test_excursions_as_seen_afterwards(rows: list[tuple[float, float]], expected: list[tuple[float, float | None, float, float]]) -> None:
    assert found(*rows) == [pytest.approx(one, abs=0.001) if None not in one else one for one in expected]


def test_a_size_is_the_same_as_the_one_that_was_followed_while_it_lasted() -> None:
    from uuid import uuid4

    from data.cold_chain.rules import excursions as live

    rows = [(0.0, 6.0), (5.0, 7.5), (10.0, 4.8), (15.0, 5.5), (20.0, 3.0)]
    at = [START + timedelta(minutes=minute) for minute, _ in rows]
    stretch = live.begin(uuid4(), rules.settle({"temperature_min_celsius": 0, "temperature_max_celsius": 5}, UnitType.FRIDGE), 6.0, at[0], is_door_open=False)
    for (_minute, celsius), when in zip(rows[1:], at[1:], strict=True):
        stretch.see(celsius, when, interval=timedelta(minutes=5), is_door_open=False)
    assert found(*rows)[0][3] == pytest.approx(stretch.degree_minutes, abs=0.01)


def test_a_gap_in_which_somebody_should_have_measured_is_told_from_one_covered_by_hand() -> None:
    every = [(m, 3.0) for m in range(0, 20, 5)]
    alone, helped = time_of(readings(*every)), time_of(readings(*every), (30, True), (45, True))
    assert [(g.minutes, g.manual_minutes, g.is_missed) for g in alone.gaps()] == [(37, 0, True)]
    assert [(g.minutes, g.manual_minutes, g.is_missed) for g in helped.gaps()] == [(37, 30, False)]


DAY = timedelta(days=1)


def high_over_time(changes: list[Change], **said: float) -> list[tuple[int, float | None]]:
    now_said = {Scope[name.upper()]: {"temperature_max_celsius": value} for name, value in said.items()}
    held = over_time(UnitType.FRIDGE, now_said, changes, START, START + 10 * DAY)
    return [((one.since - START).days, one.rule.high_celsius) for one in held]


def changed(day: int, scope: Scope, before: float | None) -> Change:
    return Change(START + day * DAY, scope, {"temperature_max_celsius": before})


@pytest.mark.parametrize(
    ("said", "changes", "expected"),
    [
        ({}, [], [(0, 5.0)]),
        ({"unit": 7}, [], [(0, 7)]),
        ({"unit": 7, "site": 6, "organization": 4}, [], [(0, 7)]),
        ({"site": 6, "organization": 4}, [], [(0, 6)]),
        ({"unit": 7}, [changed(3, Scope.UNIT, None)], [(0, 5.0), (3, 7)]),
        ({"unit": 7}, [changed(3, Scope.UNIT, 6), changed(1, Scope.UNIT, None)], [(0, 5.0), (1, 6), (3, 7)]),
        ({"unit": 7}, [changed(20, Scope.UNIT, 6)], [(0, 6)]),  # changed after the stretch
        ({"unit": 7}, [changed(-2, Scope.UNIT, 6)], [(0, 7)]),  # changed before it
        ({"site": 6}, [changed(4, Scope.UNIT, 8)], [(0, 8), (4, 6)]),  # the unit ceased to say its own
        ({"unit": 7}, [changed(4, Scope.SITE, 3)], [(0, 7)]),  # what the site says did not matter
    ],
)
def test_the_limits_that_held_are_found_again(said: dict[str, float], changes: list[Change], expected: list[tuple[int, float]]) -> None:
    assert high_over_time(changes, **said) == expected


def test_readings_are_judged_by_the_limits_of_their_time() -> None:
    strict, lenient = FRIDGE, rules.settle({"temperature_max_celsius": 8}, UnitType.FRIDGE)
    held = [Held(START, strict), Held(START + timedelta(minutes=30), lenient)]
    time = UnitTime(START, START + timedelta(hours=1), readings((20, 6), (25, 4), (40, 6)), held, [], 14_400)
    assert time.is_out.tolist() == [True, False, False]


UNTIL = START + 30 * DAY


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], Calibrated.NONE),
        ([(-100, 265)], Calibrated.VALID),
        ([(-100, None)], Calibrated.VALID),
        ([(-400, -35)], Calibrated.EXPIRED),
        ([(-350, 15)], Calibrated.PARTLY),
        ([(-350, 15), (10, 375)], Calibrated.VALID),
        ([(-350, 15), (20, 385)], Calibrated.PARTLY),
        ([(5, 370)], Calibrated.PARTLY),
    ],
)
def test_what_a_calibration_was_worth(records: list[tuple[int, int | None]], expected: Calibrated) -> None:
    listed = [CalibrationFact(START + at * DAY, None if ends is None else START + ends * DAY, None, 0, None) for at, ends in records]
    assert calibrated(listed, START, UNTIL) is expected


@pytest.mark.parametrize(
    ("shares", "has_missed", "expected"),
    [
        (Shares(measured=100), False, Verdict.IN_LIMITS),
        (Shares(measured=90, manual=6, unknown=4), False, Verdict.IN_LIMITS),
        (Shares(measured=90, unknown=10), False, Verdict.NOT_FULLY_KNOWN),
        (Shares(measured=99, unknown=1), True, Verdict.NOT_FULLY_KNOWN),
        (Shares(unknown=100), False, Verdict.NOTHING_KNOWN),
        (Shares(), False, Verdict.NOTHING_KNOWN),
    ],
)
def test_what_was_not_measured_is_not_called_in_order(shares: Shares, has_missed: bool, expected: Verdict) -> None:
    assert verdict(shares, [], [], has_missed, []) is expected


