"""A phone asks to be let in; a person approves it or takes that back; an approved one gets a token for a while."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alert, resolve_open
from data.alerts.tables import Severity
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.identity import commands as identity
from data.identity.tables import ApiToken, TokenKind
from data.notifications.commands import tell as notify
from data.trees.commands.story import tell
from data.trees.events import JobChanged
from data.trees.queries import devices as known
from data.trees.tables import Device, JobAssignment
from data.trees.words import DeviceRole, DeviceStatus

NETWORK = "trees"
ENROL, ASSESS = "trees.enrol", "trees.assess"
"""What a machine may do: ask to be let in with the enrolment secret, work on jobs with its own token."""

MAX_PENDING = 100
SHORTEST_S, USUAL_S, LONGEST_S = 60, 604_800, 31_536_000


async def register(
    tx: Transaction, device_id: str, *, device_name: str | None = None, app_version: str | None = None,
    profile_summary: dict[str, Any] | None = None,
) -> Device:  # fmt: skip
    """Ask to be let in. A second time refreshes name and version and changes nothing else: a revoked one stays revoked."""
    tx.actor.require(ENROL)
    at = now()
    waiting = (await tx.exec(select(func.count()).select_from(Device).where(Device.status == DeviceStatus.PENDING))).one()
    if waiting >= MAX_PENDING and await known.named(tx, device_id) is None:
        raise Conflict("Too many devices wait for approval. Ask an administrator to look through them.")
    statement = insert(Device).values(
        id=uuid7(), organization_id=tx.organization_id, device_id=device_id, status=DeviceStatus.PENDING, role=DeviceRole.ARBORIST
    )
    is_new = (await tx.execute(statement.on_conflict_do_nothing().returning(col(Device.id)))).first() is not None
    device = await known.named(tx, device_id, for_update=True)
    assert device, "it was there or has just been made"
    device.device_name, device.app_version = device_name or device.device_name, app_version or device.app_version
    device.profile_summary = profile_summary or device.profile_summary
    device.last_seen_at = device.updated_at = at
    tx.add(device)
    if is_new:
        tx.record("trees.devices.created", "devices created", subject_id=device.id, device_id=device_id)
        tell(tx, "device_registered", device=device, device_name=device_name)
        trouble = Trouble(
            subject_kind="trees.devices", subject_id=device.id, subject_name=device_name or device_id,
            alert_type="trees.device_pending", severity=Severity.INFO, permission="trees.approve_device",
            message="The phone {name} asks to be let in.", values={"name": device_name or device_id}, href="/trees/devices",
        )  # fmt: skip
        if alert := await raise_alert(tx, trouble, at=at):
            await notify(tx, alert)
    return device


async def approve(tx: Transaction, device_id: UUID, *, role: DeviceRole = DeviceRole.ARBORIST) -> None:
    """Let a phone in (again), as an arborist's or an admin's. Its former tokens stay dead."""
    tx.actor.require("trees.approve_device")
    device = await known.device(tx, device_id, for_update=True)
    if device.status is DeviceStatus.APPROVED and device.role is role:
        return
    device.status, device.role, device.revoked_at, device.revoked_by = DeviceStatus.APPROVED, role, None, None
    device.approved_at = device.updated_at = now()
    device.approved_by = tx.actor.user_id
    tx.add(device)
    await _settled(tx, device, because="approved")
    tell(tx, "device_approved", device=device, role=role)


async def revoke(tx: Transaction, device_id: UUID) -> None:
    """Shut a phone out: its tokens die at once, and the open jobs it had are free for others."""
    tx.actor.require("trees.approve_device")
    device = await known.device(tx, device_id, for_update=True)
    if device.status is DeviceStatus.REVOKED:
        return
    device.status = DeviceStatus.REVOKED
    device.revoked_at = device.updated_at = now()
    device.revoked_by = tx.actor.user_id
    tx.add(device)
    await identity.revoke_tokens_of(tx, device.id)
    freed = delete(JobAssignment).where(col(JobAssignment.device_id) == device.id).returning(col(JobAssignment.job_id))
    for job_id in (await tx.execute(freed)).scalars():
        tx.emit(JobChanged(job_id=job_id))
    await _settled(tx, device, because="revoked")
    tell(tx, "device_revoked", device=device)


async def issue_token(tx: Transaction, device_id: str, *, ttl_s: int = USUAL_S) -> tuple[Device, ApiToken, str]:
    """A new token for an approved phone, and its secret, told this once; the former ones die.

    NotFound for a phone that never registered, Forbidden for one that is not approved. At least a minute, at most a year.
    """
    tx.actor.require(ENROL)
    if not SHORTEST_S <= ttl_s <= LONGEST_S:
        raise Invalid("ttl_seconds", "This must be between {low} and {high}.", low=SHORTEST_S, high=LONGEST_S)
    device = await known.named(tx, device_id, for_update=True)
    if device is None:
        raise NotFound("There is no such device.")
    if device.status is not DeviceStatus.APPROVED:
        raise Forbidden("This device is not approved.")
    await identity.revoke_tokens_of(tx, device.id)
    token, secret = await identity.make_token(
        tx, name=device.device_name or device.device_id, kind=TokenKind.DEVICE, network=NETWORK, subject_id=device.id,
        life=timedelta(seconds=ttl_s), needs=ENROL,
    )  # fmt: skip
    tell(tx, "token_issued", device=device, ttl_seconds=ttl_s)
    return device, token, secret


async def _settled(tx: Transaction, device: Device, *, because: str) -> None:
    await resolve_open(tx, device.id, "trees.device_pending", at=now(), because=because)


