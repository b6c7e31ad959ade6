"""A device gets the name and password it signs in to the broker with, a new one when the old is known to others, or none any more."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries
from data.farm.events import FarmChanged, LoginChanged
from data.farm.queries_logins import logins_of, of_its_box
from data.farm.rules.logins import LETTERS, PASSWORD_LENGTH, SALT_LENGTH, mosquitto_hash
from data.farm.rules.topics import node_of
from data.farm.tables import BrokerLogin, Device, Dialect
from data.identity.commands import revoke_tokens_of
from data.identity.queries import tokens_of
from data.identity.secrets import token_hash


@dataclass(frozen=True, slots=True)
class NewLogin:
    """What somebody types into the device. The password is kept nowhere."""

    username: str
    password: str


async def make_login(tx: Transaction, device_id: UUID) -> NewLogin:
    """A login for a device, told this once. Whatever it signed in with before stops working, and its connection ends.

    It is named after the device's topic, and keeps its name for as long as it is renewed. Devices in one box have one login.
    """
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    before = await end_logins(tx, device)
    password = "".join(secrets.choice(LETTERS) for _n in range(PASSWORD_LENGTH))
    login = await _named(tx, device, before or node_of(device.topic), password)
    tx.emit(LoginChanged(device_id=device.id, farm_id=device.farm_id))
    return NewLogin(login.username, password)


async def first_login(tx: Transaction, device_id: UUID) -> NewLogin | None:
    """A login for a device that was just added, told this once; None where none is needed: its box has one, or a gateway speaks for it."""
    device = await queries.device(tx, device_id)
    tx.actor.require("farm.edit", device.farm_id)
    if device.dialect is Dialect.GATEWAY or await logins_of(tx, device):
        return None
    return await make_login(tx, device_id)


async def revoke_login(tx: Transaction, device_id: UUID) -> None:
    """The device may not speak any more, and its connection ends. Conflict when it had nothing to sign in with."""
    device = await queries.device(tx, device_id, for_update=True)
    tx.actor.require("farm.edit", device.farm_id)
    has_token = bool(await tokens_of(tx, [device.id]))
    if await end_logins(tx, device) is None and not has_token:
        raise Conflict("The device has nothing to sign in with.")
    tx.emit(LoginChanged(device_id=device.id, farm_id=device.farm_id))


async def take_old_secrets(tx: Transaction, farm_id: UUID, *, on: bool) -> None:
    """Whether a farm's devices that have no login yet are let in with the token they were given before."""
    tx.actor.require("farm.edit", farm_id)
    farm = await queries.farm(tx, farm_id)
    farm.takes_old_secrets, farm.updated_at = on, now()
    tx.add(farm)
    tx.emit(FarmChanged(farm_id=farm_id))


async def end_logins(tx: Transaction, device: Device) -> str | None:
    """Nothing opens the broker for this device and its box any more; the name it had. The caller has asked for the right."""
    await revoke_tokens_of(tx, device.id)
    name = None
    for login in await logins_of(tx, device):
        login.revoked_at, name = now(), login.username
        tx.add(login)
        tx.emit(LoginChanged(device_id=login.device_id, farm_id=device.farm_id))
    await tx.flush()
    return name


async def leave_login(tx: Transaction, device: Device) -> None:
    """A device is taken down: its login goes with it, or on to another device of the same box."""
    await revoke_tokens_of(tx, device.id)
    others = select(Device.id).where(of_its_box(device), Device.id != device.id).order_by(col(Device.created_at)).limit(1)
    heir = (await tx.exec(others)).first()
    its_own = select(BrokerLogin).where(BrokerLogin.device_id == device.id, col(BrokerLogin.revoked_at).is_(None))
    for login in (await tx.exec(its_own)).all():
        login.device_id, login.revoked_at = heir or device.id, None if heir else now()
        tx.add(login)
    tx.emit(LoginChanged(device_id=device.id, farm_id=device.farm_id))


async def _named(tx: Transaction, device: Device, username: str, password: str) -> BrokerLogin:
    """The first name that is free in the whole installation: a device that got another topic since may have this one's."""
    hashed = mosquitto_hash(password, secrets.token_bytes(SALT_LENGTH))
    while True:
        login = BrokerLogin(
            device_id=device.id, username=username, password_hash=hashed, token_hash=token_hash(password), created_by=tx.actor.user_id
        )
        told = len(tx.entries)
        try:
            async with tx.begin_nested():
                tx.add(login)
                await tx.flush()
            return login
        except IntegrityError as reason:
            if "uq_broker_logins_username" not in str(reason.orig):
                raise
            del tx.entries[told:]  # it was never made
        username = f"{node_of(device.topic)}-{''.join(secrets.choice(LETTERS) for _n in range(4))}"
