"""What was asked is handed over, tried again when that failed, and given up when nobody answers or nobody came back in time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.core import columns
from data.core.session import Transaction
from data.farm.events import DeviceChanged
from data.farm.rules import ANSWER_WITHIN, RETRIES_S, calibrated, calibration, calibration_name
from data.farm.tables import DeviceConfig, Dialect
from data.farm.values import FULL, Outgoing

CLAIM = timedelta(seconds=10)
"""How long one process may take to hand a command over before another does it instead."""
BROKERED = tuple(dialect.value for dialect in Dialect if dialect is not Dialect.GATEWAY)
"""The dialects whose devices are told; a gateway comes and asks (see `take_waiting`)."""

_OUTGOING = """c.id, c.organization_id, c.farm_id, c.device_id, d.topic, d.output, d.dialect, d.device_type, d.hardware_id,
        c.command_type, c.command_params, c.priority, c.requested_at, d.max_on_s"""

# A device's next command waits until its last one has been handed over: two processes must not send them crosswise.
_CLAIM = text(f"""
    update farm.device_commands c set claimed_until_at = :until, attempt_count = c.attempt_count + 1
    from farm.devices d
    where d.organization_id = c.organization_id and d.id = c.device_id and c.id in (
        select q.id from farm.device_commands q
        join farm.devices e on e.organization_id = q.organization_id and e.id = q.device_id
        where q.status = 'queued' and q.expires_at > :at and (q.claimed_until_at is null or q.claimed_until_at < :at)
          and (q.next_attempt_at is null or q.next_attempt_at <= :at) and q.attempt_count <= :retries
          and e.is_online and e.deleted_at is null and e.dialect = any(cast(:dialects as farm.dialect[]))
          and not exists (
            select from farm.device_commands o
            where o.organization_id = q.organization_id and o.device_id = q.device_id and o.id <> q.id
              and o.claimed_until_at >= :at)
        order by q.priority desc, q.requested_at
        limit :most for update of q skip locked)
    returning {_OUTGOING}""")

_TAKE = text(f"""
    update farm.device_commands c set status = 'sent', sent_at = :at, answer_until_at = :until, attempt_count = c.attempt_count + 1
    from farm.devices d
    where d.organization_id = c.organization_id and d.id = c.device_id and c.id in (
        select q.id from farm.device_commands q
        where q.organization_id = :organization_id and q.device_id = any(:devices) and q.status = 'queued' and q.expires_at > :at
        order by q.priority desc, q.requested_at
        limit :most for update skip locked)
    returning {_OUTGOING}""")

_AGAIN = text(f"""
    select {_OUTGOING} from farm.device_commands c
    join farm.devices d on d.organization_id = c.organization_id and d.id = c.device_id
    where c.organization_id = :organization_id and c.device_id = any(:devices) and c.status = 'sent' and c.answer_until_at > :at""")

_SENT = text("""
    update farm.device_commands set claimed_until_at = null, sent_at = coalesce(sent_at, :at),
        answer_until_at = coalesce(answer_until_at, :until),
        status = case when status = 'queued' then 'sent' else status end
    where id = any(:ids) returning organization_id, device_id, farm_id""")

_GIVE_BACK = text("""
    update farm.device_commands set claimed_until_at = null,
        next_attempt_at = case when attempt_count <= :retries then cast(:at as timestamptz)
            + make_interval(secs => (cast(:waits_s as integer[]))[greatest(attempt_count, 1)]) end
    where id = any(:ids)""")


async def claim_queued(tx: Transaction, *, at: datetime, most: int = 100, dialects: Sequence[str] = BROKERED) -> list[Outgoing]:
    """Take up what waits for devices that are there, across tenants: the urgent first, then in the order of asking.

    Whoever dies loses the claim.
    """
    values = {"at": at, "until": at + CLAIM, "most": most, "dialects": list(dialects), "retries": len(RETRIES_S)}
    return await _outgoing(tx, (await tx.execute(_CLAIM, values)).all())


async def take_waiting(tx: Transaction, device_ids: Sequence[UUID], *, at: datetime, most: int = 20) -> list[Outgoing]:
    """Hand over what waits for these devices to who speaks for them and asks for it: it counts as sent, once."""
    values = {
        "organization_id": tx.organization_id, "devices": columns.ids(device_ids), "at": at, "until": at + ANSWER_WITHIN, "most": most,
    }  # fmt: skip
    rows = (await tx.execute(_TAKE, values)).all()
    for row in rows:
        tx.emit(DeviceChanged(device_id=row.device_id, farm_id=row.farm_id))
    return await _outgoing(tx, rows)


async def taken_unanswered(tx: Transaction, device_ids: Sequence[UUID], *, at: datetime) -> list[Outgoing]:
    """What was handed over before (see `take_waiting`) and is still waited for: whoever did not hear it hears the same one again."""
    values = {"organization_id": tx.organization_id, "devices": columns.ids(device_ids), "at": at}
    return await _outgoing(tx, (await tx.execute(_AGAIN, values)).all())


async def mark_sent(tx: Transaction, command_ids: Sequence[UUID], *, at: datetime) -> None:
    """They have been handed over. An answer may have come before this, so only what is queued becomes sent."""
    values = {"ids": list(command_ids), "at": at, "until": at + ANSWER_WITHIN}
    for organization_id, device_id, farm_id in await tx.execute(_SENT, values):
        tx.emit(DeviceChanged(device_id=device_id, farm_id=farm_id), organization_id=organization_id)


async def give_back(tx: Transaction, command_ids: Sequence[UUID], *, at: datetime) -> None:
    """They could not be handed over: somebody shall try again, after 1, 2, 4, 8 and 16 seconds; then it is given up."""
    await tx.execute(_GIVE_BACK, {"ids": list(command_ids), "at": at, "waits_s": list(RETRIES_S), "retries": len(RETRIES_S)})


async def _outgoing(tx: Transaction, rows: Sequence[Any]) -> list[Outgoing]:
    settings = [row.device_id for row in rows if row.command_type in FULL]
    by = await _calibrations(tx, settings) if settings else {}
    ordered = sorted(rows, key=lambda row: (-row.priority, row.requested_at))
    return [_one(row, by) for row in ordered]


def _one(row: Any, by: Mapping[UUID, Any]) -> Outgoing:
    value = (row.command_params or {}).get("value")
    if value is not None:
        wanted = calibrated(Decimal(str(value)), calibration(by[row.device_id])) if row.device_id in by else Decimal(str(value))
        value = min(max(float(wanted), 0.0), FULL[row.command_type])
    return Outgoing(
        row.id, row.organization_id, row.topic, row.output, row.command_type, value, row.dialect, row.device_type, row.farm_id,
        row.device_id, row.hardware_id, row.requested_at, row.priority, row.max_on_s,
    )  # fmt: skip


async def _calibrations(tx: Transaction, device_ids: Sequence[UUID]) -> dict[UUID, Any]:
    statement = select(DeviceConfig.device_id, DeviceConfig.parameter_value).where(
        col(DeviceConfig.device_id).in_(device_ids), DeviceConfig.parameter_name == calibration_name(), col(DeviceConfig.deleted_at).is_(None)
    )
    return {device_id: value for device_id, value in await tx.exec(statement)}
