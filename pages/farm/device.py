"""One device: what it is, what it is asked and answers, what speaks against it, and its past."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from data.core.time import now
from data.farm import commands, queries
from data.farm.events import DeviceChanged, ScheduleChanged
from data.farm.queries import Planned
from data.farm.queries_device import any_device
from data.farm.rules import COMMANDS, SWITCHED
from data.farm.tables import Device, Farm
from pages._shell import Looker, screen
from pages.farm._device_alerts import open_alerts
from pages.farm._device_commands import history
from pages.farm._device_controls import controls
from pages.farm._device_state import said, state
from pages.farm._device_words import TYPE_WORDS
from pages.farm._schedule_words import does
from pages.farm._schedule_words import said as plan_words
from pages.farm._words import QUANTITY_WORDS
from ui.age import age
from ui.badge import badge
from ui.chart import ChartData, Limit, Series, chart
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _, temperature_unit, temperature_value

Numbers = NDArray[np.float64]

GAP_MS = 11 * 60 * 1000
COMFORT_CELSIUS = (20.0, 32.0)


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
    with ui.element("div").classes("st-columns"):
        with ui.element("div").classes("st-stack"):
            await controls(look, found, farm)
        with ui.element("div").classes("st-stack"):
            state(look, found, farm)
            open_alerts(look, device_id, farm.time_zone)
    for kind, unit in _kinds(found):
        with ui.element("section").classes("st-card"):
            _chart(look, device_id, kind, unit, farm.time_zone)
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
    if COMMANDS[found.device_type]:
        _asked(look, found, farm)
    _about(found, farm)


def _kinds(found: Device) -> list[tuple[str, str]]:
    if found.device_type.value in SWITCHED:
        return [("power", "")]
    known = {kind: value["unit"] for kind, value in found.latest.items()}
    return [(kind, known[kind]) for kind in QUANTITY_WORDS if kind in known] or [("temperature", "°C")]


def _chart(look: Looker, device_id: UUID, kind: str, unit: str, zone: str) -> None:
    name = _(QUANTITY_WORDS.get(kind, kind))

    async def ask(start: datetime, end: datetime, max_points: int) -> ChartData:
        async with look.transaction() as tx:
            found = await queries.readings(tx, device_id, kind, since=start, until=end)
        times, values = found.times_ms, found.values
        if kind == "temperature":
            values = np.asarray(temperature_value(values), dtype=np.float64)  # type: ignore[arg-type]
            low, high = (temperature_value(limit) for limit in COMFORT_CELSIUS)
            limits = [Limit(low=low, high=high, label=_("Comfortable"))]
        else:
            limits = []
        if kind == "power":
            times, values = steps(times, values, until_ms=min(end, now()).timestamp() * 1000)
        return ChartData([Series(kind, name, times.astype(np.int64), values, None if kind == "power" else GAP_MS)], limits)

    ui.label(name).classes("st-h2").props("role=heading aria-level=2")
    shown = temperature_unit() if kind == "temperature" else unit
    chart(
        ask, title=name, unit=shown, zone=zone, name=kind, height="220px" if kind == "power" else "320px",
        csv_href=f"/farm/devices/{device_id}/readings.csv?kind={kind}", topics=[look.topic(DeviceChanged, device_id=device_id)],
    )  # fmt: skip


def steps(times: Numbers, values: Numbers, *, until_ms: float) -> tuple[Numbers, Numbers]:
    """On and off as a staircase: each value holds until the next one, the last one until `until_ms`."""
    if not len(times):
        return times, values
    times, values = np.append(times, max(until_ms, times[-1])), np.append(values, values[-1])
    corners = np.flatnonzero(np.diff(values)) + 1
    return np.insert(times, corners, times[corners] - 1), np.insert(values, corners, values[corners - 1])


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

