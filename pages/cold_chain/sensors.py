"""Every sensor: how it is, how it is powered and heard, whether it can be believed; and those that nobody has registered."""

from collections.abc import Sequence
from functools import partial
from typing import Any, get_args
from uuid import UUID

from nicegui import ui

from data.cold_chain.commands import sensors as commands
from data.cold_chain.events import PlacesChanged, SensorChanged, UnitChanged
from data.cold_chain.machines import CalibrationState
from data.cold_chain.queries import machines, units
from data.cold_chain.queries.machines import DEVICES, SensorView, Show, Sort, Stranger
from pages._shell import Looker, screen
from pages.cold_chain import _machine_files  # noqa: F401 - its routes
from pages.cold_chain._machine_forms import add, begin_pairing, join_pairing
from pages.cold_chain._unit_parts import SENSOR_WORDS
from ui.age import age
from ui.badge import State
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.slowed import Slowed
from ui.table import Column, table
from ui.words import _, n_, noop, temperature

SHOW_WORDS: dict[Show, str] = {
    "all": noop("All"), "working": noop("Working"), "fault": noop("Cannot measure"), "silent": noop("Silent"),
    "waiting": noop("Not heard yet"), "out_of_service": noop("Out of service"), "low_battery": noop("Battery low"),
    "weak_signal": noop("Signal weak"), "calibration_due": noop("Calibration due"), "never_calibrated": noop("Never calibrated"),
}  # fmt: skip
CALIBRATION_FACES: dict[CalibrationState, tuple[State, str]] = {
    CalibrationState.NEVER: ("neutral", noop("Never calibrated")),
    CalibrationState.VALID: ("ok", noop("Calibrated")),
    CalibrationState.DUE: ("warning", noop("Calibration due")),
    CalibrationState.EXPIRED: ("critical", noop("Calibration ended")),
}
NETWORK_WORDS = {"ttn": "The Things Stack", "chirpstack": "ChirpStack", "hub": noop("BLE hub")}
ALL = "all"


@screen("/cold-chain/sensors", title="Sensors", place="cold_chain", permission="cold_chain.view")
async def list_sensors(look: Looker, show: str = ALL, site: UUID | None = None, removed: UUID | None = None) -> None:
    assert look.frame
    may = look.may(DEVICES)
    if may:
        with look.frame.actions:
            button(_("Pair a sensor"), lambda: begin_pairing(look), kind="primary", icon="sensors")
            button(_("Add a sensor"), lambda: add(look), icon="add")
            button(_("Go on with a pairing"), lambda: join_pairing(look), kind="quiet", icon="pin")
    if removed and may:
        _removed(look, removed)
    if may and look.actor.scopes(DEVICES) is None:
        _strangers(look)
    async with look.transaction() as tx:
        sites = {str(one.site.id): one.site.name for one in await units.sites(tx)}
        _found, total = await machines.sensors(tx, limit=1)
    if not total:
        empty_state(
            _("No sensors here yet."), _("Pair one at its unit, or let an unknown one speak and register it here.") if may else "", icon="sensors",
            action=_("Pair a sensor") if may and sites else "", on_action=lambda: begin_pairing(look),
        )  # fmt: skip
        return
    chosen: Show = show if show in get_args(Show) else ALL  # type: ignore[assignment]
    _filters(chosen, site, sites)
    _list(look, chosen, site)


def _removed(look: Looker, device_id: UUID) -> None:
    with ui.element("div").classes("st-item").props("role=status"):
        ui.label(_("The sensor was deleted.")).classes("st-item-main")

        async def undo() -> None:
            is_back = False
            async with look.command() as tx:
                await commands.bring_back(tx, device_id)
                is_back = True
            if is_back:
                ui.navigate.to(f"/cold-chain/sensors/{device_id}")

        button(_("Undo"), undo, icon="undo")


def _strangers(look: Looker) -> None:
    async def ask() -> Sequence[Stranger]:
        async with look.transaction() as tx:
            return await machines.strangers(tx)

    live(ask, lambda found: _unknown(look, found), Slowed(look.topic(UnitChanged), 5.0), look.topic(SensorChanged), skeleton=lambda: None)


def _unknown(look: Looker, found: Sequence[Stranger]) -> None:
    if not found:
        return
    with ui.element("section").classes("st-card"):
        ui.label(n_("{n} unknown sensor has spoken", "{n} unknown sensors have spoken", len(found))).classes("st-h2").props("role=heading aria-level=2")
        for one in found:
            with ui.element("article").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(one.unknown.identifier).classes("st-item-words")
                    with ui.element("div").classes("st-row st-soft"):
                        ui.label(_(NETWORK_WORDS[one.unknown.network]))
                        if said := _last_words(one):
                            ui.label(said)
                        ui.label(n_("{n} message", "{n} messages", one.unknown.message_count))
                        age(one.unknown.last_seen_at)
                if one.device_id:
                    button(_("Choose its unit"), href=f"/cold-chain/sensors/{one.device_id}")
                else:
                    button(_("Register"), partial(add, look, eui=one.unknown.identifier))


def _last_words(one: Stranger) -> str:
    """What it measured last, and what its network calls it."""
    said = one.unknown.last_message or {}
    celsius, name = said.get("temperature_celsius"), said.get("device_name")
    return " · ".join(part for part in (temperature(float(celsius)) if celsius is not None else "", str(name or "")) if part)


def _filters(show: Show, site: UUID | None, sites: dict[str, str]) -> None:
    def go() -> None:
        where = f"&site={place.value}" if place and place.value else ""
        ui.navigate.to(f"/cold-chain/sensors?show={shown.value}{where}")

    with ui.element("div").classes("st-row"):
        with Form() as form:
            shown = form.select("show", _("Show"), {one: _(word) for one, word in SHOW_WORDS.items()}, show, required=True)
        shown.control.on_value_change(go)
        place = None
        if len(sites) > 1:
            with Form() as form:
                place = form.select("site", _("Site"), {"": _("All sites")} | sites, str(site) if site and str(site) in sites else "", required=True)
            place.control.on_value_change(go)


def _list(look: Looker, show: Show, site: UUID | None) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        by: Sort = sort if sort in get_args(Sort) else "state"  # type: ignore[assignment]
        async with look.transaction() as tx:
            found, total = await machines.sensors(
                tx, offset=(page - 1) * size, limit=size, sort=by, descending=descending, search=search, show=show, site_id=site
            )
        return [_row(one) for one in found], total

    columns = [
        Column("name", _("Sensor")),
        Column("state", _("State"), "badge"),
        Column("place", _("Unit")),
        Column("battery", _("Battery"), "number", unit="%"),
        Column("signal", _("Signal"), "number", unit="dBm"),
        Column("heard", _("Heard"), "age"),
        Column("calibration", _("Calibration"), "badge"),
        Column("eui", _("Device EUI"), sortable=False, hidden=True),
        Column("model", _("Model"), sortable=False, hidden=True),
    ]
    where = f"&site={site}" if site else ""
    table(
        columns, ask, sort="state", empty=_("No sensors like this."), filter_label=_("Find by name, number or place"), label=_("Sensors"),
        csv_href=f"/cold-chain/sensors.csv?show={show}{where}",
        topics=[Slowed(look.topic(UnitChanged), 3.0), look.topic(SensorChanged), look.topic(PlacesChanged)],
    )  # fmt: skip


def _row(one: SensorView) -> dict[str, Any]:
    device = one.device
    colour, word = SENSOR_WORDS[one.state]
    mark, says = CALIBRATION_FACES[one.calibration]
    place = f"{one.site_name} · {one.area_name} · {one.unit_name}" if one.unit_name else _("In store")
    return {
        "id": device.id, "href": f"/cold-chain/sensors/{device.id}", "name": one.name, "state": (colour, _(word)), "place": place,
        "battery": device.battery_percent, "signal": device.signal_dbm, "heard": device.last_seen_at, "calibration": (mark, _(says)),
        "eui": device.device_eui, "model": device.model,
    }  # fmt: skip
