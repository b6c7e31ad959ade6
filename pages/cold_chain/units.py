"""Every unit: how it is, how warm, how its day was; the sites above, so that one may look at one of them alone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nicegui import ui

from data.cold_chain.events import PlacesChanged, UnitChanged
from data.cold_chain.queries import points, units
from data.cold_chain.queries.logs import LOG
from data.cold_chain.queries.units import BY_URGENCY, SiteView, Sort, UnitView
from data.core.time import now
from pages._shell import Looker, screen
from pages.cold_chain import _downloads  # noqa: F401 - its routes
from pages.cold_chain._feedback import ask_gently
from pages.cold_chain._forms import add_site, may_add_sites
from pages.cold_chain._outlook import outlook_short
from pages.cold_chain._words import STATUS_STATES, STATUS_WORDS, TYPE_WORDS, face, limits, trend_words
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live, live_value
from ui.table import Column, table
from ui.words import _, temperature_unit, temperature_value

SORTS: dict[str, Sort] = {"name": "name", "place": "site", "status": "status", "temperature": "temperature", "age": "age"}


@screen("/cold-chain", title="Cold chain", place="cold_chain", permission="cold_chain.view")
async def list_units(look: Looker, site: UUID | None = None) -> None:
    assert look.frame
    with look.frame.actions:
        if look.may(LOG):
            button(_("Write temperatures down"), icon="edit", href=f"/cold-chain/log{f'?site={site}' if site else ''}")

    async def ask() -> Sequence[SiteView]:
        async with look.transaction() as tx:
            return await units.sites(tx)

    found = await ask()
    if not found:
        _nothing_yet(look)
        return
    if len(found) > 1:
        live(ask, lambda found: _sites(found, site), look.topic(PlacesChanged), look.topic(UnitChanged), minimum_interval_s=2.0)
    _list(look, site, says_site=len(found) > 1 and site is None)
    await ask_gently(look)


def _nothing_yet(look: Looker) -> None:
    if may_add_sites(look):
        empty_state(
            _("No cold storage here yet."), _("Add a site, then its areas, its fridges and freezers, and their sensors."),
            icon="ac_unit", action=_("Add a site"), on_action=lambda: add_site(look),
        )  # fmt: skip
    else:
        empty_state(_("No cold storage here yet."), _("A manager can add the first site."), icon="ac_unit")


def _sites(found: Sequence[SiteView], chosen: UUID | None) -> None:
    with ui.element("nav").classes("st-tiles").props(f'aria-label="{_("Sites")}"'):
        for one in found:
            card = ui.element("a").classes("st-card")
            card.props["href"] = "/cold-chain" if one.site.id == chosen else f"/cold-chain?site={one.site.id}"
            if one.site.id == chosen:
                card.props["aria-current"] = "true"
            with card:
                ui.label(one.site.name).classes("st-h2")
                with ui.element("div").classes("st-row"):
                    for status in BY_URGENCY:
                        if count := one.counts.get(status):
                            badge(STATUS_STATES[status], f"{count} · {_(STATUS_WORDS[status])}")
                    if not one.counts:
                        ui.label(_("No units yet")).classes("st-soft")
                if one.site.id == chosen:
                    ui.label(_("Show all sites")).classes("st-soft")


def _list(look: Looker, site_id: UUID | None, *, says_site: bool) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found, total = await units.units(
                tx, offset=(page - 1) * size, limit=size, sort=SORTS.get(sort, "site"), descending=descending, search=search,
                site_id=site_id,
            )  # fmt: skip
            days = await points.sparks(tx, [one.id for one in found], now())
        return [_row(one, days[one.id], says_site=says_site) for one in found], total

    columns = [
        Column("name", _("Unit")),
        Column("status", _("State"), "badge"),
        Column("temperature", _("Temperature"), "number", decimals=1, unit=temperature_unit()),
        Column("trend", _("Trend"), sortable=False),
        Column("day", _("Last 24 hours"), "spark", sortable=False),
        Column("age", _("Measured"), "age"),
        Column("place", _("Place")),
        Column("limits", _("Limits"), sortable=False, hidden=True),
        Column("kind", _("Kind"), sortable=False, hidden=True),
    ]
    made = table(
        columns, ask, sort="place", empty=_("No units here yet."), filter_label=_("Find by name or place"), label=_("Units"),
        csv_href=f"/cold-chain/units.csv{f'?site={site_id}' if site_id else ''}",
    )  # fmt: skip

    async def nothing() -> None:
        """What changed does not matter: the table asks for its own page."""

    def refresh(_nothing: None) -> None:
        made.refresh()

    live_value(nothing, refresh, look.topic(UnitChanged), minimum_interval_s=2.0)


def _row(unit: UnitView, day: Sequence[float | None], *, says_site: bool) -> dict[str, Any]:
    return {
        "id": unit.id,
        "href": f"/cold-chain/units/{unit.id}",
        "name": unit.name,
        "status": face(unit),
        "temperature": None if unit.last_celsius is None else temperature_value(unit.last_celsius),
        "trend": " · ".join(filter(None, (trend_words(unit), outlook_short(unit)))),
        "day": day,
        "age": unit.last_reading_at,
        "place": f"{unit.site_name} · {unit.area_name}" if says_site else unit.area_name,
        "limits": limits(unit.rule),
        "kind": _(TYPE_WORDS[unit.unit_type]),
    }
