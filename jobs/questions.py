"""Devices are asked how they are, and told what they should know by themselves, as soon as somebody wants it."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from data.core.bus import Heard, bus
from data.core.session import across_tenants
from data.farm.events import DeviceSettingsWanted, StateWanted
from data.farm.queries import questions_of, settings_of
from data.farm.values import DeviceSettings, Question
from jobs.channels import TryLater

log = structlog.get_logger()

Ask = Callable[[Question], Awaitable[None]]
Tell = Callable[[DeviceSettings], Awaitable[None]]
"""Hands it to the device's network, or raises TryLater: then it is asked again in a minute, and told when the device is back."""


class Questions:
    """Takes up what is wanted, each device once however often it is wanted meanwhile."""

    def __init__(self, ask: Ask, tell: Tell) -> None:
        self._ask, self._tell = ask, tell
        self._asked: set[UUID] = set()
        self._told: set[UUID] = set()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._endings: list[Callable[[], None]] = []

    def start(self) -> None:
        self._endings = [
            bus.listen(StateWanted.__name__, "*", lambda heard: self._note(self._asked, heard)),
            bus.listen(DeviceSettingsWanted.__name__, "*", lambda heard: self._note(self._told, heard)),
        ]
        self._task = asyncio.create_task(self._run(), name="questions")

    async def stop(self) -> None:
        for end in self._endings:
            end()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def _note(self, wanted: set[UUID], heard: Heard) -> None:
        if device_id := heard.ids.get("device_id"):  # none after a lost connection: who was missed is asked in a minute
            wanted.add(UUID(device_id))
            self._wanted.set()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            asked, told = tuple(self._asked), tuple(self._told)
            self._asked.clear()
            self._told.clear()
            try:
                await self._pass_on(asked, told)
            except TryLater as reason:
                log.info("devices could not be asked", reason=str(reason))
            except Exception:  # an edge: the database may be away for a while
                log.exception("devices could not be asked")

    async def _pass_on(self, asked: tuple[UUID, ...], told: tuple[UUID, ...]) -> None:
        async with across_tenants("questions") as tx:
            questions = await questions_of(tx, *asked)
            settings = [found for device_id in told if (found := await settings_of(tx, device_id))]
        for question in questions:
            await self._ask(question)
        for one in settings:
            await self._tell(one)
