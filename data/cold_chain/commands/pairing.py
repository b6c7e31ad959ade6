"""Somebody stands at a unit with a new sensor: they say which one, and its first message proves that it is heard."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.cold_chain.commands import sensors
from data.cold_chain.events import PairingChanged, SensorChanged
from data.cold_chain.labels import new_code, read_label, written_code
from data.cold_chain.machines import PAIRING_LIFE
from data.cold_chain.queries import machines, units
from data.cold_chain.queries.machines import DEVICES
from data.cold_chain.tables import Device, PairingSession
from data.cold_chain.values import DeviceStatus, PairingStatus
from data.core import columns
from data.core.errors import Conflict, NotFound
from data.core.session import Transaction
from data.core.time import now

CANCELED = "canceled"

_HEARD = text("""
update cold_chain.pairing_sessions p set status = 'completed', completed_at = :at
where p.organization_id = :organization_id and p.status = 'pending' and p.device_id = any(:ids) and p.expires_at > :at
returning p.id
""")

_EXPIRE = text("""
with ended as (
  update cold_chain.pairing_sessions set status = 'expired' where status = 'pending' and expires_at <= :at
  returning id, organization_id, device_id
), unheard as (
  update cold_chain.devices d set status = 'inactive' from ended
  where d.organization_id = ended.organization_id and d.id = ended.device_id and d.status = 'pairing'
)
select id, organization_id from ended
""")


async def start(tx: Transaction, unit_id: UUID) -> PairingSession:
    """Begin at this unit. Whoever has the code may go on with it, on another phone too, for an hour."""
    unit = await units.unit(tx, unit_id)
    tx.actor.require(DEVICES, unit.site_id)
    await sensors.make_room(tx)
    taken = set(await tx.exec(select(PairingSession.pairing_code).where(PairingSession.status == PairingStatus.PENDING)))
    code = next(code for code in iter(new_code, "") if code not in taken)
    made = PairingSession(unit_id=unit.id, pairing_code=code, started_by=tx.actor.user_id, expires_at=now() + PAIRING_LIFE)
    tx.add(made)
    await tx.flush()
    tx.emit(PairingChanged(session_id=made.id))
    return made


async def find(tx: Transaction, code: str) -> PairingSession:
    """The open pairing with this code, as somebody typed it."""
    statement = select(PairingSession).where(
        PairingSession.pairing_code == written_code(code), PairingSession.status == PairingStatus.PENDING, PairingSession.expires_at > now()
    )
    found = (await tx.exec(statement)).one_or_none()
    if found is None or not await _is_reached(tx, found):
        raise NotFound("No pairing with this code is open. It may have ended; begin again at the unit.")
    return found


async def choose(tx: Transaction, session_id: UUID, *, label: str, moves: bool = False) -> Device:
    """Say which sensor it is, by its number or its code. A wrong one is corrected by saying another.

    One that is registered already comes from where it is only if it `moves`; Conflict otherwise.
    """
    session = await _open(tx, session_id)
    assert session.unit_id
    identifier = read_label(label, "label").device_eui
    statement = select(Device).where(Device.device_eui == identifier, col(Device.deleted_at).is_(None))
    device = (await tx.exec(statement)).one_or_none()
    await _let_go(tx, session, but=device)
    if device is None:
        device = await sensors.create(tx, session.unit_id, device_eui=label, status=DeviceStatus.PAIRING)
    elif device.unit_id not in (None, session.unit_id) and not moves:
        watched = (await machines.sensor(tx, device.id)).unit_name
        raise Conflict("This sensor watches {unit} already. Move it here, or choose another.", unit=watched)
    else:
        session.device_id = None
        await tx.flush()  # or moving it would end this pairing too
        await sensors.move(tx, device.id, unit_id=session.unit_id)
        await sensors.set_active(tx, device.id, active=True)
    session.device_id = device.id
    session.details = session.details | {"device_eui": identifier, "chosen_at": now().isoformat()}
    tx.add(session)
    tx.emit(PairingChanged(session_id=session.id))
    return device


async def cancel(tx: Transaction, session_id: UUID) -> None:
    """Let it be. A sensor that was registered by it and never heard goes away again."""
    session = await _open(tx, session_id)
    await _let_go(tx, session, but=None)
    session.status, session.details = PairingStatus.FAILED, session.details | {"because": CANCELED}
    tx.add(session)
    tx.emit(PairingChanged(session_id=session.id))


async def heard(tx: Transaction, device_ids: Collection[UUID], at: datetime) -> None:
    """Complete the pairings that wait for these sensors, in one statement."""
    if not device_ids:
        return
    rows = await tx.execute(_HEARD, {"organization_id": tx.organization_id, "ids": columns.ids(list(device_ids)), "at": at})
    for (session_id,) in rows:
        tx.emit(PairingChanged(session_id=session_id))


async def expire(tx: Transaction, at: datetime) -> int:
    """End the pairings whose time is over, in one statement (across tenants); how many there were."""
    ended = (await tx.execute(_EXPIRE, {"at": at})).all()
    for session_id, organization_id in ended:
        tx.emit(PairingChanged(session_id=session_id), organization_id=organization_id)
    return len(ended)


async def _open(tx: Transaction, session_id: UUID) -> PairingSession:
    statement = select(PairingSession).where(PairingSession.id == session_id).with_for_update().execution_options(populate_existing=True)
    session = (await tx.exec(statement)).one_or_none()
    if session is None or session.unit_id is None:
        raise NotFound("There is no such pairing.")
    unit = await units.unit(tx, session.unit_id)
    tx.actor.require(DEVICES, unit.site_id)
    if session.status is not PairingStatus.PENDING or session.expires_at <= now():
        raise Conflict("This pairing is over. Begin again at the unit.")
    return session


async def _is_reached(tx: Transaction, session: PairingSession) -> bool:
    try:
        unit = await units.unit(tx, session.unit_id) if session.unit_id else None
    except NotFound:
        return False
    return unit is not None and tx.actor.may(DEVICES, unit.site_id)


async def _let_go(tx: Transaction, session: PairingSession, *, but: Device | None) -> None:
    """What was chosen by mistake, registered by this pairing and never heard, is taken away."""
    if session.device_id is None or (but is not None and but.id == session.device_id):
        return
    device = await tx.get_one(Device, session.device_id)
    session.device_id = None
    tx.add(session)
    await tx.flush()
    if device.deleted_at is None and device.status is DeviceStatus.PAIRING and device.last_seen_at is None:
        await sensors.take_away(tx, device.id)
    tx.emit(SensorChanged(device_id=device.id))
