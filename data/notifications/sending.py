"""What waits is claimed by one process for a short while, sent outside of any transaction, and what became of it is written down.

A process that dies in between leaves rows whose lease runs out: another claims them anew. So a message may go twice, and is
never lost; channels that know a message by its id make one of two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.alerts.tables import Severity
from data.core import columns
from data.core.session import Transaction
from data.core.table import uuid7
from data.notifications.events import ChannelsChanged, DeliveriesChanged
from data.notifications.rules import FAILURES_TO_OPEN, rest_after
from data.notifications.tables import Channel, DeliveryStatus, Purpose

LEASE = timedelta(minutes=3)
"""Longer than a channel takes to answer all that one process claims ahead."""
MOST_ERROR = 500


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One claimed message: what to say, to whom, how they read, and what their channel needs (`party`, still sealed)."""

    id: UUID
    organization_id: UUID
    channel: Channel
    purpose: Purpose
    severity: Severity
    recipient: str
    message: str
    values: dict[str, Any]
    subject: str | None
    href: str | None
    event_type: str | None
    payload: dict[str, Any] | None
    reason: str
    reason_values: dict[str, Any]
    tries: int
    user_id: UUID | None
    endpoint_id: UUID | None
    created_at: datetime
    is_over: bool
    organization_name: str
    person_name: str
    language: str
    time_zone: str
    units: str
    party: dict[str, Any]
    about: str = ""
    """What the alert is about, by name."""
    place_zone: str | None = None
    """The clock of the place that it is about; its times are told by that one."""
    alert_type: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A message in its reader's words; a phone's screen has room for `short` only."""

    subject: str
    text: str
    html: str
    short: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `is_channels_fault`: the other side did not take it, whoever it was for."""

    of: Outgoing
    status: DeliveryStatus
    at: datetime
    external_id: str | None = None
    error: str | None = None
    again_at: datetime | None = None
    is_channels_fault: bool = False
    is_dead: bool = False
    has_opted_out: bool = False


PARTIES = {
    Channel.EMAIL: ("null::bytea[], null::text[]", ""),
    Channel.SMS: (
        "array[c.telnyx_api_key_encrypted], array[c.telnyx_phone_number, c.telnyx_messaging_profile_id]",
        "left join notifications.sms_configs c on c.organization_id = t.organization_id and c.is_enabled and c.deleted_at is null",
    ),
    Channel.TELEGRAM: (
        "array[c.bot_token_encrypted], null::text[]",
        "left join notifications.telegram_configs c on c.organization_id = t.organization_id and c.is_enabled",
    ),
    Channel.WEBHOOK: (
        "array[c.secret_encrypted, case when c.previous_secret_until_at > :at then c.previous_secret_encrypted end], array[c.url]",
        "left join notifications.webhook_endpoints c on c.organization_id = t.organization_id and c.id = t.endpoint_id"
        " and c.deleted_at is null and (c.is_enabled or t.purpose = 'test')",
    ),
    Channel.PUSH: (
        "array[c.auth_encrypted], array[c.endpoint, c.p256dh]",
        "left join notifications.push_subscriptions c on c.organization_id = t.organization_id and c.id::text = t.recipient",
    ),
}
"""What each channel needs to know of the other side: sealed and open values, and where they stand."""

_CLAIM = """
with waiting as (
  select d.organization_id, d.id, d.severity, d.retry_count, d.next_attempt_at, d.endpoint_id,
    coalesce(s.consecutive_failures, 0) >= :failures as is_probe
  from notifications.notification_deliveries d
  left join notifications.channel_states s on s.organization_id = d.organization_id and s.channel = d.channel
    and s.endpoint_id is not distinct from d.endpoint_id
  where d.channel = cast(:channel as notifications.notification_channel) and d.status in ('pending', 'sending')
    and d.next_attempt_at <= :at and (s.open_until_at is null or s.open_until_at <= :at)
  order by d.next_attempt_at
  limit :look
), placed as (
  select w.*, row_number() over (
    partition by organization_id, endpoint_id order by case when is_probe then retry_count end, severity desc, next_attempt_at
  ) as place from waiting w
), chosen as (
  select organization_id, id, endpoint_id, is_probe from placed where place = 1 or not is_probe
  order by place, severity desc, next_attempt_at limit :most
), probing as (
  update notifications.channel_states s set open_until_at = :lease
  from (select distinct organization_id, endpoint_id from chosen where is_probe) p
  where s.organization_id = p.organization_id and s.channel = cast(:channel as notifications.notification_channel)
    and s.endpoint_id is not distinct from p.endpoint_id and s.open_until_at <= :at
), locked as (
  select d.organization_id, d.id from notifications.notification_deliveries d join chosen using (organization_id, id)
  where d.status in ('pending', 'sending') and d.next_attempt_at <= :at
  for update of d skip locked
), t as (
  update notifications.notification_deliveries d
  set status = 'sending', leased_until_at = :lease, next_attempt_at = :lease,
    retry_count = d.retry_count + (d.status = 'sending')::int
  from locked l where d.organization_id = l.organization_id and d.id = l.id
  returning d.*
)
select t.id, t.organization_id, t.purpose, t.severity, t.recipient, t.message, t.message_values, t.subject, t.href, t.event_type,
  t.payload, t.reason, t.reason_values, t.retry_count, t.user_id, t.endpoint_id, t.created_at,
  coalesce(t.purpose in ('alert', 'escalation', 'reminder') and a.status = 'resolved'
    or t.purpose in ('escalation', 'reminder') and a.acknowledged_at > t.created_at, false),
  o.name, coalesce(u.name, k.name, ''), coalesce(u.language, k.language, 'en'), coalesce(u.time_zone, o.time_zone),
  coalesce(u.units, 'celsius'), coalesce(a.subject_name, ''), a.time_zone, coalesce(a.alert_type, ''), {values}
from t
join identity.organizations o on o.id = t.organization_id
left join identity.users u on u.id = t.user_id
left join notifications.escalation_contacts k on k.organization_id = t.organization_id and k.id = t.contact_id
left join alerts.alerts a on a.organization_id = t.organization_id and a.id = t.alert_id
{join}
order by t.severity desc, t.created_at
"""

_SETTLE = text(
    """
    update notifications.notification_deliveries d set
      status = case when d.status = 'sending' then cast(r.status as notifications.delivery_status) else d.status end,
      external_id = coalesce(d.external_id, r.external_id), error_message = case when d.status = 'sending' then r.error else d.error_message end,
      next_attempt_at = r.again_at, leased_until_at = null,
      sent_at = case when r.status = 'sent' then coalesce(d.sent_at, r.at) else d.sent_at end,
      failed_at = case when r.status = 'failed' then r.at else d.failed_at end,
      retry_count = r.tries, last_retry_at = case when r.tries > 0 then r.at else d.last_retry_at end,
      message_values = case when d.purpose = 'code' and r.status in ('sent', 'failed') then '{}' else d.message_values end
    from unnest(:organizations, :ids, :statuses, :external_ids, :errors, :again, :at, :tries)
      as r (organization_id, id, status, external_id, error, again_at, at, tries)
    where d.organization_id = r.organization_id and d.id = r.id and d.status in ('sending', 'sent', 'delivered')
    """
)

_COUNT = text(
    """
    insert into notifications.channel_states as s
      (id, organization_id, channel, endpoint_id, consecutive_failures, last_error, last_failure_at, last_success_at, open_until_at)
    select id, organization_id, cast(channel as notifications.notification_channel), endpoint_id, failures, error, failed_at, worked_at, null
    from unnest(:new_ids, :organizations, :channels, :endpoints, :failures, :errors, :failed_at, :worked_at)
      as n (id, organization_id, channel, endpoint_id, failures, error, failed_at, worked_at)
    where organization_id in (select o.id from identity.organizations o)
    on conflict (organization_id, channel, endpoint_id) do update set
      consecutive_failures = case when excluded.last_success_at is null then s.consecutive_failures else 0 end + excluded.consecutive_failures,
      last_error = coalesce(excluded.last_error, s.last_error),
      last_failure_at = coalesce(excluded.last_failure_at, s.last_failure_at),
      last_success_at = coalesce(excluded.last_success_at, s.last_success_at),
      open_until_at = null
    returning organization_id, channel, endpoint_id, consecutive_failures
    """
)

_REST = text(
    """
    update notifications.channel_states s set open_until_at = r.until_at
    from unnest(:organizations, :channels, :endpoints, :until) as r (organization_id, channel, endpoint_id, until_at)
    where s.organization_id = r.organization_id and s.channel = cast(r.channel as notifications.notification_channel)
      and s.endpoint_id is not distinct from r.endpoint_id
    """
)

_OPT_OUT = text(
    """
    insert into notifications.opt_outs (id, organization_id, channel, address, reason)
    select id, organization_id, cast(channel as notifications.notification_channel), address, reason
    from unnest(:ids, :organizations, :channels, :addresses, :reasons) as n (id, organization_id, channel, address, reason)
    on conflict (organization_id, channel, address) do nothing
    """
)

_FORGET = {
    Channel.PUSH: "delete from notifications.push_subscriptions s using {dead} where s.organization_id = r.organization_id and s.id::text = r.recipient",
    Channel.TELEGRAM: "update notifications.telegram_chats s set chat_id = null, linked_at = null from {dead}"
    " where s.organization_id = r.organization_id and s.chat_id::text = r.recipient",
    Channel.WEBHOOK: "update notifications.webhook_endpoints s set is_enabled = false, disabled_reason = r.error from {dead}"
    " where s.organization_id = r.organization_id and s.id = r.endpoint_id",
}
"""What becomes of an address that is dead."""
_DEAD = "unnest(:organizations, :recipients, :endpoints, :errors) as r (organization_id, recipient, endpoint_id, error)"


async def claim(tx: Transaction, channel: Channel, *, most: int, at: datetime, lease: timedelta = LEASE) -> Sequence[Outgoing]:
    """Take up to `most` messages of a channel that are due, of each organization in turn, the most severe first.

    Of a channel that failed too often only one is taken, to see whether it works again. Needs a transaction across tenants.
    """
    values, join = PARTIES[channel]
    statement = text(_CLAIM.format(values=values, join=join))
    rows = await tx.execute(
        statement,
        {"channel": channel.value, "at": at, "lease": at + lease, "most": most, "look": 40 * most, "failures": FAILURES_TO_OPEN},
    )
    return [_outgoing(channel, row) for row in rows.all()]


def _outgoing(channel: Channel, row: Any) -> Outgoing:
    (id, organization_id, purpose, severity, recipient, message, values, subject, href, event_type, payload, reason, reason_values,
     retry_count, user_id, endpoint_id, created_at, is_over, organization_name, person_name, language, time_zone, units,
     about, place_zone, alert_type, sealed, plain) = row  # fmt: skip
    return Outgoing(
        id, organization_id, channel, Purpose(purpose), Severity(severity), recipient, message, values, subject, href, event_type,
        payload, reason, reason_values, retry_count, user_id, endpoint_id, created_at, is_over, organization_name, person_name,
        language, time_zone, units, {"sealed": [bytes(s) for s in sealed or () if s], "plain": list(plain or ())},
        about, place_zone, alert_type,
    )  # fmt: skip


async def settle(tx: Transaction, outcomes: Sequence[Outcome]) -> None:
    """Write down what became of them, and what it says about their channels and addresses; a few statements however many.

    What the other side told meanwhile (delivered, failed) stays. Needs a transaction across tenants.
    """
    if not outcomes:
        return
    await tx.execute(_SETTLE, {
        "organizations": columns.ids([o.of.organization_id for o in outcomes]), "ids": columns.ids([o.of.id for o in outcomes]),
        "statuses": columns.texts(o.status for o in outcomes), "external_ids": columns.texts(o.external_id for o in outcomes),
        "errors": columns.texts(_printable(o.error) for o in outcomes), "again": columns.instants(o.again_at for o in outcomes),
        "at": columns.instants(o.at for o in outcomes), "tries": columns.smallints(_tries(o) for o in outcomes),
    })  # fmt: skip
    await _count(tx, [o for o in outcomes if o.status is DeliveryStatus.SENT or o.is_channels_fault])
    await _opt_out(tx, [o for o in outcomes if o.has_opted_out])
    for channel, statement in _FORGET.items():
        await _forget(tx, statement, [o for o in outcomes if o.is_dead and o.of.channel is channel])
    for organization_id, user_id in {(o.of.organization_id, o.of.user_id) for o in outcomes}:
        tx.emit(DeliveriesChanged(user_id=user_id), organization_id=organization_id)


def _tries(outcome: Outcome) -> int:
    return outcome.of.tries + (outcome.again_at is not None)


def _printable(error: str | None) -> str | None:
    return None if error is None else error.replace("\0", "")[:MOST_ERROR]


async def _count(tx: Transaction, outcomes: Iterable[Outcome]) -> None:
    """How often each channel failed in a row; one that failed too often rests, one that works again does not."""
    def whose(outcome: Outcome) -> tuple[str, str, str]:
        return str(outcome.of.organization_id), outcome.of.channel.value, str(outcome.of.endpoint_id or "")

    told = [list(group) for _, group in groupby(sorted(outcomes, key=whose), whose)]
    if not told:
        return
    failed = [[o for o in group if o.is_channels_fault] for group in told]
    worked = [max((o.at for o in group if not o.is_channels_fault), default=None) for group in told]
    rows = await tx.execute(_COUNT, {
        "new_ids": columns.ids([uuid7() for _ in told]), "organizations": columns.ids([g[0].of.organization_id for g in told]),
        "channels": columns.texts(g[0].of.channel for g in told), "endpoints": columns.ids([g[0].of.endpoint_id for g in told]),
        "failures": columns.integers(0 if at else len(f) for f, at in zip(failed, worked, strict=True)),
        "errors": columns.texts(_printable(f[-1].error) if f else None for f in failed),
        "failed_at": columns.instants(f[-1].at if f else None for f in failed), "worked_at": columns.instants(worked),
    })  # fmt: skip
    at = max(o.at for group in told for o in group)
    resting = [(row, rest) for row in rows.all() if (rest := rest_after(row.consecutive_failures))]
    if resting:
        await tx.execute(_REST, {
            "organizations": columns.ids([row.organization_id for row, _ in resting]),
            "channels": columns.texts(row.channel for row, _ in resting), "endpoints": columns.ids([row.endpoint_id for row, _ in resting]),
            "until": columns.instants(at + rest for _, rest in resting),
        })  # fmt: skip
    for organization_id in {group[0].of.organization_id for group in told}:
        tx.emit(ChannelsChanged(), organization_id=organization_id)


async def _opt_out(tx: Transaction, outcomes: Sequence[Outcome]) -> None:
    if outcomes:
        await tx.execute(_OPT_OUT, {
            "ids": columns.ids([uuid7() for _ in outcomes]), "organizations": columns.ids([o.of.organization_id for o in outcomes]),
            "channels": columns.texts(o.of.channel for o in outcomes), "addresses": columns.texts(o.of.recipient for o in outcomes),
            "reasons": columns.texts(_printable(o.error or "") for o in outcomes),
        })  # fmt: skip


async def _forget(tx: Transaction, statement: str, outcomes: Sequence[Outcome]) -> None:
    if not outcomes:
        return
    await tx.execute(text(statement.format(dead=_DEAD)), {
        "organizations": columns.ids([o.of.organization_id for o in outcomes]),
        "recipients": columns.texts(o.of.recipient for o in outcomes), "endpoints": columns.ids([o.of.endpoint_id for o in outcomes]),
        "errors": columns.texts(_printable(o.error or "") for o in outcomes),
    })  # fmt: skip
    for outcome in outcomes:
        tx.emit(ChannelsChanged(user_id=outcome.of.user_id), organization_id=outcome.of.organization_id)


