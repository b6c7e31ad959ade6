"""ChirpStack v4 posts each event of a sensor to its HTTP integration: …/feeds/chirpstack, a header with the secret, JSON.

It adds `?event=up|join|status|ack|txack|log|location|integration` itself. After anything but a 2xx it only writes a line into
its own log, so that an unknown sensor is answered 202 here too.
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.errors import Unsupported
from data.core.time import now
from data.identity.tables import TokenKind
from jobs.codecs import chirpstack
from jobs.networks._door import body_of, json_of, machine_of
from jobs.networks._lorawan import from_chirpstack, keep

NETWORK = "chirpstack"
NOT_JSON = ("application/octet-stream", "application/x-protobuf", "application/protobuf")
router = APIRouter()


@router.post("/feeds/chirpstack")
async def receive(request: Request, event: str | None = None) -> JSONResponse:
    """One event; 415 where the integration is set to Protobuf."""
    machine = await machine_of(request, TokenKind.FEED, network=NETWORK)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() in NOT_JSON:
        raise Unsupported("Set the encoding of this HTTP integration to JSON; Protobuf is not read here.")
    return await keep(machine, from_chirpstack, chirpstack.measurement(json_of(await body_of(request)), event, now=now()))
