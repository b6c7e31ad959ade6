"""One sensor: what it said last, its own readings, what it is, its keys, and how far it can be believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert
from data.cold_chain.commands import sensors as commands
from data.cold_chain.events import SensorChanged, UnitChanged
from data.cold_chain.frames import Fault
from data.cold_chain.machines import SensorState, silent_after
from data.cold_chain.models import known
from data.cold_chain.queries import machines, points
from data.cold_chain.queries.machines import DEVICES, Calibration, Said, SensorView
from data.cold_chain.tables import LoraSensor
from pages._shell import Looker, screen
from pages.alerts._words import SEVERITY_WORDS, state, words
from pages.cold_chain import _drawing, _machine_files  # noqa: F401 - its routes
from pages.cold_chain._calibrations import calibrations_card
from pages.cold_chain._machine_forms import (
    CHEMISTRY_WORDS,
    DECODE_WORDS,
    begin_pairing,
    describe,
    minutes_of,
    move,
    set_keys,
)
from pages.cold_chain._unit_parts import SENSOR_WORDS, card
from ui.age import age
from ui.badge import badge
from ui.chart import ChartData, chart
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.slowed import Slowed
from ui.words import _, moment, noop, number, percent, temperature, temperature_unit

FAULT_WORDS = {
    Fault.DISCONNECTED.value: noop("Its probe is not plugged in"),
    Fault.FAILED.value: noop("It says that it could not measure"),
    Fault.OUT_OF_RANGE.value: noop("It says what cannot be"),
    Fault.DECODERS_DISAGREE.value: noop("The network's decoder and ours disagree"),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    view: SensorView
    said: Sequence[Said]
    lora: LoraSensor | None
    calibrations: Sequence[Calibration]
    alerts: Sequence[Alert]


@screen("/cold-chain/sensors/{device_id:uuid}", title="Sensor", place="cold_chain", permission="cold_chain.view")
async def sensor(look: Looker, device_id: UUID) -> None:
    assert look.frame

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            view = await machines.sensor(tx, device_id)
            lora = await machines.lora(tx, view) if look.may(DEVICES, view.site_id) and view.device.device_type == "lora" else None
            said = await machines.last_said(tx, view, limit=8)
            return _Seen(view, said, lora, await machines.calibrations(tx, view), await alerts.open_of(tx, [device_id]))

    seen = await ask()
    look.frame.set_title(seen.view.name)
    with look.frame.actions:
        button(_("All sensors"), kind="quiet", icon="arrow_back", href="/cold-chain/sensors")
    changed = look.topic(SensorChanged, device_id=device_id)
    topics = [changed]
    if seen.view.device.unit_id:
        topics.append(look.topic(UnitChanged, unit_id=seen.view.device.unit_id))
    live(ask, lambda one: _now(look, one), *topics, look.topic(AlertChanged), minimum_interval_s=0.5)
    if seen.view.device.unit_id:
        with ui.element("section").classes("st-card"):
            _picture(look, seen.view)
    with ui.element("div").classes("st-columns"):
        live(ask, lambda one: calibrations_card(look, one.view, one.calibrations, one.said), changed)
        live(ask, lambda one: _readings(one), *topics, minimum_interval_s=1.0)
        if look.may(DEVICES, seen.view.site_id) and seen.view.device.device_type == "lora":
            live(ask, lambda one: _keys(look, one), changed)


def _now(look: Looker, seen: _Seen) -> None:
    view, device = seen.view, seen.view.device
    zone = view.time_zone or look.time_zone
    for alert in seen.alerts:
        with ui.element("article").classes("st-item"):
            badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
            with ui.element("div").classes("st-item-main"):
                ui.link(words(alert), "/alerts").classes("st-item-words")
                age(alert.triggered_at, zone)
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-head"):
            colour, word = SENSOR_WORDS[view.state]
            badge(colour, _(word))
            if device.fault and view.state is not SensorState.OUT_OF_SERVICE:
                ui.label(_(FAULT_WORDS.get(device.fault, device.fault))).classes("st-soft")
            if device.is_primary:
                badge("neutral", _("speaks for the unit"), icon="record_voice_over")
        _facts(view, next(iter(seen.said), None), zone)
        if device.notes:
            ui.label(device.notes).classes("st-soft")
        if look.may(DEVICES, view.site_id):
            _actions(look, view)


def _facts(view: SensorView, said: Said | None, zone: str) -> None:
    device = view.device
    with ui.element("div").classes("st-facts"):
        if said:
            _fact(_("Temperature"), temperature(said.celsius))
            if said.humidity_percent is not None:
                _fact(_("Humidity"), percent(said.humidity_percent / 100))
        with _box(_("Heard")):
            age(device.last_seen_at, zone, stale_after_s=silent_after(device.uplink_interval_s).total_seconds())
        if view.unit_name:
            with _box(_("Unit")):
                ui.link(view.unit_name, f"/cold-chain/units/{device.unit_id}").classes("st-fact-value")
            _fact(_("Place"), f"{view.site_name} · {view.area_name}")
        else:
            _fact(_("Unit"), _("In store"))
        if device.battery_percent is not None:
            _fact(_("Battery"), percent(device.battery_percent / 100))
        elif device.battery_v is not None:
            _fact(_("Battery"), f"{number(float(device.battery_v), 2)} V")
        if device.signal_dbm is not None:
            _fact(_("Signal"), f"{number(device.signal_dbm)} dBm".replace("-", "−"))
        model = known(device.model)
        _fact(_("Model"), f"{model.model.maker} {model.model.name}" if model else device.model or "–")
        cells = device.battery_chemistry or (model.model.chemistry if model else None)
        _fact(_("Cells"), _(CHEMISTRY_WORDS[cells]) if cells else "–")
        _fact(_("Decoder"), _(DECODE_WORDS[device.decode_mode]))
        _fact(_("It speaks every"), minutes_of(device.uplink_interval_s))
        _fact(_("MAC address") if device.device_type == "ble" else _("Device EUI"), device.device_eui)


def _actions(look: Looker, view: SensorView) -> None:
    device = view.device

    async def primary() -> None:
        async with look.command() as tx:
            await commands.make_primary(tx, device.id)

    async def serve(active: bool) -> None:
        if not active and not await confirm(
            _("Take it out of service?"), _("It counts no more towards the plan and speaks for nothing. It can be put back."),
            action=_("Take out of service"), goes=[view.name], danger=False,
        ):  # fmt: skip
            return
        async with look.command() as tx:
            await commands.set_active(tx, device.id, active=active)

    async def delete() -> None:
        if not await confirm(_("Delete the sensor?"), _("Its readings stay. This can be undone."), action=_("Delete"), goes=[view.name]):
            return
        is_gone = False
        async with look.command() as tx:
            await commands.take_away(tx, device.id)
            is_gone = True
        if is_gone:
            ui.navigate.to(f"/cold-chain/sensors?removed={device.id}")

    with ui.element("div").classes("st-row"):
        button(_("Edit"), lambda: describe(look, view), icon="edit")
        button(_("Move"), lambda: move(look, view), icon="drive_file_move")
        if device.unit_id and not device.is_primary and device.is_active:
            button(_("Let it speak for the unit"), primary, icon="record_voice_over")
        if device.unit_id and view.state is SensorState.WAITING:
            button(_("Pair"), lambda: begin_pairing(look, device.unit_id), icon="sensors")
        if device.is_active:
            button(_("Take out of service"), lambda: serve(False), kind="quiet")
        else:
            button(_("Put back into service"), lambda: serve(True))
        button(_("Delete"), delete, kind="quiet", icon="delete")


def _picture(look: Looker, view: SensorView) -> None:
    """This sensor alone, in the unit it watches now."""
    unit_id = view.device.unit_id
    assert unit_id

    async def ask(start: datetime, end: datetime, max_points: int) -> ChartData:
        async with look.transaction() as tx:
            found = [one for one in await points.points(tx, unit_id, start, end) if one.device_id == view.device.id]
        interval = silent_after(view.device.uplink_interval_s) / 3
        return ChartData([line for one in found for line in _drawing.lines(one, view.name, interval)], [], [], [])

    chart(
        ask, title=view.name, unit=temperature_unit(), unit_below="%", zone=view.time_zone or look.time_zone, height="300px",
        topics=[Slowed(look.topic(UnitChanged, unit_id=unit_id), 30.0)],
    )  # fmt: skip


def _readings(seen: _Seen) -> None:
    with card(_("What it said last")):
        if not seen.said:
            empty_state(_("Nothing has been measured yet."), _("The first reading appears here by itself."), icon="thermostat")
        for one in seen.said:
            with ui.element("div").classes("st-head"):
                ui.label(temperature(one.celsius)).classes("st-item-words st-number")
                if one.raw_celsius is not None and one.raw_celsius != one.celsius:
                    ui.label(_("it said {value}", value=temperature(one.raw_celsius))).classes("st-soft")
                if one.humidity_percent is not None:
                    ui.label(percent(one.humidity_percent / 100)).classes("st-soft")
                ui.element("span").classes("st-grow")
                age(one.recorded_at, seen.view.time_zone)


def _keys(look: Looker, seen: _Seen) -> None:
    lora = seen.lora
    with card(_("LoRaWAN keys")):
        if lora is None:
            ui.label(_("Not entered. They are needed only for registering the sensor at The Things Stack from here.")).classes("st-soft")
        else:
            with ui.element("div").classes("st-facts"):
                _fact(_("Join EUI (AppEUI)"), lora.join_eui or "–")
                _fact(_("Application key"), f"…{lora.app_key_last_four}" if lora.app_key_last_four else _("not entered"))
                _fact(_("LoRaWAN version"), lora.lorawan_version)
                _fact(_("Known to"), lora.network_server_id or _("no application yet"))
                if lora.last_join_at:
                    _fact(_("Joined"), moment(lora.last_join_at, seen.view.time_zone))
        button(_("Enter keys") if lora is None else _("Change keys"), lambda: set_keys(look, seen.view, lora), icon="vpn_key")


def _box(label: str) -> ui.element:
    box = ui.element("div").classes("st-fact")
    with box:
        ui.label(label).classes("st-fact-label")
    return box


def _fact(label: str, value: str) -> None:
    with _box(label):
        ui.label(value).classes("st-fact-value")
