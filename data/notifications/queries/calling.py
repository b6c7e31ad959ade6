"""Who may be called now, and what was said about calling them: asked once for many alerts."""

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, any_, bindparam, func
from sqlalchemy.types import NullType
from sqlmodel import col, select

from data.core import columns
from data.core.session import Transaction
from data.identity import queries as identity
from data.identity.tables import User, UserRole
from data.notifications.policy import FIELDS, Said, Step
from data.notifications.recipients import Callee, Member
from data.notifications.tables import (
    AlertSubscription,
    Channel,
    EscalationContact,
    NotificationDelivery,
    OnCallShift,
    Policy,
)
from data.notifications.tables.outbox import DeliveryStatus, Purpose


@dataclass(frozen=True, slots=True)
class Circle:
    """Everything that decides who is told, for one organization at one instant."""

    members: Sequence[Member]
    contacts: Sequence[Callee]
    policies: Sequence[Said]
    zone: str
    subscribed: Mapping[str, Sequence[tuple[UUID, Channel]]] = field(default_factory=dict)
    """Kind of alert → who asked to be told of it, and by which way."""


async def circle(tx: Transaction, *, at: datetime) -> Circle:
    """Five questions, however many alerts are to be told."""
    zone = (await identity.organization(tx)).time_zone
    return Circle(await members(tx), await callees(tx, at=at), await said(tx), zone, await subscribed(tx))


async def subscribed(tx: Transaction) -> Mapping[str, Sequence[tuple[UUID, Channel]]]:
    """Who asked to be told of which kinds, by which ways."""
    row, found = AlertSubscription, dict[str, list[tuple[UUID, Channel]]]()
    asked = select(row.alert_type, row.user_id, row.channel).where(col(row.is_enabled), col(row.deleted_at).is_(None))
    for alert_type, user_id, channel in await tx.exec(asked.order_by(row.alert_type, col(row.user_id), col(row.channel))):
        found.setdefault(alert_type, []).append((user_id, Channel(channel)))
    return found


async def members(tx: Transaction) -> Sequence[Member]:
    """The organization's people with what each is."""
    statement = (
        select(User.id, User.name, UserRole.role, UserRole.scope_id)
        .join(UserRole, and_(col(UserRole.user_id) == User.id, col(UserRole.organization_id) == tx.organization_id))
        .where(col(User.deleted_at).is_(None), col(User.is_active))
        .order_by(col(User.name), col(User.id))
    )
    names: dict[UUID, str] = {}
    roles: dict[UUID, set[tuple[str, UUID | None]]] = {}
    for user_id, name, role, scope_id in await tx.exec(statement):
        names[user_id] = name
        roles.setdefault(user_id, set()).add((role, scope_id))
    return [Member(user_id, name, frozenset(roles[user_id])) for user_id, name in names.items()]


async def callees(tx: Transaction, *, at: datetime) -> Sequence[Callee]:
    """The living contacts, and who of them is on call at that instant."""
    on_call = (
        select(OnCallShift.id)
        .where(OnCallShift.contact_id == EscalationContact.id, OnCallShift.starts_at <= at, OnCallShift.ends_at > at)
        .exists()
    )
    statement = select(EscalationContact, on_call).where(col(EscalationContact.deleted_at).is_(None), col(EscalationContact.is_active))
    return [
        Callee(c.id, c.name, c.user_id, c.phone, c.email, c.priority, c.scope_id, is_on_call)
        for c, is_on_call in await tx.exec(statement)
    ]


async def said(tx: Transaction) -> Sequence[Said]:
    """Every policy of the organization, as rules want it."""
    return [as_said(policy) for policy in await tx.exec(select(Policy))]


def as_said(policy: Policy) -> Said:
    """One row, only what it says."""
    values = {name: getattr(policy, name) for name in FIELDS if name != "days" and getattr(policy, name) is not None}
    for name in ("initial_channels", "notify_roles"):
        if name in values:
            values[name] = tuple(values[name])
    if "steps" in values:
        values["steps"] = tuple(Step.of(raw) for raw in values["steps"])
    if policy.schedule and policy.schedule.get("days"):
        values["days"] = tuple(policy.schedule["days"])
    return Said(policy.id, policy.subject_id, policy.scope_id, policy.alert_type, policy.severity, values)


async def callees_between(tx: Transaction, begin: datetime, end: datetime) -> Callable[[datetime], Sequence[Callee]]:
    """Who may be called at any instant between these two, asked once."""
    contacts = await callees(tx, at=begin)
    statement = select(OnCallShift).where(OnCallShift.starts_at < end, OnCallShift.ends_at > begin)
    shifts = (await tx.exec(statement)).all()

    def at_that(at: datetime) -> Sequence[Callee]:
        on_call = {shift.contact_id for shift in shifts if shift.starts_at <= at < shift.ends_at}
        return [replace(contact, is_on_call=contact.contact_id in on_call) for contact in contacts]

    return at_that


@dataclass(frozen=True, slots=True)
class Reached:
    """Somebody who was told of an alert by one way, so that they can be told that it is over."""

    channel: Channel
    user_id: UUID | None
    contact_id: UUID | None


async def went_out(tx: Transaction, delivery_ids: Collection[UUID]) -> Mapping[UUID, Set[tuple[Channel, UUID]]]:
    """Of messages just written down: by which ways and to whom (the contact, else the person) those go that do go, by alert."""
    if not delivery_ids:
        return {}
    row, found = NotificationDelivery, dict[UUID, set[tuple[Channel, UUID]]]()
    statement = select(row.alert_id, row.channel, row.contact_id, row.user_id).where(
        col(row.id) == any_(bindparam("ids", type_=NullType())), col(row.status) != DeliveryStatus.SUPPRESSED
    )
    for alert_id, channel, contact_id, user_id in await tx.execute(statement, {"ids": columns.ids(delivery_ids)}):
        if alert_id and (who := contact_id or user_id):
            found.setdefault(alert_id, set()).add((Channel(channel), who))
    return found


TELLING = (Purpose.ALERT, Purpose.ESCALATION, Purpose.REMINDER)
WENT_OUT = (DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.DELIVERED)


async def reached(tx: Transaction, alert_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Reached]]:
    """By whom and how each of these alerts was heard outside the inbox."""
    row = NotificationDelivery
    statement = (
        select(row.alert_id, row.channel, row.user_id, row.contact_id)
        .where(
            col(row.alert_id).in_(alert_ids), col(row.purpose).in_(TELLING), col(row.status).in_(WENT_OUT),
            col(row.channel).not_in((Channel.IN_APP, Channel.WEBHOOK)), func.num_nonnulls(row.contact_id, row.user_id) > 0,
        )
        .distinct()
    )  # fmt: skip
    found: dict[UUID, list[Reached]] = {}
    for alert_id, channel, user_id, contact_id in await tx.exec(statement):
        if alert_id:
            found.setdefault(alert_id, []).append(Reached(Channel(channel), user_id, contact_id))
    return found
