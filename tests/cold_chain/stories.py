"""What tests of judging say in one word: sensors speak, the clock goes round, and what became of a unit."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlmodel import col, select

from data.alerts.tables import Alert, AlertStatus
from data.cold_chain.commands import rules
from data.cold_chain.tables import Excursion, Unit
from data.cold_chain.values import Measurement
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from data.flows.uplink import Outcome
from data.notifications.tables import Notification
from tests.factories.people import World


def ago(**since: float) -> datetime:
    return now() - timedelta(**since)


async def take(world: World, *messages: Measurement) -> list[Outcome]:
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        return [o for o in await uplink.store(tx, messages) if isinstance(o, Outcome)]


async def unit_row(world: World, unit_id: UUID) -> Unit:
    async with transaction(world.owner) as tx:
        return await tx.get_one(Unit, unit_id)


async def open_alerts(world: World, subject_id: UUID | None = None) -> dict[str, Alert]:
    """By kind."""
    async with transaction(world.owner) as tx:
        statement = select(Alert).where(Alert.status != AlertStatus.RESOLVED).order_by(col(Alert.triggered_at))
        found = (await tx.exec(statement.where(Alert.subject_id == subject_id) if subject_id else statement)).all()
    return {alert.alert_type: alert for alert in found}


async def told(world: World) -> list[str]:
    """The kinds of alerts that somebody has been told of."""
    async with transaction(world.owner) as tx:
        return sorted(set((await tx.exec(select(Notification.notification_type))).all()))


async def excursions(world: World, unit_id: UUID) -> list[Excursion]:
    async with transaction(world.owner) as tx:
        return list((await tx.exec(select(Excursion).where(Excursion.unit_id == unit_id).order_by(col(Excursion.started_at)))).all())


async def rule(world: World, unit_id: UUID | None = None, **changes: float | None) -> None:
    async with transaction(world.owner) as tx:
        await rules.set_rule(tx, unit_id=unit_id, changes=changes)


def put(connection: psycopg.Connection, unit_id: UUID, **columns: Any) -> None:
    """A unit as it would have become."""
    connection.execute(
        f"update cold_chain.units set {', '.join(f'{name} = %s' for name in columns)} where id = %s", [*columns.values(), unit_id]
    )
