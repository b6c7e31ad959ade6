"""Each alert goes up its ladder: those in charge are told, then more people are called, until somebody answers or it is over.

What is decided follows from `turns`, what is said from here: each turn writes what goes out, a line of the alert's story, and when
the ladder looks again, in one transaction; whoever takes the turn holds the alert's row.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.alerts import queries as alerts_queries
from data.alerts import reasons, rules
from data.alerts.commands import write_story
from data.alerts.events import AlertChanged
from data.alerts.rules import RANK, Window
from data.alerts.tables import Alert, AlertStatus
from data.alerts.values import Ruled, Ruling, in_english
from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.identity.permissions import PERMISSIONS
from data.notifications import turns
from data.notifications.outbox import Message, put_into_inboxes, queue
from data.notifications.policy import Settled, settle
from data.notifications.queries import calling
from data.notifications.queries.calling import Circle
from data.notifications.recipients import Call, by_channel, first_calls, names, readers, step_calls
from data.notifications.tables import Channel, Purpose
from data.notifications.turns import Act, Told, Turn

FIRST, AGAIN = "You are among the first to be told.", "You are told again because nobody has answered."
CALLED = "You are called because nobody has answered for {minutes} minutes."
SUBSCRIBED = "You asked to be told of this kind in this way."
OTHERS = "This address gets the alerts of the organization."
ASKED_FOR = "You are called because {who} asks for more people."
OVER = "You are told that it is over because you were told of it."
BY_HAND = "{who} did not want to wait: more people are called (step {level})."
NOBODY_TO_CALL = "There is nobody to call."
UNREACHED = "None of these could be reached: {people}"
BACK = "The time for which it was put off is over, and it is still open."


@dataclass(slots=True)
class _Session:
    """One organization's alerts of this turn: what is known, and what shall be written."""

    circle: Circle
    windows: Sequence[Window]
    parents: Mapping[UUID, Alert]
    at: datetime
    messages: list[Message] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)
    inbox: list[Alert] = field(default_factory=list)
    called: list[tuple[Alert, Sequence[Call]]] = field(default_factory=list)
    ended: list[Alert] = field(default_factory=list)

    def policy(self, alert: Alert) -> Settled:
        return settle(
            self.circle.policies, subject_id=alert.subject_id, scope_id=alert.scope_id, alert_type=alert.alert_type,
            severity=alert.severity,
        ).settled  # fmt: skip

    def rule(self, alert: Alert, ruled: Ruled, why: str, /, user_id: UUID | None = None, **values: Any) -> None:
        self.rulings.append(Ruling(alert.id, ruled, why, self.at, values, user_id))

    def answered(self, alert: Alert) -> None:
        """Other systems hear that somebody is on it; once, whichever turn says so."""
        if alert.acknowledged_at and alert.last_told_at:
            said = {"acknowledged_at": alert.acknowledged_at, "acknowledged_by": self._name(alert.acknowledged_by), "note": alert.acknowledgement_note}
            self.messages.append(_for_systems(alert, "alert.acknowledged", alert.acknowledged_at, said))

    def put_off(self, alert: Alert) -> None:
        """The same of a pause that somebody wished for."""
        if alert.snoozed_until_at and alert.last_told_at:
            said = {"snoozed_until_at": alert.snoozed_until_at, "snoozed_by": self._name(alert.snoozed_by)}
            self.messages.append(_for_systems(alert, "alert.snoozed", alert.snoozed_until_at, said))

    def _name(self, user_id: UUID | None) -> str | None:
        return next((member.name for member in self.circle.members if member.user_id == user_id), None)


async def tell(tx: Transaction, *alerts: Alert, at: datetime | None = None) -> None:
    """The first turn of alerts that were just raised: those who may see them find them in the inbox, those in charge are told."""
    at = at or now()
    due = [
        alert
        for alert in alerts
        if alert.status is not AlertStatus.RESOLVED and alert.next_step_at and alert.next_step_at <= max(at, alert.triggered_at)
    ]
    if due:
        await _take_turns(tx, due, at)


async def climb(tx: Transaction, *, at: datetime, limit: int = 500) -> int:
    """Take the turn of alerts whose time has come and that nobody else holds; how many there were."""
    statement = (
        select(Alert)
        .where(col(Alert.next_step_at) <= at)
        .order_by(col(Alert.severity).desc(), col(Alert.next_step_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    due = (await tx.exec(statement)).all()
    if due:
        await _take_turns(tx, due, at)
    return len(due)


async def organizations_with_due(tx: Transaction, *, at: datetime) -> Sequence[UUID]:
    """Across tenants: who has alerts whose time has come."""
    return (await tx.exec(select(Alert.organization_id).where(col(Alert.next_step_at) <= at).distinct())).all()


async def escalate(tx: Transaction, alert_id: UUID, *, at: datetime | None = None) -> None:
    """Call more people now instead of waiting for the next step."""
    at = at or now()
    alert = await alerts_queries.alert(tx, alert_id, for_update=True)
    tx.actor.require("alerts.acknowledge", alert.scope_id)
    if alert.status is AlertStatus.RESOLVED:
        raise Conflict("This alert is already over.")
    session = await _session(tx, [alert], at)
    turn = turns.by_hand(_told(alert), session.policy(alert), at=at)
    reason = Ruling(alert.id, Ruled.ESCALATED, BY_HAND, at, {"who": tx.actor.name, "level": turn.level}, tx.actor.user_id)
    _call_more(session, alert, session.policy(alert), turn, reason, ASKED_FOR, {"who": tx.actor.name})
    if alert.acknowledged_at:  # somebody is on it and wants help: the ladder goes no further by itself
        session.answered(alert)
        alert.status, alert.next_step_at = AlertStatus.ACKNOWLEDGED, None
    alert.snoozed_until_at = alert.snoozed_by = None
    await _write(tx, session, [alert])


async def _take_turns(tx: Transaction, alerts: Sequence[Alert], at: datetime) -> None:
    session = await _session(tx, alerts, at)
    for alert in alerts:
        if alert.status is AlertStatus.RESOLVED:
            session.ended.append(alert)
            alert.next_step_at = None
        elif alert.acknowledged_at:
            session.answered(alert)
            alert.next_step_at = None
        elif not _is_held_back(session, alert):
            _turn(session, alert)
    await _say_over(tx, session)
    await _write(tx, session, alerts)


async def _session(tx: Transaction, alerts: Sequence[Alert], at: datetime) -> _Session:
    parent_ids = {alert.parent_id for alert in alerts if alert.parent_id}
    parents = await tx.exec(select(Alert).where(col(Alert.id).in_(parent_ids))) if parent_ids else ()
    return _Session(
        await calling.circle(tx, at=at), await alerts_queries.windows(tx, since=at), {parent.id: parent for parent in parents}, at
    )


async def _write(tx: Transaction, session: _Session, alerts: Sequence[Alert]) -> None:
    for alert in alerts:
        alert.updated_at = session.at
        tx.add(alert)
        tx.emit(AlertChanged(alert_id=alert.id))
    await put_into_inboxes(tx, [
        {
            "user_id": member.user_id, "alert_id": alert.id, "notification_type": alert.alert_type, "severity": alert.severity,
            "message": alert.message, "message_values": alert.message_values, "href": f"/alerts/{alert.id}",
        }
        for alert in session.inbox
        for member in readers(session.circle.members, _allowed(alert), alert.scope_id)
    ])  # fmt: skip
    went_out = await calling.went_out(tx, await queue(tx, session.messages, at=session.at))
    for alert, calls in session.called:
        _rule_called(session, alert, calls, went_out.get(alert.id, frozenset()))
    await write_story(tx, session.rulings)


def _rule_called(session: _Session, alert: Alert, calls: Sequence[Call], went_out: Set[tuple[Channel, UUID]]) -> None:
    """Who was told, as far as there was a way to them: what was only wished for is not said."""
    told = [call for call in calls if (call.channel, call.contact_id or call.user_id) in went_out]
    if told:
        session.rule(alert, Ruled.TOLD, turns.TOLD, people=names(told), channels=list(by_channel(told)))
    elif calls:
        session.rule(alert, Ruled.NOT_TOLD, UNREACHED, people=names(calls))
    else:
        session.rule(alert, Ruled.NOT_TOLD, NOBODY_TO_CALL)


def _is_held_back(session: _Session, alert: Alert) -> bool:
    """Whether nobody is told now, whatever its policy: agreed silence, a larger trouble, or somebody put it off."""
    at = session.at
    if window := rules.silence(session.windows, alert.subject_id, alert.scope_id, alert.alert_type, at):
        if not alert.is_suppressed:
            session.rule(alert, Ruled.SUPPRESSED, reasons.SUPPRESSED, until_at=window.ends_at, reason=window.reason)
        alert.is_suppressed, alert.next_step_at = True, window.ends_at
        return True
    parent = session.parents.get(alert.parent_id) if alert.parent_id else None
    if parent and parent.status is not AlertStatus.RESOLVED and RANK[alert.severity] <= RANK[parent.severity]:
        alert.next_step_at = None
        return True
    if alert.snoozed_until_at and alert.snoozed_until_at > at:
        session.put_off(alert)
        alert.next_step_at = alert.snoozed_until_at
        return True
    return False


def _turn(session: _Session, alert: Alert) -> None:
    policy, at = session.policy(alert), session.at
    turn = turns.take_turn(_told(alert), policy, zone=_zone(session, alert), at=at)
    if alert.is_suppressed or alert.snoozed_until_at:
        has_begun = alert.ladder_from_at is not None and turn.act not in (Act.NOBODY, Act.INBOX_ONLY)
        if has_begun:
            turn = turns.wake(_told(alert), policy, zone=_zone(session, alert), at=at)
        _end_pause(session, alert, turn)
    is_first = alert.last_told_at is None
    if is_first and turn.act is not Act.NOBODY:
        if "in_app" in policy.initial_channels:
            session.inbox.append(alert)
        session.messages.append(_for_systems(alert, "alert.raised", turn.planned_at))
        alert.last_told_at = at
    if is_first and turn.act is Act.INBOX_ONLY:
        _tell_subscribers(session, alert, turn, ())
    match turn.act:
        case Act.TELL:
            _tell_in_charge(session, alert, policy, turn, Purpose.ALERT, FIRST)
        case Act.REMIND:
            _tell_in_charge(session, alert, policy, turn, Purpose.REMINDER, AGAIN)
        case Act.ESCALATE:
            reason = Ruling(alert.id, Ruled.ESCALATED, turn.reason, at, turn.values)
            _call_more(session, alert, policy, turn, reason, CALLED, {"minutes": turn.values["minutes"]})
        case Act.WAIT if turn.reason:
            session.rule(alert, Ruled.WAITS, turn.reason, **turn.values)
        case Act.INBOX_ONLY | Act.NOBODY:
            session.rule(alert, Ruled.NOT_TOLD, turn.reason, **turn.values)
    _go_on(alert, turn)


def _end_pause(session: _Session, alert: Alert, turn: Turn) -> None:
    """The pause is over; where it ends in quiet hours it lasts as long as they do."""
    if alert.is_suppressed:
        alert.is_suppressed = False
        session.rule(alert, Ruled.FREED, reasons.FREED)
    if turn.act is Act.WAIT and turn.reason and alert.ladder_from_at:
        alert.snoozed_until_at = turn.next_at
    elif alert.snoozed_until_at:
        alert.snoozed_until_at = alert.snoozed_by = None
        session.rule(alert, Ruled.WOKE, BACK)


def _go_on(alert: Alert, turn: Turn) -> None:
    alert.next_step_at = turn.next_at
    alert.ladder_from_at = turn.ladder_from_at or alert.ladder_from_at


def _tell_in_charge(session: _Session, alert: Alert, policy: Settled, turn: Turn, purpose: Purpose, why: str) -> None:
    circle = session.circle
    calls = first_calls(policy, circle.members, circle.contacts, allowed=_allowed(alert), scope_id=alert.scope_id)
    if turn.reason:
        session.rule(alert, Ruled.REMINDED, turn.reason, **turn.values)
    _say(session, alert, calls, purpose, alert.escalation_level, turn.planned_at, why, {})
    if purpose is Purpose.ALERT:
        _tell_subscribers(session, alert, turn, calls)
    if purpose is Purpose.ALERT and "email" in policy.initial_channels:
        session.messages.append(_for_others(alert, turn.planned_at))


def _tell_subscribers(session: _Session, alert: Alert, turn: Turn, told: Sequence[Call]) -> None:
    """Who asked to be told of this kind, and may see it, and is not told by that way already."""
    known = {(call.user_id, call.channel) for call in told}
    names_of = {m.user_id: m.name for m in readers(session.circle.members, _allowed(alert), alert.scope_id)}
    asked = session.circle.subscribed.get(alert.alert_type, ())
    calls = [Call(channel.value, names_of[who], who) for who, channel in asked if who in names_of and (who, channel.value) not in known]
    if calls:
        _say(session, alert, calls, Purpose.ALERT, alert.escalation_level, turn.planned_at, SUBSCRIBED, {})


def _call_more(
    session: _Session, alert: Alert, policy: Settled, turn: Turn, reason: Ruling, why: str, values: Mapping[str, Any]
) -> None:
    circle = session.circle
    assert turn.step
    calls = step_calls(turn.step, policy, circle.members, circle.contacts, allowed=_allowed(alert), scope_id=alert.scope_id)
    alert.status, alert.escalation_level, alert.escalated_at = AlertStatus.ESCALATED, turn.level, session.at
    session.rulings.append(reason)
    session.messages.append(_for_systems(alert, "alert.escalated", turn.planned_at))
    _say(session, alert, calls, Purpose.ESCALATION, turn.level, turn.planned_at, why, values)
    _go_on(alert, turn)


def _say(
    session: _Session, alert: Alert, calls: Sequence[Call], purpose: Purpose, level: int, planned_at: datetime, why: str,
    values: Mapping[str, Any],
) -> None:  # fmt: skip
    """One message a person and way, each once however often the same turn is taken; and the line that says so."""
    key = f"{alert.id}:{alert.severity}:{purpose}:{level}:{planned_at.timestamp():.0f}"
    session.messages += [
        Message(
            Channel(call.channel), alert.message, why, alert.message_values, values, purpose=purpose, severity=alert.severity,
            alert_id=alert.id, alert_type=alert.alert_type, level=level, href=f"/alerts/{alert.id}",
            user_id=None if call.contact_id else call.user_id, contact_id=call.contact_id,
            dedupe_key=f"{key}:{call.channel}:{call.contact_id or call.user_id}",
        )
        for call in calls
    ]  # fmt: skip
    session.called.append((alert, calls))
    alert.last_told_at = session.at


def _for_others(alert: Alert, planned_at: datetime) -> Message:
    """The first news, to the addresses that the organization named besides its people."""
    return Message(
        Channel.EMAIL, alert.message, OTHERS, alert.message_values, purpose=Purpose.ALERT, severity=alert.severity, alert_id=alert.id,
        alert_type=alert.alert_type, to_others=True, dedupe_key=f"{alert.id}:{alert.severity}:others:{planned_at.timestamp():.0f}",
    )  # fmt: skip


def _for_systems(alert: Alert, event_type: str, planned_at: datetime, more: Mapping[str, Any] | None = None) -> Message:
    """The same for other systems of the organization's: every endpoint that wants it."""
    payload = {
        "alert_id": alert.id, "subject_kind": alert.subject_kind, "subject_id": alert.subject_id, "subject": alert.subject_name,
        "alert_type": alert.alert_type, "severity": alert.severity, "level": alert.escalation_level,
        "text": in_english(alert.message, alert.message_values), "triggered_at": alert.triggered_at, "resolved_at": alert.resolved_at,
        **(more or {}),
    }  # fmt: skip
    return Message(
        Channel.WEBHOOK, alert.message, "An endpoint wants to hear of it.", alert.message_values, severity=alert.severity,
        alert_id=alert.id, alert_type=alert.alert_type, level=alert.escalation_level, purpose=Purpose.EVENT,
        event_type=event_type, payload=payload, dedupe_key=f"{alert.id}:{event_type}:{planned_at.timestamp():.0f}",
    )  # fmt: skip


async def _say_over(tx: Transaction, session: _Session) -> None:
    """Whoever heard of it hears that it is over, unless the policy says otherwise."""
    if not session.ended:
        return
    heard = await calling.reached(tx, [alert.id for alert in session.ended])
    for alert in session.ended:
        session.answered(alert)
        session.messages.append(_for_systems(alert, "alert.resolved", alert.resolved_at or session.at))
        if not session.policy(alert).are_resolved_sent:
            continue
        once = {(one.channel, one.contact_id or one.user_id): one for one in heard.get(alert.id, ())}
        session.messages += [
            Message(
                one.channel, alert.message, OVER, alert.message_values, purpose=Purpose.RESOLVED, severity=alert.severity,
                alert_id=alert.id, alert_type=alert.alert_type, href=f"/alerts/{alert.id}",
                user_id=None if one.contact_id else one.user_id, contact_id=one.contact_id,
                dedupe_key=f"{alert.id}:over:{one.channel}:{one.contact_id or one.user_id}",
            )
            for one in once.values()
        ]  # fmt: skip


def _told(alert: Alert) -> Told:
    return Told(alert.severity, alert.triggered_at, alert.ladder_from_at, alert.escalation_level, alert.last_told_at)


def _allowed(alert: Alert) -> frozenset[str]:
    return frozenset(role.value for role in PERMISSIONS[alert.permission])


def _zone(session: _Session, alert: Alert) -> str:
    return alert.time_zone or session.circle.zone
