"""OwnTracks in HTTP mode: mode HTTP, host …/feeds/owntracks, any user name, the phone's token as its password.

The app takes every 2xx for done and an array for what we tell it (nothing, so far). After anything else it keeps the
message and sends it again, before all later ones: a message that can never be taken (422) holds up its queue until
somebody clears it in the app, which shows the status. So only what the app never sends by itself is refused.
"""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from data.core.time import now
from data.deliveries.values import Kept
from data.identity.tables import TokenKind
from jobs.codecs import owntracks
from jobs.networks._door import body_of, machine_of
from jobs.networks._phones import keep

NETWORK = "owntracks"
router = APIRouter()


@router.post("/feeds/owntracks")
async def message(request: Request) -> JSONResponse:
    """200 with [] for what is kept or is no position, 202 for a phone that has been taken away from its driver."""
    machine = await machine_of(request, TokenKind.DEVICE, network=NETWORK)
    at = now()
    user, device = (
        request.headers.get(f"x-limit-{letter}") or request.query_params.get(letter) for letter in ("u", "d")
    )
    fix = owntracks.fix(await body_of(request), user, device or "phone", now=at)
    if fix is None:
        return JSONResponse([])
    kept = await keep(machine, fix, field="tst", at=at)
    return JSONResponse([], status_code=202 if kept is Kept.UNKNOWN_DEVICE else 200)
