"""Drivers come and go, and so do their phones; a phone's token is told once."""

from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Conflict, Invalid
from data.core.session import Transaction
from data.core.time import now
from data.deliveries import queries
from data.deliveries.events import DriverChanged
from data.deliveries.tables import Driver, DriverAssignment, DriverDevice, DriverSession
from data.deliveries.values import PhoneApp, Platform
from data.identity import commands as identity
from data.identity.tables import TokenKind


async def create_driver(
    tx: Transaction,
    *,
    name: str,
    phone: str | None = None,
    license_number: str | None = None,
    vehicle_id: UUID | None = None,
    user_id: UUID | None = None,
) -> Driver:
    """Somebody who may deliver from now on; `user_id` is their own account, where they have one."""
    tx.actor.require("deliveries.dispatch")
    if not name.strip():
        raise Invalid("name", "A driver needs a name.")
    if user_id and await _drives(tx, user_id):
        raise Conflict("This person is a driver already.")
    made = Driver(name=name.strip(), phone=phone, license_number=license_number, vehicle_id=vehicle_id, user_id=user_id)
    tx.add(made)
    await tx.flush()
    tx.emit(DriverChanged(driver_id=made.id))
    return made


async def _drives(tx: Transaction, user_id: UUID) -> bool:
    statement = select(Driver.id).where(Driver.user_id == user_id, col(Driver.deleted_at).is_(None))
    return (await tx.exec(statement)).first() is not None


async def dismiss_driver(tx: Transaction, driver_id: UUID) -> None:
    """They deliver no more and their phones may not come in; where they were stays. Conflict while they have a shipment."""
    tx.actor.require("deliveries.dispatch")
    driver = await queries.driver(tx, driver_id)
    open_ones = select(DriverAssignment.id).where(
        DriverAssignment.driver_id == driver_id, col(DriverAssignment.ended_at).is_(None)
    )
    if (await tx.exec(open_ones)).first():
        raise Conflict("{name} still has a shipment. Give it to somebody else first.", name=driver.name)
    for seen in await queries.devices(tx, driver_id):
        await remove_device(tx, seen.device.id)
    driver.deleted_at = now()
    tx.add(driver)
    tx.emit(DriverChanged(driver_id=driver_id))


async def register_device(
    tx: Transaction,
    driver_id: UUID,
    *,
    name: str,
    app: PhoneApp,
    platform: Platform = Platform.ANDROID,
    device_identifier: str | None = None,
) -> tuple[DriverDevice, str]:
    """A driver's phone or tracker, and its token, told this once."""
    tx.actor.require("deliveries.dispatch")
    driver = await queries.driver(tx, driver_id)
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    device = DriverDevice(
        driver_id=driver.id, name=name.strip(), app=app, platform=platform, device_identifier=device_identifier
    )
    tx.add(device)
    await tx.flush()
    return device, await _new_token(tx, driver, device)


async def renew_token(tx: Transaction, device_id: UUID) -> str:
    """A new token for a phone, told this once; the old one stops working at once."""
    tx.actor.require("deliveries.dispatch")
    device = await queries.device(tx, device_id)
    await identity.revoke_tokens_of(tx, device.id)
    return await _new_token(tx, await queries.driver(tx, device.driver_id), device)


async def _new_token(tx: Transaction, driver: Driver, device: DriverDevice) -> str:
    _, secret = await identity.make_token(
        tx,
        name=f"{driver.name}: {device.name}",
        kind=TokenKind.DEVICE,
        network=device.app.value,
        subject_id=device.id,
        needs="deliveries.dispatch",
    )
    tx.emit(DriverChanged(driver_id=driver.id))
    return secret


async def remove_device(tx: Transaction, device_id: UUID) -> None:
    """The phone is the driver's no more: its token ends, what it said stays."""
    tx.actor.require("deliveries.dispatch")
    device = await queries.device(tx, device_id)
    await identity.revoke_tokens_of(tx, device.id)
    device.deleted_at = now()
    tx.add(device)
    still_open = select(DriverSession).where(
        DriverSession.device_id == device.id, col(DriverSession.ended_at).is_(None)
    )
    for session in await tx.exec(still_open):
        session.ended_at = session.last_seen_at
        tx.add(session)
    tx.emit(DriverChanged(driver_id=device.driver_id))
