"""Sensors, gateways and hubs are described in a panel over the page."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from nicegui import ui

from data.cold_chain.batteries import CURVES
from data.cold_chain.commands import gateways, pairing, sensors
from data.cold_chain.models import MODELS
from data.cold_chain.networks import FREQUENCY_PLANS, LORAWAN_VERSIONS
from data.cold_chain.queries import units
from data.cold_chain.queries.gateways import GatewayView, HubView
from data.cold_chain.queries.machines import DEVICES, SensorView
from data.cold_chain.tables import Hub, LoraSensor
from data.cold_chain.values import BatteryChemistry, DecodeMode
from data.core.errors import Refusal
from data.core.session import Transaction
from pages._shell import Looker, field_errors
from ui.dialog import panel
from ui.form import Form
from ui.scanner import scanner
from ui.words import _, noop, number

Values = Mapping[str, Any]
CHEMISTRY_WORDS = {
    BatteryChemistry.CR17450: noop("Lithium CR17450"),
    BatteryChemistry.LIFES2_2AA: noop("2 lithium AA (LiFeS₂)"),
    BatteryChemistry.ALKALINE_2AA: noop("2 alkaline AA"),
    BatteryChemistry.CR2032: noop("Button cell CR2032"),
    BatteryChemistry.LI_SOCL2: noop("Lithium thionyl chloride"),
}
DECODE_WORDS = {
    DecodeMode.NETWORK: noop("The network's"),
    DecodeMode.TRUST: noop("The network's, checked by ours"),
    DecodeMode.APP: noop("Ours"),
}
assert CURVES.keys() == CHEMISTRY_WORDS.keys()


def ask(
    look: Looker, title: str, text: str, action: str, fields: Callable[[Form], None], save: Callable[[Transaction, Values], Awaitable[str | None]]
) -> None:
    """A panel with a form; `save` runs in one transaction and may answer where to go then."""
    with panel(title, text) as dialog:
        with Form() as form:
            fields(form)

        async def send(values: Values) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    next_page = await save(tx, values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            if next_page:
                ui.navigate.to(next_page)
            return None

        form.buttons(action, send, on_cancel=dialog.close)
    dialog.open()


async def choices_of_units(look: Looker) -> dict[str, str]:
    """Every unit where this person may put sensors, by its id."""
    async with look.transaction() as tx:
        branches = await units.tree(tx)
    return {
        str(unit.id): f"{branch.site.name} · {area.area.name} · {unit.name}"
        for branch in branches
        if look.may(DEVICES, branch.site.id)
        for area in branch.areas
        for unit in area.units
    }


async def choices_of_sites(look: Looker) -> dict[str, str]:
    """Every site where this person may put machines, by its id."""
    async with look.transaction() as tx:
        found = await units.sites(tx)
    return {str(one.site.id): one.site.name for one in found if look.may(DEVICES, one.site.id)}


def may_keep_spares(look: Looker) -> bool:
    """Only those whose right is not limited to certain sites."""
    return look.may(DEVICES) and look.actor.scopes(DEVICES) is None


def _model(form: Form, value: str | None) -> None:
    known = {key: f"{model.maker} {model.name}" for key, model in MODELS.items()}
    if value and value not in known:
        known[value] = value
    form.select("model", _("Model"), known, value, search=True, help=_("It says how the sensor's bytes and volts are to be read."))


async def add(look: Looker, *, eui: str = "", unit_id: UUID | None = None) -> None:
    """Register a sensor; what an unknown one is called is filled in."""
    places = await choices_of_units(look)
    spares = may_keep_spares(look)

    async def save(tx: Transaction, values: Values) -> str:
        chosen = UUID(values["unit_id"]) if values["unit_id"] else None
        made = await sensors.create(tx, chosen, device_eui=values["device_eui"], name=values["name"], model=values["model"])
        return f"/cold-chain/sensors/{made.id}"

    def fields(form: Form) -> None:
        number_field = form.text(
            "device_eui", _("Device EUI, code or MAC address"), eui, required=True, placeholder="0004A30B001C0530",
            help=_("16 letters and digits, printed on the sensor."),
        )  # fmt: skip
        if not eui:
            scanner(lambda text: number_field.control.set_value(text))
        form.select(
            "unit_id", _("Unit"), places, str(unit_id) if unit_id else None, required=not spares, search=True,
            help=_("Without one it is kept in store.") if spares else "",
        )  # fmt: skip
        form.text("name", _("Name"), placeholder=_("Top shelf"))
        _model(form, None)

    ask(look, _("Add a sensor"), "", _("Add the sensor"), fields, save)


def describe(look: Looker, view: SensorView) -> None:
    """What people say about a sensor."""
    device = view.device

    async def save(tx: Transaction, values: Values) -> None:
        said = dict(values)
        minutes = said.pop("interval_minutes")
        await sensors.describe(tx, device.id, **said, uplink_interval_s=None if minutes is None else round(minutes * 60))

    def fields(form: Form) -> None:
        form.text("name", _("Name"), device.name or "", placeholder=_("Top shelf"))
        _model(form, device.model)
        form.select(
            "battery_chemistry", _("Battery"), {one.value: _(word) for one, word in CHEMISTRY_WORDS.items()},
            device.battery_chemistry.value if device.battery_chemistry else None,
            help=_("Without it, volts mean what the model's usual cells say."),
        )  # fmt: skip
        form.select(
            "decode_mode", _("Whose decoder is believed"), {one.value: _(word) for one, word in DECODE_WORDS.items()}, device.decode_mode.value,
            required=True,
        )  # fmt: skip
        form.number(
            "interval_minutes", _("It speaks every"), device.uplink_interval_s and device.uplink_interval_s / 60, unit=_("min"),
            minimum=1, maximum=1440, help=_("From 1 minute to a day. After three times that long it is called silent."),
        )  # fmt: skip
        form.text("notes", _("Notes"), device.notes or "", lines=3)

    ask(look, _("Edit the sensor"), view.name, _("Save"), fields, save)


def set_keys(look: Looker, view: SensorView, lora: LoraSensor | None) -> None:
    """What a LoRaWAN network must know; a key is entered once and not shown again."""

    async def save(tx: Transaction, values: Values) -> None:
        await sensors.set_keys(tx, view.device.id, **values)

    held = lora.app_key_last_four if lora else None

    def fields(form: Form) -> None:
        form.text("join_eui", _("Join EUI (AppEUI)"), (lora and lora.join_eui) or "", required=True, placeholder="70B3D57ED0000010")
        form.text(
            "app_key", _("Application key"), secret=True, required=held is None, autocomplete="off",
            help=_("The one that ends in {end} stays if this is empty.", end=held) if held else _("32 letters and digits; sealed, and never shown again."),
        )  # fmt: skip
        form.select("lorawan_version", _("LoRaWAN version"), list(LORAWAN_VERSIONS), lora.lorawan_version if lora else "1.0.3", required=True)

    ask(look, _("LoRaWAN keys"), view.name, _("Save"), fields, save)


async def move(look: Looker, view: SensorView) -> None:
    """Let it watch another unit."""
    places = await choices_of_units(look)
    spares = may_keep_spares(look)

    async def save(tx: Transaction, values: Values) -> None:
        await sensors.move(tx, view.device.id, unit_id=UUID(values["unit_id"]) if values["unit_id"] else None)

    def fields(form: Form) -> None:
        here = str(view.device.unit_id) if view.device.unit_id else None
        form.select(
            "unit_id", _("Unit"), places, here if here in places else None, required=not spares, search=True,
            help=_("Without one it is kept in store.") if spares else "",
        )  # fmt: skip

    ask(look, _("Move the sensor"), _("What it measured stays with the unit it measured."), _("Move it"), fields, save)


async def begin_pairing(look: Looker, unit_id: UUID | None = None) -> None:
    """Begin a pairing at this unit, or ask at which."""
    if unit_id is not None:
        session = None
        async with look.command() as tx:
            session = await pairing.start(tx, unit_id)
        if session:
            ui.navigate.to(f"/cold-chain/pairing/{session.id}")
        return
    places = await choices_of_units(look)

    async def save(tx: Transaction, values: Values) -> str:
        return f"/cold-chain/pairing/{(await pairing.start(tx, UUID(values['unit_id']))).id}"

    def fields(form: Form) -> None:
        form.select("unit_id", _("Unit"), places, required=True, search=True)

    ask(look, _("Pair a sensor"), _("Stand at the unit with the sensor in your hand."), _("Begin"), fields, save)


def join_pairing(look: Looker) -> None:
    """Go on with a pairing that somebody else began."""

    async def save(tx: Transaction, values: Values) -> str:
        return f"/cold-chain/pairing/{(await pairing.find(tx, values['code'])).id}"

    def fields(form: Form) -> None:
        form.text("code", _("Pairing code"), required=True, placeholder="ABC234", autocomplete="off")

    ask(look, _("Go on with a pairing"), _("The code is on the screen of whoever began it."), _("Go on"), fields, save)


async def edit_gateway(look: Looker, view: GatewayView | None = None) -> None:
    """Add a gateway, or say where one stands."""
    sites, may_float = await choices_of_sites(look), may_keep_spares(look)
    gateway = view.gateway if view else None

    async def save(tx: Transaction, values: Values) -> None:
        values = dict(values)
        site_id = UUID(chosen) if (chosen := values.pop("site_id")) else None
        if gateway:
            await gateways.edit_gateway(tx, gateway.id, site_id=site_id, **values)
        else:
            await gateways.add_gateway(tx, site_id=site_id, **values)

    def fields(form: Form) -> None:
        if gateway is None:
            form.text("gateway_id", _("Gateway ID"), required=True, placeholder="eui-9c5c8e00001a05c4", help=_("As its network calls it."))
            form.text("gateway_eui", _("Gateway EUI"), placeholder="9C5C8E00001A05C4")
        form.text("name", _("Name"), (gateway and gateway.name) or "", placeholder=_("Roof"))
        form.select("site_id", _("Site"), sites, str(gateway.site_id) if gateway and gateway.site_id else None, required=not may_float)
        plans, plan = dict(FREQUENCY_PLANS), gateway.frequency_plan_id if gateway else None
        form.select("frequency_plan_id", _("Frequency plan"), plans | ({plan: plan} if plan and plan not in plans else {}), plan)
        form.number("latitude", _("Latitude"), gateway.latitude if gateway else None, unit="°", minimum=-90, maximum=90)
        form.number("longitude", _("Longitude"), gateway.longitude if gateway else None, unit="°", minimum=-180, maximum=180)
        form.text("description", _("Notes"), (gateway and gateway.description) or "", lines=2)

    ask(look, _("Edit the gateway") if gateway else _("Add a gateway"), "", _("Save") if gateway else _("Add the gateway"), fields, save)


async def edit_hub(look: Looker, view: HubView | None = None) -> None:
    """Add a hub, or say where one stands."""
    sites = await choices_of_sites(look)
    hub: Hub | None = view.hub if view else None

    async def save(tx: Transaction, values: Values) -> None:
        if hub:
            await gateways.edit_hub(tx, hub.id, site_id=UUID(values["site_id"]), name=values["name"])
        else:
            await gateways.add_hub(tx, UUID(values["site_id"]), name=values["name"], mac_address=values["mac_address"])

    def fields(form: Form) -> None:
        form.text("name", _("Name"), hub.name if hub else "", required=True, placeholder=_("Kitchen"))
        if hub is None:
            form.text("mac_address", _("MAC address"), required=True, placeholder="C4:7C:8D:6A:12:34")
        form.select("site_id", _("Site"), sites, str(hub.site_id) if hub else None, required=True)

    ask(look, _("Edit the hub") if hub else _("Add a hub"), "", _("Save") if hub else _("Add the hub"), fields, save)


def minutes_of(interval_s: int | None) -> str:
    """'5 min', or a dash."""
    return "–" if interval_s is None else _("{minutes} min", minutes=number(interval_s / 60))

