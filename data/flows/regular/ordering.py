"""Somebody orders a report that comes regularly, changes what they ordered, lets it rest, or takes it away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.core.actor import Actor, ActorKind
from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction
from data.core.sheet import Paper
from data.core.time import now
from data.flows.regular import listing
from data.flows.regular.listing import may_leave, rhythm_of
from data.flows.regular.subjects import SUBJECTS, About
from data.notifications.commands.channels import MAIL_ADDRESS
from data.platform.events import RegularReportsChanged
from data.platform.rhythm import Rhythm
from data.platform.tables import ReportRun, ReportSchedule
from data.platform.values import Every, RunStatus

MOST_RECIPIENTS = 50
DAYS = {Every.DAY: range(1), Every.WEEK: range(7), Every.MONTH: range(1, 29)}


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted: which report of what (see `subjects`), how often, on what paper, and for whom."""

    domain: str
    kind: str
    question: Mapping[str, Any]
    rhythm: Rhythm
    paper: Paper
    member_ids: Sequence[UUID]
    addresses: Sequence[str] = ()


async def order(tx: Transaction, wanted: Order, *, at: datetime | None = None) -> ReportSchedule:
    """Have it sent from now on. It is made in the actor's name: it says what they may see, each time."""
    schedule = ReportSchedule(domain=wanted.domain, user_id=_person(tx.actor), every=wanted.rhythm.every, at_time=wanted.rhythm.at_time)
    await _take_on(tx, schedule, wanted, at or now())
    return schedule


async def change(tx: Transaction, schedule_id: UUID, wanted: Order, *, at: datetime | None = None) -> None:
    """The same in the place of what was ordered; whoever changes it has ordered it from then on. What rests goes on resting."""
    schedule = await _changeable(tx, schedule_id)
    is_resting = schedule.next_due_at is None
    await _take_on(tx, schedule, wanted, at or now())
    if is_resting:
        schedule.next_due_at = None


async def pause(tx: Transaction, schedule_id: UUID) -> None:
    """Send no more of it until somebody lets it go on."""
    schedule = await _changeable(tx, schedule_id)
    schedule.next_due_at = None
    _changed(tx, schedule)
    tx.record("platform.report_schedule.paused", "regular report paused", subject_id=schedule.id)


async def go_on(tx: Transaction, schedule_id: UUID, *, at: datetime | None = None) -> None:
    """Send it again from its next time on; what it missed meanwhile is not made up for."""
    schedule = await _changeable(tx, schedule_id)
    if schedule.next_due_at is None:
        about = await SUBJECTS[schedule.domain].about(tx, schedule.question)
        schedule.next_due_at = rhythm_of(schedule).following(at or now(), about.zone)
        _changed(tx, schedule)
        tx.record("platform.report_schedule.resumed", "regular report goes on", subject_id=schedule.id)


async def delete(tx: Transaction, schedule_id: UUID) -> None:
    """Send it never again. Reports that were made stay."""
    schedule = await _changeable(tx, schedule_id)
    schedule.deleted_at, schedule.next_due_at = now(), None
    _changed(tx, schedule)


async def send_now(tx: Transaction, schedule_id: UUID, *, at: datetime | None = None) -> ReportRun:
    """Send it once besides its times, about the days that have just ended. Conflict while one is under way."""
    schedule = await _changeable(tx, schedule_id)
    under_way = select(ReportRun.id).where(
        ReportRun.schedule_id == schedule.id, col(ReportRun.status).in_((RunStatus.MAKING, RunStatus.SENDING))
    )
    if (await tx.exec(under_way.limit(1))).first():
        raise Conflict("It is being made already.")
    at = at or now()
    about = await SUBJECTS[schedule.domain].about(tx, schedule.question)
    first, last = rhythm_of(schedule).about(at, about.zone)
    run = ReportRun(schedule_id=schedule.id, due_at=at, is_by_hand=True, first_day=first, last_day=last)
    tx.add(run)
    tx.record("platform.report_schedule.sent_by_hand", "regular report sent by hand", subject_id=schedule.id)
    tx.emit(RegularReportsChanged(schedule_id=schedule.id))
    return run


async def _changeable(tx: Transaction, schedule_id: UUID) -> ReportSchedule:
    schedule = await listing.schedule(tx, schedule_id, for_update=True)
    if not listing.may_change(tx.actor, schedule):
        raise Forbidden("You do not have the right to do this.")
    return schedule


async def _take_on(tx: Transaction, schedule: ReportSchedule, wanted: Order, at: datetime) -> None:
    subject = SUBJECTS[wanted.domain]
    about = await subject.about(tx, wanted.question)
    person = _person(tx.actor)
    _check_rhythm(wanted.rhythm)
    await subject.check(tx, wanted.kind, wanted.question, wanted.rhythm.about(at, about.zone))
    member_ids, addresses = await _check_recipients(tx, schedule, wanted, about)
    schedule.kind, schedule.question, schedule.scope_id, schedule.title = wanted.kind, dict(wanted.question), about.scope_id, about.title
    schedule.every, schedule.on_day, schedule.at_time = wanted.rhythm.every, wanted.rhythm.on_day, wanted.rhythm.at_time
    schedule.language, schedule.units, schedule.paper = wanted.paper.language, wanted.paper.units, wanted.paper.paper
    schedule.member_ids, schedule.addresses, schedule.user_id = member_ids, addresses, person
    schedule.ended = [one for one in schedule.ended if one not in member_ids]
    schedule.next_due_at = wanted.rhythm.following(at, about.zone)
    _changed(tx, schedule)
    await tx.flush()


def _person(actor: Actor) -> UUID:
    if actor.kind is not ActorKind.PERSON or actor.user_id is None:
        raise Forbidden("You do not have the right to do this.")
    return actor.user_id


def _check_rhythm(rhythm: Rhythm) -> None:
    if rhythm.on_day not in DAYS[rhythm.every]:
        raise Invalid("on_day", "Choose a day.")


async def _check_recipients(tx: Transaction, schedule: ReportSchedule, wanted: Order, about: About) -> tuple[list[str], list[str]]:
    allowed = {one.user_id for one in await listing.readers(tx, wanted.domain, about.scope_id)} | {tx.actor.user_id}
    for member_id in wanted.member_ids:
        if member_id not in allowed:
            raise Invalid("member_ids", "Somebody among these may not see what the report is about.")
        if str(member_id) in schedule.ended and member_id != tx.actor.user_id:
            raise Invalid("member_ids", "{name} asked not to get it any more.", name=(await listing.names_of(tx, {member_id}))[member_id])
    addresses = list(dict.fromkeys(one.strip() for one in wanted.addresses if one.strip()))
    for address in addresses:
        if not MAIL_ADDRESS.fullmatch(address):
            raise Invalid("addresses", "{address} is not an e-mail address.", address=address)
        if address in schedule.ended:
            raise Invalid("addresses", "{name} asked not to get it any more.", name=address)
    if addresses and not await may_leave(tx):
        raise Invalid("addresses", "Reports go to your own people only. An administrator can allow others under Channels.")
    member_ids = list(dict.fromkeys(str(one) for one in wanted.member_ids))
    if not member_ids and not addresses:
        raise Invalid("member_ids", "Say who shall get it.")
    if len(member_ids) + len(addresses) > MOST_RECIPIENTS:
        raise Invalid("member_ids", "At most {most} people.", most=MOST_RECIPIENTS)
    return member_ids, addresses


def _changed(tx: Transaction, schedule: ReportSchedule) -> None:
    schedule.updated_at = now()
    tx.add(schedule)
    tx.emit(RegularReportsChanged(schedule_id=schedule.id))
