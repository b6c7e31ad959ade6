"""Where food is kept: sites with their areas and units, added to by those who may."""

from collections.abc import Sequence
from uuid import UUID

from nicegui import ui

from data.cold_chain.commands import editing
from data.cold_chain.events import PlacesChanged, UnitChanged
from data.cold_chain.queries import units
from data.cold_chain.queries.units import AreaBranch, SiteBranch
from data.cold_chain.tables import Area, Site, Unit
from pages._shell import Looker, screen
from pages.cold_chain._forms import EDIT, add_area, add_site, add_unit, may_add_sites, set_limits
from pages.cold_chain._place_forms import edit_area, edit_site, edit_unit, taken_away
from pages.cold_chain._words import TYPE_WORDS
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _


@screen("/cold-chain/places", title="Sites and units", place="cold_chain", permission=EDIT)
async def places(look: Looker) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All units"), kind="quiet", icon="arrow_back", href="/cold-chain")
        if may_add_sites(look):
            button(_("Add a site"), lambda: add_site(look), icon="add", kind="primary")

    async def ask() -> tuple[Sequence[SiteBranch], Sequence[Site | Area | Unit]]:
        async with look.transaction() as tx:
            return await units.tree(tx), await editing.deleted(tx)

    def show(seen: tuple[Sequence[SiteBranch], Sequence[Site | Area | Unit]]) -> None:
        found, gone = seen
        if not found:
            empty_state(_("No cold storage here yet."), _("Add the first site."), icon="warehouse")
        for branch in found:
            _site(look, branch)
        taken_away(look, list(gone))

    live(ask, show, look.topic(PlacesChanged), look.topic(UnitChanged), minimum_interval_s=2.0)


def _site(look: Looker, branch: SiteBranch) -> None:
    site = branch.site
    may = look.may(EDIT, site.id)
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-head"):
            with ui.element("div").classes("st-grow"):
                ui.label(site.name).classes("st-h2").props("role=heading aria-level=2")
                ui.label(" · ".join(filter(None, (site.address, site.city, site.time_zone)))).classes("st-soft")
            if may:
                button(_("Change"), lambda: edit_site(look, site, sum(len(one.units) for one in branch.areas)), kind="quiet", icon="edit")
                button(_("Add an area"), lambda: add_area(look, site), kind="quiet", icon="add")
        if not branch.areas:
            empty_state(
                _("No areas here yet."), _("An area is a part of the site, such as its kitchen or its dock."), icon="grid_view",
                action=_("Add an area") if may else "", on_action=lambda: add_area(look, site),
            )  # fmt: skip
        for area in branch.areas:
            _area(look, area, may=may)


def _area(look: Looker, branch: AreaBranch, *, may: bool) -> None:
    area = branch.area
    with ui.element("div").classes("st-stack"):
        with ui.element("div").classes("st-head"):
            ui.label(area.name).classes("st-grow st-soft").props("role=heading aria-level=3")
            if may:
                button(_("Change"), lambda: edit_area(look, area, len(branch.units)), kind="quiet", icon="edit")
                button(_("Add a unit"), lambda: add_unit(look, area), kind="quiet", icon="add")
        if not branch.units:
            ui.label(_("No units here yet.")).classes("st-soft")
        for unit in branch.units:
            _unit(look, unit, area.site_id, may=may)


def _unit(look: Looker, unit: Unit, site_id: UUID, *, may: bool) -> None:
    async def limits(unit_id: UUID = unit.id) -> None:
        await set_limits(look, unit_id)

    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.link(unit.name, f"/cold-chain/units/{unit.id}").classes("st-item-words")
            ui.label(_(TYPE_WORDS[unit.unit_type])).classes("st-soft")
        if may:
            button(_("Change"), lambda: edit_unit(look, unit, site_id), kind="quiet", icon="edit")
            button(_("Limits"), limits, kind="quiet", icon="tune")
