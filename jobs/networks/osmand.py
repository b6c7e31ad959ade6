"""OsmAnd, Traccar Client and a hundred trackers: server …/feeds/osmand, the device's own token as its identifier.

These apps have no other place for a secret, so it stands in the query; the server keeps no queries in its log.
Traccar Client sends a refused position again later, OsmAnd drops it.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from data.core.errors import Invalid, NotFound, Refusal, Unauthenticated
from data.core.time import now
from data.deliveries.values import Fix, Kept
from data.identity import door
from data.identity.door import Machine
from data.identity.tables import TokenKind
from jobs.codecs import osmand
from jobs.codecs.fields import document
from jobs.networks._door import body_of
from jobs.networks._phones import keep

NETWORK = "osmand"
MOST_FIELDS = 100
router = APIRouter()


@router.get("/feeds/osmand")
async def query(request: Request) -> PlainTextResponse:
    """A position in the query."""
    return await _fields(request.query_params)


@router.post("/feeds/osmand")
async def form(request: Request) -> PlainTextResponse:
    """A position as a form, or as Traccar Client's JSON; some send the query with an empty body."""
    body = await body_of(request)
    if body.lstrip().startswith(b"{") or "json" in request.headers.get("content-type", ""):
        return await _json(body)
    try:
        typed = parse_qsl(body.decode(), max_num_fields=MOST_FIELDS)
    except ValueError as reason:
        raise Invalid("body", "This is not a form.") from reason
    return await _fields({**request.query_params, **dict(typed)})


async def _fields(fields: Mapping[str, str]) -> PlainTextResponse:
    machine = await _device(fields.get("id") or fields.get("deviceid"), Refusal("No device of ours has this id."))
    at = now()
    return await _answer(machine, osmand.fix_from_query(fields, now=at), "timestamp")


async def _json(body: bytes) -> PlainTextResponse:
    message = document(body)
    machine = await _device(message.get("device_id"), NotFound("No device of ours has this id."))
    return await _answer(machine, osmand.fix_from_json(message, now=now()), "location.timestamp")


async def _device(token: object, otherwise: Refusal) -> Machine:
    try:
        return await door.machine(_storable(token), TokenKind.DEVICE, network=NETWORK)
    except Unauthenticated:
        raise otherwise from None


def _storable(token: object) -> str:
    """The identifier as text that has bytes; JSON may hold halves of characters, which are nobody's."""
    return str(token or "").encode(errors="replace").decode()


async def _answer(machine: Machine, fix: Fix | None, field: str) -> PlainTextResponse:
    kept = None if fix is None else await keep(machine, fix, field=field, at=now())
    if kept is Kept.UNKNOWN_DEVICE:
        return PlainTextResponse("This phone has been taken away from its driver.", status_code=202)
    return PlainTextResponse("OK")
