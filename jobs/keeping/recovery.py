"""A server's copy and the log after it become a server again, as of one instant, on this machine and for a while."""

import asyncio
import os
import pwd
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio.to_thread
import psycopg
from sqlalchemy.engine import URL

from data.core.embedded import servers_user
from jobs.keeping.postgres_tools import conninfo_of, programs_of
from jobs.keeping.restoring import NotRestored
from jobs.keeping.segments import Segment, number_of
from jobs.keeping.store import Store, sha256_of
from jobs.keeping.stretches import PACKED, Base, Stretch, archive_key, segments

AT_ONCE = 8
AT_HOME = "postgresql.auto.conf"
LAST = re.compile(r"last completed transaction was at log time (\S+ \S+)")
SETTINGS = """
listen_addresses = ''
port = 5432
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0777
hba_file = '{folder}/hba.conf'
ident_file = '{folder}/ident.conf'
hot_standby = off
autovacuum = off
fsync = {fsync}
full_page_writes = {fsync}
max_prepared_transactions = 64
max_locks_per_transaction = 256
max_wal_size = 4GB
min_wal_size = 2GB
lc_messages = 'C'
log_timezone = 'UTC'
timezone = 'UTC'
restore_command = 'test -f "{folder}/log/%f{packed}" && gzip -dc "{folder}/log/%f{packed}" > "%p"'
recovery_target_timeline = 'current'
"""


@dataclass(frozen=True, slots=True)
class Recovered:
    """A server as it was; `until` is when the last that is in it was committed, as far as the log told."""

    url: str
    data: Path
    until: datetime | None


@asynccontextmanager
async def recovered(
    store: Store, stretch: Stretch, base: Base, folder: Path, *, at: datetime | None = None, position: str = "",
    before: int | None = None, data: Path | None = None,
) -> AsyncIterator[Recovered]:  # fmt: skip
    """Make it so in `folder`: as of that instant, or that place in the log, or as far as the log goes.

    NotRestored when the log does not go so far, says until when it does. `before` is the number of a segment from which on the log is
    not needed. With `data` the server's own folder is that one and stays; otherwise it is in `folder`.
    """
    found = programs_of(base.version // 10_000)
    if found is None:
        raise NotRestored(
            f"the copy is of PostgreSQL {base.version // 10_000}, whose server is not on this machine: install postgresql-{base.version // 10_000}"
        )
    kept, data = data is not None, data or folder / "pg"
    user = await anyio.to_thread.run_sync(servers_user, folder)
    await _lay_out(store, stretch, base, folder, data, before)
    aim = f"recovery_target_time = '{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'" if at else ""
    aim = f"recovery_target_lsn = '{position}'\nrecovery_target_inclusive = off" if position else aim
    words = SETTINGS + (f"{aim}\nrecovery_target_action = promote\n" if aim else "")
    fsync = "on" if kept else "off"
    sockets = await anyio.to_thread.run_sync(lambda: _furnish(folder, data, words, fsync, user))
    control = [str(found / "pg_ctl"), "-D", str(data), "-w", "-t", "864000"]
    try:
        start = [*control, "-l", str(folder / "server.log"), "-o", f"-c config_file='{folder}/server.conf'", "start"]
        await _done(start, user)
        try:
            is_there = await _has_come(_address(base, sockets), data)
            said = await anyio.to_thread.run_sync(partial((folder / "server.log").read_text, errors="replace"))
            if not is_there:
                raise NotRestored(_why(said, at))
            last = LAST.findall(said)
            until = datetime.fromisoformat(last[-1]) if last else None
            yield Recovered(_address(base, sockets), data, until)
        finally:
            await _done([*control, "-m", "fast", "stop"], user)
    finally:
        await anyio.to_thread.run_sync(_tidy, folder, data, sockets)


async def _lay_out(store: Store, stretch: Stretch, base: Base, folder: Path, data: Path, before: int | None) -> None:
    archive = folder / "base.tar.gz"
    await store.fetch(archive_key(base.key), archive)
    if (digest := await anyio.to_thread.run_sync(sha256_of, archive)) != base.sha256:
        raise NotRestored(f"the copy {base.key} is damaged: its fingerprint is {digest[:12]}…, not {base.sha256[:12]}…")
    await anyio.to_thread.run_sync(_extract, archive, data)
    archive.unlink()
    log, slots = folder / "log", asyncio.Semaphore(AT_ONCE)
    log.mkdir()

    async def fetch(segment: Segment, key: str) -> None:
        async with slots:
            await store.fetch(key, log / f"{segment.name}{PACKED}")

    first = number_of(base.first, stretch.segment_bytes)
    wanted = {s: key for s, key in (await segments(store, stretch)).items() if s.number >= first and (before is None or s.number <= before)}
    for due, segment in enumerate(wanted, first):
        if segment.number != due:
            raise NotRestored(f"the log has a hole before {segment.name}")
    await asyncio.gather(*(fetch(segment, key) for segment, key in wanted.items()))


def _extract(archive: Path, data: Path) -> None:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    data.chmod(0o700)
    with tarfile.open(archive, "r:gz") as opened:
        opened.extractall(data, filter="data")
    for name in (".handle_pids.json", "log", "postmaster.pid", "standby.signal"):
        (data / name).unlink(missing_ok=True)
    for lock in data.glob(".s.PGSQL.*"):
        lock.unlink()


def _furnish(folder: Path, data: Path, words: str, fsync: str, user: str | None) -> Path:
    """What it starts with is ours alone: what the server was told at home may name things that are not here. Where it listens."""
    sockets = Path(tempfile.mkdtemp(prefix="steading-"))
    sockets.chmod(0o711)
    (folder / "server.conf").write_text(words.format(sockets=sockets, folder=folder, packed=PACKED, fsync=fsync))
    (folder / "hba.conf").write_text("local all all trust\n")
    for name in ("ident.conf", "server.log"):
        (folder / name).touch()
    (data / "recovery.signal").touch()
    if (data / AT_HOME).exists():
        (data / AT_HOME).rename(folder / AT_HOME)
    _give([folder, data, sockets], user)
    return sockets


def _tidy(folder: Path, data: Path, sockets: Path) -> None:
    if (folder / AT_HOME).exists():
        (folder / AT_HOME).rename(data / AT_HOME)
    shutil.rmtree(sockets, ignore_errors=True)


def _address(base: Base, sockets: Path) -> str:
    made = URL.create("postgresql", username=base.owner, database=base.database, query={"host": str(sockets)})
    return made.render_as_string(hide_password=False)


def _give(folders: list[Path], user: str | None) -> None:
    """What the server reads and writes belongs to whoever it runs as."""
    if user is None:
        return
    who = pwd.getpwnam(user)
    for folder in folders:
        os.chown(folder, who.pw_uid, who.pw_gid)
        for place, folders_in, files in os.walk(folder):
            for name in (*folders_in, *files):
                os.chown(Path(place) / name, who.pw_uid, who.pw_gid)


async def _has_come(url: str, data: Path) -> bool:
    """Whether it has come to where it should be; it lets nobody in before, and ends when it cannot."""
    while True:
        try:
            await (await psycopg.AsyncConnection.connect(conninfo_of(url))).close()
        except psycopg.OperationalError:
            if not await anyio.to_thread.run_sync((data / "postmaster.pid").exists):
                return False
            await asyncio.sleep(0.05)
        else:
            return True


async def _done(command: list[str], user: str | None) -> int:
    """Wait for it without keeping anybody else waiting."""
    start = partial(
        subprocess.Popen, command, user=user, group=pwd.getpwnam(user).pw_gid if user else None, extra_groups=[] if user else None,
        cwd="/", env=os.environ | {"LC_ALL": "C"}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    process = await anyio.to_thread.run_sync(start)
    while process.poll() is None:
        await asyncio.sleep(0.02)
    return process.returncode


def _why(said: str, at: datetime | None) -> str:
    if "before configured recovery target was reached" in said:
        last = LAST.findall(said)
        reaches = f"the last that is in it was committed at {last[-1][:19]} UTC" if last else "nothing is in it"
        return f"the log does not reach {at:%Y-%m-%d %H:%M:%S} UTC; {reaches}" if at else f"the log does not reach so far; {reaches}"
    faults = [line.partition(":  ")[2] for line in said.splitlines() if "FATAL:" in line or "PANIC:" in line]
    return f"PostgreSQL could not go on from the copy: {faults[0] if faults else 'it said nothing'}"
