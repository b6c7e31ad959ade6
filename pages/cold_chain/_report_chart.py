"""The picture of a unit's time with its scales, in the reader's unit and the place's own clock."""

from data.cold_chain.reports.facts import UnitFact
from data.cold_chain.reports.picture import Picture
from data.core.sheet import Area, Chart, Mark, Tick
from pages._axes import along, scale, steps
from ui.words import _, number, temperature_unit, temperature_value


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
    ticks = [Tick((value - bottom) / (top - bottom), _degrees(value, step)) for value in steps(bottom, top, step)]
    return Chart(
        lines=[[(x, height(celsius)) for x, celsius in line] for line in picture.lines], areas=areas,
        marks=[Mark(x, height(celsius), "ok" if is_in else "critical") for x, celsius, is_in in picture.logs],
        across=ticks, along=along(unit.since, unit.until, unit.time_zone), legend=legend,  # type: ignore[arg-type]
        describes=_("Temperature of {unit} over time", unit=unit.name),
    )  # fmt: skip


def _degrees(value: float, step: float) -> str:
    shown = number(value + 0.0, 0 if step == int(step) else 1).replace("-", "−")
    return f"{shown} {temperature_unit()}"
