"""Where a unit is heading: in how many minutes it would be out of its limits, and between which."""

from datetime import timedelta

from nicegui import ui

from data.cold_chain.queries.units import UnitView
from data.cold_chain.rules.trend import Outlook
from ui.badge import badge
from ui.words import _, number, temperature, temperature_difference

SOON = timedelta(minutes=60)


def outlook_words(found: Outlook) -> str:
    """'about 25 min (18–40)'; where it may never be, 'about 5 h (at least 3)'."""
    in_hours = found.likely >= timedelta(hours=2)
    unit = timedelta(hours=1) if in_hours else timedelta(minutes=1)
    likely, earliest = (number(round(one / unit)) for one in (found.likely, found.earliest))
    if found.latest is None:
        words = _("about {n} h (at least {least})", n=likely, least=earliest) if in_hours else _("about {n} min (at least {least})", n=likely, least=earliest)
        return words
    latest = number(round(found.latest / unit))
    if in_hours:
        return _("about {n} h ({least}–{most})", n=likely, least=earliest, most=latest)
    return _("about {n} min ({least}–{most})", n=likely, least=earliest, most=latest)


def outlook_line(unit: UnitView) -> None:
    """One line for a unit's page or a list: drawn only where the trend surely leads out of the limits."""
    found = unit.outlook
    if found is None or unit.trend is None:
        return
    pace = temperature_difference(abs(unit.trend.celsius_per_hour))
    way = _("warms by {pace} an hour", pace=pace) if unit.trend.celsius_per_hour > 0 else _("cools by {pace} an hour", pace=pace)
    with ui.element("div").classes("st-row"):
        badge("warning" if found.earliest <= SOON else "neutral", _("Out of limits in {time}", time=outlook_words(found)), icon="trending_up")
        ui.label(f"{way} · {_('limit {limit}', limit=temperature(found.limit_celsius))}").classes("st-soft")


def outlook_short(unit: UnitView) -> str:
    """The same for a table's cell; empty where there is nothing to say."""
    return outlook_words(unit.outlook) if unit.outlook else ""
