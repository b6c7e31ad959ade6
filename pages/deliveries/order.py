"""One shipment: where from and to, who has it, and its next step."""

from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now
from data.deliveries import commands, queries, rules
from data.deliveries.events import ShipmentChanged
from data.deliveries.queries import DriverSeen, ShipmentSeen
from data.deliveries.tables import DriverAssignment
from data.deliveries.values import AssignmentStatus, EmploymentStatus
from pages._map import live_map
from pages._shell import Looker, field_errors, screen
from pages.deliveries._words import (
    ASSIGNMENT_WORDS,
    AVAILABILITY_WORDS,
    SHIPMENT_STATE,
    SHIPMENT_WORDS,
    STEP_WORDS,
    load,
)
from pages.deliveries.orders import in_words, is_open
from ui.badge import badge
from ui.dialog import confirm
from ui.form import Form, button
from ui.live import live
from ui.map import Line
from ui.words import _, moment, number

Choice = tuple[DriverSeen, float | None]
NEXT = (AssignmentStatus.ACCEPTED, AssignmentStatus.EN_ROUTE, AssignmentStatus.ARRIVED, AssignmentStatus.DELIVERED)
BACK = (AssignmentStatus.REJECTED, AssignmentStatus.CANCELLED)


@screen("/deliveries/orders/{shipment_id}", title="Shipment", place="deliveries", permission="deliveries.view")
async def order(look: Looker, shipment_id: UUID) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All shipments"), href="/deliveries/orders", icon="arrow_back", kind="quiet")

    async def ask() -> tuple[ShipmentSeen, list[Choice]]:
        async with look.transaction() as tx:
            seen = await queries.shipment(tx, shipment_id)
            needs_driver = seen.shipment.status in queries.WAITING and look.may("deliveries.dispatch")
            return seen, await _choices(tx, seen) if needs_driver else []

    async with look.transaction() as tx:
        first = await queries.shipment(tx, shipment_id)
    look.frame.set_title(first.shipment.tracking_number)
    with ui.element("div").classes("st-columns"):
        with ui.element("div").classes("st-stack"):
            live(ask, lambda found: _show(look, *found), look.topic(ShipmentChanged, shipment_id=shipment_id))
        on_map = await live_map(look, "drivers", height="60vh")
    ends = [
        (a.latitude, a.longitude)
        for a in (first.pickup, first.delivery)
        if a.latitude is not None and a.longitude is not None
    ]
    if len(ends) == 2:
        on_map.fleet.set_lines(
            [
                Line(
                    [(a, b) for a, b in ends if a is not None and b is not None],
                    first.shipment.tracking_number,
                    is_dashed=True,
                )
            ]
        )


async def _choices(tx: Any, seen: ShipmentSeen) -> list[Choice]:
    """Who may be given it: the nearest first, then the others by name."""
    away: dict[UUID, float] = {}
    if seen.pickup.latitude is not None and seen.pickup.longitude is not None:
        away = dict(await queries.nearest_drivers(tx, seen.pickup.latitude, seen.pickup.longitude, limit=20))
    drivers = [d for d in await queries.drivers(tx) if d.driver.employment_status is EmploymentStatus.ACTIVE]
    return sorted(((d, away.get(d.driver.id)) for d in drivers), key=lambda c: (c[1] is None, c[1] or 0))


def _show(look: Looker, seen: ShipmentSeen, choices: list[Choice]) -> None:
    parcel = seen.shipment
    with ui.element("div").classes("st-card"):
        with ui.element("div").classes("st-row"):
            badge(SHIPMENT_STATE[parcel.status], _(SHIPMENT_WORDS[parcel.status]))
            if (
                rules.is_late(parcel.promised_arrival_at, parcel.delivered_at, now=now())
                and parcel.cancelled_at is None
            ):
                badge("critical", _("Late"))
        with ui.element("div").classes("st-facts"):
            _fact(_("From"), in_words(seen.pickup))
            _fact(_("To"), in_words(seen.delivery))
            _fact(
                _("Promised for"),
                moment(parcel.promised_arrival_at, look.time_zone) if parcel.promised_arrival_at else "–",
            )
            _fact(_("Driver"), seen.driver_name or "–")
            if parcel.description:
                _fact(_("What is it?"), parcel.description)
            if parcel.weight_kg is not None:
                _fact(_("Weight"), f"{number(float(parcel.weight_kg))} kg")
        if seen.assignment:
            _history(look, seen.assignment)
    if is_open(seen) and look.may("deliveries.dispatch"):
        with ui.element("div").classes("st-card"):
            if seen.assignment and seen.assignment.ended_at is None:
                _steps(look, parcel.id, seen.assignment)
            else:
                _assign(look, parcel.id, choices)
            button(_("Call it off…"), lambda: _call_off(look, seen), kind="quiet")


def _fact(label: str, value: str) -> None:
    with ui.element("div").classes("st-fact"):
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")


def _history(look: Looker, assignment: DriverAssignment) -> None:
    """Each step and when it was taken."""
    steps = [(AssignmentStatus.PENDING, assignment.created_at)]
    steps += [(status, at) for status, stamp in rules.STAMPS.items() if (at := getattr(assignment, stamp))]
    if assignment.status is AssignmentStatus.CANCELLED and assignment.ended_at:
        steps.append((AssignmentStatus.CANCELLED, assignment.ended_at))
    for status, at in steps:
        with ui.element("div").classes("st-item is-flat"):
            ui.label(_(ASSIGNMENT_WORDS[status])).classes("st-item-main")
            ui.label(moment(at, look.time_zone)).classes("st-soft")


def _steps(look: Looker, shipment_id: UUID, assignment: DriverAssignment) -> None:
    async def take(to: AssignmentStatus) -> None:
        async with look.command() as tx:
            await commands.step(tx, shipment_id, to=to)

    def taking(to: AssignmentStatus) -> Any:
        return lambda: take(to)

    may = rules.STEPS.get(assignment.status, frozenset())
    with ui.element("div").classes("st-row"):
        for to in (*NEXT, *BACK):
            if to in may:
                button(_(STEP_WORDS[to]), taking(to), kind="primary" if to in NEXT else "plain")


def _assign(look: Looker, shipment_id: UUID, choices: list[Choice]) -> None:
    if not choices:
        ui.label(_("There is no driver yet who could bring it.")).classes("st-soft")
        return
    form = Form()
    with form:
        form.select(
            "driver",
            _("Give it to"),
            {d.driver.id: _choice(d, away) for d, away in choices},
            choices[0][0].driver.id,
            required=True,
        )

    async def send(values: dict[str, Any]) -> dict[str, str] | None:
        try:
            async with look.transaction() as tx:
                await commands.assign(tx, shipment_id, driver_id=values["driver"])
        except Refusal as refusal:
            return field_errors(refusal)
        return None

    form.buttons(_("Assign"), send)


def _choice(seen: DriverSeen, away_m: float | None) -> str:
    parts = [seen.driver.name, _(AVAILABILITY_WORDS[seen.availability])]
    if seen.carries:
        parts.append(load(len(seen.carries)))
    if away_m is not None:
        parts.append(_("{km} km away", km=number(away_m / 1000, 1)))
    return " · ".join(parts)


async def _call_off(look: Looker, seen: ShipmentSeen) -> None:
    number_of = seen.shipment.tracking_number
    if await confirm(
        _("Call this shipment off?"), _("It cannot be taken up again."), action=_("Call it off"), goes=[number_of]
    ):
        async with look.command() as tx:
            await commands.cancel_shipment(tx, seen.shipment.id)
