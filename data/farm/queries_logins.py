"""With what each device signs in at the broker, and what it may then say and hear there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from data.core.session import Transaction
from data.farm import queries
from data.farm.rules.topics import Topics, node_of, topics_of
from data.farm.tables import BrokerLogin, Device, Farm
from data.identity.queries import tokens_of
from data.identity.tables import User


def of_its_box(device: Device) -> ColumnElement[bool]:
    """The part of a `where` over devices that keeps those in the same box: one connection speaks for all of them."""
    return (func.split_part(col(Device.topic), "/", 1) == node_of(device.topic)) & col(Device.deleted_at).is_(None)


async def logins_of(tx: Transaction, device: Device) -> Sequence[BrokerLogin]:
    """The living logins of the box that this device is or is in. The caller has asked for the right."""
    statement = (
        select(BrokerLogin)
        .join(Device, col(Device.id) == BrokerLogin.device_id)
        .where(of_its_box(device), col(BrokerLogin.revoked_at).is_(None))
        .order_by(col(BrokerLogin.created_at))
    )
    return (await tx.exec(statement)).all()


@dataclass(frozen=True, slots=True)
class Held:
    """What a device signs in with. `username` is None where it has no login; `has_old_secret` where it was given a token before."""

    username: str | None
    made_at: datetime | None
    made_by: str | None
    has_old_secret: bool
    takes_old_secrets: bool


async def held(tx: Transaction, device_id: UUID) -> Held:
    """What a device signs in with, for whoever may change it."""
    device = await queries.device(tx, device_id)
    tx.actor.require("farm.edit", device.farm_id)
    farm = await queries.farm(tx, device.farm_id)
    found = await logins_of(tx, device)
    login = found[-1] if found else None
    person = await tx.get(User, login.created_by) if login and login.created_by else None
    has_token = bool(await tokens_of(tx, [device_id]))
    return Held(
        login.username if login else None, login.created_at if login else None, person.name if person else None, has_token,
        farm.takes_old_secrets,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signer:
    """A device at the broker's door, and its places there."""

    device_id: UUID
    username: str
    password_hash: str
    token_hash: bytes
    topics: Topics


_PLACES: tuple[Any, ...] = (col(Device.id), col(Device.dialect), col(Device.topic), col(Device.farm_id))
_STRETCHED: tuple[Any, ...] = (col(BrokerLogin.username), col(BrokerLogin.password_hash), col(BrokerLogin.token_hash))
_LIVING = (
    col(BrokerLogin.organization_id) == Device.organization_id, col(BrokerLogin.device_id) == Device.id,
    col(BrokerLogin.revoked_at).is_(None), col(Device.deleted_at).is_(None),
)  # fmt: skip


async def signer(tx: Transaction, username: str) -> Signer | None:
    """Who signs in under this name, across tenants; None where nobody does."""
    statement = select_columns(*_PLACES, *_STRETCHED).where(*_LIVING, col(BrokerLogin.username) == username)
    found = (await tx.execute(statement)).one_or_none()
    return _signer(found) if found else None


async def signers(tx: Transaction) -> Sequence[Signer]:
    """Every device that has a login, across tenants, by name."""
    statement = select_columns(*_PLACES, *_STRETCHED).where(*_LIVING).order_by(col(BrokerLogin.username))
    return [_signer(row) for row in await tx.execute(statement)]


def _signer(row: Any) -> Signer:
    device_id, dialect, topic, farm_id, username, password_hash, token_hash = row
    return Signer(device_id, username, password_hash, bytes(token_hash), topics_of(dialect.value, topic, farm_id=farm_id))


@dataclass(frozen=True, slots=True)
class OldSigner:
    """A device that comes with the token it was given before there were logins."""

    farm_id: UUID
    topic: str
    topics: Topics


async def old_signer(tx: Transaction, device_id: UUID) -> OldSigner | None:
    """A device and its places, across tenants, where it may still sign in with a token: it has no login yet, and its farm lets such
    devices in."""
    has_login = select(BrokerLogin.id).where(BrokerLogin.device_id == Device.id, col(BrokerLogin.revoked_at).is_(None)).exists()
    statement = (
        select_columns(*_PLACES)
        .join(Farm, col(Farm.id) == Device.farm_id)
        .where(col(Device.id) == device_id, col(Device.deleted_at).is_(None), col(Farm.takes_old_secrets), ~has_login)
    )
    if (found := (await tx.execute(statement)).one_or_none()) is None:
        return None
    _device_id, dialect, topic, farm_id = found
    return OldSigner(farm_id, topic, topics_of(dialect.value, topic, farm_id=farm_id))
