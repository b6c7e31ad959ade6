"""A thousand screens that must be drawn anew ask in turn: a click, a device's message and a job do not wait behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar

from data.core.actor import Actor
from data.core.session import Transaction, transaction
from ui.live import is_refreshing

AT_ONCE = 8
"""How many transactions of screens that refresh are open at the same moment: fewer than there are connections."""

_turns = asyncio.Semaphore(AT_ONCE)
_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


def looking(actor: Actor) -> AbstractAsyncContextManager[Transaction]:
    """A transaction for somebody who looks: at once for what they clicked, in turn for what refreshes by itself."""
    return _in_turn(actor) if is_refreshing.get() and not _has_turn.get() else transaction(actor)


@asynccontextmanager
async def _in_turn(actor: Actor) -> AsyncIterator[Transaction]:
    async with _turns:
        token = _has_turn.set(True)  # what is opened inside it waits for nobody: it would wait for itself
        try:
            async with transaction(actor) as tx:
                yield tx
        finally:
            _has_turn.reset(token)
