"""What follows for a unit from its rule, its readings and the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain.rules import (
    ALARM,
    EXCURSION,
    OK,
    RESTORING,
    State,
    has_recovered,
    is_out,
    judge,
    missed_check_ins,
    nearest_limit,
    pass_time,
    settle,
)
from data.cold_chain.values import UnitStatus, UnitType

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FREEZER = settle({"temperature_min_celsius": -25, "temperature_max_celsius": -18}, UnitType.FREEZER)
OFFLINE, INTERRUPTED = UnitStatus.OFFLINE, UnitStatus.MONITORING_INTERRUPTED


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def story(*readings: tuple[float, float], state: State | None = None, door: datetime | None = None) -> list[UnitStatus]:
    """The statuses that readings (minute, °C) lead through."""
    state = state or State()
    seen = []
    for minute, celsius in readings:
        state = judge(state, FREEZER, celsius, after(minute), door_open_since=door)
        seen.append(state.status)
    return seen


@pytest.mark.parametrize(
    ("readings", "statuses"),
    [
        ([(0, -20), (5, -18.0), (10, -25.0)], [OK, OK, OK]),
        ([(0, -17.99)], [EXCURSION]),
        ([(0, -25.01)], [EXCURSION]),
        ([(0, -17), (5, -17), (9.9, -17)], [EXCURSION, EXCURSION, EXCURSION]),
        ([(0, -17), (5, -17), (10, -17)], [EXCURSION, EXCURSION, ALARM]),
        ([(0, -17), (10, -17), (15, -18.2), (20, -18.49)], [EXCURSION, ALARM, ALARM, ALARM]),
        ([(0, -17), (10, -17), (15, -18.5)], [EXCURSION, ALARM, RESTORING]),
        ([(0, -17), (5, -19), (10, -20)], [EXCURSION, RESTORING, OK]),
        ([(0, -17), (5, -19), (10, -17), (15, -19), (20, -19)], [EXCURSION, RESTORING, EXCURSION, RESTORING, OK]),
        ([(0, -17), (5, -19), (10, -18.2)], [EXCURSION, RESTORING, OK]),
        ([(0, -17), (5, -18.2), (12, -18.2)], [EXCURSION, EXCURSION, ALARM]),
    ],
)
def test_readings_lead_from_state_to_state(readings: list[tuple[float, float]], statuses: list[UnitStatus]) -> None:
    assert story(*readings) == statuses


def test_the_delay_counts_from_the_first_reading_outside_and_starts_anew_after_a_recovery() -> None:
    assert story((0, -17), (5, -19), (6, -17), (12, -17), (16, -17)) == [EXCURSION, RESTORING, EXCURSION, EXCURSION, ALARM]


def test_an_open_door_gives_a_unit_in_order_its_grace_and_trouble_a_longer_delay() -> None:
    assert story((1, -10), (19, -10), (20, -10), (39, -10), (40, -10), door=AT) == [OK, OK, EXCURSION, EXCURSION, ALARM]


@pytest.mark.parametrize("silent", [OFFLINE, INTERRUPTED, UnitStatus.MANUAL_REQUIRED])
def test_a_silent_unit_that_is_heard_again_needs_two_good_readings(silent: UnitStatus) -> None:
    assert story((0, -20), (5, -20), state=State(silent)) == [RESTORING, OK]
    assert story((0, -10), (10, -10), state=State(silent)) == [EXCURSION, ALARM]


def test_a_unit_that_fell_silent_while_too_warm_is_in_alarm_at_once_when_it_comes_back_too_warm() -> None:
    assert story((60, -10), state=State(INTERRUPTED, AT)) == [ALARM]
    assert story((60, -18.2), state=State(INTERRUPTED, AT)) == [ALARM]
    assert story((60, -20), state=State(INTERRUPTED, AT)) == [RESTORING]


@pytest.mark.parametrize(
    ("state", "minutes_silent", "status"),
    [
        (State(), 5.4, OK),
        (State(), 5.5, OFFLINE),
        (State(RESTORING, None, 1), 5.5, OFFLINE),
        (State(), 25.4, OFFLINE),
        (State(), 25.5, INTERRUPTED),
        (State(OFFLINE), 24, OFFLINE),
        (State(OFFLINE), 25.5, INTERRUPTED),
        (State(EXCURSION, AT), 9.9, EXCURSION),
        (State(EXCURSION, AT), 10, ALARM),
        (State(EXCURSION, AT), 60, ALARM),
        (State(ALARM, AT), 20, ALARM),
        (State(ALARM, AT), 60, INTERRUPTED),
        (State(INTERRUPTED, AT), 240, INTERRUPTED),
        (State(INTERRUPTED, AT), 240.1, UnitStatus.MANUAL_REQUIRED),
        (State(UnitStatus.MANUAL_REQUIRED), 600, UnitStatus.MANUAL_REQUIRED),
    ],
)
def test_time_alone_makes_trouble_older_and_silence_longer(state: State, minutes_silent: float, status: UnitStatus) -> None:
    assert pass_time(state, FREEZER, after(minutes_silent), last_reading_at=AT).status is status


def test_silence_keeps_in_mind_since_when_it_was_too_warm() -> None:
    assert pass_time(State(ALARM, AT), FREEZER, after(60), last_reading_at=AT) == State(INTERRUPTED, AT)


def test_a_unit_that_never_had_a_reading_misses_none() -> None:
    assert missed_check_ins(None, FREEZER, AT) == 0
    assert pass_time(State(), FREEZER, AT, last_reading_at=None) == State()


def test_a_clock_ahead_of_ours_misses_nothing() -> None:
    assert missed_check_ins(after(10), FREEZER, AT) == 0


def test_every_field_that_nobody_sets_has_its_default_and_the_limits_come_with_the_type() -> None:
    rule = settle({"delay_minutes": None, "temperature_max_celsius": None}, UnitType.FRIDGE)
    assert (rule.low_celsius, rule.high_celsius) == (0.56, 5.0)
    assert (rule.delay, rule.delay_door_open) == (timedelta(minutes=10), timedelta(minutes=20))
    assert (rule.missed_for_offline, rule.missed_for_interrupted) == (1, 5)


def test_a_zero_that_somebody_set_is_not_a_default() -> None:
    assert settle({"delay_minutes": 0}, UnitType.FRIDGE).delay == timedelta(0)


def test_one_limit_alone_keeps_the_types_other_one() -> None:
    rule = settle({"temperature_max_celsius": 7}, UnitType.FRIDGE)
    assert (rule.low_celsius, rule.high_celsius) == (0.56, 7.0)


@pytest.mark.parametrize(
    ("said", "limits"),
    [({"temperature_max_celsius": -2}, (None, -2.0)), ({"temperature_min_celsius": 8}, (8.0, None))],
)
def test_a_limit_beyond_the_types_other_one_leaves_that_end_open(
    said: dict[str, float], limits: tuple[float | None, float | None]
) -> None:
    rule = settle(said, UnitType.FRIDGE)
    assert (rule.low_celsius, rule.high_celsius) == limits
    assert is_out(rule, -90) == (limits[0] is not None) and is_out(rule, 90) == (limits[1] is not None)


def test_the_hysteresis_never_eats_a_narrow_range() -> None:
    narrow = settle({"temperature_min_celsius": 2, "temperature_max_celsius": 2.4}, UnitType.FRIDGE)
    assert has_recovered(narrow, 2.2) and has_recovered(narrow, 2.11) and not has_recovered(narrow, 2.05)


@pytest.mark.parametrize(("celsius", "limit"), [(-30, -25), (-25.2, -25), (-24.8, -25), (-17, -18), (-18.2, -18), (40, -18)])
def test_the_limit_to_name_is_the_nearest(celsius: float, limit: float) -> None:
    assert nearest_limit(FREEZER, celsius) == limit


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(-40, 20)), max_size=30))
def test_whatever_is_read_a_unit_is_in_order_only_when_it_is_not_known_to_be_out(steps: list[tuple[float, float]]) -> None:
    state, at = State(), AT
    for minutes, celsius in steps:
        at += timedelta(minutes=minutes)
        state = judge(state, FREEZER, celsius, at)
        assert (state.out_since_at is None) == (state.status in (OK, RESTORING))
        assert not (is_out(FREEZER, celsius) and state.status in (OK, RESTORING))
