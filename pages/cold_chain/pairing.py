"""Somebody stands at a unit with a sensor in the hand: which one it is, and whether it is heard."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from nicegui import ui

from data.cold_chain.commands import pairing as commands
from data.cold_chain.events import PairingChanged, UnitChanged
from data.cold_chain.queries import machines
from data.cold_chain.queries.machines import DEVICES, PairingView
from data.cold_chain.values import PairingStatus
from data.core.errors import Conflict, Refusal
from pages._shell import Looker, explain, field_errors, screen
from pages.cold_chain._machine_forms import begin_pairing
from ui.age import age
from ui.badge import State, badge
from ui.dialog import confirm
from ui.form import Form, button
from ui.live import live
from ui.scanner import scanner
from ui.words import _, clock, noop, percent, temperature

FACES: dict[PairingStatus, tuple[State, str]] = {
    PairingStatus.COMPLETED: ("ok", noop("Paired")),
    PairingStatus.EXPIRED: ("offline", noop("Its hour is over")),
    PairingStatus.FAILED: ("offline", noop("Given up")),
}
BECAUSE = {
    "canceled": noop("Somebody ended it."),
    "deleted": noop("The sensor was deleted."),
    "moved": noop("The sensor was moved to another unit."),
    "out of service": noop("The sensor was taken out of service."),
}


@screen("/cold-chain/pairing/{session_id:uuid}", title="Pair a sensor", place="cold_chain", permission=DEVICES)
async def pair(look: Looker, session_id: UUID) -> None:
    assert look.frame

    async def ask() -> PairingView:
        async with look.transaction() as tx:
            return await machines.pairing(tx, session_id)

    seen = await ask()
    look.frame.set_title(_("Pair a sensor with {unit}", unit=seen.unit_name))
    with look.frame.actions:
        button(seen.unit_name, kind="quiet", icon="arrow_back", href=f"/cold-chain/units/{seen.session.unit_id}")
    assert seen.session.unit_id
    topics = look.topic(PairingChanged, session_id=session_id), look.topic(UnitChanged, unit_id=seen.session.unit_id)
    live(ask, lambda one: _state(look, one), *topics, minimum_interval_s=0.3)
    if not seen.is_over:
        with ui.element("section").classes("st-card") as entry:
            _which(look, session_id, is_first=seen.sensor is None)
        live(ask, lambda one: entry.set_visibility(not one.is_over), look.topic(PairingChanged, session_id=session_id), skeleton=lambda: None)


def _state(look: Looker, seen: PairingView) -> None:
    with ui.element("section").classes("st-card").props("aria-live=polite"):
        match seen.session.status:
            case PairingStatus.COMPLETED:
                _paired(seen)
            case PairingStatus.PENDING if not seen.is_over:
                _waiting(look, seen)
            case _:
                _over(look, seen)


def _paired(seen: PairingView) -> None:
    _badge("ok", _("Paired"))
    with ui.element("div").classes("st-facts"):
        if seen.said:
            _fact(_("First reading"), temperature(seen.said.celsius), large=True)
            if seen.said.battery_percent is not None:
                _fact(_("Battery"), percent(seen.said.battery_percent / 100))
            if seen.said.signal_dbm is not None:
                _fact(_("Signal"), f"{seen.said.signal_dbm} dBm")
        else:
            _fact(_("Heard"), _("yes, without a temperature yet"))
        if seen.sensor:
            _fact(_("Sensor"), seen.sensor.name)
    with ui.element("div").classes("st-row"):
        button(_("To the unit"), kind="primary", href=f"/cold-chain/units/{seen.session.unit_id}")
        if seen.sensor:
            button(_("To the sensor"), href=f"/cold-chain/sensors/{seen.sensor.device.id}")


def _waiting(look: Looker, seen: PairingView) -> None:
    if seen.sensor is None:
        _badge("waiting", _("Say which sensor it is"))
    else:
        _badge("waiting", _("Waiting for its first reading…"))
        ui.label(seen.sensor.name).classes("st-item-words")
        ui.label(_("Switch it on, or press its button. Most sensors speak within five minutes.")).classes("st-soft")
    _fact(_("Code"), seen.session.pairing_code, large=True)
    until = clock(seen.session.expires_at, seen.time_zone)
    ui.label(_("With the code somebody else can go on, on another phone. It is good until {time}.", time=until)).classes("st-soft")

    async def give_up() -> None:
        if await confirm(_("Give up this pairing?"), action=_("Give up"), goes=[seen.unit_name]):
            async with look.command() as tx:
                await commands.cancel(tx, seen.session.id)

    button(_("Give up"), give_up, kind="quiet")


def _over(look: Looker, seen: PairingView) -> None:
    status = seen.session.status if seen.session.status is not PairingStatus.PENDING else PairingStatus.EXPIRED
    colour, word = FACES[status]
    _badge(colour, _(word))
    because = seen.session.details.get("because")
    if status is PairingStatus.EXPIRED and seen.sensor and seen.sensor.device.last_seen_at:
        ui.label(_("The sensor came late, and works all the same.")).classes("st-item-words")
        age(seen.sensor.device.last_seen_at, seen.time_zone, prefix=_("heard") + " ")
    elif status is PairingStatus.EXPIRED and seen.sensor:
        ui.label(_("The sensor was not heard. It stays registered: when it speaks, it is taken in.")).classes("st-item-words")
        ui.label(_("Is it switched on, near a gateway, and known to the network with the right keys?")).classes("st-soft")
    elif because in BECAUSE:
        ui.label(_(BECAUSE[because])).classes("st-item-words")
    with ui.element("div").classes("st-row"):
        button(_("Begin again"), lambda: begin_pairing(look, seen.session.unit_id), kind="primary", icon="refresh")
        if seen.sensor:
            button(_("To the sensor"), href=f"/cold-chain/sensors/{seen.sensor.device.id}")


def _which(look: Looker, session_id: UUID, *, is_first: bool) -> None:
    """The number is typed, or the code scanned; a wrong one is corrected by another."""
    ui.label(_("Which sensor is it?")).classes("st-h2").props("role=heading aria-level=2")

    async def choose(label: str, *, moves: bool = False) -> dict[str, str] | None:
        try:
            async with look.transaction() as tx:
                await commands.choose(tx, session_id, label=label, moves=moves)
        except Conflict as reason:
            if "unit" in reason.values and not moves and await _wants_to_move(reason):
                return await choose(label, moves=True)
            return {"label": explain(reason)}
        except Refusal as reason:
            return field_errors(reason)
        return None

    with Form() as form:
        field = form.text(
            "label", _("Device EUI"), required=True, placeholder="0004A30B001C0530", help=_("16 letters and digits, printed on the sensor."),
            autocomplete="off",
        )  # fmt: skip

        async def scanned(text: str) -> None:
            field.control.set_value(text)
            form.show_errors(await choose(text) or {})

        scanner(scanned)

    async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
        return await choose(values["label"])

    form.buttons(_("This one") if is_first else _("Take this one"), send)


async def _wants_to_move(reason: Conflict) -> bool:
    return await confirm(
        _("Move it here?"), _("It watches {unit} now.", unit=reason.values["unit"]), action=_("Move it here"), danger=False
    )


def _badge(state: State, text: str) -> None:
    with ui.element("div"):
        badge(state, text)


def _fact(label: str, value: str, *, large: bool = False) -> None:
    with ui.element("div").classes("st-fact"):
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-code" if large else "st-fact-value")
