"""Which reports come regularly, to whom, when the next one does, and what became of the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, or_, true
from sqlmodel import col, select

from data.core.actor import Actor
from data.core.errors import NotFound
from data.core.session import Transaction
from data.flows.regular.subjects import SUBJECTS, Subject
from data.identity.permissions import PERMISSIONS
from data.identity.tables import User, UserRole
from data.notifications.tables import NotificationSettings
from data.platform import background
from data.platform.rhythm import Rhythm
from data.platform.tables import BackgroundJob, ReportRun, ReportSchedule

SHOWN_RUNS = 6


@dataclass(frozen=True, slots=True)
class Regular:
    """One of them: whose clock counts, who ordered it ('' where they have left) and who gets it by name, and its latest runs, the last
    first."""

    schedule: ReportSchedule
    zone: str
    ordered_by: str
    recipients: Sequence[str]
    runs: Sequence[ReportRun]
    job: BackgroundJob | None
    may_change: bool


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody here who may see what the reports are about, and so can be sent them."""

    user_id: UUID
    name: str
    email: str | None


def rhythm_of(schedule: ReportSchedule) -> Rhythm:
    return Rhythm(schedule.every, schedule.at_time, schedule.on_day)


def may_change(actor: Actor, schedule: ReportSchedule) -> bool:
    """Who ordered it, and whoever runs what it is about."""
    subject = SUBJECTS[schedule.domain]
    if actor.user_id is not None and schedule.user_id == actor.user_id:
        return actor.may(subject.ask, schedule.scope_id)
    return _everywhere(actor, subject.edit) if schedule.scope_id is None else actor.may(subject.edit, schedule.scope_id)


def _everywhere(actor: Actor, permission: str) -> bool:
    return actor.may(permission) and actor.scopes(permission) is None


async def schedule(tx: Transaction, schedule_id: UUID, *, for_update: bool = False) -> ReportSchedule:
    """One that the actor may see."""
    statement = select(ReportSchedule).where(ReportSchedule.id == schedule_id, col(ReportSchedule.deleted_at).is_(None))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None or not _is_visible(tx.actor, found):
        raise NotFound("There is no such report.")
    return found


def _is_visible(actor: Actor, found: ReportSchedule) -> bool:
    ask = SUBJECTS[found.domain].ask
    if actor.user_id is not None and found.user_id == actor.user_id:
        return actor.may(ask)
    return _everywhere(actor, ask) if found.scope_id is None else actor.may(ask, found.scope_id)


def _visible(tx: Transaction, subject: Subject) -> ColumnElement[bool]:
    scopes = tx.actor.scopes(subject.ask)
    if scopes is None:
        return true()
    return or_(col(ReportSchedule.scope_id).in_(scopes), col(ReportSchedule.user_id) == tx.actor.user_id)


async def regular(tx: Transaction, domain: str) -> Sequence[Regular]:
    """Those of one domain that the actor may see, by name."""
    subject = SUBJECTS[domain]
    tx.actor.require(subject.ask)
    statement = (
        select(ReportSchedule, User.name)
        .outerjoin(User, col(User.id) == ReportSchedule.user_id)
        .where(ReportSchedule.domain == domain, col(ReportSchedule.deleted_at).is_(None), _visible(tx, subject))
        .order_by(col(ReportSchedule.title), col(ReportSchedule.created_at))
    )
    found = (await tx.exec(statement)).all()
    runs = await _runs(tx, [one.id for one, _ in found])
    last = [latest[0].background_job_id for latest in runs.values() if latest and latest[0].background_job_id]
    jobs = await background.jobs_of(tx, last)
    names = await names_of(tx, {UUID(member) for one, _ in found for member in one.member_ids})
    zones = await _zones(tx, [one for one, _ in found])
    return [
        Regular(
            one, zones[one.id], who or "", [*(names[UUID(member)] for member in one.member_ids if UUID(member) in names), *one.addresses],
            runs.get(one.id, ()), jobs.get(latest[0].background_job_id) if (latest := runs.get(one.id)) and latest[0].background_job_id else None,
            may_change(tx.actor, one),
        )
        for one, who in found
    ]  # fmt: skip


async def _zones(tx: Transaction, found: Sequence[ReportSchedule]) -> Mapping[UUID, str]:
    """Whose clock counts for each; where the place is gone or no longer the actor's to see, UTC."""
    known: dict[str, str] = {}
    zones = {}
    for one in found:
        key = f"{one.domain} {one.question}"
        if key not in known:
            try:
                known[key] = (await SUBJECTS[one.domain].about(tx, one.question)).zone
            except NotFound:
                known[key] = "UTC"
        zones[one.id] = known[key]
    return zones


async def _runs(tx: Transaction, schedule_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[ReportRun]]:
    if not schedule_ids:
        return {}
    latest = (
        select(ReportRun.id).where(ReportRun.schedule_id == ReportSchedule.id).order_by(col(ReportRun.due_at).desc()).limit(SHOWN_RUNS)
        .correlate(ReportSchedule).lateral("latest")
    )  # fmt: skip
    statement = (
        select(ReportRun).select_from(ReportSchedule).join(latest, true()).join(ReportRun, col(ReportRun.id) == latest.c.id)
        .where(col(ReportSchedule.id).in_(schedule_ids)).order_by(col(ReportRun.due_at).desc())
    )  # fmt: skip
    found: dict[UUID, list[ReportRun]] = {}
    for run in await tx.exec(statement):
        found.setdefault(run.schedule_id, []).append(run)
    return found


async def readers(tx: Transaction, domain: str, scope_id: UUID | None) -> Sequence[Reader]:
    """The people who may see that thing (with no scope: all of them), by name."""
    return await _readers(tx, domain, or_(col(UserRole.scope_id).is_(None), col(UserRole.scope_id) == scope_id))


async def candidates(tx: Transaction, domain: str) -> Sequence[Reader]:
    """The people who may see something of what the actor may have reports of, by name: among them whoever can be chosen."""
    scopes = tx.actor.scopes(SUBJECTS[domain].ask)
    return await _readers(tx, domain, true() if scopes is None else or_(col(UserRole.scope_id).is_(None), col(UserRole.scope_id).in_(scopes)))


async def _readers(tx: Transaction, domain: str, where: ColumnElement[bool]) -> Sequence[Reader]:
    statement = (
        select(User.id, User.name, User.email).join(UserRole, col(UserRole.user_id) == User.id)
        .where(col(User.deleted_at).is_(None), col(User.is_active), col(UserRole.role).in_(PERMISSIONS[SUBJECTS[domain].view]), where)
        .distinct().order_by(col(User.name), col(User.id))
    )  # fmt: skip
    return [Reader(*one) for one in await tx.exec(statement)]


async def names_of(tx: Transaction, user_ids: set[UUID]) -> Mapping[UUID, str]:
    return dict((await tx.exec(select(User.id, User.name).where(col(User.id).in_(user_ids)))).all())


async def may_leave(tx: Transaction) -> bool:
    """Whether reports may be sent to addresses that are nobody's here."""
    return bool((await tx.exec(select(NotificationSettings.may_reports_leave))).one_or_none())


