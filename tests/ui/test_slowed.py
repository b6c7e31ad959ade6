import asyncio
import time
from collections.abc import Callable

from ui.slowed import Slowed


class Bell:
    def __init__(self) -> None:
        self.hearers: list[Callable[[], None]] = []

    def subscribe(self, callback: Callable[[], None], /) -> Callable[[], None]:
        self.hearers.append(callback)
        return lambda: self.hearers.remove(callback)

    def ring(self) -> None:
        for hearer in tuple(self.hearers):
            hearer()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await asyncio.sleep(0.01)


async def test_a_burst_is_heard_at_once_and_once_more_when_its_time_has_come() -> None:
    bell, heard = Bell(), list[float]()
    Slowed(bell, 0.2).subscribe(lambda: heard.append(time.monotonic()))
    for _ in range(50):
        bell.ring()
        await asyncio.sleep(0.002)
    await until(lambda: len(heard) == 2)
    await asyncio.sleep(0.3)
    assert len(heard) == 2
    assert heard[1] - heard[0] >= 0.199


async def test_who_stopped_listening_hears_nothing_not_even_what_was_waiting() -> None:
    bell, heard = Bell(), list[int]()
    stop = Slowed(bell, 0.1).subscribe(lambda: heard.append(1))
    bell.ring()
    await until(lambda: bool(heard))
    bell.ring()
    stop()
    bell.ring()
    await asyncio.sleep(0.2)
    assert heard == [1] and bell.hearers == []
