"""What a connected program asks: to be let in, to hear of a farm or a device, to switch something. The same rules as by request."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

import structlog
from pydantic import BaseModel

from data.core.actor import Actor, ActorKind
from data.core.bus import bus
from data.core.errors import Busy, Invalid, NotFound, Refusal, TooLarge, Unauthenticated
from data.core.session import UNREACHABLE, across_tenants, transaction
from data.farm import commands, queries
from data.farm.commands.gateways import NETWORK
from data.farm.tables import Gateway
from data.identity import door, programs
from data.identity.door import Browser
from data.identity.tables import TokenKind
from jobs.api._door import CONTROL, READING, called, fault
from jobs.api.commands import Wanted
from jobs.api.push._cold_asking import ASKED as OF_COLD_CHAINS
from jobs.api.push._farm_feed import FarmFeed
from jobs.api.push._inbox_feed import InboxFeed
from jobs.api.push._listeners import Close, Listener, Say, everybody
from jobs.api.push._said import read
from jobs.networks._pace import Pace
from jobs.networks._refusals import ABSENT

log = structlog.get_logger()

MOST_FARMS = 100
ARRIVALS = Pace(300, 60)
"""Lines opened from one address in a minute, whoever it turns out to be."""
PING_S, SILENT_S = 25, 60
"""How often a line is tried, and how long somebody may say nothing at all."""


class Coming(BaseModel):
    """What somebody shows who connects: an access token, or a gateway's; and for which of their organizations, as in
    `X-Organization-Id`."""

    token: str
    organization_id: UUID | None = None


class OfFarm(BaseModel):
    farm_id: UUID


class OfDevice(BaseModel):
    device_id: UUID


class Command(Wanted):
    """As it is posted, and to which device."""

    device_id: UUID


async def let_in(shown: object, browser: Browser, say: Say, close: Close) -> Listener:
    """Whoever shows a token that opens something. Unauthenticated, NotFound, TooOften; Invalid where there is none."""
    came = read(Coming, shown)
    if not bus.is_connected.is_set():
        raise Busy(ABSENT)
    try:
        actor, token_id = await programs.who(came.token, browser, organization_id=came.organization_id), None
    except Unauthenticated:
        actor, token_id = await _gateway(came.token)
    if actor.organization_id is None:
        raise NotFound("There is no such organization.")
    one = Listener(actor, say, close, token_id=token_id)
    try:
        everybody.enter(one)
    except Refusal:
        one.gone()
        raise
    if actor.user_id:
        InboxFeed.of((actor.organization_id, actor.user_id), actor).join(one)
    return one


async def _gateway(token: str) -> tuple[Actor, UUID]:
    """A box in a chicken house hears of its own farm."""
    machine = await door.machine(token, TokenKind.DEVICE, network=NETWORK)
    if machine.subject_id is None:
        raise Unauthenticated("The secret is missing or not right.")
    async with across_tenants("a gateway's farm") as tx:
        gateway = await tx.get(Gateway, machine.subject_id)
    if gateway is None or gateway.deleted_at or gateway.organization_id != machine.organization_id:
        raise Unauthenticated("The secret is missing or not right.")
    rights = {"farm.view": frozenset({gateway.farm_id})}
    return Actor(ActorKind.MACHINE, machine.organization_id, machine.name, rights=rights), machine.token_id


async def answered(one: Listener, name: str, said: object) -> dict[str, Any]:
    """What they asked for, or the error."""
    try:
        if one.is_over:
            raise Unauthenticated(programs.OVER)
        if not bus.is_connected.is_set():  # what was taken from them meanwhile would not be known here
            raise Busy(ABSENT)
        ask = ASKED.get(name)
        if ask is None:
            raise Invalid("event", "Choose one of {choices}.", choices=", ".join(ASKED))
        return await ask(one, said)
    except Refusal as refusal:
        return fault(refusal)
    except UNREACHABLE as reason:
        return fault(absent(reason))
    except Exception:  # an edge: the line stays, and the program is told
        log.exception("a program's request failed", asked=name)
        return fault(None)


def absent(reason: BaseException) -> Busy:
    """The database does not answer."""
    log.warning("a connected program's request could not reach the database", reason=str(reason).splitlines()[0])
    return Busy(ABSENT)


async def _subscribe(one: Listener, said: object) -> dict[str, Any]:
    READING.check(one.key)
    farm_id = read(OfFarm, said).farm_id
    async with transaction(one.actor) as tx:
        await queries.farm(tx, farm_id)
    _join(one, farm_id, None)
    return {"farm_id": str(farm_id), "is_subscribed": True}


async def _unsubscribe(one: Listener, said: object) -> dict[str, Any]:
    farm_id = read(OfFarm, said).farm_id
    if room := FarmFeed.if_open((one.actor.organization_id, farm_id)):
        room.leave(one)
    return {"farm_id": str(farm_id), "is_subscribed": False}


async def _subscribe_device(one: Listener, said: object) -> dict[str, Any]:
    READING.check(one.key)
    async with transaction(one.actor) as tx:
        device = await queries.device(tx, read(OfDevice, said).device_id)
    room = FarmFeed.if_open((one.actor.organization_id, device.farm_id))
    heard = room.listeners.get(one, set()) if room else set()
    if heard is not None:  # who hears of the whole farm hears of this too
        _join(one, device.farm_id, heard | {device.id})
    return {"device_id": str(device.id), "farm_id": str(device.farm_id), "is_subscribed": True}


async def _unsubscribe_device(one: Listener, said: object) -> dict[str, Any]:
    device_id = read(OfDevice, said).device_id
    for room in _rooms(one):
        if heard := room.listeners[one]:
            heard.discard(device_id)
            if not heard:
                room.leave(one)
    return {"device_id": str(device_id), "is_subscribed": False}


async def _command(one: Listener, said: object) -> dict[str, Any]:
    CONTROL.check(one.key)
    given = read(Command, said)
    async with transaction(one.actor) as tx:
        with called(value=f"command_params.{given.parameter}"):
            made = await commands.command(tx, given.device_id, given.command_type, value=given.value, urgency=given.urgency)
        return {"id": str(made.id), "status": made.status.value}


ASKED: Mapping[str, Callable[[Listener, object], Awaitable[dict[str, Any]]]] = {
    "farm:subscribe": _subscribe, "farm:unsubscribe": _unsubscribe, "device:subscribe": _subscribe_device,
    "device:unsubscribe": _unsubscribe_device, "device:command": _command, **OF_COLD_CHAINS,
}  # fmt: skip


def _join(one: Listener, farm_id: UUID, devices: set[UUID] | None) -> None:
    organization_id = one.actor.organization_id
    rooms = _rooms(one)
    if len(rooms) >= MOST_FARMS and all(room.farm_id != farm_id for room in rooms):
        raise TooLarge("One connection hears of {most} farms at most.", most=MOST_FARMS)
    if not one.is_over:
        FarmFeed.of((organization_id, farm_id), organization_id, farm_id).join(one, devices)


def _rooms(one: Listener) -> list[FarmFeed]:
    return [room for room in one.rooms if isinstance(room, FarmFeed)]
