"""The dispatcher's screen: every driver on the map and in a list, with how old each position is and what they carry."""

from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.deliveries import commands, queries
from data.deliveries.events import DriverChanged, DriverMoved, ShipmentChanged
from data.deliveries.queries import DriverSeen
from pages._map import live_map
from pages._shell import Looker, field_errors, screen
from pages.deliveries._words import AVAILABILITY_STATE, AVAILABILITY_WORDS, load
from ui.dialog import panel
from ui.form import Form, button
from ui.slowed import Slowed
from ui.table import Column, table
from ui.words import _

LIST_EVERY_S = 2.0


@screen("/deliveries", title="Deliveries", place="deliveries", permission="deliveries.view")
async def drivers(look: Looker) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("Shipments"), href="/deliveries/orders", icon="inventory_2")
        if look.may("deliveries.dispatch"):
            button(_("Add a driver"), lambda: _add(look), kind="primary", icon="person_add")
    with ui.element("div").classes("st-home"):
        with ui.element("section").classes("st-home-now"):
            _list(look)
        with ui.element("section").classes("st-home-map"):
            await live_map(look, "drivers", height="70vh")


def _list(look: Looker) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found = await queries.drivers(tx, offset=(page - 1) * size, limit=size, search=search)
            return [_row(seen) for seen in found], await queries.count_drivers(tx, search=search)

    columns = [
        Column("name", _("Driver"), sortable=False),
        Column("state", _("State"), "badge", sortable=False),
        Column("at", _("Last position"), "age", sortable=False),
        Column("carries", _("Carries"), sortable=False),
        Column("phone", _("Phone number"), sortable=False, hidden=True),
        Column("battery", _("Battery"), "number", sortable=False, hidden=True, decimals=0, unit="%"),
    ]
    changes = (look.topic(event) for event in (DriverMoved, DriverChanged, ShipmentChanged))
    table(
        columns,
        ask,
        empty=_("No drivers yet. Add the first, then a phone of theirs."),
        filter_label=_("Find a driver"),
        label=_("Drivers"),
        topics=[Slowed(topic, LIST_EVERY_S) for topic in changes],
    )


def _row(seen: DriverSeen) -> dict[str, Any]:
    return {
        "id": seen.driver.id,
        "href": f"/deliveries/drivers/{seen.driver.id}",
        "name": seen.driver.name,
        "state": (AVAILABILITY_STATE[seen.availability], _(AVAILABILITY_WORDS[seen.availability])),
        "at": seen.position.recorded_at if seen.position else None,
        "carries": _carries(seen),
        "phone": seen.driver.phone or "",
        "battery": seen.position.battery_percent if seen.position else None,
    }


def _carries(seen: DriverSeen) -> str:
    """The end of each number, which is what people tell them apart by."""
    if len(seen.carries) in (1, 2):
        return ", ".join(one.tracking_number[-6:] for one in seen.carries)
    return load(len(seen.carries))


def _add(look: Looker) -> None:
    with panel(_("Add a driver")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), required=True, autocomplete="off")
            form.text("phone", _("Phone number"), mode="tel")
            form.text("license_number", _("Driving licence"))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    made = await commands.create_driver(
                        tx,
                        name=values["name"],
                        phone=values["phone"] or None,
                        license_number=values["license_number"] or None,
                    )
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            ui.navigate.to(f"/deliveries/drivers/{made.id}")
            return None

        form.buttons(_("Add"), send, on_cancel=dialog.close)
    dialog.open()
