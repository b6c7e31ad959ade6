"""A farm that was stopped: each device with how far it is, those first to which somebody must walk; and going on again."""

from dataclasses import dataclass
from uuid import UUID

from nicegui import ui

from data.farm import batches, queries
from data.farm.batches import Progress
from data.farm.events import DeviceChanged, FarmChanged
from data.farm.tables import Farm
from pages._shell import Looker, screen
from pages.farm._health import go_on, stopped_summary
from pages.farm._progress import chosen, lines
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _


@dataclass(frozen=True, slots=True)
class _Seen:
    farm: Farm
    stop: Progress | None


@screen("/farm/emergency", title="Emergency stop", place="farm", permission="farm.view")
async def emergency(look: Looker, farm: UUID | None = None) -> None:
    assert look.frame
    async with look.transaction() as tx:
        one = await chosen(tx, farm)
    with look.frame.actions:
        button(_("All devices"), kind="quiet", icon="arrow_back", href=f"/farm?farm={one.id}")

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(await queries.farm(tx, one.id), await batches.last_stop(tx, one.id))

    def show(seen: _Seen) -> None:
        if not seen.farm.is_stopped:
            empty_state(_("The farm is not stopped."), icon="check_circle", action=_("All devices"), href=f"/farm?farm={one.id}")
            return
        with ui.element("section").classes("st-health is-critical").props("role=status"):
            with ui.element("div").classes("st-health-word").props("role=heading aria-level=2"):
                ui.icon("dangerous").props("aria-hidden=true")
                ui.label(seen.farm.name)
            stopped_summary(seen.farm, seen.stop)
            if look.may("farm.stop_all", one.id):
                button(_("Let the farm go on"), lambda: go_on(look, seen.farm), kind="primary", icon="play_arrow")
        if seen.stop:
            lines(seen.stop, seen.farm.time_zone, is_stop=True)
        else:
            empty_state(_("There was nothing that could be switched off."), icon="power_off")

    live(ask, show, look.topic(FarmChanged, farm_id=one.id), look.topic(DeviceChanged, farm_id=one.id), minimum_interval_s=0.4)
