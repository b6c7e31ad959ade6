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
from pages.farm._progress import lines
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _


@dataclass(frozen=True, slots=True)
class _Seen:
    farm: Farm
    stop: Progress | None


@screen("/farm/emergency", title="Emergency stop", place="farm", permission="farm.view")
async def emergency(look: Looker, farm: UUID) -> None:
    assert look.frame

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(await queries.farm(tx, farm), await batches.last_stop(tx, farm))

    await ask()  # a farm that is not there is said to be so by the page as a whole
    with look.frame.actions:
        button(_("All devices"), kind="quiet", icon="arrow_back", href=f"/farm?farm={farm}")

    def show(seen: _Seen) -> None:
        if not seen.farm.is_stopped:
            empty_state(_("The farm is not stopped."), icon="check_circle", action=_("All devices"), href=f"/farm?farm={farm}")
            return
        with ui.element("section").classes("st-health is-critical").props("role=status"):
            with ui.element("div").classes("st-health-word").props("role=heading aria-level=2"):
                ui.icon("dangerous").props("aria-hidden=true")
                ui.label(seen.farm.name)
            stopped_summary(seen.farm, seen.stop)
            if look.may("farm.stop_all", farm):
                button(_("Let the farm go on"), lambda: go_on(look, seen.farm), kind="primary", icon="play_arrow")
        if seen.stop:
            lines(seen.stop, seen.farm.time_zone, is_stop=True)
        else:
            empty_state(_("There was nothing that could be switched off."), icon="power_off")

    live(ask, show, look.topic(FarmChanged, farm_id=farm), look.topic(DeviceChanged, farm_id=farm), minimum_interval_s=0.4)
