"""Where people, contacts and endpoints are reached, what they asked for, and what they were sent lately."""


from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import col, select

from data.alerts.tables import Alert
from data.core.session import Transaction
from data.identity.tables import User
from data.notifications.rules import SAME_KIND_AGAIN, URGENCY, KindWish, Wishes
from data.notifications.tables import (
    AlertSubscription,
    Channel,
    DeliveryStatus,
    EscalationContact,
    NotificationDelivery,
    NotificationPreference,
    NotificationSettings,
    OptOut,
    Purpose,
    PushSubscription,
    SmsConfig,
    TelegramChat,
    TelegramConfig,
    WebhookEndpoint,
)
from data.notifications.values import Verdict
from data.platform.billing import account_of
from data.platform.plans import Feature

if TYPE_CHECKING:
    from data.notifications.outbox import Message

NOBODY = UUID(int=0)
NOT_SENT = (DeliveryStatus.SUPPRESSED, DeliveryStatus.CANCELED)


@dataclass(frozen=True, slots=True)
class Address:
    """Where one message goes; without an address `why_not` says what is missing."""

    to: str
    user_id: UUID | None = None
    endpoint_id: UUID | None = None
    wishes: Wishes | None = None
    why_not: str = ""


@dataclass(slots=True)
class _Person:
    user: User
    wishes: Wishes
    chat_id: int | None
    browsers: list[UUID] = field(default_factory=list)


@dataclass(slots=True)
class Book:
    """What is known of everybody whom a batch of messages may reach."""

    people: dict[UUID, _Person] = field(default_factory=dict)
    contacts: dict[UUID, EscalationContact] = field(default_factory=dict)
    endpoints: dict[UUID, WebhookEndpoint] = field(default_factory=dict)
    opted_out: set[tuple[Channel, str]] = field(default_factory=set)
    has_sms: bool = False
    is_sms_held: bool = True
    has_telegram: bool = False
    is_email_enabled: bool = True
    others: Sequence[str] = ()
    most_an_hour: int = 50
    sent_this_hour: int = 0
    told: dict[tuple[str, str | None], str] = field(default_factory=dict)
    noted: set[tuple[object, ...]] = field(default_factory=set)
    kinds: dict[tuple[UUID, str, Channel], KindWish] = field(default_factory=dict)

    def addresses_of(self, message: "Message") -> Sequence[Address]:
        """Where it goes: one address, several browsers or endpoints, or one that says what is missing."""
        if message.channel is Channel.WEBHOOK:
            return self._endpoints_for(message)
        if message.contact_id is not None:
            return [self._contact(message.channel, message.contact_id)]
        if message.user_id is not None:
            return self._person(message.channel, message.user_id)
        if message.to_others:
            return [Address(to) for to in self.others] if message.channel is Channel.EMAIL else []
        return [Address(message.address or "", why_not="" if message.address else "There is no address.")]

    def why_channel_rests(self, message: "Message") -> str | None:
        """Why the organization sends nothing at all by this way."""
        if message.channel is Channel.SMS and not self.has_sms:
            return "Text messages are not set up."
        if message.channel is Channel.SMS and not self.is_sms_held and message.purpose is not Purpose.CODE:
            return "Your plan holds no messages by SMS. An owner can choose another under Billing."
        if message.channel is Channel.TELEGRAM and not self.has_telegram:
            return "Telegram is not set up."
        if message.channel is Channel.EMAIL and not self.is_email_enabled and message.purpose not in (Purpose.TEST, Purpose.CODE):
            return "This organization has turned e-mail off."
        return None

    def kind_wish(self, message: "Message", address: Address) -> KindWish | None:
        """What they said of this kind by this way, if anything."""
        if address.user_id is None or message.alert_type is None:
            return None
        return self.kinds.get((address.user_id, message.alert_type, message.channel))

    def told_before(self, message: "Message", address: Address) -> str | None:
        """How severe the latest text message of this kind to this number was, if there was one a moment ago."""
        return self.told.get((address.to, message.alert_type))

    def is_repeated(self, message: "Message", address: Address) -> bool:
        """Whether this batch tells the same address of the same already (somebody who is a contact as well)."""
        return message.alert_id is not None and _identity(message, address) in self.noted

    def note(self, message: "Message", address: Address, verdict: Verdict) -> None:
        """Remember what was decided, for the messages after it."""
        if verdict.is_suppressed:
            return
        self.noted.add(_identity(message, address))
        if message.channel is Channel.SMS:
            self.sent_this_hour += 1
            _keep_worst(self.told, (address.to, message.alert_type), message.severity)

    def _person(self, channel: Channel, user_id: UUID) -> Sequence[Address]:
        person = self.people.get(user_id)
        if person is None:
            return [Address("", None, why_not="This person does not belong here any more.")]
        bare = Address("", user_id, wishes=person.wishes)
        match channel:
            case Channel.IN_APP:
                return [replace(bare, to=person.user.name)]
            case Channel.EMAIL if person.user.email:
                return [replace(bare, to=person.user.email)]
            case Channel.EMAIL:
                return [replace(bare, why_not="They have no e-mail address here.")]
            case Channel.SMS if person.user.phone and person.user.is_phone_verified:
                return [replace(bare, to=person.user.phone)]
            case Channel.SMS:
                return [replace(bare, to=person.user.phone or "", why_not="They have not confirmed a telephone number.")]
            case Channel.TELEGRAM if person.chat_id is not None:
                return [replace(bare, to=str(person.chat_id))]
            case Channel.TELEGRAM:
                return [replace(bare, why_not="They have not linked Telegram.")]
            case _ if person.browsers:
                return [replace(bare, to=str(browser)) for browser in person.browsers]
            case _:
                return [replace(bare, why_not="None of their browsers may be woken.")]

    def _contact(self, channel: Channel, contact_id: UUID) -> Address:
        contact = self.contacts.get(contact_id)
        if contact is None:
            return Address("", why_not="This contact has been taken away.")
        own = contact.phone if channel is Channel.SMS else contact.email if channel is Channel.EMAIL else None
        if own:
            return Address(own, contact.user_id)
        if contact.user_id:
            [first, *_] = self._person(channel, contact.user_id)
            return replace(first, wishes=None)  # a contact is on the list to be called, whatever they wish as a reader
        return Address("", why_not="This contact cannot be reached by this way.")

    def _endpoints_for(self, message: "Message") -> Sequence[Address]:
        if message.endpoint_id is not None:
            one = self.endpoints.get(message.endpoint_id)
            if one is None:
                return [Address("", why_not="This endpoint has been taken away.")]
            is_off = not one.is_enabled and message.purpose is not Purpose.TEST
            return [Address(one.url, endpoint_id=one.id, why_not="This endpoint is turned off." if is_off else "")]
        wants = [one for one in self.endpoints.values() if one.is_enabled and (not one.event_types or message.event_type in one.event_types)]
        return [Address(one.url, endpoint_id=one.id) for one in wants]


async def look_up(tx: Transaction, messages: Sequence["Message"], *, at: datetime) -> Book:
    """Everything needed to decide about these messages, in a few questions."""
    book, channels = Book(), {message.channel for message in messages}
    book.contacts = await _contacts(tx, {m.contact_id for m in messages if m.contact_id})
    users = {m.user_id for m in messages if m.user_id} | {c.user_id for c in book.contacts.values() if c.user_id}
    book.people = await _people(tx, users)
    if Channel.PUSH in channels and users:
        for user_id, browser in await tx.exec(
            select(PushSubscription.user_id, PushSubscription.id).where(col(PushSubscription.user_id).in_(users))
        ):
            if user_id in book.people:
                book.people[user_id].browsers.append(browser)
    book.kinds = await _kinds(tx, users, {m.alert_type for m in messages if m.alert_type})
    if Channel.WEBHOOK in channels:
        found = await tx.exec(select(WebhookEndpoint).where(col(WebhookEndpoint.deleted_at).is_(None)))
        book.endpoints = {endpoint.id: endpoint for endpoint in found}
    await _organization(tx, book)
    wanted = {address.to for message in messages for address in book.addresses_of(message) if address.to}
    opted_out = await tx.exec(select(OptOut).where(col(OptOut.address).in_(wanted)))
    book.opted_out = {(one.channel, one.address) for one in opted_out}
    if Channel.SMS in channels:
        await _lately(tx, book, wanted, at)
    return book


async def _people(tx: Transaction, user_ids: Iterable[UUID]) -> dict[UUID, _Person]:
    statement = (
        select(User, NotificationPreference, TelegramChat.chat_id)
        .outerjoin(
            NotificationPreference,
            (col(NotificationPreference.user_id) == User.id) & (col(NotificationPreference.organization_id) == tx.organization_id),
        )
        .outerjoin(
            TelegramChat, (col(TelegramChat.user_id) == User.id) & (col(TelegramChat.organization_id) == tx.organization_id)
        )
        .where(col(User.id).in_(set(user_ids)), col(User.deleted_at).is_(None), col(User.is_active))
    )
    return {
        user.id: _Person(user, wishes(preference, user.time_zone), chat_id)
        for user, preference, chat_id in await tx.exec(statement)
    }


def wishes(preference: NotificationPreference | None, zone: str) -> Wishes:
    """A person's preferences as rules want them; who never chose has the defaults."""
    chosen = preference or NotificationPreference(user_id=NOBODY)
    flags = {
        Channel.PUSH: chosen.is_push_enabled, Channel.EMAIL: chosen.is_email_enabled, Channel.SMS: chosen.is_sms_enabled,
        Channel.TELEGRAM: chosen.is_telegram_enabled,
    }  # fmt: skip
    return Wishes(
        chosen.least_severity, chosen.quiet_from, chosen.quiet_until, zone, frozenset(c for c, is_on in flags.items() if not is_on)
    )


async def _kinds(tx: Transaction, users: set[UUID], alert_types: set[str]) -> dict[tuple[UUID, str, Channel], KindWish]:
    if not (users and alert_types):
        return {}
    row = AlertSubscription
    said = select(row).where(col(row.user_id).in_(users), col(row.alert_type).in_(alert_types), col(row.deleted_at).is_(None))
    return {(s.user_id, s.alert_type, s.channel): KindWish(s.is_enabled, s.quiet_from, s.quiet_until) for s in await tx.exec(said)}


async def _contacts(tx: Transaction, contact_ids: Iterable[UUID]) -> dict[UUID, EscalationContact]:
    wanted = set(contact_ids)
    if not wanted:
        return {}
    statement = select(EscalationContact).where(
        col(EscalationContact.id).in_(wanted), col(EscalationContact.deleted_at).is_(None), col(EscalationContact.is_active)
    )
    return {contact.id: contact for contact in await tx.exec(statement)}


async def _organization(tx: Transaction, book: Book) -> None:
    has_sms = select(SmsConfig.id).where(col(SmsConfig.is_enabled), col(SmsConfig.deleted_at).is_(None)).exists()
    has_bot = select(TelegramConfig.id).where(col(TelegramConfig.is_enabled)).exists()
    book.has_sms, book.has_telegram = (await tx.exec(select(has_sms, has_bot))).one()
    book.is_sms_held = not book.has_sms or (await account_of(tx)).allows(Feature.SMS)
    settings = (await tx.exec(select(NotificationSettings))).one_or_none()
    if settings:
        book.is_email_enabled, book.most_an_hour = settings.is_email_enabled, settings.sms_per_hour
        book.others = settings.email_recipients


async def _lately(tx: Transaction, book: Book, numbers: set[str], at: datetime) -> None:
    """One transaction at a time counts an organization's text messages, so that two cannot both send the last one."""
    await tx.execute(text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"sms {tx.organization_id}"})
    was_sent = (NotificationDelivery.channel == Channel.SMS, col(NotificationDelivery.status).not_in(NOT_SENT))
    counted = select(func.count()).select_from(NotificationDelivery).where(
        *was_sent, NotificationDelivery.scheduled_at > at - timedelta(hours=1)
    )
    book.sent_this_hour = (await tx.exec(counted)).one()
    told = (
        select(NotificationDelivery.recipient, Alert.alert_type, NotificationDelivery.severity)
        .join(Alert, (col(Alert.id) == NotificationDelivery.alert_id) & (col(Alert.organization_id) == NotificationDelivery.organization_id))
        .where(*was_sent, NotificationDelivery.scheduled_at > at - SAME_KIND_AGAIN, col(NotificationDelivery.recipient).in_(numbers))
    )
    for recipient, alert_type, severity in await tx.exec(told):
        _keep_worst(book.told, (recipient, alert_type), severity)


def _keep_worst(told: dict[tuple[str, str | None], str], key: tuple[str, str | None], severity: str) -> None:
    if key[1] is not None and URGENCY[severity] >= URGENCY.get(told.get(key, ""), -1):
        told[key] = severity


def _identity(message: "Message", address: Address) -> tuple[object, ...]:
    return message.channel, address.to, message.alert_id, message.purpose, message.level


