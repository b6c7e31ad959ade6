"""One driver: where they are, what they carry, the phones that say so, and the last that was heard."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.deliveries import commands, queries
from data.deliveries.events import DriverChanged, DriverMoved, ShipmentChanged
from data.deliveries.queries import DeviceSeen, DriverSeen
from data.deliveries.tables import DriverDevice
from data.deliveries.values import PhoneApp, Platform
from pages._map import live_map
from pages._shell import Looker, field_errors, screen
from pages.deliveries._words import (
    APP_WORDS,
    ASSIGNMENT_WORDS,
    AVAILABILITY_STATE,
    AVAILABILITY_WORDS,
    PLATFORM_WORDS,
)
from ui.age import age
from ui.badge import badge
from ui.dialog import ask_secret_once, confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.slowed import Slowed
from ui.table import Column, table
from ui.words import _, moment, number

POSITIONS = 50
EVERY_S = 2.0


@screen("/deliveries/drivers/{driver_id}", title="Driver", place="deliveries", permission="deliveries.view")
async def driver(look: Looker, driver_id: UUID) -> None:
    async with look.transaction() as tx:
        name = (await queries.driver(tx, driver_id)).name
    moved = Slowed(look.topic(DriverMoved, driver_id=driver_id), EVERY_S)
    changed = look.topic(DriverChanged, driver_id=driver_id)
    assert look.frame
    with look.frame.actions:
        button(_("All drivers"), href="/deliveries", icon="arrow_back", kind="quiet")
        if look.may("deliveries.dispatch"):
            button(_("Let go…"), lambda: _dismiss(look, driver_id, name), kind="quiet", icon="person_off")

    async def ask() -> DriverSeen:
        async with look.transaction() as tx:
            return await queries.driver_seen(tx, driver_id)

    async def phones() -> Sequence[DeviceSeen]:
        async with look.transaction() as tx:
            return await queries.devices(tx, driver_id)

    assert look.frame
    look.frame.set_title(name)
    with ui.element("div").classes("st-columns"):
        with ui.element("div").classes("st-stack"):
            live(ask, _facts, moved, changed, look.topic(ShipmentChanged))
            live(phones, lambda found: _phones(look, driver_id, found), changed, moved)
        on_map = await live_map(look, "drivers", height="50vh")
    on_map.show("drivers", driver_id)
    ui.label(_("Last positions")).classes("st-h2").props("role=heading aria-level=2")
    _positions(look, driver_id, moved)


def _facts(seen: DriverSeen) -> None:
    position = seen.position
    with ui.element("div").classes("st-card"):
        with ui.element("div").classes("st-row"):
            badge(AVAILABILITY_STATE[seen.availability], _(AVAILABILITY_WORDS[seen.availability]))
            age(position.recorded_at if position else None, prefix=_("last position") + " ")
        with ui.element("div").classes("st-facts"):
            _fact(_("Phone number"), seen.driver.phone or "–")
            _fact(_("Vehicle"), seen.vehicle_name or "–")
            if position:
                _fact(_("Exact to"), f"{number(position.accuracy_m, 0)} m" if position.accuracy_m else _("not known"))
                if position.speed_mps is not None:
                    _fact(_("Speed"), f"{number(position.speed_mps * 3.6, 0)} km/h")
                if position.battery_percent is not None:
                    _fact(_("Battery"), f"{number(position.battery_percent, 0)} %")
        for one in seen.carries:
            with ui.element("a").classes("st-item is-flat").props(f"href=/deliveries/orders/{one.shipment_id}"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(one.tracking_number).classes("st-item-words")
                    if one.promised_arrival_at:
                        ui.label(_("promised {at}", at=moment(one.promised_arrival_at))).classes("st-soft")
                badge("waiting", _(ASSIGNMENT_WORDS[one.status]))


def _fact(label: str, value: str) -> None:
    with ui.element("div").classes("st-fact"):
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")


def _phones(look: Looker, driver_id: UUID, found: Sequence[DeviceSeen]) -> None:
    may = look.may("deliveries.dispatch")
    ui.label(_("Phones")).classes("st-h2").props("role=heading aria-level=2")
    if may:
        button(_("Add a phone"), lambda: _add_phone(look, driver_id), icon="add_to_home_screen")
    if not found:
        empty_state(_("No phone yet."), _("Add the driver's phone to see them on the map."), icon="phonelink_setup")
    for seen in found:
        with ui.element("article").classes("st-item"):
            with ui.element("div").classes("st-item-main"):
                ui.label(seen.device.name).classes("st-item-words")
                with ui.element("div").classes("st-soft"):
                    ui.label(APP_WORDS[seen.device.app])
                    ui.label(f"…{seen.token.last_four}" if seen.token else _("no secret"))
                    age(seen.last_seen_at)
            if may:
                _phone_buttons(look, seen.device)


def _phone_buttons(look: Looker, device: DriverDevice) -> None:
    async def renew() -> None:
        if not await confirm(
            _("Make a new secret?"), _("The old one stops working at once."), action=_("New secret"), goes=[device.name]
        ):
            return
        secret = ""
        async with look.command() as tx:
            secret = await commands.renew_token(tx, device.id)
        if secret:
            await _tell(look, device, secret)

    async def remove() -> None:
        if await confirm(
            _("Take this phone away?"), _("Where it was stays."), action=_("Take away"), goes=[device.name]
        ):
            async with look.command() as tx:
                await commands.remove_device(tx, device.id)

    button(_("New secret"), renew, kind="quiet")
    button(_("Take away"), remove, kind="quiet")


def _add_phone(look: Looker, driver_id: UUID) -> None:
    with panel(_("Add a phone"), _("Its secret is shown once, to be entered in the app.")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), required=True, placeholder=_("Work phone"))
            form.select("app", _("App"), dict(APP_WORDS), PhoneApp.OWNTRACKS, required=True)
            form.select(
                "platform", _("Device"), {k: _(v) for k, v in PLATFORM_WORDS.items()}, Platform.ANDROID, required=True
            )

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    device, secret = await commands.register_device(
                        tx, driver_id, name=values["name"], app=values["app"], platform=values["platform"]
                    )
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            await _tell(look, device, secret)
            return None

        form.buttons(_("Add"), send, on_cancel=dialog.close)
    dialog.open()


async def _tell(look: Looker, device: DriverDevice, secret: str) -> None:
    """The secret, this once, and where the app wants it. What was pressed may have been drawn anew by now."""
    with look.page:
        request = ui.context.client.request
        address = f"{str(request.base_url).rstrip('/')}/feeds/{device.app.value}"
        if device.app is PhoneApp.OWNTRACKS:
            how = _(
                "In OwnTracks choose HTTP mode, the address {address}, any user name, and this as the password.",
                address=address,
            )
        else:
            how = _("Enter {address} as the server's address and this as the device identifier.", address=address)
        await ask_secret_once(device.name, secret, how)


async def _dismiss(look: Looker, driver_id: UUID, name: str) -> None:
    if await confirm(
        _("Let this driver go?"),
        _("Their phones are locked out; where they were stays."),
        action=_("Let go"),
        goes=[name],
    ):
        done = False
        async with look.command() as tx:
            await commands.dismiss_driver(tx, driver_id)
            done = True
        if done:
            ui.navigate.to("/deliveries")


def _positions(look: Looker, driver_id: UUID, moved: Slowed) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found = await queries.last_positions(tx, driver_id, limit=POSITIONS)
        rows = [
            {
                "id": one.recorded_at.isoformat(),
                "at": one.recorded_at,
                "place": f"{one.latitude:.5f}, {one.longitude:.5f}",
                "trust": ("ok", _("Exact")) if one.is_accurate else ("warning", _("Inexact")),
                "accuracy": one.accuracy_m,
                "speed": None if one.speed_mps is None else one.speed_mps * 3.6,
                "battery": one.battery_percent,
                "received": one.received_at,
            }
            for one in found
        ]
        return rows[(page - 1) * size : page * size], len(rows)

    columns = [
        Column("at", _("When"), "moment", sortable=False),
        Column("place", _("Place"), sortable=False),
        Column("trust", _("Trust"), "badge", sortable=False),
        Column("accuracy", _("Exact to"), "number", sortable=False, decimals=0, unit="m"),
        Column("speed", _("Speed"), "number", sortable=False, decimals=0, unit="km/h"),
        Column("battery", _("Battery"), "number", sortable=False, decimals=0, unit="%", hidden=True),
        Column("received", _("Received"), "moment", sortable=False, hidden=True),
    ]
    table(
        columns, ask, size=10, filter_label="", label=_("Last positions"), topics=[moved],
        empty=_("Nothing has been heard of this driver."),
    )  # fmt: skip
