"""A part of a screen that keeps itself current: ask, then draw; ask again whenever a topic says something changed.

Bursts merge into at most one running and one waiting question. What was subscribed ends with the part or its client,
and a screen whose connection is away asks nothing until it is back.
"""
from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from nicegui import Client, background_tasks, ui

from ui.empty import error_state, loading_state
from ui.words import _

log = logging.getLogger('steading.ui.live')
Value = TypeVar('Value')


class Topic(Protocol):
    """Anything that can call back; `subscribe` returns the function that ends the subscription."""

    def subscribe(self, callback: Callable[[], None], /) -> Callable[[], None]: ...


def _plain_explanation(exc: Exception) -> str:
    return _('Something went wrong. It has been noted.')


_explain: Callable[[Exception], str] = _plain_explanation


def set_explain(explain: Callable[[Exception], str]) -> None:
    """Say once, for the whole process, how an exception is told to the person in front of the screen."""
    global _explain
    _explain = explain


def explain(exc: Exception) -> str:
    """How this exception is told to a person, by what `set_explain` was given."""
    return _explain(exc)


is_refreshing: contextvars.ContextVar[bool] = contextvars.ContextVar('is_refreshing', default=False)
"""Whether what runs now is a part of a screen that asks by itself, and not somebody's click: that can wait its turn."""


async def _asked(ask: Callable[[], Awaitable[Value]]) -> Value:
    token = is_refreshing.set(True)
    try:
        return await ask()
    finally:
        is_refreshing.reset(token)


class Merging:
    """Runs `step` when poked: never two at once, and however many pokes arrive meanwhile, only one run follows.

    `spawn` starts a coroutine; `clock` is monotonic seconds; both are arguments so that tests need no waiting.
    """

    def __init__(self, step: Callable[[], Awaitable[None]], *, minimum_interval_s: float = 0.0,
                 spawn: Callable[[Any], Any] | None = None,
                 clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep) -> None:
        self._step, self._minimum_interval_s = step, minimum_interval_s
        self._spawn: Callable[[Any], Any] = spawn or asyncio.ensure_future
        self._clock, self._sleep = clock, sleep
        self._running = self._waiting = self._closed = False
        self._last_start: float | None = None

    def poke(self) -> None:
        """Ask for a run; cheap, never raises, may be called from any callback on the loop."""
        if self._closed:
            return
        self._waiting = True
        if not self._running:
            self._running = True
            self._spawn(self._run())

    def close(self) -> None:
        """No further run starts; one that is under way finishes unheard."""
        self._closed = True

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    async def _run(self) -> None:
        try:
            while self._waiting and not self._closed:
                if self._last_start is not None:
                    pause = self._last_start + self._minimum_interval_s - self._clock()
                    if pause > 0:
                        await self._sleep(pause)
                self._waiting = False
                if self._closed:
                    return
                self._last_start = self._clock()
                await self._step()
        finally:
            self._running = False
            if self._waiting:
                self.poke()


class _Watched(ui.element):
    """The container of a live part; when it goes (redrawn parent, closed tab) its subscriptions go with it."""

    def __init__(self) -> None:
        super().__init__('div')
        self._endings: list[Callable[[], None]] = []

    def ending(self, function: Callable[[], None]) -> None:
        self._endings.append(function)

    def _handle_delete(self) -> None:
        for function in self._endings:
            function()
        self._endings.clear()
        super()._handle_delete()


class Part:
    """What `live` gives back: `refresh()` asks now, `stop()` ends it, `await first()` waits for the first drawing."""

    def __init__(self, container: ui.element, merging: Merging) -> None:
        self.container, self._merging = container, merging
        self._drawn = asyncio.Event()

    def refresh(self) -> None:
        """Ask again, as if a topic had changed."""
        self._merging.poke()

    def stop(self) -> None:
        """Ask no more; what is drawn stays."""
        self._merging.close()

    async def first(self, timeout_s: float = 2.0) -> None:
        """Wait until something is drawn, but never longer than this; for pages that want to arrive complete."""
        try:
            await asyncio.wait_for(self._drawn.wait(), timeout_s)
        except TimeoutError:
            log.debug('first answer took longer than %s s', timeout_s)


def page_spawn(name: str) -> Callable[[Any], Any]:
    """How a page's questions are started: in the page's own context (its reader), whoever's change made them due."""
    context = contextvars.copy_context()
    return lambda run: context.copy().run(background_tasks.create, run, name=name)


def on_connect(client: Client, handler: Callable[[], Any]) -> Callable[[], None]:
    """Call when the browser is (back) there; the result ends that, so that parts redrawn all day leave nothing behind."""
    client.on_connect(handler)

    def end() -> None:
        if handler in client.connect_handlers:
            client.connect_handlers.remove(handler)
    return end


def _watch(container: _Watched, step: Callable[[], Awaitable[None]], topics: tuple[Topic, ...],
           minimum_interval_s: float) -> Merging:
    """Wire topics, connection and deletion to one `Merging`; runs in the page's own context."""
    client = container.client
    merging = Merging(step, minimum_interval_s=minimum_interval_s, spawn=page_spawn('live'))
    missed = {'something': False, 'asked': False}

    def changed() -> None:
        if missed['asked'] and client.tab_id is None and not client.has_socket_connection:
            missed['something'] = True
        else:
            missed['asked'] = True
            merging.poke()

    def returned() -> None:
        if missed['something'] and not merging.is_closed:
            missed['something'] = False
            merging.poke()

    for topic in topics:
        container.ending(topic.subscribe(changed))
    container.ending(on_connect(client, returned))
    container.ending(merging.close)
    changed()
    return merging


def live(ask: Callable[[], Awaitable[Value]], show: Callable[[Value], Any], *topics: Topic,
         minimum_interval_s: float = 0.0, skeleton: Callable[[], Any] = loading_state) -> Part:
    """Ask, draw, and keep current inside a container of its own.

    `ask` is one short question (open a transaction, read, close it); `show(value)` draws with NiceGUI and may be async;
    it always draws from nothing. `minimum_interval_s` is the least time between the starts of two questions.
    `skeleton` draws the first moment. If `ask` raises, the explanation (see `set_explain`) and a retry are drawn.
    """
    container = _Watched().classes('st-live')

    async def step() -> None:
        try:
            value = await _asked(ask)
            if container.is_deleted:
                return
            with container.clear():
                drawn = show(value)
                if inspect.isawaitable(drawn):
                    await drawn
        except Exception as exc:  # an edge: whatever it is, the person sees it explained and can retry
            log.warning('a live part failed: %s', exc, exc_info=exc)
            if container.is_deleted:
                return
            with container.clear():
                error_state(_explain(exc), retry=merging.poke)
        if not container.is_deleted:
            container.props['data-live-at'] = str(int(time.time() * 1000))
        part._drawn.set()

    with container:
        skeleton()
    merging = _watch(container, step, topics, minimum_interval_s)
    part = Part(container, merging)
    return part


def live_value(ask: Callable[[], Awaitable[Value]], push: Callable[[Value], Any], *topics: Topic,
               minimum_interval_s: float = 0.0) -> Part:
    """Like `live` for hot paths: nothing is redrawn; `push(value)` hands the value to a component that takes differences.

    A failing question is logged and asked again with the next change; what was shown stays, and its age tells.
    """
    container = _Watched().classes('st-live-value')

    async def step() -> None:
        try:
            value = await _asked(ask)
        except Exception as exc:  # an edge
            log.warning('a live value failed: %s', exc, exc_info=exc)
            return
        if container.is_deleted:
            return
        with container:
            pushed = push(value)
            if inspect.isawaitable(pushed):
                await pushed
        part._drawn.set()

    merging = _watch(container, step, topics, minimum_interval_s)
    part = Part(container, merging)
    return part
