"""A unit is in order, too warm, or silent; which it is follows from its rule, its readings and the clock alone.

    ok ── outside its limits ──▶ excursion ── still so after the delay ──▶ alarm_active
    excursion, alarm_active ── well inside again ──▶ restoring ── two good readings ──▶ ok
    ok, restoring ── one check-in missed ──▶ offline;  any ── five missed ──▶ monitoring_interrupted
    offline, monitoring_interrupted ── a good reading ──▶ restoring;  one outside the limits ──▶ excursion
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from data.cold_chain.values import UnitStatus, UnitType

GOOD_READINGS_TO_OK = 2
CHECK_IN_SLACK = timedelta(seconds=30)
SILENT = frozenset({UnitStatus.OFFLINE, UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED})
OK, EXCURSION, ALARM, RESTORING = UnitStatus.OK, UnitStatus.EXCURSION, UnitStatus.ALARM_ACTIVE, UnitStatus.RESTORING

STARTING_LIMITS: Mapping[UnitType, tuple[float, float]] = {
    UnitType.FRIDGE: (0.56, 5.0),
    UnitType.WALK_IN_COOLER: (0.56, 5.0),
    UnitType.DISPLAY_CASE: (0.56, 5.0),
    UnitType.FREEZER: (-23.33, -17.78),
    UnitType.WALK_IN_FREEZER: (-23.33, -17.78),
    UnitType.BLAST_CHILLER: (-40.0, -23.33),
}
"""°C; the round numbers they come from are °F (33–41, −10–0, −40–−10)."""

DEFAULTS: Mapping[str, float] = {
    "hysteresis_celsius": 0.5,
    "delay_minutes": 10,
    "delay_door_open_minutes": 20,
    "door_grace_minutes": 20,
    "expected_reading_interval_s": 300,
    "offline_warning_missed_checkins": 1,
    "offline_critical_missed_checkins": 5,
}
"""What holds where neither the unit nor its site nor its organization says otherwise."""

INHERITED = ("temperature_min_celsius", "temperature_max_celsius", *DEFAULTS)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one unit, every field settled. A limit of None is open."""

    low_celsius: float | None
    high_celsius: float | None
    hysteresis_celsius: float
    delay: timedelta
    delay_door_open: timedelta
    door_grace: timedelta
    interval: timedelta
    missed_for_offline: int
    missed_for_interrupted: int


class State(NamedTuple):
    """How a unit is. `out_since_at` lasts until a reading is well inside the limits; `good_readings` counts those."""

    status: UnitStatus = OK
    out_since_at: datetime | None = None
    good_readings: int = 0


def settle(said: Mapping[str, Any], unit_type: UnitType) -> Rule:
    """The rule from what unit, site and organization say together (absent or None: nobody does), field by field."""
    return settled(unit_type, *(said.get(name) for name in INHERITED))


@lru_cache(maxsize=4096)
def settled(unit_type: UnitType, low: Any, high: Any, *more: Any) -> Rule:
    """The same from the fields in the order of INHERITED. Units share few rules, and a batch asks for hundreds at once."""
    low_celsius, high_celsius = _limits(low, high, unit_type)
    field = {
        name: float(default if value is None else value) for (name, default), value in zip(DEFAULTS.items(), more, strict=True)
    }
    return Rule(
        low_celsius=low_celsius,
        high_celsius=high_celsius,
        hysteresis_celsius=field["hysteresis_celsius"],
        delay=timedelta(minutes=field["delay_minutes"]),
        delay_door_open=timedelta(minutes=field["delay_door_open_minutes"]),
        door_grace=timedelta(minutes=field["door_grace_minutes"]),
        interval=timedelta(seconds=field["expected_reading_interval_s"]),
        missed_for_offline=int(field["offline_warning_missed_checkins"]),
        missed_for_interrupted=int(field["offline_critical_missed_checkins"]),
    )


def _limits(low: Any, high: Any, unit_type: UnitType) -> tuple[float | None, float | None]:
    """A limit that nobody says is the type's, unless it contradicts the one that somebody does: then that end is open."""
    type_low, type_high = STARTING_LIMITS[unit_type]
    if low is None and high is None:
        return type_low, type_high
    if low is None:
        return type_low if type_low < float(high) else None, float(high)
    if high is None:
        return float(low), type_high if float(low) < type_high else None
    return float(low), float(high)


def judge(state: State, rule: Rule, celsius: float, at: datetime, *, door_open_since: datetime | None = None) -> State:
    """How the unit is after a reading newer than all before it."""
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
    if state.status is ALARM or at - since >= _delay(rule, door_open_since):
        return State(ALARM, since)
    return State(EXCURSION, since)


def pass_time(
    state: State, rule: Rule, at: datetime, *, last_reading_at: datetime | None, door_open_since: datetime | None = None
) -> State:
    """How the unit is when nothing more was heard until `at`: trouble grows older, and so does silence."""
    if (
        state.status is EXCURSION
        and state.out_since_at is not None
        and at - state.out_since_at >= _delay(rule, door_open_since)
    ):
        return state._replace(status=ALARM)
    missed = missed_check_ins(last_reading_at, rule, at)
    if missed >= rule.missed_for_interrupted and state.status not in (
        UnitStatus.MONITORING_INTERRUPTED,
        UnitStatus.MANUAL_REQUIRED,
    ):
        return State(UnitStatus.MONITORING_INTERRUPTED, state.out_since_at)
    if missed >= rule.missed_for_offline and state.status in (OK, RESTORING):
        return State(UnitStatus.OFFLINE)
    return state


def missed_check_ins(last_reading_at: datetime | None, rule: Rule, at: datetime) -> int:
    """How many readings should have come since the last one; none are missed of a unit that never had any."""
    if last_reading_at is None:
        return 0
    return max(0, int((at - last_reading_at - CHECK_IN_SLACK) / rule.interval))


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


def _delay(rule: Rule, door_open_since: datetime | None) -> timedelta:
    return rule.delay if door_open_since is None else rule.delay_door_open
