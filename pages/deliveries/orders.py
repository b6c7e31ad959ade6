"""Every shipment, what is open first; a new one is ordered here."""

from datetime import UTC
from decimal import Decimal
from typing import Any, cast

from nicegui import ui

from data.core.errors import Refusal
from data.core.table import uuid7
from data.core.time import now
from data.core.time import zone as known_zone
from data.deliveries import commands, queries, rules
from data.deliveries.events import ShipmentChanged
from data.deliveries.queries import ShipmentSeen
from data.deliveries.tables import DeliveryAddress
from data.deliveries.values import Address, ShipmentStatus
from pages._attention import SOURCES, Matter, Source
from pages._shell import SEARCHERS, Looker, field_errors, screen
from pages.deliveries._words import SHIPMENT_STATE, SHIPMENT_WORDS
from ui.dialog import panel
from ui.form import Form, button
from ui.palette import Found
from ui.slowed import Slowed
from ui.table import Column, table
from ui.words import _, moment, noop

OPEN, ALL = "open", "all"


@screen("/deliveries/orders", title="Shipments", place="deliveries", permission="deliveries.view")
async def orders(look: Looker, status: str = OPEN) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("Drivers"), href="/deliveries", icon="local_shipping")
        if look.may("deliveries.dispatch"):
            button(_("New shipment"), lambda: _order(look), kind="primary", icon="add")
    choices = {OPEN: _("Open"), ALL: _("All")} | {one.value: _(SHIPMENT_WORDS[one]) for one in ShipmentStatus}
    shown = status if status in choices else OPEN
    with Form() as form:
        chosen = form.select("status", _("Status"), choices, shown, required=True)
    chosen.control.on_value_change(lambda: ui.navigate.to(f"/deliveries/orders?status={chosen.value}"))
    _list(look, shown)


def _list(look: Looker, status: str) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found, total = await queries.shipments(
                tx, offset=(page - 1) * size, limit=size, sort=sort or "created", descending=descending if sort else True,
                status=None if status == ALL else status, search=search,
            )  # fmt: skip
        return [_row(seen) for seen in found], total

    columns = [
        Column("tracking_number", _("Number")),
        Column("status", _("Status"), "badge"),
        Column("to", _("To")),
        Column("promised", _("Promised"), "moment", zone=look.time_zone),
        Column("driver", _("Driver")),
        Column("from", _("From"), sortable=False, hidden=True),
        Column("created", _("Ordered"), "age", hidden=True),
    ]
    table(
        columns,
        ask,
        empty=_("No shipments here."),
        filter_label=_("Find by number, place, person or driver"),
        label=_("Shipments"),
        topics=[Slowed(look.topic(ShipmentChanged), 1.0)],
    )


def _row(seen: ShipmentSeen) -> dict[str, Any]:
    parcel = seen.shipment
    is_late = parcel.status in queries.OPEN and rules.is_late(parcel.promised_arrival_at, None, now=now())
    state = "critical" if is_late else SHIPMENT_STATE[parcel.status]
    word = _(SHIPMENT_WORDS[parcel.status])
    return {
        "id": parcel.id,
        "href": f"/deliveries/orders/{parcel.id}",
        "tracking_number": parcel.tracking_number,
        "status": (state, _("{status}, late", status=word) if is_late else word),
        "to": in_words(seen.delivery),
        "promised": parcel.promised_arrival_at,
        "driver": seen.driver_name if seen.assignment and seen.assignment.ended_at is None or not is_open(seen) else "",
        "from": in_words(seen.pickup),
        "created": parcel.created_at,
    }


def is_open(seen: ShipmentSeen) -> bool:
    """Whether something is still to be done about it."""
    return seen.shipment.status in queries.OPEN


def in_words(address: DeliveryAddress) -> str:
    """An address in one line, the person first."""
    return ", ".join(part for part in (address.contact_name, address.line1, address.city) if part)


def _order(look: Looker) -> None:
    tapped = str(uuid7())
    with panel(_("New shipment")) as dialog:
        form = Form()
        with form:
            for which, heading in (("pickup", _("From")), ("delivery", _("To"))):
                ui.label(heading).classes("st-h2").props("role=heading aria-level=3")
                form.text(f"{which}.line1", _("Street or place"), required=True)
                form.text(f"{which}.city", _("Town"))
                form.text(f"{which}.contact_name", _("Who"))
                form.text(f"{which}.contact_phone", _("Phone number"), mode="tel")
                form.number(f"{which}.latitude", _("Latitude"), unit="°")
                form.number(f"{which}.longitude", _("Longitude"), unit="°")
            ui.label(_("The parcel")).classes("st-h2").props("role=heading aria-level=3")
            form.text("description", _("What is it?"))
            form.number("weight_kg", _("Weight"), unit="kg", minimum=0)
            form.time("promised_at", _("Promised for"), zone=look.time_zone)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            promised = values["promised_at"]
            weight = values["weight_kg"]
            try:
                async with look.transaction() as tx:
                    made = await commands.create_shipment(
                        tx, pickup=_address(values, "pickup"), delivery=_address(values, "delivery"),
                        promised_at=promised.replace(tzinfo=known_zone(look.time_zone)).astimezone(UTC) if promised else None,
                        description=values["description"] or None, client_token=tapped,
                        weight_kg=None if weight is None else Decimal(str(weight)),
                    )  # fmt: skip
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            ui.navigate.to(f"/deliveries/orders/{made.id}")
            return None

        form.buttons(_("Order it"), send, on_cancel=dialog.close)
    dialog.open()


def _address(values: dict[str, Any], which: str) -> Address:
    def typed(part: str) -> str | None:
        return cast(str, values[f"{which}.{part}"]) or None

    return Address(
        line1=typed("line1") or "", city=typed("city"), contact_name=typed("contact_name"),
        contact_phone=typed("contact_phone"), latitude=values[f"{which}.latitude"], longitude=values[f"{which}.longitude"],
    )  # fmt: skip


async def _search(look: Looker, text: str) -> list[Found]:
    if not look.may("deliveries.view"):
        return []
    async with look.transaction() as tx:
        drivers = await queries.drivers(tx, search=text, limit=5)
        shipments, _total = await queries.shipments(tx, search=text, limit=5)
    return [
        *(Found(d.driver.name, f"/deliveries/drivers/{d.driver.id}", _("Driver"), "local_shipping") for d in drivers),
        *(
            Found(
                s.shipment.tracking_number, f"/deliveries/orders/{s.shipment.id}", in_words(s.delivery), "inventory_2"
            )
            for s in shipments
        ),
    ]


async def _waiting(look: Looker) -> list[Matter]:
    async with look.transaction() as tx:
        late = await queries.late(tx, at=now(), limit=30)
        unassigned = await queries.unassigned(tx, limit=30)
    found = {seen.shipment.id: seen for seen in (*unassigned, *late)}
    return [_matter(seen, is_late=seen in late) for seen in found.values()]


def _matter(seen: ShipmentSeen, *, is_late: bool) -> Matter:
    parcel = seen.shipment
    if is_late and parcel.promised_arrival_at:
        said = _(
            noop("{number} is late: it was promised for {at}."),
            number=parcel.tracking_number,
            at=moment(parcel.promised_arrival_at),
        )
        return Matter("warning", said, f"/deliveries/orders/{parcel.id}", parcel.promised_arrival_at, "local_shipping")
    said = _("{number} waits for a driver.", number=parcel.tracking_number)
    return Matter("waiting", said, f"/deliveries/orders/{parcel.id}", parcel.created_at, "local_shipping")


SEARCHERS.append(_search)
SOURCES.append(Source("deliveries.view", _waiting, (ShipmentChanged,)))
