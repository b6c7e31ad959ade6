"""What is known of one device: what disagrees about it, how long it may be on, how it fares, how much it has run."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nicegui import ui

from data.core.time import now
from data.farm import commands
from data.farm.events import DeviceChanged, DeviceRegistered
from data.farm.queries_device import Fared, Kept, Seen, fared, seen, settings_now
from data.farm.rules import COMMANDS, METERED, SWITCHED
from data.farm.rules.limits import BATTERY_LOW_AT
from data.farm.tables import Device, Farm
from pages._shell import Looker
from pages.farm._device_parts import still
from pages.farm._device_words import (
    battery_words,
    contradiction_words,
    guard_words,
    measured_words,
    quantity_words,
    signal_words,
)
from ui.age import age
from ui.badge import badge
from ui.form import button
from ui.live import live
from ui.words import _, clock, moment, n_, number, span


@dataclass(frozen=True, slots=True)
class _Known:
    seen: Seen
    fared: Fared
    battery_low: float


def doubts(look: Looker, device: Device) -> None:
    """What disagrees about it, for as long as it does."""

    async def ask() -> Seen:
        async with look.transaction() as tx:
            return await seen(tx, device.id)

    topics = look.topic(DeviceChanged, device_id=device.id), look.topic(DeviceRegistered, device_id=device.id)
    still(ask, _doubted, lambda known: _contradiction(look, known) if known.device.contradicted_by else None, *topics)


def state(look: Looker, device: Device, farm: Farm) -> None:
    """A card that keeps itself current."""

    async def ask() -> _Known:
        async with look.transaction() as tx:
            found = await seen(tx, device.id)
            kept: dict[str, Kept] = await settings_now(tx, device.id)
            low = kept["battery_threshold_low"].config.parameter_value if "battery_threshold_low" in kept else BATTERY_LOW_AT
            return _Known(found, await fared(tx, found.device, farm.time_zone, at=now()), float(low))

    topics = look.topic(DeviceChanged, device_id=device.id), look.topic(DeviceRegistered, device_id=device.id)
    live(ask, _show, *topics, minimum_interval_s=2.0)


def _doubted(known: Seen) -> Any:
    device = known.device
    is_asked = device.asked_state_at and (device.state_reported_at is None or device.asked_state_at > device.state_reported_at)
    return device.contradicted_by, device.contradicted_at, device.is_on, device.contradicted_by and is_asked and device.asked_state_at


def _show(known: _Known) -> None:
    device, farm = known.seen.device, known.seen.farm
    with ui.element("section").classes("st-card"):
        ui.label(_("How it is")).classes("st-h2").props("role=heading aria-level=2")
        if device.device_type.value in SWITCHED:
            _guard(device, farm)
        with ui.element("div").classes("st-row"):
            _badges(device, known.battery_low)
        with ui.element("div").classes("st-facts"):
            for kind, value in device.latest.items():
                with _fact(quantity_words(kind)):
                    ui.label(measured_words(kind, value["value"], value["unit"])).classes("st-fact-value st-number")
                    age(datetime.fromisoformat(value["at"]), farm.time_zone)
            if device.device_type.value in SWITCHED:
                _ran(known.fared)
            if COMMANDS[device.device_type]:
                said(_("Errors in all"), number(device.error_count))
            with _fact(_("Last heard")):
                age(device.last_heartbeat_at, farm.time_zone)
            if device.started_at and device.is_online:
                said(_("Runs without a break for"), span(max(now() - device.started_at, timedelta(seconds=1))))
            said(_("Firmware"), device.firmware_version)


def _contradiction(look: Looker, known: Seen) -> None:
    device, farm = known.device, known.farm
    disagrees, advice = contradiction_words(device, known.done)
    with ui.element("section").classes("st-card is-warned").props("role=alert"):
        with ui.element("div").classes("st-row"):
            badge("warning", _("Not certain"), icon="help")
            ui.label(disagrees).classes("st-item-words")
        if device.contradicted_by == "meter" and METERED in device.latest:
            ui.label(_("Its meter: {value}", value=measured_words(METERED, device.latest[METERED]["value"], "W"))).classes("st-soft")
        with ui.element("div").classes("st-row st-soft"):
            ui.label(advice)
            if device.contradicted_at:
                age(device.contradicted_at, farm.time_zone, prefix=_("since") + " ")
        if COMMANDS[device.device_type] and look.may("farm.switch", farm.id):
            with ui.element("div").classes("st-row"):
                button(_("Ask the device again"), lambda: _ask_again(look, device), icon="contact_support")
                if device.asked_state_at and (device.state_reported_at is None or device.asked_state_at > device.state_reported_at):
                    age(device.asked_state_at, farm.time_zone, prefix=_("asked") + " ")


async def _ask_again(look: Looker, device: Device) -> None:
    async with look.command() as tx:
        await commands.ask_again(tx, device.id)


def _guard(device: Device, farm: Farm) -> None:
    """On since, until when at the latest, and who keeps to that."""
    if device.is_on and device.on_since_at:
        with ui.element("div").classes("st-row"):
            badge("ok", _("On since {time}", time=_when(device.on_since_at, farm.time_zone)), icon="bolt")
            if device.max_on_s:
                until = device.on_since_at + timedelta(seconds=device.max_on_s)
                if until > now():
                    ui.label(_("It is switched off at {time} at the latest.", time=_when(until, farm.time_zone)))
                else:
                    badge("critical", _("It should have been switched off at {time}.", time=_when(until, farm.time_zone)))
    if device.max_on_s:
        with ui.element("div").classes("st-row"):
            ui.label(_("At most {time} at a stretch.", time=span(device.max_on_s)))
            face, words = guard_words(device)
            badge(face, words, icon="shield" if face == "ok" else "").classes("is-wrapping")


def _badges(device: Device, battery_low: float) -> None:
    badge("ok" if device.is_online else "offline", _("Online") if device.is_online else _("Offline"), icon="cloud_done" if device.is_online else "")
    if device.battery_percent is not None:
        face, words = battery_words(device.battery_percent, battery_low)
        badge(face, f"{words} · {number(device.battery_percent)} %", icon="battery_alert" if face == "critical" else "battery_full")
    if device.signal_dbm is not None:
        face, words = signal_words(device.signal_dbm)
        badge(face, f"{words} · {number(device.signal_dbm)} dBm".replace("-", "−"), icon="network_wifi")


def _ran(one: Fared) -> None:
    said(_("On today"), "–" if one.today_s is None else _hours(one.today_s), None if one.cycles_today is None else _times(one.cycles_today))
    said(_("On this week"), "–" if one.week_s is None else _hours(one.week_s), None if one.cycles_week is None else _times(one.cycles_week))
    said(_("On in all"), _hours(one.total_s), _times(one.cycles))


def _hours(seconds: float) -> str:
    if seconds < 3600:
        return _("{minutes} min", minutes=number(round(seconds / 60)))
    return _("{hours} h", hours=number(round(seconds / 3600, 1)))


def _times(count: int) -> str:
    return n_("switched on {n} time", "switched on {n} times", count)


def _when(at: datetime, zone: str) -> str:
    is_near = abs(now() - at) < timedelta(hours=12)
    return clock(at, zone) if is_near else moment(at, zone)


def _fact(label: str) -> ui.element:
    box = ui.element("div").classes("st-fact")
    with box:
        ui.label(label).classes("st-fact-label")
    return box


def said(label: str, value: str | None, more: str | None = None) -> None:
    """One fact: what it is called, what it is, and what else belongs to it."""
    with _fact(label):
        ui.label(value or "–").classes("st-fact-value st-number")
        if more:
            ui.label(more).classes("st-soft")
