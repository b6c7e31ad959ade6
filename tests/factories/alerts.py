"""Trouble with a freezer at a fixed hour, somebody who can be called, and what was written down about it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts
from data.alerts.tables import Alert, Decision, Severity
from data.core.actor import Actor
from data.core.session import transaction
from data.notifications import commands
from data.notifications.tables import EscalationContact, NotificationDelivery, OnCallShift, Policy
from tests.factories.people import World

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
UNIT, SITE = UUID(int=77), UUID(int=7)


def trouble(
    subject: UUID = UNIT, severity: Severity = Severity.CRITICAL, *, alert_type: str = "temp_excursion",
    permission: str = "cold_chain.view", scope: UUID | None = SITE, zone: str | None = None, name: str = "Freezer 3",
) -> Trouble:  # fmt: skip
    return Trouble(
        "cold_chain.units", subject, name, alert_type, severity, "{name} is too warm: {now_celsius}", permission,
        {"name": name, "now_celsius": "-4.0"}, href=f"/cold-chain/units/{subject}", scope_id=scope, time_zone=zone,
    )  # fmt: skip


def system(world: World) -> Actor:
    return Actor.system(world.organization_id, "test")


async def raised(world: World, *troubles: Trouble, at: datetime = AT, is_told: bool = True, parent: Alert | None = None) -> list[Alert]:
    """Raise them at that instant, and take their first turn; in the order in which they were given."""
    troubles = troubles or (trouble(),)
    places = {one.key: place for place, one in enumerate(troubles)}
    async with transaction(system(world)) as tx:
        alerts = list(await raise_alerts(tx, [(one, at) for one in troubles], parent=parent))
        alerts.sort(key=lambda alert: places[alert.subject_id, alert.alert_type])
        if is_told:
            await commands.tell(tx, *alerts, at=at)
    return alerts


async def minute(world: World, at: datetime) -> int:
    """What the job does at that minute."""
    async with transaction(system(world)) as tx:
        return await commands.climb(tx, at=at)


async def minutes_pass(world: World, begin: datetime, count: int) -> None:
    """The job at each minute."""
    for number in range(count):
        await minute(world, begin + timedelta(minutes=number))


async def contact(world: World, name: str, **values: Any) -> EscalationContact:
    async with transaction(system(world)) as tx:
        reached: dict[str, Any] = {} if values.keys() & {"phone", "email", "user_id"} else {"phone": "+85512000111"}
        row = EscalationContact(name=name, **reached, **values)
        tx.add(row)
    return row


async def shift(world: World, of: EscalationContact, starts_at: datetime, ends_at: datetime) -> OnCallShift:
    async with transaction(system(world)) as tx:
        row = OnCallShift(contact_id=of.id, starts_at=starts_at, ends_at=ends_at)
        tx.add(row)
    return row


async def policy(world: World, **values: Any) -> Policy:
    async with transaction(system(world)) as tx:
        row = Policy(**values)
        tx.add(row)
    return row


async def story(world: World, alert_id: UUID) -> list[tuple[int, str]]:
    """(minutes after AT, what was decided), the first first."""
    async with transaction(system(world)) as tx:
        statement = select(Decision).where(Decision.alert_id == alert_id).order_by(col(Decision.decided_at), col(Decision.id))
        return [(round((d.decided_at - AT).total_seconds() / 60), d.decision) for d in await tx.exec(statement)]


async def sent(world: World, alert_id: UUID | None = None) -> list[NotificationDelivery]:
    """Everything written down to go out, the first first."""
    async with transaction(system(world)) as tx:
        statement = select(NotificationDelivery).order_by(col(NotificationDelivery.created_at), col(NotificationDelivery.id))
        if alert_id:
            statement = statement.where(NotificationDelivery.alert_id == alert_id)
        return list(await tx.exec(statement))


async def again(world: World, alert_id: UUID) -> Alert:
    """The alert as it is now."""
    async with transaction(system(world)) as tx:
        return await tx.get_one(Alert, alert_id)
