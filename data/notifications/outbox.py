"""What somebody shall be told by one way is written down at once, with the address, or with the reason why it is not sent."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.alerts.tables import Severity
from data.core.session import Transaction, plain
from data.core.table import uuid7
from data.core.time import now
from data.notifications import addresses
from data.notifications.addresses import Address, Book
from data.notifications.events import DeliveriesChanged, DeliveriesQueued, InboxChanged
from data.notifications.rules import ASKED_FOR, by_frequency, by_wishes
from data.notifications.tables import Channel, DeliveryStatus, Purpose
from data.notifications.values import SEND, Verdict


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to tell somebody by one channel. Texts are English templates with values, translated when it is sent.

    To whom: a person, a contact, a bare address, the addresses that get the organization's mail besides its people (`to_others`),
    or a webhook endpoint (none named: every endpoint that wants `event_type`).
    `reason` says why this one by this channel now. `dedupe_key` makes it once only, however often it is queued.
    A person with several browsers is told in each.
    """

    channel: Channel
    message: str
    reason: str
    values: Mapping[str, Any] = field(default_factory=dict)
    reason_values: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None
    purpose: Purpose = Purpose.ALERT
    severity: Severity = Severity.WARNING
    alert_id: UUID | None = None
    alert_type: str | None = None
    level: int = 0
    href: str | None = None
    user_id: UUID | None = None
    contact_id: UUID | None = None
    endpoint_id: UUID | None = None
    address: str | None = None
    to_others: bool = False
    event_type: str | None = None
    payload: Mapping[str, Any] | None = None
    not_before: datetime | None = None
    dedupe_key: str | None = None


_COLUMNS = """
  id, organization_id, alert_id, user_id, contact_id, endpoint_id, channel, purpose, severity, recipient, subject, message,
  message_values, href, event_type, payload, level, reason, reason_values, dedupe_key, error_message, status, scheduled_at,
  next_attempt_at, sent_at, delivered_at, retry_count
"""
_WRITE = text(f"""
insert into notifications.notification_deliveries ({_COLUMNS})
select {_COLUMNS} from json_populate_recordset(cast(null as notifications.notification_deliveries), cast(:rows as json))
on conflict (organization_id, dedupe_key) do nothing returning id
""")
"""The rows travel as one JSON text: thousands of values of their own would each be looked for in the statement."""


async def queue(tx: Transaction, messages: Sequence[Message], *, at: datetime | None = None) -> Sequence[UUID]:
    """Write a row for each message and address, in one statement; the ids of those that were not written before.

    What is not sent is a row too: `suppressed`, with the reason. A message to an inbox is there at once. Needs a transaction of
    one organization; a few questions are asked however many messages there are.
    """
    if not messages:
        return []
    decided_at = at or now()
    book = await addresses.look_up(tx, messages, at=decided_at)
    rows = [row for message in messages for row in _rows(tx, message, book, decided_at)]
    written = set((await tx.execute(_WRITE, {"rows": json.dumps(rows, default=str)})).scalars())
    kept = [row for row in rows if row["id"] in written]
    await _into_inboxes(tx, kept)
    if any(row["status"] is DeliveryStatus.PENDING for row in kept):
        tx.emit(DeliveriesQueued())
    for user_id in {row["user_id"] for row in kept}:
        tx.emit(DeliveriesChanged(user_id=user_id))
    return [row["id"] for row in kept]


def _rows(tx: Transaction, message: Message, book: Book, at: datetime) -> Iterable[dict[str, Any]]:
    for place, address in enumerate(book.addresses_of(message)):
        verdict = _verdict(message, address, book, at)
        book.note(message, address, verdict)
        yield _row(tx, message, address, verdict, at) | {
            "dedupe_key": f"{message.dedupe_key}:{place}" if message.dedupe_key and place else message.dedupe_key
        }


def _verdict(message: Message, address: Address, book: Book, at: datetime) -> Verdict:
    if address.why_not:
        return Verdict(address.why_not)
    if (why_not := book.why_channel_rests(message)) is not None:
        return Verdict(why_not)
    if (message.channel, address.to) in book.opted_out and message.purpose is not Purpose.CODE:
        return Verdict("They asked not to be written to at this address.")
    found = SEND
    if address.wishes is not None:
        found = by_wishes(
            address.wishes, channel=message.channel, purpose=message.purpose, severity=message.severity, at=message.not_before or at,
            kind=book.kind_wish(message, address),
        )  # fmt: skip
    if not found.why and message.channel is Channel.SMS:
        found = by_frequency(
            message.severity, told_before=book.told_before(message, address), sent_this_hour=book.sent_this_hour,
            most_an_hour=book.most_an_hour, purpose=message.purpose,
        )  # fmt: skip
    if not found.why and book.is_repeated(message, address) and message.purpose not in ASKED_FOR:
        return Verdict("The same is on its way to this address already.")
    return found


def _row(tx: Transaction, message: Message, address: Address, verdict: Verdict, at: datetime) -> dict[str, Any]:
    status, due = DeliveryStatus.PENDING, verdict.not_before or message.not_before or at
    if verdict.is_suppressed:
        status = DeliveryStatus.SUPPRESSED
    elif message.channel is Channel.IN_APP:
        status = DeliveryStatus.DELIVERED
    is_there = status is DeliveryStatus.DELIVERED
    return {
        "id": uuid7(), "organization_id": tx.organization_id, "alert_id": message.alert_id, "user_id": address.user_id,
        "contact_id": message.contact_id, "endpoint_id": address.endpoint_id, "channel": message.channel,
        "purpose": message.purpose, "severity": message.severity, "recipient": address.to, "subject": message.subject,
        "message": message.message, "message_values": plain(dict(message.values)), "href": message.href,
        "event_type": message.event_type, "payload": None if message.payload is None else plain(dict(message.payload)),
        "level": message.level, "reason": message.reason, "reason_values": plain(dict(message.reason_values)),
        "error_message": verdict.why or None, "status": status,
        "scheduled_at": due, "next_attempt_at": due if status is DeliveryStatus.PENDING else None,
        "sent_at": at if is_there else None, "delivered_at": at if is_there else None, "retry_count": 0,
    }  # fmt: skip


async def _into_inboxes(tx: Transaction, rows: Sequence[dict[str, Any]]) -> None:
    told = [row for row in rows if row["channel"] is Channel.IN_APP and row["status"] is DeliveryStatus.DELIVERED]
    if not told:
        return
    await put_into_inboxes(tx, [
        {
            "user_id": row["user_id"], "alert_id": row["alert_id"], "notification_type": row["event_type"] or row["purpose"].value,
            "severity": row["severity"], "message": row["message"], "message_values": row["message_values"], "href": row["href"],
        }
        for row in told
    ])  # fmt: skip


_INTO_INBOXES = text("""
insert into notifications.notifications (
  id, organization_id, user_id, alert_id, notification_type, severity, message, message_values, href, is_read)
select id, :organization_id, user_id, alert_id, notification_type, severity, message, message_values, href, false
from json_populate_recordset(cast(null as notifications.notifications), cast(:rows as json))
""")


async def put_into_inboxes(tx: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put messages into people's inboxes; one statement however many there are."""
    if not rows:
        return
    listed = json.dumps([{"id": uuid7(), **row} for row in rows], default=str)
    await tx.execute(_INTO_INBOXES, {"organization_id": tx.organization_id, "rows": listed})
    for user_id in {row["user_id"] for row in rows}:
        tx.emit(InboxChanged(user_id=user_id))
