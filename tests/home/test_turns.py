"""Screens that refresh by themselves ask in turn; a click goes past them, and a failure gives its turn back."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pages._turns import AT_ONCE, looking
from tests.factories.people import World
from ui.live import is_refreshing


@pytest.fixture
async def refreshing() -> AsyncIterator[asyncio.Event]:
    """Opened at the end, so that whatever still looks can finish."""
    is_over = asyncio.Event()
    yield is_over
    is_over.set()


async def test_a_click_goes_past_a_crowd_of_screens_that_wait_for_each_other(world: World, refreshing: asyncio.Event) -> None:
    looked = asyncio.Semaphore(0)

    async def refresh() -> None:
        is_refreshing.set(True)
        async with looking(world.owner):
            looked.release()
            await refreshing.wait()

    crowd = [asyncio.create_task(refresh()) for _ in range(AT_ONCE + 3)]
    for _ in range(AT_ONCE):
        await asyncio.wait_for(looked.acquire(), 30)
    async with asyncio.timeout(30), looking(world.owner):
        assert looked.locked()  # no more of them than there are turns
    refreshing.set()
    await asyncio.gather(*crowd)


async def test_what_is_asked_inside_a_turn_needs_none_and_a_failure_gives_it_back(world: World) -> None:
    is_refreshing.set(True)
    async with asyncio.timeout(10):
        for _ in range(AT_ONCE + 1):
            with pytest.raises(LookupError):
                async with looking(world.owner), looking(world.owner):
                    raise LookupError
