"""What follows for a unit from its rule, its readings and the clock."""

from dataclasses import replace
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
from data.cold_chain.rules.settling import DEFAULTS, INHERITED
from data.cold_chain.values import UnitStatus, UnitType

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FREEZER = settle({"temperature_min_celsius": -25, "temperature_max_celsius": -18}, UnitType.FREEZER)
OFFLINE, INTERRUPTED, MANUAL = UnitStatus.OFFLINE, UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED


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


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("delay", timedelta(minutes=10), None), ("delay_door_open", timedelta(minutes=20), None),
        ("door_grace", timedelta(minutes=20), None), ("interval", timedelta(minutes=5), None),
        ("missed_for_offline", 1, None), ("missed_for_interrupted", 5, None), ("missed_for_manual", 5, None),
        ("offline_after", timedelta(minutes=5, seconds=30), None), ("manual_after", timedelta(hours=4), None),
        ("door_warning", timedelta(minutes=3), None), ("door_critical", timedelta(minutes=10), None),
        ("door_mask", timedelta(minutes=60), None), ("max_excursion", timedelta(minutes=60), None),
        ("hysteresis_celsius", 0.5, None), ("low_battery_percent", 10, None), ("rise_celsius_per_hour", None, None),
        ("manual_after", timedelta(minutes=75), {"manual_interval_minutes": 60, "manual_grace_minutes": 15}),
        ("offline_after", timedelta(minutes=10, seconds=30), {"offline_warning_missed_checkins": 2}),
        ("offline_after", timedelta(minutes=12), {"offline_trigger_additional_minutes": 2}),
        ("offline_after", timedelta(minutes=14.5), {"offline_trigger_multiplier": 2.5}),
        ("offline_after", timedelta(minutes=5), {"offline_trigger_multiplier": 1, "offline_trigger_additional_minutes": 0}),
        ("rise_celsius_per_hour", 2.8, {"rise_celsius_per_hour": 2.8}),
    ],
)  # fmt: skip
def test_what_holds_where_nobody_says_otherwise(field: str, value: object, expected: dict[str, float] | None) -> None:
    assert getattr(settle(expected or {}, UnitType.FRIDGE), field) == value


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_field_of_a_rule_has_its_say(name: str) -> None:
    value = {"offline_warning_missed_checkins": 3, "offline_critical_missed_checkins": 9}.get(name, 7)
    assert settle({name: value}, UnitType.FRIDGE) != settle({}, UnitType.FRIDGE)
    assert name in INHERITED


def test_a_demand_to_measure_by_hand_needs_both_enough_missed_and_enough_time() -> None:
    patient = replace(FREEZER, missed_for_manual=60)
    silent = State(INTERRUPTED)
    for rule, minutes, status in (
        (FREEZER, 239, INTERRUPTED), (FREEZER, 240, INTERRUPTED), (FREEZER, 240.1, MANUAL),
        (patient, 241, INTERRUPTED), (patient, 300.5, MANUAL),
    ):  # fmt: skip
        assert pass_time(silent, rule, after(minutes), last_reading_at=AT).status is status


def test_a_temperature_by_hand_puts_the_demand_off() -> None:
    def status(minutes: float) -> UnitStatus:
        return pass_time(State(MANUAL), FREEZER, after(minutes), last_reading_at=AT, last_manual_log_at=after(300)).status

    assert (status(301), status(540), status(541)) == (INTERRUPTED, INTERRUPTED, MANUAL)


def test_an_old_reading_tells_how_warm_it_was_and_does_not_end_a_silence() -> None:
    for silent in (OFFLINE, INTERRUPTED, MANUAL):
        assert judge(State(silent), FREEZER, -20, AT, is_old=True) == State(silent)
        assert judge(State(silent), FREEZER, -10, AT, is_old=True) == State(silent, AT)
        assert judge(State(silent, AT), FREEZER, -20, after(5), is_old=True) == State(silent)
        assert judge(State(silent), FREEZER, -20, AT) == State(RESTORING, None, 1)


def test_an_old_reading_of_a_unit_that_nobody_missed_is_judged_as_any_other() -> None:
    assert judge(State(), FREEZER, -10, AT, is_old=True) == State(EXCURSION, AT)


@pytest.mark.parametrize(
    ("most", "minutes", "status"), [(60, 14, EXCURSION), (15, 14.9, EXCURSION), (15, 15, ALARM), (5, 5, ALARM)]
)
def test_past_the_longest_excursion_no_door_is_an_excuse(most: float, minutes: float, status: UnitStatus) -> None:
    rule = replace(FREEZER, max_excursion=timedelta(minutes=most), delay_door_open=timedelta(hours=2))
    state, door = State(EXCURSION, AT), after(-5)
    assert judge(state, rule, -10, after(minutes), door_open_since=door).status is status
    assert pass_time(state, rule, after(minutes), last_reading_at=after(minutes), door_open_since=door).status is status
