"""A unit is in order, too warm, or silent; which it is follows from its rule, its readings and the clock alone.

    ok ── outside its limits, and no open door excuses it ──▶ excursion ── still so after the delay ──▶ alarm_active
    excursion, alarm_active ── well inside again ──▶ restoring ── two good readings ──▶ ok
    ok, restoring ── late ──▶ offline;  any ── five check-ins missed ──▶ monitoring_interrupted
    monitoring_interrupted ── measured by nobody for hours ──▶ manual_required ── written down by hand ──▶ monitoring_interrupted
    offline, monitoring_interrupted, manual_required ── a good reading ──▶ restoring;  one outside the limits ──▶ excursion
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from data.cold_chain.rules.settling import CHECK_IN_SLACK, Rule
from data.cold_chain.values import UnitStatus

GOOD_READINGS_TO_OK = 2
SILENT = frozenset({UnitStatus.OFFLINE, UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED})
OK, EXCURSION, ALARM, RESTORING = UnitStatus.OK, UnitStatus.EXCURSION, UnitStatus.ALARM_ACTIVE, UnitStatus.RESTORING
OFFLINE, INTERRUPTED, MANUAL = UnitStatus.OFFLINE, UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED


class State(NamedTuple):
    """How a unit is. `out_since_at` lasts until a reading is well inside the limits; `good_readings` counts those."""

    status: UnitStatus = OK
    out_since_at: datetime | None = None
    good_readings: int = 0


def judge(
    state: State, rule: Rule, celsius: float, at: datetime, *, door_open_since: datetime | None = None, is_old: bool = False
) -> State:
    """How the unit is after a reading newer than all before it.

    `door_open_since` is None where the door is shut, unknown, or no excuse any more. A reading `is_old` when its sensor would
    be late even if it had said nothing since: it tells how warm it was and does not end a silence.
    """
    after = _judge(state, rule, celsius, at, door_open_since)
    if is_old and state.status in SILENT:
        return State(state.status, after.out_since_at)
    return after


def _judge(state: State, rule: Rule, celsius: float, at: datetime, door_open_since: datetime | None) -> State:
    if is_out(rule, celsius) or (state.out_since_at is not None and not has_recovered(rule, celsius)):
        return _judge_out(state, rule, at, door_open_since)
    if state.out_since_at is not None or state.status in SILENT:
        return State(RESTORING, None, 1)
    if state.status is RESTORING:
        good = state.good_readings + 1
        return State(OK) if good >= GOOD_READINGS_TO_OK else State(RESTORING, None, good)
    return state


def _judge_out(state: State, rule: Rule, at: datetime, door_open_since: datetime | None) -> State:
    if state.status is OK and door_open_since is not None and at - door_open_since < rule.door_grace:
        return state
    since = state.out_since_at or at
    if state.status is ALARM or at - since >= patience(rule, door_open_since):
        return State(ALARM, since)
    return State(EXCURSION, since)


def pass_time(
    state: State, rule: Rule, at: datetime, *, last_reading_at: datetime | None, door_open_since: datetime | None = None,
    last_manual_log_at: datetime | None = None, last_celsius: float | None = None,
) -> State:  # fmt: skip
    """How the unit is when nothing more was heard until `at`: trouble grows older, and so does silence.

    Trouble does not grow where the limits were moved meanwhile, so that `last_celsius` is well inside; the next reading ends it.
    """
    if (
        state.status is EXCURSION
        and state.out_since_at is not None
        and at - state.out_since_at >= patience(rule, door_open_since)
        and (last_celsius is None or not has_recovered(rule, last_celsius))
    ):
        return state._replace(status=ALARM)
    missed = missed_check_ins(last_reading_at, rule, at)
    if missed >= rule.missed_for_interrupted:
        is_due = missed >= rule.missed_for_manual and is_manual_due(rule, at, last_reading_at, last_manual_log_at)
        status = MANUAL if is_due else INTERRUPTED
        return state if state.status is status else State(status, state.out_since_at)
    if state.status in (OK, RESTORING) and is_late(rule, last_reading_at, at):
        return State(OFFLINE)
    return state


def missed_check_ins(last_reading_at: datetime | None, rule: Rule, at: datetime) -> int:
    """How many readings should have come since the last one; none are missed of a unit that never had any."""
    if last_reading_at is None:
        return 0
    return max(0, int((at - last_reading_at - CHECK_IN_SLACK) / rule.interval))


def is_late(rule: Rule, last_reading_at: datetime | None, at: datetime) -> bool:
    """Whether the sensor has been silent for longer than it may."""
    return last_reading_at is not None and at - last_reading_at >= rule.offline_after


def is_manual_due(rule: Rule, at: datetime, *measured_at: datetime | None) -> bool:
    """Whether somebody must measure by hand: nothing and nobody has for too long."""
    known = [one for one in measured_at if one is not None]
    return not known or at - max(known) > rule.manual_after


def patience(rule: Rule, door_open_since: datetime | None) -> timedelta:
    """How long a unit may be outside its limits before that is an alarm. No door excuses more than the longest excursion."""
    return min(rule.delay if door_open_since is None else rule.delay_door_open, rule.max_excursion)


def is_out(rule: Rule, celsius: float) -> bool:
    """Outside the limits; the limits themselves are inside."""
    return (rule.low_celsius is not None and celsius < rule.low_celsius) or (
        rule.high_celsius is not None and celsius > rule.high_celsius
    )


def has_recovered(rule: Rule, celsius: float) -> bool:
    """Inside by the hysteresis, which never takes more than a quarter of the range from either side."""
    low, high, margin = rule.low_celsius, rule.high_celsius, rule.hysteresis_celsius
    if low is not None and high is not None:
        margin = min(margin, (high - low) / 4)
    return (low is None or celsius >= low + margin) and (high is None or celsius <= high - margin)


def nearest_limit(rule: Rule, celsius: float) -> float | None:
    """The limit that a temperature is beyond, or has just come back over."""
    limits = [limit for limit in (rule.low_celsius, rule.high_celsius) if limit is not None]
    return min(limits, key=lambda limit: abs(celsius - limit), default=None)
