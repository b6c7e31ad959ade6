"""The picture of a unit's time with its scales, in the reader's unit and the place's own clock."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

from data.cold_chain.reports.facts import UnitFact
from data.cold_chain.reports.picture import Picture
from data.core.sheet import Area, Chart, Mark, Tick
from ui.words import _, clock, number, temperature_unit, temperature_value
from ui.words import day as day_words

MOST_ALONG = 9


def chart(unit: UnitFact, picture: Picture) -> Chart:
    """Limits as a band, what was outside shaded red, gaps grey and never bridged, what was written down by hand as dots."""
    bottom, top, step = scale(temperature_value(picture.lowest), temperature_value(picture.highest))

    def height(celsius: float) -> float:
        return (temperature_value(celsius) - bottom) / (top - bottom)

    areas = [
        Area(start, end, "ok", 0 if low is None else height(low), 1 if high is None else height(high))
        for (start, end), low, high in picture.bands
    ]
    areas += [Area(start, end, "offline") for start, end in picture.gaps]
    areas += [Area(start, end, "critical") for start, end in picture.excursions]
    legend = [("line", "", _("Measured")), ("area", "ok", _("Limits"))]
    if picture.excursions:
        legend.append(("area", "critical", _("Outside limits")))
    if picture.gaps:
        legend.append(("area", "offline", _("Sensor silent")))
    if picture.logs:
        legend.append(("mark", "ok", _("Written down by hand")))
    ticks = [Tick((value - bottom) / (top - bottom), _degrees(value, step)) for value in _steps(bottom, top, step)]
    return Chart(
        lines=[[(x, height(celsius)) for x, celsius in line] for line in picture.lines], areas=areas,
        marks=[Mark(x, height(celsius), "ok" if is_in else "critical") for x, celsius, is_in in picture.logs],
        across=ticks, along=along(unit.since, unit.until, unit.time_zone), legend=legend,  # type: ignore[arg-type]
        describes=_("Temperature of {unit} over time", unit=unit.name),
    )  # fmt: skip


def scale(lowest: float, highest: float) -> tuple[float, float, float]:
    """Where a scale begins and ends and how far its lines are apart, in round numbers and with some air."""
    span = max(highest - lowest, 1.0) * 1.1
    raw = span / 5
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    return floor((lowest - span * 0.03) / step) * step, ceil((highest + span * 0.03) / step) * step, step


def _steps(bottom: float, top: float, step: float) -> Sequence[float]:
    return [bottom + n * step for n in range(round((top - bottom) / step) + 1)]


def _degrees(value: float, step: float) -> str:
    shown = number(value + 0.0, 0 if step == int(step) else 1).replace("-", "−")
    return f"{shown} {temperature_unit()}"


def along(since: datetime, until: datetime, zone_name: str) -> list[Tick]:
    """Midnights by the place's clock, every so many that their names fit; the hours of a day or two."""
    zone, width = ZoneInfo(zone_name), (until - since).total_seconds()
    if width <= 0:
        return []
    first = since.astimezone(zone).date()
    days = (until - since) / timedelta(days=1)
    if days <= 2.1:
        every = 3 if days <= 1.1 else 6
        instants = [datetime.combine(first, time(), zone) + timedelta(hours=n) for n in range(0, ceil(days + 1) * 24 + 1, every)]
        marks = [(one, clock(one, zone_name)) for one in instants]
    else:
        every = ceil(days / MOST_ALONG)
        instants = [datetime.combine(first + timedelta(days=n), time(), zone) for n in range(0, ceil(days) + 1, every)]
        marks = [(one, _short_day(one, zone_name)) for one in instants]
    return [Tick((one - since).total_seconds() / width, words) for one, words in marks if since <= one <= until]


def _short_day(at: datetime, zone_name: str) -> str:
    return " ".join(day_words(at, zone_name).split(", ", 1)[-1].split(" ")[:-1])
