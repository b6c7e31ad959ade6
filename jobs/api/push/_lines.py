"""Phones and gateways stay connected at `/v1/ws` over a plain WebSocket: the same messages, each a line of JSON.

There and back `{"event", "data"}`; with an `id` of the sender's own it is answered by `{"event": "ack", "id", "data"}`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

import structlog
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from data.core.errors import Invalid, Refusal, TooLarge, TooOften, Unauthenticated
from data.core.session import UNREACHABLE
from data.identity.door import Browser
from jobs.api._door import fault
from jobs.api.push._asking import ARRIVALS, PING_S, SILENT_S, absent, answered, let_in
from jobs.api.push._listeners import Listener

log = structlog.get_logger()

LONGEST = 32_000
FIRST_WITHIN_S = 10
REFUSED, OVER, SILENT, TRY_LATER = 4401, 4403, 4408, 1013

Tell = Callable[..., Awaitable[None]]


async def connected(socket: WebSocket) -> None:
    """Who says nothing for a minute is gone; a `ping` comes every 25 seconds, and `pong` is one thing to say."""
    client = socket.client
    try:
        ARRIVALS.check(client.host if client else "")
    except TooOften:
        await socket.close(TRY_LATER)
        return
    await socket.accept()

    async def say(event: str, data: Any, **more: Any) -> None:
        await socket.send_text(json.dumps({"event": event, "data": data} | more))

    async def close() -> None:
        await socket.close(OVER)

    one: Listener | None = None
    try:
        browser = Browser(client.host if client else None, socket.headers.get("user-agent"))
        one = await let_in(await _shown(socket), browser, say, close)
        await say("welcome", {"user_id": _text(one.actor.user_id), "organization_id": _text(one.actor.organization_id), "ping_every_s": PING_S})
        await _converse(socket, one, say)
    except Refusal as refusal:
        await _refuse(socket, say, refusal)
    except UNREACHABLE as reason:
        await _refuse(socket, say, absent(reason))
    except WebSocketDisconnect:
        pass
    finally:
        if one:
            one.gone()


async def _refuse(socket: WebSocket, say: Tell, refusal: Refusal) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # they may be gone already
        await say("error", fault(refusal)["error"])
        await socket.close(REFUSED)


async def _shown(socket: WebSocket) -> Mapping[str, Any]:
    """The token: in the header, or in the first line."""
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return {"token": token.strip(), "organization_id": socket.headers.get("x-organization-id")}
    try:
        return _read(await _line(socket, FIRST_WITHIN_S))
    except TimeoutError:
        raise Unauthenticated("The access token is missing.") from None


async def _converse(socket: WebSocket, one: Listener, say: Tell) -> None:
    heard_at = monotonic()
    while True:
        left_s = heard_at + SILENT_S - monotonic()
        if left_s <= 0:
            await socket.close(SILENT)
            return
        try:
            line = await _line(socket, min(PING_S, left_s))
        except TimeoutError:
            await say("ping", {})
            continue
        heard_at = monotonic()
        said = _read(line)
        if said.get("event") == "pong":
            continue
        data = await answered(one, str(said.get("event")), said.get("data"))
        await say("ack", data, id=said.get("id"))


async def _line(socket: WebSocket, within_s: float) -> str:
    message = await asyncio.wait_for(socket.receive(), within_s)
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    line: str = message.get("text") or ""
    if len(line) > LONGEST:
        raise TooLarge("A line holds at most {most} characters.", most=LONGEST)
    return line


def _read(line: str) -> Mapping[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Invalid("event", "Each line is an object of JSON.")
    return said


def _text(value: object) -> str | None:
    return None if value is None else str(value)
