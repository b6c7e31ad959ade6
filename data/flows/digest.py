"""What happened in a day or a week, for one person: the alerts that they may see, by place and thing, as one mail."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.alerts.queries import visible
from data.alerts.tables import Alert, Severity
from data.cold_chain.tables import Site
from data.core.actor import Actor, ActorKind
from data.core.session import Transaction
from data.farm.tables import Farm
from data.identity.permissions import rights
from data.identity.tables import Role, UserRole
from data.notifications.commands import digests
from data.notifications.outbox import Message, queue
from data.notifications.rules import Due
from data.notifications.tables import Channel, Purpose

MOST = 50


async def reader_of(tx: Transaction, user_id: UUID) -> Actor:
    """That person in this transaction's organization, with the rights that they have there."""
    roles = await tx.exec(select(UserRole.role, UserRole.scope_id).where(UserRole.user_id == user_id))
    return Actor(ActorKind.PERSON, tx.organization_id, "digest", user_id=user_id, rights=rights([(Role(role), scope_id) for role, scope_id in roles]))


async def make(tx: Transaction, due: Due, *, at: datetime) -> bool:
    """Queue the actor's own digest; False when it was made before, is not wanted, or nothing happened."""
    assert tx.actor.user_id
    chosen = await digests.take(tx, tx.actor.user_id, due)
    if chosen is None:
        return False
    happened, count = await _alerts(tx, at - timedelta(days=due.days), chosen.digest_site_ids)
    if not happened:
        return False
    kind = "daily" if due.days == 1 else "weekly"
    await queue(tx, [
        Message(
            Channel.EMAIL, "Your digest of alerts.", "You asked for this digest.", purpose=Purpose.DIGEST, severity=Severity.INFO,
            user_id=tx.actor.user_id, href="/alerts", dedupe_key=f"digest {kind} {tx.actor.user_id} {due.day}",
            payload={"days": due.days, "count": count, "shown": len(happened), "places": await _by_place(tx, happened)},
        )
    ], at=at)  # fmt: skip
    return True


async def _alerts(tx: Transaction, since: datetime, site_ids: Sequence[str] | None) -> tuple[Sequence[Alert], int]:
    """The latest 50 of them, and how many there were."""
    where = [visible(tx), col(Alert.triggered_at) > since, col(Alert.parent_id).is_(None)]
    if site_ids:
        where.append(col(Alert.scope_id).in_([UUID(id) for id in site_ids]))
    count = (await tx.exec(select(func.count()).select_from(Alert).where(*where))).one()
    found = await tx.exec(select(Alert).where(*where).order_by(col(Alert.triggered_at).desc(), col(Alert.id)).limit(MOST))
    return found.all(), count


async def _by_place(tx: Transaction, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    names = await place_names(tx, {alert.scope_id for alert in alerts if alert.scope_id})
    places: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for alert in alerts:
        places[names.get(alert.scope_id, "") if alert.scope_id else ""][alert.subject_name].append({
            "message": alert.message, "values": alert.message_values, "severity": alert.severity.value,
            "status": alert.status.value, "at": alert.triggered_at.isoformat(),
        })  # fmt: skip
    return [
        {"name": place, "units": [{"name": unit, "alerts": found} for unit, found in sorted(units.items())]}
        for place, units in sorted(places.items(), key=lambda item: (not item[0], item[0]))
    ]


async def place_names(tx: Transaction, scope_ids: set[UUID]) -> Mapping[UUID, str]:
    """What the sites and farms are called that alerts belong to."""
    names = dict((await tx.exec(select(Site.id, Site.name).where(col(Site.id).in_(scope_ids)))).all())
    return names | dict((await tx.exec(select(Farm.id, Farm.name).where(col(Farm.id).in_(scope_ids)))).all())
