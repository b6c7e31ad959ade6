"""Strangers' phones pass the thirty tags, and what they hear waits at a macless-haystack endpoint to be fetched."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import anyio.to_thread
from sqlmodel import select

from data.core.session import transaction
from data.core.time import now
from data.tracking.tables import Tracker
from jobs.demonstration.haystack import Haystack
from jobs.demonstration.journeys import Heard, Journey, heard, journeys
from jobs.demonstration.past_tags import began_at
from jobs.demonstration.people import Staff

LOOK_EVERY_S = 20.0
MEMORY = timedelta(hours=6)
"""How far back a crowd that has just been gathered remembers."""


class Crowd:
    """Feeds the endpoint with what was heard since it last looked."""

    def __init__(self, haystack: Haystack, ways: Mapping[str, Journey], keys: Mapping[str, str]) -> None:
        self._haystack = haystack
        self._ways = {name: way for name, way in ways.items() if name in keys}
        self._keys = keys
        self._until_s = (now() - MEMORY).timestamp()

    async def run(self) -> None:
        while True:
            until_s = now().timestamp()
            for name, way in self._ways.items():
                found = list(heard(way, self._until_s, until_s))
                if found:  # sealing takes a millisecond each
                    await anyio.to_thread.run_sync(self._file, name, found)
                await asyncio.sleep(0.02)
            self._until_s = until_s
            await asyncio.sleep(LOOK_EVERY_S)

    def _file(self, name: str, found: list[Heard]) -> None:
        for one in found:
            self._haystack.hear(
                self._keys[name], at=datetime.fromtimestamp(one.at_s, UTC), latitude=one.latitude, longitude=one.longitude,
                accuracy_m=one.accuracy_m, confidence=one.confidence, battery=one.battery,
            )  # fmt: skip


async def gathered(haystack: Haystack, staff: Staff) -> Crowd:
    """The crowd around this world's tags."""
    async with transaction(staff.itself) as tx:
        began = await began_at(tx)
        keys = {tracker.name: tracker.advertisement_key for tracker in await tx.exec(select(Tracker))}
    return Crowd(haystack, journeys(began.timestamp()), keys)
