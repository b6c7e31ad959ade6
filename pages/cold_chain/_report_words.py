"""What a report says of its facts, word by word, in the reader's language and unit."""

from collections.abc import Mapping
from datetime import date, datetime

from data.cold_chain.reports.facts import Calibrated, ExcursionFact, Facts, LimitFact, SensorFact, UnitFact, Verdict
from data.cold_chain.reports.minutes import Shares
from data.cold_chain.values import ExcursionCause, ReportKind
from data.core.sheet import Tone
from ui.words import _, clock, n_, noop, number, temperature, temperature_unit, temperature_value
from ui.words import day as day_words
from ui.words import moment as moment_words

KIND_WORDS: Mapping[ReportKind, str] = {
    ReportKind.DAILY: noop("Temperature log"),
    ReportKind.EXCEPTIONS: noop("Exceptions"),
    ReportKind.MANUAL: noop("Temperatures written down by hand"),
    ReportKind.COMPLIANCE: noop("Compliance report (HACCP)"),
}
VERDICT_WORDS: Mapping[Verdict, tuple[Tone, str]] = {
    Verdict.IN_LIMITS: ("ok", noop("Within limits")),
    Verdict.EXCURSIONS_ANSWERED: ("warning", noop("Outside limits, acted upon")),
    Verdict.EXCURSIONS_UNANSWERED: ("critical", noop("Outside limits, no action recorded")),
    Verdict.NOT_FULLY_KNOWN: ("offline", noop("Not fully known")),
    Verdict.NOTHING_KNOWN: ("offline", noop("Nothing known")),
}
CALIBRATED_WORDS: Mapping[Calibrated, tuple[Tone, str]] = {
    Calibrated.VALID: ("ok", noop("Calibrated")),
    Calibrated.PARTLY: ("warning", noop("Calibrated for a part of the time")),
    Calibrated.EXPIRED: ("critical", noop("Calibration expired")),
    Calibrated.NONE: ("offline", noop("No calibration recorded")),
}
CAUSE_WORDS: Mapping[str, str] = {
    ExcursionCause.UNKNOWN: noop("Cause not known"),
    ExcursionCause.DOOR: noop("Door open"),
    ExcursionCause.DELIVERY: noop("Delivery"),
    ExcursionCause.DEFROST: noop("Defrosting"),
    ExcursionCause.POWER: noop("No power"),
    ExcursionCause.EQUIPMENT: noop("Equipment failed"),
    ExcursionCause.CLEANING: noop("Cleaning"),
    ExcursionCause.SENSOR: noop("Sensor fault"),
    ExcursionCause.OTHER: noop("Other"),
}
CHANNEL_NAMES: Mapping[str, str] = {
    "in_app": noop("In the app"), "push": noop("Push"), "email": noop("E-mail"), "sms": noop("SMS"), "telegram": "Telegram",
    "webhook": noop("Other system"),
}  # fmt: skip
OUTCOME_WORDS: Mapping[str, str] = {
    "read": noop("read"), "delivered": noop("delivered"), "sent": noop("sent"), "failed": noop("failed"),
    "suppressed": noop("not sent"), "pending": noop("waiting"),
}  # fmt: skip
ROLE_WORDS: Mapping[str, str] = {"owner": noop("Owner"), "admin": noop("Administrator"), "manager": noop("Manager")}


def period(first: date, last: date) -> str:
    """'20 Nov 2026' or '1 Nov 2026 – 30 Nov 2026'."""
    words = [day_words(datetime(day.year, day.month, day.day, 12), "UTC").split(", ", 1)[-1] for day in (first, last)]
    return words[0] if first == last else f"{words[0]} – {words[1]}"


def a_day(day: date) -> str:
    return day_words(datetime(day.year, day.month, day.day, 12), "UTC")


def at(instant: datetime | None, zone: str) -> str:
    return moment_words(instant, zone) if instant else "–"


def at_clock(instant: datetime, zone: str) -> str:
    return clock(instant, zone)


def lasted(minutes: float) -> str:
    """'35 min', '4 h 10 min', '3 d 2 h'."""
    whole = round(minutes)
    if whole < 60:
        return _("{minutes} min", minutes=number(whole))
    if whole < 2 * 1440:
        return _("{hours} h {minutes} min", hours=number(whole // 60), minutes=number(whole % 60))
    return _("{days} d {hours} h", days=number(whole // 1440), hours=number(whole % 1440 // 60))


def share(part: int, whole: int) -> str:
    """A share in percent that is never rounded to all or nothing when it is neither."""
    if not whole:
        return "–"
    exact = 100 * part / whole
    if 0 < exact < 0.1:
        return "<\u202f0.1\u202f%"
    if 99.9 < exact < 100:
        return ">\u202f99.9\u202f%"
    return f"{number(exact, 0 if exact in (0, 100) else 1)}\u202f%"


def limit_words(limit: LimitFact) -> str:
    if limit.low_celsius is None and limit.high_celsius is None:
        return _("no limits")
    if limit.low_celsius is None:
        return _("at most {high}", high=temperature(limit.high_celsius))
    if limit.high_celsius is None:
        return _("at least {low}", low=temperature(limit.low_celsius))
    return _("{low} to {high}", low=temperature(limit.low_celsius), high=temperature(limit.high_celsius))


def all_limits(unit: UnitFact) -> str:
    """The limits that held at the end, and that they were changed where they were."""
    if not unit.limits:
        return "–"
    said = limit_words(unit.limits[-1])
    return said if len(unit.limits) == 1 else _("{limits} (changed {count} times)", limits=said, count=number(len(unit.limits) - 1))


def degree_minutes(celsius_minutes: float) -> str:
    """The size of an excursion in the reader's degrees."""
    factor = temperature_value(1) - temperature_value(0)
    return f"{number(celsius_minutes * factor, 0)} {temperature_unit()}·min"


def cause_words(one: ExcursionFact) -> str:
    if one.cause is None or one.cause == ExcursionCause.UNKNOWN:
        return _("Cause not known")
    said = _(CAUSE_WORDS.get(one.cause, one.cause))
    note = f": {one.cause_note}" if one.cause_note else ""
    return said + note if one.cause_by else _("Looks like: {cause}", cause=said + note)


def calibration_words(sensor: SensorFact, zone: str) -> str:
    """The last record in a sentence."""
    if not sensor.calibrations:
        return _("No calibration is recorded for this sensor.")
    last = sensor.calibrations[-1]
    by = last.by or _("somebody unnamed")
    when = at(last.calibrated_at, zone)
    if last.expires_at is None:
        return _("Compared on {when} by {by}; no end was set.", when=when, by=by)
    return _("Compared on {when} by {by}; valid until {end}.", when=when, by=by, end=at(last.expires_at, zone))


def known_words(minutes: Shares) -> str:
    return share(minutes.total - minutes.unknown, minutes.total)


def headline(facts: Facts) -> tuple[Tone, str]:
    """The first sentence of the report."""
    if not facts.units:
        return "offline", _("There was no unit here in this time.")
    if facts.is_empty:
        return "offline", _("Nothing of this time has passed yet.")
    counts = {verdict: sum(unit.verdict is verdict for unit in facts.units) for verdict in Verdict}
    if open_ := counts[Verdict.EXCURSIONS_UNANSWERED]:
        words = n_("{n} unit was outside its limits and no action is recorded.", "{n} units were outside their limits and no action is recorded.", open_)
        return "critical", words
    if counts[Verdict.NOTHING_KNOWN] == len(facts.units):
        return "offline", _("Nothing was measured in this time.")
    if unknown := counts[Verdict.NOTHING_KNOWN] + counts[Verdict.NOT_FULLY_KNOWN]:
        words = n_("Of {n} unit it cannot be shown that it was within its limits all the time.", "Of {n} units it cannot be shown that they were within their limits all the time.", unknown)
        return "offline", words
    if answered := counts[Verdict.EXCURSIONS_ANSWERED]:
        words = n_("{n} unit was outside its limits, and it was acted upon.", "{n} units were outside their limits, and it was acted upon.", answered)
        return "warning", words
    return "ok", n_("The unit was within its limits.", "All {n} units were within their limits.", len(facts.units))
