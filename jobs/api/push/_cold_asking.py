"""A connected program asks to hear of a cold chain: of a whole organization, of a site, or of a unit."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from data.cold_chain.queries import units
from data.core.errors import TooLarge
from data.core.session import transaction
from jobs.api._door import READING
from jobs.api.push._cold_feed import ColdFeed
from jobs.api.push._listeners import Listener
from jobs.api.push._said import read

MOST_SITES = 100
BEGUN_WITHIN_S = 5.0


class OfSite(BaseModel):
    site_id: UUID


class OfUnit(BaseModel):
    unit_id: UUID


async def _subscribe(one: Listener, said: object) -> dict[str, Any]:
    """All that they may see: where their right holds for some sites only, these."""
    READING.check(one.key)
    async with transaction(one.actor) as tx:
        tx.actor.require(units.VIEW)
        limited = tx.actor.scopes(units.VIEW) is not None
        sites = [view.site.id for view in await units.sites(tx)] if limited else [None]
    for room in _rooms(one):
        room.leave(one)
    for site_id in sites:
        await _join(one, site_id, None)
    return {"organization_id": str(one.actor.organization_id), "is_subscribed": True}


async def _unsubscribe(one: Listener, said: object) -> dict[str, Any]:
    for room in _rooms(one):
        room.leave(one)
    return {"organization_id": str(one.actor.organization_id), "is_subscribed": False}


async def _subscribe_site(one: Listener, said: object) -> dict[str, Any]:
    READING.check(one.key)
    async with transaction(one.actor) as tx:
        site = await units.site(tx, read(OfSite, said).site_id)
    if not _hears_all(one):
        await _join(one, site.id, None)
    return {"site_id": str(site.id), "is_subscribed": True}


async def _unsubscribe_site(one: Listener, said: object) -> dict[str, Any]:
    site_id = read(OfSite, said).site_id
    if room := ColdFeed.if_open((one.actor.organization_id, site_id)):
        room.leave(one)
    return {"site_id": str(site_id), "is_subscribed": False}


async def _subscribe_unit(one: Listener, said: object) -> dict[str, Any]:
    READING.check(one.key)
    async with transaction(one.actor) as tx:
        unit = await units.unit(tx, read(OfUnit, said).unit_id)
    room = ColdFeed.if_open((one.actor.organization_id, unit.site_id))
    heard = room.listeners.get(one, set()) if room else set()
    if heard is not None and not _hears_all(one):  # who hears of the whole site hears of this too
        await _join(one, unit.site_id, heard | {unit.id})
    return {"unit_id": str(unit.id), "site_id": str(unit.site_id), "is_subscribed": True}


async def _unsubscribe_unit(one: Listener, said: object) -> dict[str, Any]:
    unit_id = read(OfUnit, said).unit_id
    for room in _rooms(one):
        if heard := room.listeners[one]:
            heard.discard(unit_id)
            if not heard:
                room.leave(one)
    return {"unit_id": str(unit_id), "is_subscribed": False}


ASKED: Mapping[str, Callable[[Listener, object], Awaitable[dict[str, Any]]]] = {
    "org:subscribe": _subscribe, "org:unsubscribe": _unsubscribe, "site:subscribe": _subscribe_site, "site:unsubscribe": _unsubscribe_site,
    "unit:subscribe": _subscribe_unit, "unit:unsubscribe": _unsubscribe_unit,
}  # fmt: skip


async def _join(one: Listener, site_id: UUID | None, unit_ids: set[UUID] | None) -> None:
    organization_id = one.actor.organization_id
    assert organization_id
    rooms = _rooms(one)
    if len(rooms) >= MOST_SITES and all(room.site_id != site_id for room in rooms):
        raise TooLarge("One connection hears of {most} sites at most.", most=MOST_SITES)
    if not one.is_over:
        room = ColdFeed.of((organization_id, site_id), organization_id, site_id)
        room.join(one, unit_ids)
        with suppress(TimeoutError):
            await asyncio.wait_for(room.has_begun.wait(), BEGUN_WITHIN_S)


def _rooms(one: Listener) -> list[ColdFeed]:
    return [room for room in one.rooms if isinstance(room, ColdFeed)]


def _hears_all(one: Listener) -> bool:
    return any(room.site_id is None for room in _rooms(one))
