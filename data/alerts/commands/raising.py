"""Trouble is told to the alerts: one open alert a subject and kind, which may get worse, be part of a larger one, or come back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import select

from data.alerts import queries, reasons, rules
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged
from data.alerts.rules import RANK, Window
from data.alerts.tables import Alert, Severity
from data.alerts.values import Ruled, Ruling
from data.core import columns
from data.core.session import Transaction, plain
from data.core.table import uuid7


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with what, in an English template and its values; `permission` and `scope_id` say who may see it.

    `time_zone` is the place's own, for its quiet hours; without one the organization's counts.
    """

    subject_kind: str
    subject_id: UUID
    subject_name: str
    alert_type: str
    severity: Severity
    message: str
    permission: str
    values: dict[str, Any] = field(default_factory=dict)
    href: str | None = None
    scope_id: UUID | None = None
    threshold_value: float | None = None
    actual_value: float | None = None
    time_zone: str | None = None

    @property
    def key(self) -> tuple[UUID, str]:
        return self.subject_id, self.alert_type


@dataclass(slots=True)
class _Before:
    """When the last alert of this kind about this thing ended, when people were last told of it, and how often it came."""

    resolved_at: datetime
    last_told_at: datetime | None
    times: int


@dataclass(slots=True)
class _Entry:
    """One alert to be opened, and what is decided about it at once."""

    trouble: Trouble
    at: datetime
    id: UUID = field(default_factory=uuid7)
    next_step_at: datetime | None = None
    is_suppressed: bool = False
    rulings: list[Ruling] = field(default_factory=list)

    def rule(self, ruled: Ruled, why: str, /, **values: Any) -> None:
        self.rulings.append(Ruling(self.id, ruled, why, self.at, values))


_RAISE = text("""
insert into alerts.alerts as a (
  id, organization_id, subject_kind, subject_id, subject_name, scope_id, permission, href, time_zone, alert_type, severity,
  status, message, message_values, threshold_value, actual_value, triggered_at, escalation_level, is_suppressed,
  next_step_at, parent_id)
select v.id, :organization_id, v.subject_kind, v.subject_id, v.subject_name, v.scope_id, v.permission, v.href, v.time_zone,
  v.alert_type, cast(v.severity as alerts.severity), 'active', v.message, cast(v.message_values as jsonb), v.threshold_value,
  v.actual_value, v.triggered_at, 0, v.is_suppressed, v.next_step_at, :parent_id
from unnest(:ids, :kinds, :subject_ids, :names, :scope_ids, :permissions, :hrefs, :zones, :types, :severities, :messages,
  :message_values, :thresholds, :actuals, :triggered_at, :is_suppressed, :next_step_at)
  v (id, subject_kind, subject_id, subject_name, scope_id, permission, href, time_zone, alert_type, severity, message,
     message_values, threshold_value, actual_value, triggered_at, is_suppressed, next_step_at)
on conflict (organization_id, subject_id, alert_type) where status <> 'resolved' do update set
  severity = excluded.severity, message = excluded.message, message_values = excluded.message_values,
  threshold_value = excluded.threshold_value, actual_value = excluded.actual_value, status = 'active',
  acknowledged_at = null, acknowledged_by = null, acknowledgement_note = null, snoozed_until_at = null, snoozed_by = null,
  escalation_level = 0, ladder_from_at = null, last_told_at = null, is_suppressed = excluded.is_suppressed,
  next_step_at = coalesce(excluded.next_step_at, excluded.triggered_at), updated_at = now()
where a.severity < excluded.severity
returning a.*
""")

_BEFORE = text("""
select subject_id, alert_type, max(resolved_at) as resolved_at, max(last_told_at) as last_told_at, count(*) as times
from alerts.alerts
where organization_id = :organization_id and subject_id = any(:subject_ids) and status = 'resolved'
  and resolved_at > :since and resolved_at <= :until
group by subject_id, alert_type
""")


async def raise_alert(tx: Transaction, trouble: Trouble, *, at: datetime, parent: Alert | None = None) -> Alert | None:
    """Open an alert, or None when one of this kind is already open for this subject (a race included); see `raise_alerts`."""
    return next(iter(await raise_alerts(tx, [(trouble, at)], parent=parent)), None)


async def raise_alerts(
    tx: Transaction, troubles: Sequence[tuple[Trouble, datetime]], *, parent: Alert | None = None
) -> Sequence[Alert]:
    """Open an alert for each trouble that has none of its kind yet; those that were opened, and those that got worse.

    An open one takes on a higher severity with its sentence, and begins anew: nobody is on it. Below `parent` they are shown
    and not told, unless they are more severe than it. A few statements however many troubles.
    """
    if not troubles:
        return []
    entries = _once(troubles)
    await _decide(tx, entries, parent)
    rows = await tx.execute(select(Alert).from_statement(_RAISE), _columns(tx, entries, parent), execution_options={"populate_existing": True})
    alerts: Sequence[Alert] = rows.scalars().all()
    opened, by_key = {entry.id: entry for entry in entries}, {entry.trouble.key: entry for entry in entries}
    rulings: list[Ruling] = []
    for alert in alerts:
        if alert.id in opened:
            rulings += opened[alert.id].rulings
        else:
            at = by_key[alert.subject_id, alert.alert_type].at
            rulings.append(Ruling(alert.id, Ruled.WORSENED, reasons.WORSENED, at, {"severity": alert.severity.value}))
        word = "raised" if alert.id in opened else "worsened"
        tx.record(
            f"alerts.alert.{word}", alert.message, subject_id=alert.id, severity=alert.severity.value,
            subject=alert.subject_name, alert_type=alert.alert_type, values=alert.message_values,
        )  # fmt: skip
        tx.emit(AlertChanged(alert_id=alert.id))
    await write_story(tx, rulings)
    return alerts


def _once(troubles: Iterable[tuple[Trouble, datetime]]) -> list[_Entry]:
    """Each subject and kind once, at its worst; in the order in which rows are locked, so that two batches wait for nobody in turn."""
    worst: dict[tuple[UUID, str], tuple[Trouble, datetime]] = {}
    for trouble, at in troubles:
        known = worst.get(trouble.key)
        if known is None or RANK[known[0].severity] < RANK[trouble.severity]:
            worst[trouble.key] = trouble, at
    return [_Entry(trouble, at) for _, (trouble, at) in sorted(worst.items(), key=lambda item: item[0])]


async def _decide(tx: Transaction, entries: Sequence[_Entry], parent: Alert | None) -> None:
    windows = await queries.windows(tx, since=min(e.at for e in entries))
    before = await _before(tx, entries)
    for entry in entries:
        entry.rule(Ruled.RAISED, reasons.RAISED)
        entry.next_step_at = entry.at
        _came_back(entry, before.get(entry.trouble.key))
        if parent:
            _part_of(entry, parent)
        _in_silence(entry, windows)


def _came_back(entry: _Entry, before: _Before | None) -> None:
    if before is None or not before.resolved_at <= entry.at < before.resolved_at + rules.BACK_WITHIN:
        return
    entry.next_step_at = rules.told_again_at(entry.trouble.severity, at=entry.at, last_told_at=before.last_told_at)
    entry.rule(
        Ruled.CAME_BACK, reasons.CAME_BACK_SOON if entry.next_step_at > entry.at else reasons.CAME_BACK,
        minutes=int((entry.at - before.resolved_at).total_seconds() // 60), times=before.times + 1,
    )  # fmt: skip


def _part_of(entry: _Entry, parent: Alert) -> None:
    is_worse = RANK[entry.trouble.severity] > RANK[parent.severity]
    entry.next_step_at = entry.next_step_at if is_worse else None
    entry.rule(Ruled.JOINED, reasons.WORSE_THAN_PARENT if is_worse else reasons.JOINED, parent=parent.subject_name)


def _in_silence(entry: _Entry, windows: Sequence[Window]) -> None:
    about = entry.trouble
    if window := rules.silence(windows, about.subject_id, about.scope_id, about.alert_type, entry.at):
        entry.is_suppressed = True
        entry.next_step_at = window.ends_at if entry.next_step_at else None
        entry.rule(Ruled.SUPPRESSED, reasons.SUPPRESSED, until_at=window.ends_at, reason=window.reason)


async def _before(tx: Transaction, entries: Sequence[_Entry]) -> Mapping[tuple[UUID, str], _Before]:
    asked = {
        "organization_id": tx.organization_id, "subject_ids": columns.ids([e.trouble.subject_id for e in entries]),
        "since": min(e.at for e in entries) - rules.COUNTED_WITHIN, "until": max(e.at for e in entries),
    }  # fmt: skip
    return {(r.subject_id, r.alert_type): _Before(r.resolved_at, r.last_told_at, r.times) for r in await tx.execute(_BEFORE, asked)}


def _columns(tx: Transaction, entries: Sequence[_Entry], parent: Alert | None) -> dict[str, Any]:
    troubles = [entry.trouble for entry in entries]
    return {
        "organization_id": tx.organization_id,
        "parent_id": parent.id if parent else None,
        "ids": columns.ids([e.id for e in entries]),
        "kinds": columns.texts(t.subject_kind for t in troubles),
        "subject_ids": columns.ids([t.subject_id for t in troubles]),
        "names": columns.texts(t.subject_name for t in troubles),
        "scope_ids": columns.ids([t.scope_id for t in troubles]),
        "permissions": columns.texts(t.permission for t in troubles),
        "hrefs": columns.texts(t.href for t in troubles),
        "zones": columns.texts(t.time_zone for t in troubles),
        "types": columns.texts(t.alert_type for t in troubles),
        "severities": columns.texts(t.severity for t in troubles),
        "messages": columns.texts(t.message for t in troubles),
        "message_values": columns.texts(json.dumps(t.values, default=plain) for t in troubles),
        "thresholds": columns.doubles(t.threshold_value for t in troubles),
        "actuals": columns.doubles(t.actual_value for t in troubles),
        "triggered_at": columns.instants(e.at for e in entries),
        "is_suppressed": columns.booleans(e.is_suppressed for e in entries),
        "next_step_at": columns.instants(e.next_step_at for e in entries),
    }
