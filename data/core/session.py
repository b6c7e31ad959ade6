"""Who acts, for which organization, all or nothing: a transaction carries its actor and ends in one commit, at an edge."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn
from uuid import UUID

from sqlalchemy import event, inspect, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import UOWTransaction
from sqlmodel import Session
from sqlmodel.ext.asyncio.session import AsyncSession

from data.core import columns
from data.core.actor import Actor
from data.core.bus import CHANNEL, Event
from data.core.errors import Forbidden
from data.core.table import Row, Tenant

UNREACHABLE: tuple[type[Exception], ...] = (OperationalError, InterfaceError, PoolTimeout)
"""What it looks like when the database does not answer; edges say so and ask to try again."""

NOTIFY = text(f"select pg_notify('{CHANNEL}', p) from unnest(:payloads) p")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line for the event log: what happened to what, with the values that changed."""

    organization_id: UUID | None
    event_type: str
    title: str
    subject_id: UUID | None = None
    severity: str = "info"
    data: dict[str, Any] = field(default_factory=dict)


class _AuditingSession(Session):
    """The synchronous half of a transaction; flush is where rows are seen to change."""

    entries: list[Entry]
    actor: Actor


class Transaction(AsyncSession):
    """An open transaction of one actor. `add`, `exec`, `get` as in SQLModel; `emit` and `record` take effect at commit."""

    sync_session_class = _AuditingSession
    sync_session: _AuditingSession

    def __init__(self, engine: AsyncEngine, actor: Actor) -> None:
        super().__init__(engine, expire_on_commit=False, autoflush=True)
        self.actor = actor
        self.sync_session.actor = actor
        self.sync_session.entries = []
        self._payloads: dict[str, None] = {}

    @property
    def organization_id(self) -> UUID:
        """The actor's organization; a programming error where there is none."""
        assert self.actor.organization_id is not None, "this transaction belongs to no organization"
        return self.actor.organization_id

    @property
    def entries(self) -> list[Entry]:
        return self.sync_session.entries

    def emit(self, happened: Event, *, organization_id: UUID | None = None) -> None:
        """Announce at commit, to every replica. The same event twice in a transaction is announced once."""
        self._payloads[happened.payload(organization_id or self.actor.organization_id)] = None

    def record(
        self, event_type: str, title: str, *, subject_id: UUID | None = None, severity: str = "info",
        organization_id: UUID | None = None, **data: Any,
    ) -> None:  # fmt: skip
        """Write a line of the event log that no change of a row tells by itself."""
        self.entries.append(
            Entry(organization_id or self.actor.organization_id, event_type, title, subject_id, severity, plain(data))
        )

    async def commit(self) -> NoReturn:
        raise AssertionError("only the edge that opened a transaction ends it")

    async def _open(self) -> None:
        organization_id, user_id = self.actor.organization_id, self.actor.user_id
        # Literals, because SET takes no parameters; both are UUIDs, so nothing can be smuggled in.
        settings = [f"set local app.organization_id = '{organization_id}'"] if organization_id else []
        settings += [f"set local app.user_id = '{user_id}'"] if user_id else []
        if settings:
            await (await self.connection()).exec_driver_sql("; ".join(settings))

    async def _finish(self, write_log: "WriteLog") -> None:
        await self.flush()
        if self.entries:
            await write_log(self)
        if self._payloads:
            await self.execute(NOTIFY, {"payloads": columns.texts(self._payloads)})
        await super().commit()


WriteLog = Callable[[Transaction], Awaitable[None]]


def plain(value: Any) -> Any:
    """The value as JSON that reads back the same: numbers with a fraction become text, instants ISO."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return repr(value) if isinstance(value, float) else str(value if not isinstance(value, Decimal) else value.normalize())


def _unlogged(row: Row) -> frozenset[str]:
    return row.secrets | row.quiet | {"id", "organization_id", "created_at", "updated_at"}


def _created(row: Row) -> dict[str, Any]:
    skip = _unlogged(row)
    return {c.key: plain(v) for c in inspect(row).mapper.column_attrs if c.key not in skip and (v := getattr(row, c.key)) is not None}


def _changed(row: Row) -> dict[str, Any]:
    skip = _unlogged(row)
    changes: dict[str, Any] = {}
    state = inspect(row)
    for column in state.mapper.column_attrs:
        history = state.attrs[column.key].history
        if column.key not in skip and history.has_changes():
            old = history.deleted[0] if history.deleted else None
            new = history.added[0] if history.added else None
            if old != new:
                changes[column.key] = [plain(old), plain(new)]
        elif column.key in row.secrets and history.has_changes():
            changes[column.key] = "changed"
    return changes


@event.listens_for(_AuditingSession, "before_flush")
def _watch(session: _AuditingSession, flush: UOWTransaction, instances: Any) -> None:
    for row in session.new:
        if isinstance(row, Tenant) and row.organization_id is None:
            assert session.actor.organization_id is not None, f"{type(row).__name__} needs an organization"
            row.organization_id = session.actor.organization_id
    for rows, verb, values in ((session.new, "created", _created), (session.dirty, "changed", _changed), (session.deleted, "deleted", _created)):
        for row in rows:
            if isinstance(row, Row) and row.audited and (data := values(row)):
                table = inspect(row).mapper.local_table
                organization_id = getattr(row, "organization_id", None) or session.actor.organization_id
                session.entries.append(
                    Entry(organization_id, f"{table.schema}.{table.name}.{verb}", f"{table.name} {verb}", row.id, data=data)
                )


class Database:
    """The two ways into PostgreSQL: as an actor behind the wall, and across tenants for set-based work and the front door."""

    def __init__(self, app_url: str, sweep_url: str, write_log: WriteLog, *, pool_size: int = 10) -> None:
        self._app = _engine(app_url, pool_size, "steading")
        self._sweep = _engine(sweep_url, max(2, pool_size // 3), "steading sweep")
        self._write_log = write_log

    @asynccontextmanager
    async def transaction(self, actor: Actor) -> AsyncIterator[Transaction]:
        """Open, set the organization, yield, write the log, announce, commit; anything raised rolls all of it back. Forbidden for
        somebody who belongs nowhere."""
        if actor.organization_id is None:  # they were let go everywhere; see across_tenants
            raise Forbidden("You do not belong to any organization yet.")
        async with self._run(self._app, actor) as tx:
            yield tx

    @asynccontextmanager
    async def across_tenants(self, purpose: str) -> AsyncIterator[Transaction]:
        """See every organization's rows. For the front door (who is this?) and for sweeps; `purpose` names which."""
        async with self._run(self._sweep, Actor.system(None, purpose)) as tx:
            yield tx

    @asynccontextmanager
    async def _run(self, engine: AsyncEngine, actor: Actor) -> AsyncIterator[Transaction]:
        async with Transaction(engine, actor) as tx:
            await tx._open()
            yield tx
            await tx._finish(self._write_log)

    async def close(self) -> None:
        await self._app.dispose()
        await self._sweep.dispose()


def _engine(url: str, pool_size: int, name: str) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_timeout=20,
        connect_args={
            "application_name": name,
            "connect_timeout": 10,
            "options": "-c timezone=UTC -c statement_timeout=60000 -c idle_in_transaction_session_timeout=60000",
        },
    )


_current: Database | None = None


def use(database: Database | None) -> None:
    """Make this the process's database (main and the test fixtures do)."""
    global _current
    _current = database


def in_use() -> Database | None:
    """The process's database, if one is open."""
    return _current


def current() -> Database:
    """The process's database."""
    assert _current is not None, "no database is open"
    return _current


def transaction(actor: Actor) -> AbstractAsyncContextManager[Transaction]:
    """`async with transaction(actor) as tx:`; see `Database.transaction`."""
    return current().transaction(actor)


def across_tenants(purpose: str) -> AbstractAsyncContextManager[Transaction]:
    """`async with across_tenants('sign-in') as tx:`; see `Database.across_tenants`."""
    return current().across_tenants(purpose)
