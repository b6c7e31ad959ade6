"""What every machine's door does first: a body of bearable size, and a secret that says whose it is."""

import base64
import binascii
import json
from typing import Any, NoReturn

from fastapi import Request

from data.core.errors import Invalid, TooLarge, Unauthenticated
from data.core.intake import Intake
from data.identity import door
from data.identity.door import Machine
from data.identity.tables import TokenKind

BODY_LIMIT = 1_000_000

intake = Intake()
"""The process's one queue. main starts it, after the database and before the first door opens."""


async def body_of(request: Request, *, limit: int = BODY_LIMIT) -> bytes:
    """The request's body; TooLarge past `limit` bytes, whatever its header promised."""
    size, chunks = 0, []
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge("A message may have at most {limit} bytes.", limit=limit)
        chunks.append(chunk)
    return b"".join(chunks)


def json_of(body: bytes) -> Any:
    """The body as JSON; Invalid('body') where it is none. NaN and Infinity are not JSON."""

    def refuse(constant: str) -> NoReturn:
        raise Invalid("body", "{constant} is not a number.", constant=constant)

    try:
        return json.loads(body, parse_constant=refuse)
    except (ValueError, RecursionError) as reason:
        raise Invalid("body", "This is not JSON: {reason}", reason=str(reason)) from reason


def secret_of(request: Request) -> str:
    """The secret that came in a header (X-Webhook-Secret, X-API-Key, Bearer) or as the password of Basic."""
    for header in ("x-webhook-secret", "x-api-key"):
        if value := request.headers.get(header):
            return value
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            pass
    raise Unauthenticated("The secret is missing or not right.")


async def machine_of(request: Request, *kinds: TokenKind, network: str | None = None) -> Machine:
    """Which machine asks, by its secret; Unauthenticated where there is none that fits."""
    return await door.machine(secret_of(request), *kinds, network=network)
