"""What a farm's report says of its facts, word by word, in the reader's language and unit."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from data.alerts.tables import Severity
from data.core.sheet import Tone
from data.farm.reports.asked import Kind, Step
from data.farm.reports.facts import Facts, Statistics, UsageFact
from pages.alerts._words import SEVERITY_WORDS
from pages.farm._words import QUANTITY_WORDS
from ui.words import _, difference_value, moment, n_, noop, number, temperature_unit, temperature_value
from ui.words import day as day_words

KIND_WORDS: Mapping[str, str] = {
    Kind.METRICS: noop("What was measured"), Kind.USAGE: noop("How devices were used"), Kind.PERFORMANCE: noop("How the farm did"),
}  # fmt: skip
STEP_WORDS: Mapping[Step, str] = {Step.HOUR: noop("Each hour"), Step.DAY: noop("Each day"), Step.WEEK: noop("Each week")}
GOOD_UPTIME, POOR_UPTIME = 0.99, 0.95
GOOD_SHARE = 0.98


def period(first: date, last: date) -> str:
    """'20 Nov 2026' or '1 Nov 2026 – 30 Nov 2026'."""
    words = [day_words(datetime(day.year, day.month, day.day, 12), "UTC").split(", ", 1)[-1] for day in (first, last)]
    return words[0] if first == last else f"{words[0]} – {words[1]}"


def quantity(sensor_type: str) -> str:
    return _(QUANTITY_WORDS.get(sensor_type, sensor_type))


def unit_of(unit: str) -> str:
    """Temperatures are read in the reader's unit."""
    return temperature_unit() if unit == "°C" else unit


def value_of(value: float, unit: str) -> float:
    return temperature_value(value) if unit == "°C" else value


def value(number_there: float | None, unit: str, decimals: int = 1) -> str:
    """A value with its unit."""
    if number_there is None:
        return "–"
    return f"{number(round(value_of(number_there, unit), decimals) + 0.0, decimals)} {unit_of(unit)}".strip().replace("-", "−")


def deviation(one: Statistics, unit: str) -> str:
    """How far values are apart; of a single one nothing can be said."""
    if one.deviation is None:
        return "–"
    return f"{number(difference_value(one.deviation) if unit == '°C' else one.deviation, 2)} {unit_of(unit)}".strip()


def at_step(at: datetime, facts: Facts) -> str:
    """An hour, a day or a week by the farm's clock."""
    if facts.step is Step.HOUR:
        return moment(at, facts.time_zone)
    said = day_words(at, facts.time_zone)
    return said if facts.step is Step.DAY else _("week from {day}", day=said)


def hours(minutes: float | None) -> str:
    return "–" if minutes is None else _("{hours} h", hours=number(minutes / 60, 1))


def share(part: float | None) -> str:
    """A share in percent that is never rounded to all or nothing when it is neither."""
    if part is None:
        return "–"
    exact = 100 * part
    shown = min(max(exact, 0.1), 99.9) if 0 < exact < 100 else exact
    return f"{number(shown, 0 if exact in (0, 100) else 1)} %"


def reliability(used: UsageFact) -> str:
    return "–" if used.reliability is None else number(used.reliability, 1)


def tone_of(part: float | None, good: float, poor: float) -> Tone:
    if part is None:
        return "offline"
    return "ok" if part >= good else "warning" if part >= poor else "critical"


def severity(word: str) -> str:
    return _(SEVERITY_WORDS[Severity(word)])


def lasted(minutes: float | None) -> str:
    """'35 min', '4 h 10 min'."""
    if minutes is None:
        return "–"
    whole = round(minutes)
    if whole < 60:
        return _("{minutes} min", minutes=number(whole))
    return _("{hours} h {minutes} min", hours=number(whole // 60), minutes=number(whole % 60))


def headline(facts: Facts) -> tuple[Tone, str]:
    """The sentence to remember."""
    if not facts.devices:
        return "offline", _("There was no device on this farm in this time.")
    if facts.kind is Kind.METRICS:
        if not facts.lines:
            return "offline", _("Nothing was measured in this time.")
        count = sum(one.whole.count for device in facts.devices for one in device.measured)
        return "", n_("{n} value was measured.", "{n} values were measured.", count)
    if facts.kind is Kind.USAGE:
        minutes = sum(one.usage.on_minutes or 0 for one in facts.devices if one.usage)
        return "", _("Switches were on for {hours} altogether.", hours=hours(minutes))
    critical = sum(one.still_open for one in facts.raised if one.severity == Severity.CRITICAL.value)
    if critical:
        return "critical", n_("{n} critical alert is still open.", "{n} critical alerts are still open.", critical)
    if facts.uptime is not None and facts.uptime < POOR_UPTIME:
        return "warning", _("Devices were away for {share} of the time.", share=share(1 - facts.uptime))
    if facts.automation is not None and facts.automation < GOOD_SHARE:
        return "warning", _("Schedules did {share} of what they should.", share=share(facts.automation))
    return "ok", _("The farm did well.")


def zone_note(facts: Facts) -> str:
    when = moment(facts.as_of, facts.time_zone)
    return _("Made {when} for {name}. Times are those of {zone}.", when=when, name=facts.made_for, zone=facts.time_zone)


STEP_LENGTH: Mapping[Step, timedelta] = {Step.HOUR: timedelta(hours=1), Step.DAY: timedelta(days=1), Step.WEEK: timedelta(days=7)}
