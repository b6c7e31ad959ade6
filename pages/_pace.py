"""Whoever asks something counts the time until the answer begins: a request its first line, a tap the first change on its page."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from time import perf_counter
from typing import Any

from fastapi import FastAPI
from nicegui import core
from nicegui.outbox import Outbox
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.core.waits import answered

UNTIMED = ("/_nicegui", "/steading-ui/", "/favicon.ico", "/health")
"""Files that never change, sockets that wait on purpose, and who only looks whether we are there: their failures count, their times do not."""

_tapped_at: ContextVar[list[float] | None] = ContextVar("tapped_at", default=None)
"""When the tap came by which this is being done; emptied with the first change that it made."""


class Paced:
    """Pure ASGI, around everything else. What is after the first line depends on the reader's link, and is not counted."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        began, has_begun = perf_counter(), False

        async def timed(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                if message["status"] >= 500:
                    answered.failures += 1
                if not scope["path"].startswith(UNTIMED):
                    answered.requests.add((perf_counter() - began) * 1000)
            await send(message)

        try:
            await self._inner(scope, receive, timed)
        except Exception:
            if not has_begun:
                answered.failures += 1
            raise


def install(app: FastAPI) -> None:
    """Time what is asked of the application; after everything else is installed, for this goes around it."""
    app.add_middleware(Paced)
    time_events()


def time_events() -> None:
    """From now on each tap on a page is timed until something of the page changes by it. A tap that changes nothing is not waited for."""
    core.sio.on("event", _timed(core.sio.handlers["/"]["event"]))
    for name in ("enqueue_update", "enqueue_message"):  # NiceGUI tells nobody when a handler is done, and one may wait for a person
        setattr(Outbox, name, _noticed(getattr(Outbox, name)))


def _timed(inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def tapped(sid: str, message: dict[str, Any]) -> Any:
        token = _tapped_at.set([perf_counter()])  # what the handler starts inherits it
        try:
            return inner(sid, message)
        finally:
            _tapped_at.reset(token)

    return tapped


def _noticed(inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def changed(*args: Any, **kwargs: Any) -> Any:
        if at := _tapped_at.get():
            answered.events.add((perf_counter() - at.pop()) * 1000)
        return inner(*args, **kwargs)

    return changed
