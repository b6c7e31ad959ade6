"""The gateways on the farms that somebody looks after, and what stands behind each of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import col, select

from data.core import columns
from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm.queries import within
from data.farm.tables import Device, Dialect, Discovery, Farm, FlockBatch, Gateway

_BEHIND = text("""
    select split_part(x.identifier, '/', 1) as hardware_id, substr(x.identifier, strpos(x.identifier, '/') + 1) as key,
        x.name as told, x.description, d.id as device_id, d.farm_id, d.topic, d.output, d.name, d.is_active, d.is_online
    from farm.discoveries x
    left join farm.devices d on d.organization_id = x.organization_id and d.id = x.device_id and d.deleted_at is null
    where x.organization_id = :organization_id and x.dialect = 'gateway' and split_part(x.identifier, '/', 1) = any(:hardware_ids)""")


@dataclass(frozen=True, slots=True)
class Behind:
    """Something that a gateway has told of: `key` is its name there, `told` what it is called on the gateway's list. `device_id` is
    None until somebody has taken it in."""

    key: str
    told: str
    description: Mapping[str, Any]
    device_id: UUID | None
    farm_id: UUID | None
    topic: str
    output: int
    name: str
    is_active: bool
    is_online: bool


async def behind(tx: Transaction, hardware_ids: Sequence[str]) -> dict[str, dict[str, Behind]]:
    """What stands behind these gateways of the organization: gateway's number → name there → what is known. One statement."""
    found: dict[str, dict[str, Behind]] = defaultdict(dict)
    rows = await tx.execute(_BEHIND, {"organization_id": tx.organization_id, "hardware_ids": columns.texts(hardware_ids)})
    for row in rows:
        found[row.hardware_id][row.key] = Behind(
            row.key, row.told or row.key, row.description, row.device_id, row.farm_id, row.topic or "", row.output or 1, row.name or "",
            bool(row.is_active), bool(row.is_online),
        )  # fmt: skip
    return found


async def gateway(tx: Transaction, gateway_id: UUID, *, for_update: bool = False) -> Gateway:
    """One gateway on a farm that one may see."""
    statement = select(Gateway).where(Gateway.id == gateway_id, col(Gateway.deleted_at).is_(None), within(tx, Gateway.farm_id))
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such gateway.")
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that a gateway told of and nobody has taken in or turned away."""

    discovery_id: UUID
    name: str
    description: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """A gateway, its farm, the devices behind it, and those that wait to be taken in or were turned away."""

    gateway: Gateway
    farm: Farm
    devices: Sequence[Device] = field(default_factory=list)
    waiting: Sequence[Waiting] = field(default_factory=list)
    unwanted: Sequence[Waiting] = field(default_factory=list)


async def standings(tx: Transaction) -> Sequence[Standing]:
    """The gateways of the farms one may see, by farm and house; a few statements however many."""
    tx.actor.require("farm.view")
    statement = (
        select(Gateway, Farm)
        .join(Farm, col(Farm.id) == Gateway.farm_id)
        .where(col(Gateway.deleted_at).is_(None), col(Farm.deleted_at).is_(None), within(tx, Gateway.farm_id))
        .order_by(Farm.name, col(Gateway.house).nulls_last(), Gateway.name, col(Gateway.id))
    )
    rows = (await tx.exec(statement)).all()
    devices: dict[str, list[Device]] = defaultdict(list)
    waiting: dict[str, list[Waiting]] = defaultdict(list)
    unwanted: dict[str, list[Waiting]] = defaultdict(list)
    told = (
        select(Discovery, Device)
        .outerjoin(Device, (col(Device.id) == Discovery.device_id) & col(Device.deleted_at).is_(None))
        .where(Discovery.dialect == Dialect.GATEWAY, within(tx, Discovery.farm_id))
        .order_by(col(Discovery.name), col(Discovery.id))
    )
    for discovery, device in await tx.exec(told) if rows else ():
        hardware_id = discovery.identifier.partition("/")[0]
        if device is not None:
            devices[hardware_id].append(device)
        else:
            there = waiting if discovery.dismissed_at is None else unwanted
            there[hardware_id].append(Waiting(discovery.id, discovery.name or discovery.identifier, discovery.description))
    return [
        Standing(one, farm, devices[one.hardware_id], waiting[one.hardware_id], unwanted[one.hardware_id]) for one, farm in rows
    ]


async def houses(tx: Transaction) -> Mapping[UUID, Sequence[str]]:
    """What the houses of each farm that one may see are called: at its devices, its flocks and its gateways."""
    tx.actor.require("farm.view")
    names: dict[UUID, set[str]] = defaultdict(set)
    for column, model in ((Device.location, Device), (FlockBatch.house, FlockBatch), (Gateway.house, Gateway)):
        there = select(model.farm_id, column).where(col(model.deleted_at).is_(None), within(tx, model.farm_id), func.length(column) > 0)
        for farm_id, name in await tx.exec(there.distinct()):
            names[farm_id].add(name or "")
    return {farm_id: sorted(called) for farm_id, called in names.items()}
