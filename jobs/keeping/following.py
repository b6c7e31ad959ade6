"""The server's log is followed as it is written, and kept: each file of it when it is full, and the one in work every minute."""

import asyncio
import gzip
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import anyio.to_thread
import psycopg
import structlog

from data.core.session import UNREACHABLE, across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.platform import backups
from data.platform import stretches as noted
from jobs.keeping.bases import make_base
from jobs.keeping.files import Files
from jobs.keeping.receiving import Gap, Receiver, ReceiverEnded, receiving
from jobs.keeping.replication import Mark, Refused, Server, mark, server_of
from jobs.keeping.segments import Segment, is_received, packed, place, segments_in
from jobs.keeping.store import STORE_FAILED, UNREADABLE, Store
from jobs.keeping.stretches import (
    BASES,
    Reach,
    Stretch,
    name_at,
    reach,
    reach_key,
    segment_key,
    segments,
    stretch_key,
    stretches,
)
from jobs.keeping.thinning import thin

log = structlog.get_logger()

PURPOSE = "keep the log"
NIGHTLY = timedelta(hours=2)
MOST_WAITING = 256
"""Files of the log that wait on our disk for a store that does not answer; then rather a gap than a full disk."""


class TooMuchWaits(Exception):
    """The store has not taken anything for so long that the log would fill the disk."""


FAILED: tuple[type[Exception], ...] = (*STORE_FAILED, *UNREADABLE, *UNREACHABLE, psycopg.Error, ReceiverEnded, TooMuchWaits)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often what is done, in seconds."""

    first: float = 20.0
    look: float = 5.0
    reach: float = 60.0
    again: float = 5.0
    longest: float = 300.0
    refused: float = 600.0
    patience: float = 900.0


async def keep_log(settings: Settings, pace: Pace = Pace()) -> None:
    """Follow the log until cancelled; whatever goes wrong is noted and tried again."""
    await asyncio.sleep(pace.first)
    pause = pace.again
    while True:
        begun = time.monotonic()
        following = Following(settings, pace)
        try:
            if not settings.backup_log:
                raise Refused("is_off")
            await following.run()
        except Refused as reason:
            log.info("the log is not received", reason=reason.word, detail=reason.detail)
            with suppress(*UNREACHABLE):
                async with across_tenants(PURPOSE) as tx:
                    await noted.refuse(tx, word=reason.word, detail=reason.detail, store=Store(settings).name, at=now())
            await asyncio.sleep(pace.refused)
            continue
        except Gap as reason:
            log.warning("the log has a gap", reason=str(reason))
            with suppress(*UNREACHABLE):
                await following.break_off(str(reason))
            if time.monotonic() - begun > pace.reach:
                continue
        except FAILED as reason:
            log.warning("the log is not received for now", reason=str(reason).strip() or type(reason).__name__)
        except Exception:  # an edge: whatever it was, the log is received again a little later
            log.exception("the log is not received for now")
        pause = pace.again if time.monotonic() - begun > pace.longest else min(pause * 2, pace.longest)
        await asyncio.sleep(pause)


class Following:
    """One go at it: from finding where to go on until the program that receives ends."""

    def __init__(self, settings: Settings, pace: Pace) -> None:
        self._settings, self._pace = settings, pace
        self._store = Store(settings)
        self._files = Files(self._store, settings.var_dir / "files")
        self._stretch: Stretch | None = None
        self._reached: Mark | None = None
        self._reached_when = 0.0
        self._kept = self._part = ""
        self._is_awaited = asyncio.Event()

    @property
    def stretch(self) -> Stretch:
        assert self._stretch is not None
        return self._stretch

    @property
    def _folder(self) -> Path:
        return self._settings.var_dir / "log" / self.stretch.key

    async def run(self) -> None:
        """Raises what ended it: Gap, Refused or one of FAILED."""
        server = await server_of(self._settings.database_url)
        if not await self._goes_on(server):
            await self._begin(server)
        await anyio.to_thread.run_sync(_leave_only, self._folder)
        async with across_tenants(PURPOSE) as tx:
            await noted.begin(tx, key=self.stretch.key, store=self._store.name, at=self.stretch.began_at)
        async with receiving(self._settings.database_url, self._folder) as receiver:
            copying = asyncio.create_task(self._copy_everything_when_due(server))
            try:
                await self._keep(receiver)
            finally:
                copying.cancel()
                await asyncio.gather(copying, return_exceptions=True)

    async def break_off(self, why: str) -> None:
        if self._stretch:
            async with across_tenants(PURPOSE) as tx:
                await noted.end(tx, self._stretch.key, at=now(), why=why)

    async def _goes_on(self, server: Server) -> bool:
        """Whether the newest stretch is of this server, and the log can be received from where it ends."""
        ours = [s for s in await stretches(self._store) if (s.system, s.timeline) == (server.system, server.timeline)]
        if not ours:
            return False
        self._stretch = ours[-1]
        async with across_tenants(PURPOSE) as tx:
            has_ended = await noted.has_ended(tx, self.stretch.key)
        found = await reach(self._store, self.stretch.key)
        if has_ended or (found and place(found.position) > place(server.position)):
            return False
        return await self._lay_out([s for s in await segments(self._store, self.stretch) if s.is_finished])

    async def _lay_out(self, kept: Sequence[Segment]) -> bool:
        """The program goes on after the newest file of its folder: it is ours, or the last one that is kept."""
        await anyio.to_thread.run_sync(lambda: self._folder.mkdir(parents=True, exist_ok=True))
        here = [segment.number for segment in self._waiting()]
        if not kept:
            return bool(here)
        if here and here[0] <= kept[-1].number + 1 <= here[-1] + 1:
            return True
        await anyio.to_thread.run_sync(partial(_empty, self._folder))
        content = await self._store.get(segment_key(self.stretch.key, kept[-1]))
        await anyio.to_thread.run_sync(_unpack, content, self._folder / kept[-1].name)
        return True

    async def _begin(self, server: Server) -> None:
        at = now()
        self._stretch = Stretch(name_at(at), at, server.system, server.timeline, server.segment_bytes, server.version)
        await anyio.to_thread.run_sync(lambda: self._folder.mkdir(parents=True))
        await self._store.put(stretch_key(self.stretch.key), self.stretch.as_json())

    def _waiting(self) -> list[Segment]:
        return segments_in([path.name for path in self._folder.iterdir()], self.stretch.segment_bytes)

    async def _keep(self, receiver: Receiver) -> None:
        while True:
            try:
                await self._keep_finished()
                if self._is_awaited.is_set() or time.monotonic() - self._reached_when >= self._pace.reach:
                    await self._reach_further()
            except STORE_FAILED as reason:
                log.warning("the store does not take the log", reason=str(reason).splitlines()[0])
                if len(self._waiting()) > MOST_WAITING:
                    raise TooMuchWaits("the store does not take the log, which would fill the disk") from reason
            await receiver.watch(self._pace.look)

    async def _keep_finished(self) -> None:
        """Each goes to the store and from our disk, the last of them not: the program goes on after it."""
        finished = [segment for segment in self._waiting() if segment.is_finished]
        for segment in finished:
            await self._put(segment)
        for segment in finished[:-1]:
            (self._folder / segment.name).unlink()

    async def _put(self, segment: Segment) -> None:
        if segment.name <= self._kept:
            return
        content = await anyio.to_thread.run_sync(packed, self._folder / segment.file_name)
        await self._store.put(segment_key(self.stretch.key, segment), content)
        if segment.is_finished:
            self._kept = segment.name
            part = segment_key(self.stretch.key, Segment(segment.number, False, segment.name))
            if self._part == part:
                await self._store.drop([part])

    async def _reach_further(self) -> None:
        """Keep the file in work too, and note until when all of it goes."""
        self._reached_when = time.monotonic()
        marked = await mark(self._settings.database_url)
        size, at = self.stretch.segment_bytes, place(marked.position)
        for _ in range(100):
            if await anyio.to_thread.run_sync(is_received, self._folder, at, size):
                break
            await asyncio.sleep(0.1)
        else:
            return
        await self._files.copy()
        await self._keep_finished()
        for segment in [one for one in self._waiting() if not one.is_finished]:
            with suppress(FileNotFoundError):  # it was finished in this moment
                await self._put(segment)
                self._part = segment_key(self.stretch.key, segment)
        await self._keep_finished()
        await self._store.put(reach_key(self.stretch.key), Reach(marked.at, marked.position).as_json())
        self._reached = marked
        self._is_awaited.clear()
        async with across_tenants(PURPOSE) as tx:
            await noted.reached(tx, self.stretch.key, until=marked.at)

    async def _copy_everything_when_due(self, server: Server) -> None:
        kind = f"{BASES}{self.stretch.key}/"
        while not self._waiting():  # the log comes first, so that no copy begins before it
            await asyncio.sleep(self._pace.look)
        while True:
            try:
                async with across_tenants(PURPOSE) as tx:
                    is_due = await backups.is_due(tx, slot(now(), 24), kind=kind)
                if is_due and await make_base(self._settings, self._store, server, self.stretch.key, self._reaching):
                    await thin(self._settings)
            except FAILED as reason:
                log.warning("no copy for the log to go on from", reason=str(reason).strip())
            except Exception:  # an edge: it is tried again
                log.exception("no copy for the log to go on from")
            await asyncio.sleep(max(self._pace.reach, self._pace.look))

    async def _reaching(self, wanted: Mark) -> bool:
        deadline = time.monotonic() + self._pace.patience
        while time.monotonic() < deadline:
            if self._reached and self._reached.at >= wanted.at:
                return True
            self._is_awaited.set()
            await asyncio.sleep(self._pace.look)
        return False


def slot(at: datetime, every_hours: int) -> datetime:
    """When the latest copy was to be begun: at 02:00 UTC, and each so many hours after it."""
    night = at.replace(hour=0, minute=0, second=0, microsecond=0) + NIGHTLY
    night -= timedelta(days=1) if night > at else timedelta(0)
    step = timedelta(hours=every_hours)
    return night + (at - night) // step * step


def _leave_only(folder: Path) -> None:
    """What was received of other stretches is of no use any more."""
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _unpack(content: bytes, file: Path) -> None:
    file.write_bytes(gzip.decompress(content))
