"""What a farm's device may be asked, what its reports make of it, and when its schedules run: pure, time is an argument."""

from data.farm.rules.commanding import (
    ANSWER_WITHIN,
    CALLED_OFF,
    COMMANDS,
    DID_SOMETHING_ELSE,
    FARM_STOPPED,
    FRESH,
    GOES_ON,
    MOST_DEVICES,
    NEVER,
    NEXT,
    NO_ANSWER,
    NOT_SENT,
    NOT_SWITCHED,
    NOT_THIS,
    OFFLINE,
    OUT_OF_USE,
    REFUSED_BY_DEVICE,
    REMOVED,
    REPLACED,
    RETRIES_S,
    SILENT_AFTER,
    STATE_UNKNOWN,
    SWITCHED,
    TOO_LATE,
    WAITS,
    Limits,
    Urgency,
    answers,
    calibrated,
    check_kind,
    energizes,
    is_vital,
    refusal_to_switch,
    resolved,
    retry_after,
    topic_of,
    uncalibrated,
    value_asked,
)
from data.farm.rules.conditions import (
    IS_MET,
    IS_NOT_MET,
    IS_SILENT,
    OPERATORS,
    Measured,
    condition_of,
    holds,
    phase_after,
    sources,
)
from data.farm.rules.hearing import (
    Contradiction,
    DeviceState,
    has_restarted,
    heard,
    is_news,
    on_for,
)
from data.farm.rules.limits import (
    BATTERY_LOW,
    LIMIT_ALERTS,
    STALE_AIR,
    TOO_COLD,
    TOO_DRY,
    TOO_HOT,
    TOO_HUMID,
    Verdict,
    is_battery_low,
    verdicts,
)
from data.farm.rules.moments import Moment, Plan, Step, between, first, first_begin, holding, moments
from data.farm.rules.planning import MOST_SCHEDULES, TEMPLATES, Timing, timing_of
from data.farm.rules.runs import (
    BROKEN_OFF,
    MISSED,
    OUTRANKED,
    RUN_LATE_AT_MOST,
    Claim,
    Clash,
    Entry,
    Todo,
    clash,
    due,
    outranked,
)
from data.farm.rules.schedules import EVERY_DAY, Daily, as_daily, cron_of, next_runs
from data.farm.rules.settings import MOST_OFF, SETTINGS, Checked, Setting, calibration, calibration_name, level, setting
from data.farm.rules.tuning import LEVELS, in_tune, tuned
from data.farm.rules.warmth import WARMTHS, Warmth, warmth

__all__ = [
    "ANSWER_WITHIN", "BATTERY_LOW", "BROKEN_OFF", "CALLED_OFF", "COMMANDS", "Checked", "Claim", "Clash",
    "Contradiction", "DID_SOMETHING_ELSE", "Daily", "DeviceState", "EVERY_DAY", "Entry", "FARM_STOPPED",
    "FRESH", "GOES_ON", "IS_MET", "IS_NOT_MET", "IS_SILENT", "LEVELS", "LIMIT_ALERTS", "Limits", "MISSED",
    "MOST_DEVICES", "MOST_OFF", "MOST_SCHEDULES", "Measured", "Moment", "NEVER", "NEXT", "NOT_SENT",
    "NOT_SWITCHED", "NOT_THIS", "NO_ANSWER", "OFFLINE", "OPERATORS", "OUTRANKED", "OUT_OF_USE", "Plan",
    "REFUSED_BY_DEVICE", "REMOVED", "REPLACED", "RETRIES_S", "RUN_LATE_AT_MOST", "SETTINGS", "SILENT_AFTER",
    "STALE_AIR", "STATE_UNKNOWN", "SWITCHED", "Setting", "Step", "TEMPLATES", "TOO_COLD", "TOO_DRY",
    "TOO_HOT", "TOO_HUMID", "TOO_LATE", "Timing", "Todo", "Urgency", "Verdict", "WAITS", "WARMTHS", "Warmth",
    "answers", "as_daily", "between", "calibrated", "calibration", "calibration_name", "check_kind", "clash",
    "condition_of", "cron_of", "due", "energizes", "first", "first_begin", "has_restarted", "heard", "holding", "holds",
    "in_tune", "is_battery_low", "is_news", "is_vital", "level", "moments", "next_runs", "on_for", "outranked", "phase_after",
    "refusal_to_switch", "resolved", "retry_after", "setting", "sources", "timing_of", "topic_of", "tuned", "uncalibrated",
    "value_asked", "verdicts", "warmth",
]  # fmt: skip
