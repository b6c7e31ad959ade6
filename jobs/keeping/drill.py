"""A copy is only a copy once it was put back: a drill restores the newest one into a database of its own and compares."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import psycopg
import structlog
from sqlmodel import select

from data.audit.log import verify_part
from data.audit.log import write as write_log
from data.audit.rules import START
from data.audit.tables import Chain
from data.core.embedded import EmbeddedFailed
from data.core.session import Database, Transaction, across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.platform import backups
from jobs.keeping.instants import Kept, as_of, found_for
from jobs.keeping.inventory import Inventory, NeverQuiet, differences, snapshot_in_log, taken, taken_of
from jobs.keeping.postgres_tools import ToolFailed
from jobs.keeping.replication import mark
from jobs.keeping.restoring import NotRestored, chosen, fresh_server, missing_files, put_back
from jobs.keeping.segments import place
from jobs.keeping.store import STORE_FAILED, Store
from jobs.keeping.stretches import reach

log = structlog.get_logger()

PURPOSE = "restore drill"
PIECE = 2_000
MOST_NAMED = 20
WORKSPACES, LEFT_AFTER_S = ("drill", "backup", "restore"), 86_400.0
DRILL_FAILED: tuple[type[Exception], ...] = (*STORE_FAILED, ToolFailed, NotRestored, NeverQuiet, EmbeddedFailed, psycopg.Error)
LOG_TRIES, LOG_PAUSE_S = 600, 0.5
"""The log goes to the store every minute; after five it is not coming."""


class DrillFailed(Exception):
    """The newest copy could not be put back whole; what is wrong."""


@dataclass(slots=True)
class Found:
    """What a drill saw: how much was compared, and what is not as it was."""

    tables: int = 0
    rows: int = 0
    chains: int = 0
    different: Mapping[str, str] = field(default_factory=dict)
    broken_chains: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def faults(self) -> list[str]:
        every = (*self.different.items(), *self.broken_chains.items(), *self.files.items())
        return [f"{name}: {what}" for name, what in every]

    def as_document(self) -> dict[str, Any]:
        return {"tables": self.tables, "rows": self.rows, "chains": self.chains, "faults": self.faults[:MOST_NAMED]}


async def drill(settings: Settings) -> Found:
    """Put the newest copy back and compare; noted either way. DrillFailed when it is not whole or not there."""
    await clear_away(settings.var_dir)
    started_at, found, error = now(), Found(), None
    key, until = "", None
    folder = Path(await anyio.to_thread.run_sync(partial(_workspace, settings.var_dir)))
    try:
        store = Store(settings)
        if last := await found_for(store, None):
            key, until = last.base.key, await _by_log(settings, store, last, folder, found)
        else:
            manifest = await chosen(store, None)
            key, until = manifest.key, manifest.at
            async with fresh_server(folder / "pg") as server:
                url = server.database("steading")
                found.different = await put_back(store, manifest, url, folder)
                await _look_through(store, url, manifest.tables, found)
    except DRILL_FAILED as reason:
        error = (str(reason).strip() or type(reason).__name__).splitlines()[0]
    finally:
        await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))
    error = error or "; ".join(found.faults[:3]) or None
    async with across_tenants(PURPOSE) as tx:
        await backups.note_drill(
            tx, key=key or None, started_at=started_at, at=now(), until=until,
            is_whole=error is None, compared=found.as_document(), error=error,
        )  # fmt: skip
    if error:
        raise DrillFailed(error)
    log.info("restore drill passed", tables=found.tables, rows=found.rows)
    return found


async def _by_log(settings: Settings, store: Store, last: Kept, folder: Path, found: Found) -> datetime:
    """Count everything as it is now, and go back to just that place by the newest copy and the log; which instant it was."""
    async with snapshot_in_log(settings.database_url) as (connection, at, position):
        tables = await taken(connection)
    await mark(settings.database_url)
    for _ in range(LOG_TRIES):
        reached = await reach(store, last.stretch.key)
        if reached and place(reached.position) > place(position):
            break
        await asyncio.sleep(LOG_PAUSE_S)
    else:
        raise NotRestored(f"the log of {at:%Y-%m-%d %H:%M:%S} UTC did not come to {store.name}")
    async with as_of(store, last, folder, position=position) as server:
        found.different = differences(tables, await taken_of(server.url))
        await _look_through(store, server.url, tables, found)
    return at


async def _look_through(store: Store, url: str, tables: Inventory, found: Found) -> None:
    found.tables, found.rows = len(tables), sum(rows for rows, _ in tables.values())
    found.chains, found.broken_chains = await _chains(url)
    found.files = await missing_files(store, url)


async def clear_away(var_dir: Path) -> None:
    """A process that was killed leaves its folder, and in a drill's a server that still runs: a day later both go."""
    for folder in await anyio.to_thread.run_sync(_left_behind, var_dir):
        if (folder / "pg").is_dir():
            with suppress(EmbeddedFailed):
                async with fresh_server(folder / "pg"):  # joins the one that runs, and ends it
                    pass
        await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))


def _left_behind(var_dir: Path) -> list[Path]:
    found = [folder for kind in WORKSPACES for folder in var_dir.glob(f".unfinished-{kind}-*") if folder.is_dir()]
    return [folder for folder in found if time.time() - folder.stat().st_mtime > LEFT_AFTER_S]


def _workspace(var_dir: Path) -> str:
    var_dir.mkdir(parents=True, exist_ok=True)
    return tempfile.mkdtemp(prefix=".unfinished-drill-", dir=var_dir.absolute())


async def _chains(url: str) -> tuple[int, dict[str, str]]:
    """Follow every event log in the restored database; how many there are, and which do not hold."""
    address = url.replace("postgresql://", "postgresql+psycopg://", 1)
    restored = Database(address, address, write_log, pool_size=1)
    broken: dict[str, str] = {}
    try:
        async with restored.across_tenants(PURPOSE) as tx:
            chains = (await tx.exec(select(Chain))).all()
            for chain in chains:
                if fault := await _fault_of(tx, chain):
                    broken[f"event log of {chain.organization_id}"] = fault
    finally:
        await restored.close()
    return len(chains), broken


async def _fault_of(tx: Transaction, chain: Chain) -> str | None:
    first, previous = 1, START
    while first <= chain.length:
        found, first, previous = await verify_part(
            tx, chain.organization_id, first=first, previous=previous, last=chain.length, limit=PIECE
        )
        if found:
            return f"{found[0].kind} at {found[0].sequence}"
    return None if previous == chain.last_hash else f"altered at {chain.length}"
