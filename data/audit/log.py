"""The lines a transaction gathered are chained at its end, so that the chain's lock is held for a moment only."""

from collections import defaultdict
from typing import Any
from uuid import UUID

import anyio.to_thread
from sqlalchemy import insert, text
from sqlmodel import select

from data.audit.rules import COVERED, START, Break, breaks, fingerprint, follow
from data.audit.tables import PLATFORM, Chain, EventLog
from data.core.session import Entry, Transaction
from data.core.table import uuid7
from data.core.time import now

_LOCK = text("select length, last_hash from audit.chains where organization_id = :o for update")
_START = text("insert into audit.chains values (:o, 0, :start) on conflict do nothing")
_END = text("update audit.chains set length = :length, last_hash = :last where organization_id = :o")


async def write(tx: Transaction) -> None:
    """Append everything the transaction recorded; called by the session just before it commits."""
    by_organization: dict[UUID, list[Entry]] = defaultdict(list)
    for entry in tx.entries:
        by_organization[entry.organization_id or PLATFORM].append(entry)
    for organization_id in sorted(by_organization):
        await _append(tx, organization_id, by_organization[organization_id])
    tx.entries.clear()


async def _append(tx: Transaction, organization_id: UUID, entries: list[Entry]) -> None:
    end = (await tx.execute(_LOCK, {"o": organization_id})).one_or_none()
    if end is None:
        await tx.execute(_START, {"o": organization_id, "start": START})
        end = (await tx.execute(_LOCK, {"o": organization_id})).one()
    length, last = end
    lines = []
    for entry in entries:
        length += 1
        line = _line(tx, organization_id, entry, length, last)
        last = line["event_hash"]
        lines.append(line)
    await tx.execute(insert(EventLog), lines)
    await tx.execute(_END, {"o": organization_id, "length": length, "last": last})


def _line(tx: Transaction, organization_id: UUID, entry: Entry, sequence: int, previous: str) -> dict[str, Any]:
    actor = tx.actor
    line: dict[str, Any] = {
        "organization_id": organization_id,
        "sequence": sequence,
        "recorded_at": now(),
        "id": uuid7(),
        "actor_type": actor.kind.value,
        "actor_id": actor.user_id,
        "acting_user_id": actor.user_id,
        "impersonation_session_id": actor.visit_id,
        "was_impersonated": actor.visit_id is not None,
        "actor_name": actor.name,
        "event_type": entry.event_type,
        "category": entry.event_type.split(".", 1)[0],
        "severity": entry.severity,
        "title": entry.title,
        "subject_id": entry.subject_id,
        "event_data": entry.data,
        "ip_address": actor.ip_address,
        "user_agent": actor.user_agent,
        "previous_hash": previous,
    }
    return line | {"event_hash": fingerprint(line)}


async def verify(tx: Transaction, organization_id: UUID) -> list[Break]:
    """Read an organization's chain from its start and name every place where it does not hold."""
    chain = (await tx.exec(select(Chain).where(Chain.organization_id == organization_id))).one_or_none()
    statement = select(EventLog).where(EventLog.organization_id == organization_id).order_by(EventLog.sequence)  # type: ignore[arg-type]
    lines = [dict(line.model_dump()) for line in await tx.exec(statement)]
    for line in lines:
        line["ip_address"] = str(line["ip_address"]) if line["ip_address"] else None
    return breaks(lines, length=chain.length if chain else 0, last_hash=chain.last_hash if chain else START)


_PART = text(f"""
select {", ".join(COVERED)}, event_hash from audit.event_logs
where organization_id = :organization_id and sequence >= :first and sequence <= :last order by sequence limit :limit
""")


async def verify_part(
    tx: Transaction, organization_id: UUID, *, first: int, previous: str, last: int, limit: int
) -> tuple[list[Break], int, str]:
    """The same for at most `limit` lines from number `first` (behind the fingerprint `previous`) until `last`: what does not
    hold, and the number and the fingerprint to go on from. Without any break and beyond `last` the chain is whole so far."""
    values = {"organization_id": organization_id, "first": first, "last": last, "limit": limit}
    lines = [dict(row._mapping) for row in await tx.execute(_PART, values)]
    for line in lines:
        line["ip_address"] = str(line["ip_address"]) if line["ip_address"] else None
    found, expected, ended = await anyio.to_thread.run_sync(follow, lines, first, previous)
    if len(lines) < limit and not found:
        found = [Break(number, "missing") for number in range(expected, last + 1)]
    return found, expected, ended
