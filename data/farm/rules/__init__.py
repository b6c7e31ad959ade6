"""What a farm's device may be asked, what its reports make of it, and when its schedules run: pure, time is an argument."""

from data.farm.rules.commanding import (
    ANSWER_WITHIN,
    NO_ANSWER,
    NOT_SENT,
    NOT_SWITCHED,
    OFFLINE,
    OUT_OF_USE,
    REPLACED,
    SILENT_AFTER,
    STATE_UNKNOWN,
    refusal_to_switch,
    topic_of,
)
from data.farm.rules.hearing import DeviceState, heard
from data.farm.rules.schedules import (
    EVERY_DAY,
    MISSED,
    OUTRANKED,
    RUN_LATE_AT_MOST,
    Claim,
    Daily,
    Due,
    as_daily,
    cron_of,
    due,
    next_runs,
    outranked,
)
from data.farm.rules.warmth import WARMTHS, Warmth, warmth

__all__ = [
    "ANSWER_WITHIN", "EVERY_DAY", "MISSED", "NOT_SENT", "NOT_SWITCHED", "NO_ANSWER", "OFFLINE", "OUTRANKED", "OUT_OF_USE",
    "REPLACED", "RUN_LATE_AT_MOST", "SILENT_AFTER", "STATE_UNKNOWN", "WARMTHS", "Claim", "Daily", "DeviceState", "Due",
    "Warmth", "as_daily", "cron_of", "due", "heard", "next_runs", "outranked", "refusal_to_switch", "topic_of", "warmth",
]  # fmt: skip
