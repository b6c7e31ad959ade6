import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Awaitable[None]]:
    """Wait until something is so, for two seconds at most."""

    async def wait(is_so: Callable[[], Any]) -> None:
        for _ in range(100):
            if is_so():
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not happen within two seconds")

    return wait
