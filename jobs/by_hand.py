"""What whoever runs the installation does by hand: check the log, copy everything, put it back, let devices in elsewhere, take over version 1."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import psycopg
import typer

from data.audit import queries as audit
from data.audit.log import verify
from data.core.errors import Refusal
from data.core.session import across_tenants
from data.core.settings import Settings
from data.identity.tables import Role
from jobs import backup as backing_up
from jobs import mqtt_acl as acl
from jobs import version_1
from jobs.keeping.drill import DRILL_FAILED, DrillFailed
from jobs.keeping.drill import drill as drilled
from jobs.keeping.instants import Kept, as_of, found_for, is_own, pour
from jobs.keeping.restoring import chosen, empty_and_ready, fresh_server, put_back, put_back_files
from jobs.keeping.store import Manifest, Store

ADDRESSES = ("postgres://", "postgresql://", "postgresql+psycopg://")

Ready = Callable[[], Settings]
Using = Callable[[Settings, Callable[[], Awaitable[Any]]], Coroutine[Any, Any, Any]]


def stop(*lines: str) -> NoReturn:
    """End with words for a person and no traceback."""
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(1)


def add_commands(cli: typer.Typer, ready: Ready, using: Using) -> None:
    """Put them on the command line. `ready` gives the settings of a database that is up to date, `using` opens it for a while."""

    @cli.command()
    def check_log() -> None:
        """Check every organization's event log: altered, missing or inserted lines."""
        if not asyncio.run(using(ready(), _check_logs)):
            raise typer.Exit(1)

    @cli.command()
    def backup() -> None:
        """Make a copy of the database and the files now, where BACKUP_URL says."""
        settings = ready()
        try:
            made: Manifest = asyncio.run(using(settings, lambda: backing_up.back_up(settings)))
        except backing_up.BackupFailed as reason:
            stop(f"The backup could not be made: {reason}")
        typer.echo(f"{made.key} in {Store(settings).name}: {made.size_bytes:,} bytes, as of {made.at:%Y-%m-%d %H:%M:%S} UTC")

    @cli.command()
    def drill() -> None:
        """Put the newest copy back into a database of its own, compare, and drop it again."""
        settings = ready()
        try:
            found = asyncio.run(using(settings, lambda: drilled(settings)))
        except DrillFailed as reason:
            stop(f"The newest backup is not whole: {reason}")
        typer.echo(f"The newest backup is whole: {found.tables} tables, {found.rows:,} rows, {found.chains} event logs compared.")

    @cli.command()
    def restore(
        to: Annotated[str, typer.Option(help="A folder that is not there yet, or the address of an empty database.")],
        at: Annotated[str, typer.Option(help="As of when, such as 2026-11-20T14:00:05Z; the newest unless said.")] = "",
    ) -> None:
        """Go back to an instant: in a new folder (which `run --var-dir` opens), or in an empty database (its files in VAR_DIR)."""
        settings = Settings()  # type: ignore[call-arg]
        if not to.startswith(ADDRESSES) and not _is_free(Path(to)):
            stop(f"{to} is not empty.")
        try:
            asyncio.run(_restore(settings, to, _instant(at)))
        except DRILL_FAILED as reason:
            stop(f"The backup could not be put back: {str(reason).strip().splitlines()[0]}")

    @cli.command("mqtt-acl")
    def mqtt_acl(
        to: Annotated[Path | None, typer.Option(help="The folder they are written to; VAR_DIR/mosquitto unless said.")] = None,
        owner: Annotated[str, typer.Option(help="The system user who shall read them, such as mosquitto.")] = "",
    ) -> None:
        """Write who may sign in at your Mosquitto and what they may say and hear there. Run it again when a device comes or goes."""
        settings = ready()
        folder = to or settings.var_dir / "mosquitto"
        try:
            written: acl.Written = asyncio.run(using(settings, lambda: acl.write(settings, folder, owner)))
        except acl.CannotWrite as reason:
            stop(f"The files cannot be written: {reason}")
        typer.echo(f"{written.devices} devices in {folder / acl.PASSWORDS} and {folder / acl.PLACES}.")
        again = "Let Mosquitto read them: pkill -HUP -x mosquitto (or systemctl reload mosquitto)."
        typer.echo(again if written.has_changed else "Nothing has changed since they were written.")

    @cli.command("import-v1")
    def import_v1(
        file: Annotated[Path, typer.Argument(help="The SQLite file of version 1 (users.db).")],
        organization: Annotated[str, typer.Option(help="The short name of the organization that it goes to.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become what.")] = False,
        role: Annotated[Role, typer.Option(help="What its people are here; version 1 had no roles.")] = Role.KEEPER,
        source: Annotated[str, typer.Option(help="Tells several files apart; the file's name unless said.")] = "",
    ) -> None:
        """Take over a version 1 database: its people, and its schedule as a farm. Doing it again changes nothing."""
        settings = ready()
        wanted = version_1.Wanted(file, source or file.name, organization, role, is_dry=dry_run, origin=settings.origin)
        try:
            for line in asyncio.run(using(settings, lambda: version_1.take_over(wanted))):
                typer.echo(line)
        except (Refusal, version_1.NotVersion1) as reason:
            stop(str(reason))


async def _check_logs() -> bool:
    async with across_tenants("check the log") as tx:
        whole = True
        for organization_id, name in await audit.chains(tx):
            found = await verify(tx, organization_id)
            typer.echo(f"{name}: {'whole' if not found else ', '.join(f'{b.kind} at {b.sequence}' for b in found[:10])}")
            whole = whole and not found
        return whole


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        stop(f"{text} is not a time. Write it as 2026-11-20T14:00.")
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def _is_free(folder: Path) -> bool:
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


async def _restore(settings: Settings, to: str, at: datetime | None) -> None:
    store = Store(settings)
    is_address = to.startswith(ADDRESSES)
    folder = settings.var_dir if is_address else Path(to)
    try:
        found = await found_for(store, at)
        go = _by_log(store, found, to, folder, at) if found else _by_copy(store, to, folder, at)
        as_of_when, different = await go
    except psycopg.OperationalError as reason:
        stop(f"The database does not answer: {str(reason).strip().splitlines()[0]}")
    files = folder / "files"
    fetched = await put_back_files(store, files)
    typer.echo(f"Put back in {to}: everything as of {as_of_when:%Y-%m-%d %H:%M:%S} UTC, and {fetched} files in {files}.")
    if different:
        stop("This is not as it was:", *(f"  {table}: {what}" for table, what in different.items()))


async def _by_log(store: Store, found: Kept, to: str, folder: Path, at: datetime | None) -> tuple[datetime, dict[str, str]]:
    """By the copy of everything before that instant and the log; the embedded server goes on from its own folder."""
    if to.startswith(ADDRESSES):
        await empty_and_ready(to)
    different: dict[str, str] = {}
    with _workspace(folder) as beside:
        if is_own(found.base) and not to.startswith(ADDRESSES):
            async with as_of(store, found, beside.absolute(), at=at, data=(folder / "pg").absolute()):
                pass
        else:
            async with as_of(store, found, beside.absolute(), at=at) as server:
                if to.startswith(ADDRESSES):
                    different = await pour(server, found.base, to, beside)
                else:
                    async with fresh_server(folder / "pg") as own:
                        different = await pour(server, found.base, own.database("steading"), beside)
    return at or found.reach.at, different


async def _by_copy(store: Store, to: str, folder: Path, at: datetime | None) -> tuple[datetime, dict[str, str]]:
    """By the newest hourly copy that is not younger."""
    manifest = await chosen(store, at)
    if to.startswith(ADDRESSES):
        return manifest.at, await _put_back(store, manifest, to, folder)
    async with fresh_server(folder / "pg") as server:
        return manifest.at, await _put_back(store, manifest, server.database("steading"), folder)


async def _put_back(store: Store, manifest: Manifest, database_url: str, beside: Path) -> dict[str, str]:
    with _workspace(beside) as folder:
        return await put_back(store, manifest, database_url, folder)


@contextmanager
def _workspace(beside: Path) -> Iterator[Path]:
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-restore-", dir=beside) as folder:
        yield Path(folder)
