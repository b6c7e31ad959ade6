"""Whose device each topic at the broker is: the broker's messages carry nothing else."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select as select_columns
from sqlmodel import col

from data.core.session import Transaction
from data.farm.announced import Announcement, Described, from_document
from data.farm.rules.topics import node_of
from data.farm.tables import Device, Dialect, Discovery, Farm


@dataclass(frozen=True, slots=True)
class Address:
    """One of our devices: how it is spoken with, and whose it is."""

    organization_id: UUID
    device_id: UUID
    farm_id: UUID
    dialect: str
    device_type: str
    topic: str
    output: int


@dataclass(frozen=True, slots=True)
class Known:
    """All devices, by the name that they or their box have at the broker.

    `described` is what was announced of those that announced themselves, by their topic; `farms` whose each farm is.
    """

    by_topic: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    by_box: Mapping[str, tuple[Address, ...]] = field(default_factory=dict)
    described: Mapping[str, Described] = field(default_factory=dict)
    farms: Mapping[str, UUID] = field(default_factory=dict)


async def addresses(tx: Transaction) -> Known:
    """Every device, every farm and what was announced of our devices, across tenants."""
    statement = select_columns(
        col(Device.organization_id), col(Device.id), col(Device.farm_id), col(Device.dialect), col(Device.device_type), col(Device.topic),
        col(Device.output),
    ).where(col(Device.deleted_at).is_(None)).order_by(col(Device.topic), col(Device.output))  # fmt: skip
    by_topic, by_box = defaultdict(list), defaultdict(list)
    for whose, device_id, farm_id, dialect, kind, topic, output in await tx.execute(statement):
        address = Address(whose, device_id, farm_id, dialect.value, kind.value, topic, output)
        by_topic[topic].append(address)
        by_box[node_of(topic)].append(address)
    described = select_columns(col(Discovery.organization_id), col(Discovery.identifier), col(Discovery.description)).where(
        col(Discovery.device_id).is_not(None), col(Discovery.dialect) == Dialect.HOME_ASSISTANT
    )
    announced = {
        identifier: from_document(description)
        for whose, identifier, description in await tx.execute(described)
        if identifier in by_topic and by_topic[identifier][0].organization_id == whose
    }
    farms = select_columns(col(Farm.id), col(Farm.organization_id)).where(col(Farm.deleted_at).is_(None))
    return Known(
        {topic: tuple(found) for topic, found in by_topic.items()}, {box: tuple(found) for box, found in by_box.items()}, announced,
        {str(farm_id): whose for farm_id, whose in await tx.execute(farms)},
    )  # fmt: skip


async def announced_on(tx: Transaction, path: str) -> set[UUID]:
    """The organizations for which something was announced on this topic, across tenants."""
    statement = select_columns(col(Discovery.organization_id)).where(col(Discovery.description)["paths"].has_key(path))
    return set((await tx.execute(statement)).scalars().all())


@dataclass(frozen=True, slots=True)
class Place:
    """A farm and whose it is."""

    organization_id: UUID
    farm_id: UUID


def farm_of(message: Announcement, known: Known) -> Place | None:
    """On whose farm a device announces itself: on the one that its topic names; else on its box's; else on the only one there is.

    None where that is nobody's, or where its box is another organization's: nobody announces things for others.
    """
    box = known.by_box.get(node_of(message.identifier), ())
    if message.farm_id:
        whose = known.farms.get(message.farm_id)
        place = Place(whose, UUID(message.farm_id)) if whose else None
    elif box:
        place = Place(box[0].organization_id, box[0].farm_id)
    else:
        place = next((Place(whose, UUID(farm_id)) for farm_id, whose in known.farms.items()), None) if len(known.farms) == 1 else None
    is_others = place is not None and any(address.organization_id != place.organization_id for address in box)
    return None if is_others else place
