"""Programs that speak Socket.IO stay connected at `/v1/socket.io`: each hears what it asked for and is answered by acknowledgement."""

import asyncio
from typing import Any

import socketio
import structlog
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from data.core.errors import Refusal, TooOften
from data.core.session import UNREACHABLE
from data.identity.door import Browser
from jobs.api._door import fault, refused
from jobs.api.push._asking import ARRIVALS, ASKED, PING_S, SILENT_S, absent, answered, let_in
from jobs.api.push._listeners import Listener

log = structlog.get_logger()

PATH = "/v1/socket.io"
LONGEST = 32_000
SHOWN_WITHIN_S = 10.0
MOST_AHEAD = 16
"""Messages that were handed to a line and that it has not taken; more wait with us, where there is a limit."""

server = socketio.AsyncServer(async_mode="asgi", ping_interval=PING_S, ping_timeout=SILENT_S - PING_S, max_http_buffer_size=LONGEST)
_served = socketio.ASGIApp(server, socketio_path=PATH)
_listeners: dict[str, Listener] = {}
_cuts: dict[str, asyncio.Task[None]] = {}


class _Door:
    """What comes in, by either kind of connection; who opens too many is told when to come back."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if b"sid=" not in scope["query_string"]:
            try:
                ARRIVALS.check(scope["client"][0] if scope.get("client") else "")
            except TooOften as refusal:
                await (refused(refusal) if scope["type"] == "http" else WebSocketClose(1013))(scope, receive, send)
                return
        await _served(scope, receive, send)


routes = (Route(f"{PATH}/", _Door(), include_in_schema=False), WebSocketRoute(f"{PATH}/", _Door()))


async def _connected(sid: str, environ: dict[str, Any], auth: object = None) -> None:
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    shown = auth or ({"token": token.strip(), "organization_id": environ.get("HTTP_X_ORGANIZATION_ID")} if scheme.lower() == "bearer" else None)
    client = environ["asgi.scope"].get("client")

    async def say(event: str, data: Any) -> None:
        await server.emit(event, data, to=sid)
        line = server.eio.sockets.get(server.manager.eio_sid_from_sid(sid, "/"))
        if line and line.queue.qsize() >= MOST_AHEAD:
            await line.queue.join()

    async def close() -> None:
        line_id = server.manager.eio_sid_from_sid(sid, "/")
        await server.disconnect(sid)
        await _cut(line_id)

    browser = Browser(client[0] if client else None, environ.get("HTTP_USER_AGENT"))
    try:
        _listeners[sid] = await let_in(shown, browser, say, close)
    except Refusal as refusal:
        raise _refused(refusal) from None
    except UNREACHABLE as reason:
        raise _refused(absent(reason)) from None


async def _cut(line_id: str) -> None:
    """End the line itself: asked politely alone, one that does not listen would stay."""
    if line := server.eio.sockets.get(line_id):
        await server.eio.disconnect(line_id)
        line.queue.put_nowait(None)


def _refused(refusal: Refusal) -> socketio.exceptions.ConnectionRefusedError:
    error = fault(refusal)["error"]
    return socketio.exceptions.ConnectionRefusedError(error["message"], error)


_opened = server.eio.handlers["connect"]


async def _line_opened(line_id: str, environ: dict[str, Any]) -> Any:
    """A line on which nobody shows a token in time is cut."""
    _cuts[line_id] = asyncio.create_task(_cut_unless_shown(line_id), name="push: a token is awaited")
    return await _opened(line_id, environ)


async def _cut_unless_shown(line_id: str) -> None:
    try:
        await asyncio.sleep(SHOWN_WITHIN_S)
        if server.manager.sid_from_eio_sid(line_id, "/") is None:
            await _cut(line_id)
    finally:
        _cuts.pop(line_id, None)


async def _disconnected(sid: str, reason: str = "") -> None:
    if one := _listeners.pop(sid, None):
        one.gone()


def _hear(name: str) -> None:
    async def asked(sid: str, said: object = None) -> dict[str, Any]:
        return await answered(_listeners[sid], name, said)

    server.on(name, asked)


server.eio.on("connect", _line_opened)
server.on("connect", _connected)
server.on("disconnect", _disconnected)
for one in ASKED:
    _hear(one)
