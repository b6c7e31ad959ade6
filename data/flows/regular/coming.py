"""The time of a regular report comes: it is made in the name of whoever ordered it, mailed when it is made, and each time is kept.

    due ── a run, and the report is asked for ──▶ making ── made: a mail to each ──▶ sending ── none is on its way any more ──▶ sent
    whatever cannot be done, or does not arrive ──▶ failed, which whoever ordered it is told

Each arrow is one transaction under the run's (or the schedule's) row: a process that dies anywhere leaves it where it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.alerts.tables import Severity
from data.core.actor import Actor, ActorKind
from data.core.errors import Refusal
from data.core.session import Transaction
from data.core.sheet import Paper
from data.flows.regular.listing import rhythm_of
from data.flows.regular.mailing import mails
from data.flows.regular.subjects import SUBJECTS
from data.identity import queries as identity
from data.identity.permissions import rights
from data.identity.tables import Role, User, UserRole
from data.notifications.outbox import Message, queue
from data.notifications.tables import Channel, DeliveryStatus, NotificationDelivery, Purpose
from data.platform.background import FAILED, UNFINISHED
from data.platform.events import RegularReportsChanged
from data.platform.tables import BackgroundJob, ReportRun, ReportSchedule
from data.platform.values import RunStatus

AT_ONCE = 200
NOBODYS = "Whoever ordered it may not have it made any more. Somebody who may can change it, and so order it anew."
NOT_MADE = "The regular report of {title} was not made: {because}"
NOT_ALL = "The regular report of {title} did not reach: {people}"
LET_BE = "Somebody stopped its making."
TAKEN_AWAY = "It was taken away before it was made."
UNREACHED = "{count} of {all} did not get it."
WHY_TOLD = "You ordered this report."
WHY_ADMINISTRATOR = "Whoever ordered this report does not belong here any more, and you keep the organization."


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that is to be done for an organization, about this schedule or run, in the name of this person."""

    organization_id: UUID
    id: UUID
    user_id: UUID


async def due(tx: Transaction, at: datetime) -> Sequence[Waiting]:
    """Schedules whose time has come, the longest waiting first. Across tenants."""
    statement: Any = (
        select(ReportSchedule.organization_id, ReportSchedule.id, ReportSchedule.user_id)
        .where(col(ReportSchedule.next_due_at) <= at, col(ReportSchedule.deleted_at).is_(None))
        .order_by(col(ReportSchedule.next_due_at)).limit(AT_ONCE)
    )  # fmt: skip
    return [Waiting(*one) for one in await tx.exec(statement)]


_UNFINISHED: Any = (
    ReportRun.organization_id, ReportRun.id, ReportSchedule.user_id, ReportRun.report_id, ReportRun.status, BackgroundJob.status,
)  # fmt: skip


async def unfinished(tx: Transaction) -> tuple[Sequence[Waiting], Sequence[Waiting]]:
    """Runs that nobody has begun (sent by hand), and those of which something may have become: the document is made or not, or mails
    are on their way. Across tenants."""
    statement: Any = (
        select(*_UNFINISHED)
        .join(ReportSchedule, col(ReportSchedule.id) == ReportRun.schedule_id)
        .outerjoin(BackgroundJob, col(BackgroundJob.id) == ReportRun.background_job_id)
        .where(col(ReportRun.status).in_((RunStatus.MAKING, RunStatus.SENDING)))
        .order_by(col(ReportRun.created_at)).limit(5 * AT_ONCE)
    )  # fmt: skip
    begun, settled = [], []
    for organization_id, id, user_id, report_id, status, job in await tx.exec(statement):
        one = Waiting(organization_id, id, user_id)
        if status is RunStatus.MAKING and report_id is None:
            begun.append(one)
        elif status is RunStatus.SENDING or job not in UNFINISHED:
            settled.append(one)
    return begun, settled


async def orderer(tx: Transaction, user_id: UUID) -> Actor:
    """Whoever ordered it, with the rights that they have now: none where they do not belong here any more."""
    user = await tx.get(User, user_id)
    if user is None:
        return Actor(ActorKind.PERSON, tx.organization_id, "", user_id=user_id)
    roles = await tx.exec(select(UserRole.role, UserRole.scope_id).where(UserRole.user_id == user_id))
    held = [(Role(role), scope_id) for role, scope_id in roles] if user.is_active and user.deleted_at is None else []
    return Actor(
        ActorKind.PERSON, tx.organization_id, user.name, user_id=user_id, rights=rights(held), language=user.language,
        time_zone=user.time_zone, units=user.units,
    )  # fmt: skip


async def come(tx: Transaction, schedule_id: UUID, *, at: datetime) -> ReportRun | None:
    """Keep the time that has come, in a transaction of its orderer; None where somebody else has, or it is not due after all.

    After an outage the last of all its times is kept, late, and the run says how many were passed over.
    """
    statement = select(ReportSchedule).where(
        ReportSchedule.id == schedule_id, col(ReportSchedule.next_due_at) <= at, col(ReportSchedule.deleted_at).is_(None)
    )
    schedule = (await tx.exec(statement.with_for_update(skip_locked=True))).one_or_none()
    if schedule is None or schedule.next_due_at is None:
        return None
    zone = await _zone(tx, schedule)
    rhythm, first_due = rhythm_of(schedule), schedule.next_due_at
    last_due = rhythm.latest(at, zone)
    schedule.next_due_at = rhythm.following(at, zone)
    tx.add(schedule)
    tx.emit(RegularReportsChanged(schedule_id=schedule.id))
    if last_due < first_due:  # its place has another clock than when this was reckoned
        return None
    is_kept = select(ReportRun.id).where(ReportRun.schedule_id == schedule.id, ReportRun.due_at == last_due)
    if (await tx.exec(is_kept)).first():
        return None
    days = rhythm.about(last_due, zone)
    passed_over = rhythm.between(first_due, last_due, zone)
    run = ReportRun(schedule_id=schedule.id, due_at=last_due, first_day=days[0], last_day=days[1], passed_over=passed_over)
    tx.add(run)
    await _begin(tx, schedule, run, at)
    return run


async def begin(tx: Transaction, run_id: UUID, *, at: datetime) -> None:
    """Ask for the report of a run that somebody wished for by hand; the same kind of transaction."""
    run = await _locked(tx, run_id)
    if run and run.status is RunStatus.MAKING and run.report_id is None:
        await _begin(tx, await tx.get_one(ReportSchedule, run.schedule_id), run, at)


async def _zone(tx: Transaction, schedule: ReportSchedule) -> str:
    """Whose clock counts; where the actor may not see its place any more, the organization's (and the run will say why)."""
    try:
        return (await SUBJECTS[schedule.domain].about(tx, schedule.question)).zone
    except Refusal:
        return (await identity.organization(tx)).time_zone


async def _begin(tx: Transaction, schedule: ReportSchedule, run: ReportRun, at: datetime) -> None:
    subject = SUBJECTS[schedule.domain]
    if not tx.actor.may(subject.ask, schedule.scope_id):
        return await _fail(tx, schedule, run, NOBODYS, {}, at)
    try:
        schedule.title = (await subject.about(tx, schedule.question)).title
        paper = Paper(schedule.language, schedule.units, schedule.paper)
        made = await subject.order(tx, schedule.kind, schedule.question, (run.first_day, run.last_day), paper)
    except Refusal as refusal:
        return await _fail(tx, schedule, run, refusal.message, refusal.values, at)
    run.report_id, run.background_job_id = made.id, made.background_job_id
    tx.add(run)


async def settle(tx: Transaction, run_id: UUID, *, at: datetime) -> None:
    """What has become of a run: its mails are written, or counted. In a transaction of the system."""
    run = await _locked(tx, run_id)
    if run is None:
        return
    schedule = await tx.get_one(ReportSchedule, run.schedule_id)
    if run.status is RunStatus.MAKING and run.report_id:
        await _made(tx, schedule, run, at)
    elif run.status is RunStatus.SENDING:
        await _count(tx, schedule, run, at)


async def _locked(tx: Transaction, run_id: UUID) -> ReportRun | None:
    return (await tx.exec(select(ReportRun).where(ReportRun.id == run_id).with_for_update(skip_locked=True))).one_or_none()


async def _made(tx: Transaction, schedule: ReportSchedule, run: ReportRun, at: datetime) -> None:
    assert run.report_id
    job = await tx.get(BackgroundJob, run.background_job_id) if run.background_job_id else None
    if job and job.status in UNFINISHED:
        return
    made = await SUBJECTS[schedule.domain].made(tx, run.report_id)
    if schedule.deleted_at is not None:
        return _end(tx, run, RunStatus.FAILED, TAKEN_AWAY, {}, at)
    if made.file_id is None:
        is_failed = job is not None and job.status is FAILED and job.error
        error, values = (job.error, job.step_values) if job and is_failed else (LET_BE, {})
        return await _fail(tx, schedule, run, error or LET_BE, values, at)
    messages, run.recipients = await mails(tx, schedule, run, made)
    await queue(tx, messages, at=at)
    run.status = RunStatus.SENDING
    tx.add(run)
    tx.emit(RegularReportsChanged(schedule_id=schedule.id))


async def _count(tx: Transaction, schedule: ReportSchedule, run: ReportRun, at: datetime) -> None:
    """Once no mail is on its way any more: whether it reached everybody."""
    keys = [one["key"] for one in run.recipients if "key" in one]
    row = NotificationDelivery
    found: Any = await tx.exec(select(row.dedupe_key, row.status, row.error_message).where(col(row.dedupe_key).in_(keys)))
    fates = {key: (status, why) for key, status, why in found}
    if any(status in (DeliveryStatus.PENDING, DeliveryStatus.SENDING) for status, _ in fates.values()):
        return
    told = []
    for one in run.recipients:
        status, why = fates.get(one.get("key", ""), (DeliveryStatus.SUPPRESSED, one.get("why_not")))
        is_there = status in (DeliveryStatus.SENT, DeliveryStatus.DELIVERED)
        told.append({"to": one["to"]} | ({} if is_there else {"why_not": why or "", "key": one.get("key", "")}))
    run.recipients = told
    missed = [one["to"] for one in told if "why_not" in one]
    if not missed:
        return _end(tx, run, RunStatus.SENT, None, {}, at)
    _end(tx, run, RunStatus.FAILED, UNREACHED, {"count": len(missed), "all": len(told)}, at)
    await _tell(tx, schedule, run, NOT_ALL, {"title": schedule.title, "people": ", ".join(missed)}, at)


async def _fail(tx: Transaction, schedule: ReportSchedule, run: ReportRun, error: str, values: dict[str, Any], at: datetime) -> None:
    _end(tx, run, RunStatus.FAILED, error, values, at)
    await tx.flush()
    because = {"message": error, "values": values}
    await _tell(tx, schedule, run, NOT_MADE, {"title": schedule.title, "because": because}, at)


def _end(tx: Transaction, run: ReportRun, status: RunStatus, error: str | None, values: dict[str, Any], at: datetime) -> None:
    run.status, run.error, run.error_values, run.finished_at = status, error, dict(values), at
    tx.add(run)
    tx.emit(RegularReportsChanged(schedule_id=run.schedule_id))


async def _tell(tx: Transaction, schedule: ReportSchedule, run: ReportRun, message: str, values: dict[str, Any], at: datetime) -> None:
    """Whoever ordered it, in their inbox and by mail; those who keep the organization where that person has gone."""
    is_here = (await tx.exec(select(UserRole.id).where(UserRole.user_id == schedule.user_id).limit(1))).first() is not None
    people = [schedule.user_id] if is_here else await identity.users_who_may(tx, frozenset({Role.OWNER, Role.ADMIN}), None)
    await queue(tx, [
        Message(
            channel, message, WHY_TOLD if is_here else WHY_ADMINISTRATOR, values, purpose=Purpose.EVENT, severity=Severity.WARNING,
            user_id=user_id, href=SUBJECTS[schedule.domain].place, dedupe_key=f"report run {run.id} {message[:30]} {channel} {user_id}",
        )
        for user_id in people
        for channel in (Channel.IN_APP, Channel.EMAIL)
    ], at=at)  # fmt: skip
