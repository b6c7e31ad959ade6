"""The Things Stack posts each uplink to its organization's webhook; it has five seconds' patience and asks no second time."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.time import now
from data.identity.tables import TokenKind
from jobs.codecs import things_stack
from jobs.networks._door import body_of, json_of, machine_of
from jobs.networks._lorawan import from_ttn, keep

NETWORK = "ttn"
router = APIRouter()


@router.post("/feeds/ttn")
async def receive(request: Request) -> JSONResponse:
    """One event of The Things Stack v3: what a sensor said, or that it joined. Other events are welcome and say nothing."""
    machine = await machine_of(request, TokenKind.FEED, network=NETWORK)
    return await keep(machine, from_ttn, things_stack.measurement(json_of(await body_of(request)), now=now()))
