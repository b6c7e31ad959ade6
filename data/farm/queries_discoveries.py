"""Which devices have announced themselves and wait for somebody to say whether they are wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, ColumnElement, and_, cast, exists, func, or_
from sqlmodel import col, select

from data.core.session import Transaction
from data.farm.announced import Described, Part, from_document, is_measuring
from data.farm.queries import within
from data.farm.tables import Device, Dialect, Discovery, Farm


@dataclass(frozen=True, slots=True)
class Announced:
    """A device that announced itself, on which farm, and what in it could be taken in."""

    discovery: Discovery
    farm: Farm
    described: Described

    @property
    def outputs(self) -> tuple[Part, ...]:
        """What is switched or set, and is new."""
        return tuple(part for part in self.described.waiting if part.is_output)

    @property
    def measures(self) -> tuple[str, ...]:
        """What it measures, where that is new."""
        return tuple(dict.fromkeys(part.kind for part in self.described.waiting if is_measuring(part)))


def _has_device() -> ColumnElement[bool]:
    return exists().where(col(Device.topic) == Discovery.identifier, col(Device.organization_id) == Discovery.organization_id, col(Device.deleted_at).is_(None))


def _is_useful() -> ColumnElement[bool]:
    """What a gateway tells of is taken in with the gateway (see `queries_gateways`)."""
    is_new = cast(col(Discovery.description)["is_waiting"].astext, Boolean)
    is_ours = col(Discovery.dialect) != Dialect.GATEWAY
    return and_(is_ours, or_(is_new, and_(col(Discovery.device_id).is_not(None), ~_has_device())))


async def announced(tx: Transaction, *, are_dismissed: bool = False) -> Sequence[Announced]:
    """Those that wait on the farms whose devices one may change, the latest first; or those that were dismissed."""
    tx.actor.require("farm.edit")
    is_dismissed = col(Discovery.dismissed_at).is_not(None)
    statement = (
        select(Discovery, Farm)
        .join(Farm, col(Farm.id) == Discovery.farm_id)
        .where(is_dismissed if are_dismissed else ~is_dismissed, _is_useful(), col(Farm.deleted_at).is_(None), within(tx, Discovery.farm_id, "farm.edit"))
        .order_by(Farm.name, col(Discovery.first_seen_at).desc(), col(Discovery.id))
    )
    rows = (await tx.exec(statement)).all()
    living = await _living(tx, [discovery.identifier for discovery, _farm in rows])
    return [
        Announced(discovery, farm, from_document(discovery.description).freed(living.get(discovery.identifier, frozenset())))
        for discovery, farm in rows
    ]


async def announced_counts(tx: Transaction) -> dict[UUID, int]:
    """How many wait on each farm whose devices one may change."""
    if not tx.actor.may("farm.edit"):
        return {}
    statement = (
        select(Discovery.farm_id, func.count())
        .where(col(Discovery.dismissed_at).is_(None), _is_useful(), within(tx, Discovery.farm_id, "farm.edit"))
        .group_by(col(Discovery.farm_id))
    )
    rows: Sequence[Any] = (await tx.exec(statement)).all()
    return {farm_id: count for farm_id, count in rows if farm_id}


async def _living(tx: Transaction, identifiers: Sequence[str]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for topic, output in await tx.exec(select(Device.topic, Device.output).where(col(Device.topic).in_(identifiers), col(Device.deleted_at).is_(None))):
        found.setdefault(topic, set()).add(output)
    return {topic: frozenset(outputs) for topic, outputs in found.items()}

