"""What follows for a unit from its rule, its readings, its door and the clock: values in, verdict out."""

from data.cold_chain.rules.judging import (
    ALARM,
    EXCURSION,
    GOOD_READINGS_TO_OK,
    OK,
    RESTORING,
    SILENT,
    State,
    has_recovered,
    is_late,
    is_manual_due,
    is_out,
    judge,
    missed_check_ins,
    nearest_limit,
    pass_time,
    patience,
)
from data.cold_chain.rules.settling import (
    CHECK_IN_SLACK,
    DEFAULTS,
    INHERITED,
    LIMITS,
    STARTING_LIMITS,
    Rule,
    settle,
    settled,
)

__all__ = [
    "ALARM", "CHECK_IN_SLACK", "DEFAULTS", "EXCURSION", "GOOD_READINGS_TO_OK", "INHERITED", "LIMITS", "OK", "RESTORING", "Rule",
    "SILENT", "STARTING_LIMITS", "State", "has_recovered", "is_late", "is_manual_due", "is_out", "judge", "missed_check_ins",
    "nearest_limit", "pass_time", "patience", "settle", "settled",
]  # fmt: skip
