"""One device: what it is, what it is asked and answers, what speaks against it, and its past."""

from collections.abc import Sequence
from uuid import UUID

from nicegui import ui

from data.farm import commands, queries
from data.farm.events import ScheduleChanged
from data.farm.queries import Planned
from data.farm.queries_device import any_device
from data.farm.rules import COMMANDS
from data.farm.tables import Device, Farm
from pages._shell import Looker, screen
from pages.farm._device_alerts import open_alerts
from pages.farm._device_charts import charts
from pages.farm._device_commands import history
from pages.farm._device_controls import controls
from pages.farm._device_state import doubts, said, state
from pages.farm._device_words import TYPE_WORDS
from pages.farm._schedule_words import does
from pages.farm._schedule_words import said as plan_words
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _


@screen("/farm/devices/{device_id:uuid}", title="Device", place="farm", permission="farm.view")
async def device(look: Looker, device_id: UUID) -> None:
    async with look.transaction() as tx:
        found = await any_device(tx, device_id)
        farm = await queries.farm(tx, found.farm_id)
    assert look.frame
    look.frame.set_title(found.name)
    _actions(look, found)
    if found.deleted_at:
        _gone(look, found, farm)
        return
    doubts(look, found)
    open_alerts(look, device_id, farm.time_zone)
    with ui.element("div").classes("st-columns"):
        with ui.element("div").classes("st-stack"):
            await controls(look, found, farm)
        with ui.element("div").classes("st-stack"):
            state(look, found, farm)
    charts(look, found, farm)
    if COMMANDS[found.device_type]:
        with ui.element("section").classes("st-stack"):
            ui.label(_("Schedules")).classes("st-h2").props("role=heading aria-level=2")
            _schedules(look, device_id)
        _asked(look, found, farm)
    _about(found, farm)


def _actions(look: Looker, found: Device) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All devices"), kind="quiet", icon="arrow_back", href=f"/farm?farm={found.farm_id}")
        if not found.deleted_at:
            button(_("Settings"), icon="tune", href=f"/farm/devices/{found.id}/settings")


def _asked(look: Looker, found: Device, farm: Farm) -> None:
    with ui.element("section").classes("st-stack"):
        ui.label(_("What was asked")).classes("st-h2").props("role=heading aria-level=2")
        history(look, found.id, farm.time_zone)


def _about(found: Device, farm: Farm) -> None:
    with ui.element("section").classes("st-card"), ui.element("div").classes("st-facts"):
        said(_("Farm"), farm.name)
        said(_("Room"), found.location)
        said(_("Kind"), _(TYPE_WORDS[found.device_type]))
        said(_("Model"), found.model)


def _gone(look: Looker, found: Device, farm: Farm) -> None:
    """It was taken down: its past is here, and the way back."""
    assert found.deleted_at

    async def restore() -> None:
        async with look.command() as tx:
            await commands.restore_device(tx, found.id)
            ui.navigate.to(f"/farm/devices/{found.id}/settings")

    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-row"):
            badge("neutral", _("Taken down"), icon="inventory_2")
            age(found.deleted_at, farm.time_zone)
        ui.label(_("Its past is kept. Its schedules and its password are not: they are made anew when it hangs again.")).classes("st-soft")
        if look.may("farm.edit", farm.id):
            button(_("Hang it up again"), restore, icon="restore")
    charts(look, found, farm)
    if COMMANDS[found.device_type]:
        _asked(look, found, farm)
    _about(found, farm)


def _schedules(look: Looker, device_id: UUID) -> None:
    async def ask() -> Sequence[Planned]:
        async with look.transaction() as tx:
            return await queries.schedules(tx, device_id=device_id)

    def show(found: Sequence[Planned]) -> None:
        if not found:
            empty_state(_("No schedule switches it."), icon="schedule", action=_("Schedules"), href="/farm/schedules")
        for one in found:
            with ui.element("article").classes("st-item"):
                with ui.element("div").classes("st-item-main"):
                    ui.link(one.schedule.name, "/farm/schedules").classes("st-item-words")
                    with ui.element("div").classes("st-soft"):
                        ui.label(does(one.schedule))
                        ui.label(plan_words(one.schedule))
                if not one.schedule.is_enabled:
                    badge("neutral", _("Paused"), icon="pause_circle")

    live(ask, show, look.topic(ScheduleChanged), minimum_interval_s=1.0)

