"""One device: its tile, its past as a chart, what was asked of it and what it answered."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import numpy as np
from nicegui import ui
from numpy.typing import NDArray

from data.core.time import now
from data.farm import commands, queries
from data.farm.events import DeviceChanged, DeviceRegistered, ScheduleChanged
from data.farm.queries import Asked, Planned
from data.farm.tables import Device, DeviceType, Farm
from pages._shell import Looker, screen
from pages.farm._forms import edit_device, show_secret
from pages.farm._schedule_words import does, said
from pages.farm._words import COMMAND_WORDS, QUANTITY_WORDS, STATUS_STATES, STATUS_WORDS, reason_of
from pages.farm.devices import Faces
from ui.age import age
from ui.badge import badge
from ui.chart import ChartData, Limit, Series, chart
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import button
from ui.live import live, live_value
from ui.words import _, number, temperature_unit, temperature_value

Numbers = NDArray[np.float64]

GAP_MS = 11 * 60 * 1000
COMFORT_CELSIUS = (20.0, 32.0)


@screen("/farm/devices/{device_id:uuid}", title="Device", place="farm", permission="farm.view")
async def device(look: Looker, device_id: UUID) -> None:
    async with look.transaction() as tx:
        found = await queries.device(tx, device_id)
        farm = await queries.farm(tx, found.farm_id)
    assert look.frame
    look.frame.set_title(found.name)
    _actions(look, found)
    topics = look.topic(DeviceChanged, device_id=device_id), look.topic(DeviceRegistered, device_id=device_id)
    with ui.element("div").classes("st-columns"):
        await _tile(look, device_id, farm)

        async def ask() -> Device:
            async with look.transaction() as tx:
                return await queries.device(tx, device_id)

        with ui.element("section").classes("st-card"):
            live(ask, lambda one: _facts(one, farm), *topics, minimum_interval_s=2.0)
    for kind, unit in _kinds(found):
        with ui.element("section").classes("st-card"):
            _chart(look, device_id, kind, unit, farm.time_zone)
    with ui.element("div").classes("st-columns"):
        if found.device_type is DeviceType.RELAY:
            with ui.element("section").classes("st-stack"):
                ui.label(_("What was asked")).classes("st-h2").props("role=heading aria-level=2")
                _asked(look, device_id, farm)
            with ui.element("section").classes("st-stack"):
                ui.label(_("Schedules")).classes("st-h2").props("role=heading aria-level=2")
                _schedules(look, device_id)


def _actions(look: Looker, found: Device) -> None:
    assert look.frame

    async def current() -> Device:
        async with look.transaction() as tx:
            return await queries.device(tx, found.id)

    async def edit() -> None:
        edit_device(look, await current())

    async def new_secret() -> None:
        text = _("The device is cut off until the new secret is typed in.")
        if await confirm(_("Make a new secret for {name}?", name=found.name), text, action=_("Make a new secret")):
            async with look.command() as tx:
                secret = await commands.give_token(tx, found.id)
            await show_secret(await current(), secret)

    async def remove() -> None:
        goes = [found.name, _("its schedules"), _("its secret")]
        if await confirm(_("Remove {name}?", name=found.name), _("Its past values are kept."), action=_("Remove"), goes=goes):
            async with look.command() as tx:
                await commands.remove_device(tx, found.id)
                ui.navigate.to("/farm")

    with look.frame.actions:
        button(_("All devices"), kind="quiet", icon="arrow_back", href="/farm")
        if look.may("farm.edit", found.farm_id):
            button(_("Edit"), edit, icon="edit")
            if look.may("tokens.edit"):
                button(_("New secret"), new_secret, icon="key")
            button(_("Remove"), remove, icon="delete")


async def _tile(look: Looker, device_id: UUID, farm: Farm) -> None:
    faces = Faces(look)

    async def ask() -> Sequence[queries.Tile]:
        async with look.transaction() as tx:
            return await queries.tiles(tx, device_id)

    for one in await ask():
        faces.draw(one, farm.time_zone)
    live_value(ask, faces.push, look.topic(DeviceChanged, device_id=device_id))


def _facts(one: Device, farm: Farm) -> None:
    with ui.element("div").classes("st-facts"):
        _said(_("Farm"), farm.name)
        _said(_("Room"), one.location)
        with _fact(_("Last heard")):
            age(one.last_heartbeat_at, farm.time_zone)
        if one.device_type is DeviceType.RELAY:
            with _fact(_("Switched")):
                age(one.state_changed_at, farm.time_zone)
        _said(_("Topic"), one.topic)
        if one.output > 1:
            _said(_("Output"), number(one.output))
        if one.model:
            _said(_("Model"), one.model)


def _fact(label: str) -> ui.element:
    box = ui.element("div").classes("st-fact")
    with box:
        ui.label(label).classes("st-fact-label")
    return box


def _said(label: str, value: str | None) -> None:
    with _fact(label):
        ui.label(value or "–").classes("st-fact-value")


def _kinds(found: Device) -> list[tuple[str, str]]:
    if found.device_type is DeviceType.RELAY:
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


def _asked(look: Looker, device_id: UUID, farm: Farm) -> None:
    async def ask() -> Sequence[Asked]:
        async with look.transaction() as tx:
            return await queries.commands_of(tx, device_id, limit=8)

    def show(found: Sequence[Asked]) -> None:
        if not found:
            empty_state(_("Nothing has been asked of it yet."), icon="history")
        for one in found:
            _line(one, farm)

    live(ask, show, look.topic(DeviceChanged, device_id=device_id), minimum_interval_s=1.0)


def _line(one: Asked, farm: Farm) -> None:
    command = one.command
    who = one.person or (_("Schedule {name}", name=one.schedule) if one.schedule else _("Steading"))
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(_(COMMAND_WORDS[command.command_type])).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(who)
                age(command.requested_at, farm.time_zone)
                if command.response_data and command.completed_at:
                    seconds = (command.completed_at - command.requested_at).total_seconds()
                    ui.label(_("answered after {seconds} s", seconds=number(seconds, 1)))
            if reason := reason_of(command.error_message, command.error_values):
                ui.label(reason).classes("st-soft")
        badge(STATUS_STATES[command.status], _(STATUS_WORDS[command.status]))


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
                        ui.label(said(one.schedule))
                if not one.schedule.is_enabled:
                    badge("neutral", _("Paused"), icon="pause_circle")

    live(ask, show, look.topic(ScheduleChanged), minimum_interval_s=1.0)

