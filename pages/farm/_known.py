"""What a phone keeps of the farms for when there is no signal: how things were, and when; nothing can be switched from it."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from nicegui import app

from data.core.errors import Unauthenticated
from data.core.session import transaction
from data.core.time import epoch_ms, now
from data.farm import queries
from data.farm.overview import Overview, overviews
from data.farm.queries import Tile
from data.farm.rules import COMMANDS
from pages._offline import FARM
from pages._plain import PERSON, UNSHARED, actor_of, person_tag, read_by, refused
from pages.farm._face import face
from pages.farm._health_words import HEALTH_STATES, HEALTH_WORDS
from pages.farm._rooms import air_of, spoken
from ui.words import _


@app.get(FARM, include_in_schema=False)
async def known(request: Request) -> JSONResponse:
    """This person's farms in their own words, room by room, as they are now."""
    who = actor_of(request)
    read_by(who, request)
    if who is None or who.organization_id is None:
        return refused(Unauthenticated("Sign in first."))
    at = now()
    async with transaction(who) as tx:
        farms = await overviews(tx, await queries.farms(tx), at=at)
        tiles = await queries.tiles(tx)
    body = {"at": epoch_ms(at), "farms": [_farm(one, [t for t in tiles if t.device.farm_id == one.farm.id]) for one in farms]}
    return JSONResponse(body, headers={**UNSHARED, PERSON: person_tag(who)})


def _farm(one: Overview, tiles: Sequence[Tile]) -> dict[str, Any]:
    is_stopped = one.farm.is_stopped
    return {
        "name": one.farm.name, "state": "critical" if is_stopped else HEALTH_STATES[one.health],
        "words": _("Stopped") if is_stopped else _(HEALTH_WORDS[one.health]),
        "rooms": [_room(room, list(members)) for room, members in groupby(tiles, key=lambda one: one.device.location or "")],
    }  # fmt: skip


def _room(name: str, tiles: Sequence[Tile]) -> dict[str, Any]:
    found = air_of(tiles, at=now())
    said = spoken(found)
    air = " ".join(filter(None, (said["value"], said["unit"])))
    more = [f"{one.label} {one.text}" for one in said["more"]]
    return {
        "name": name, "word": said["word"] if found.at else "", "state": said["state"], "air": " · ".join(filter(None, (air, *more))),
        "at": epoch_ms(found.at) if found.at else None, "devices": [_device(one) for one in tiles if COMMANDS[one.device.device_type]],
    }  # fmt: skip


def _device(one: Tile) -> dict[str, Any]:
    shown = face(one, may_switch=False)
    word = shown["word"] or (_("Unknown") if shown["is_on"] is None else _("On") if shown["is_on"] else _("Off"))
    return {
        "name": shown["name"], "word": word, "state": shown["state"], "value": shown["value"], "note": shown["note"],
        "at": epoch_ms(shown["at"]) if shown.get("at") else None,
    }  # fmt: skip
