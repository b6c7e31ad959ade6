"""Which alerts somebody may see: those of the domains and things that their roles reach."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, false, func, or_, true
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from data.alerts.rules import Window
from data.alerts.tables import Alert, AlertStatus, CorrectiveAction, Decision, Severity, Suppression
from data.core.errors import NotFound
from data.core.session import Transaction
from data.core.time import now
from data.identity.tables import User
from data.platform.tables import File

SHOWN_FOR = timedelta(days=90)
"""What has been over on a farm for longer is found by its name; cold rooms are evidence for as long as they are kept."""

_URGENCY = case(
    (col(Alert.severity) == Severity.CRITICAL, 0), (col(Alert.severity) == Severity.WARNING, 1), else_=2
)  # fmt: skip


def visible(tx: Transaction, table: type[Alert | CorrectiveAction] = Alert) -> ColumnElement[bool]:
    """The part of a `where` that keeps what the actor may see."""
    if tx.actor.kind == "system":
        return true()
    reaches = [
        col(table.permission) == permission
        if scopes is None
        else and_(col(table.permission) == permission, col(table.scope_id).in_(scopes))
        for permission, scopes in tx.actor.rights.items()
    ]
    return or_(false(), *reaches)


async def alert(tx: Transaction, alert_id: UUID, *, for_update: bool = False) -> Alert:
    statement = select(Alert).where(Alert.id == alert_id, visible(tx))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such alert.")
    return found


async def alerts(tx: Transaction, alert_ids: Collection[UUID], *, for_update: bool = False) -> Sequence[Alert]:
    """These alerts, as far as the actor may see them."""
    statement = select(Alert).where(col(Alert.id).in_(alert_ids), visible(tx)).order_by(col(Alert.id))
    return (await tx.exec(statement.with_for_update() if for_update else statement)).all()


async def open_alerts(tx: Transaction, *, limit: int = 200) -> Sequence[Alert]:
    """What needs somebody now: unacknowledged first, then by severity, then the oldest."""
    statement = (
        select(Alert)
        .where(Alert.status != AlertStatus.RESOLVED, visible(tx))
        .order_by(col(Alert.acknowledged_at).is_not(None), _URGENCY, col(Alert.triggered_at))
        .limit(limit)
    )
    return (await tx.exec(statement)).all()


async def open_of(tx: Transaction, subject_ids: Sequence[UUID]) -> Sequence[Alert]:
    """The open alerts of these things."""
    statement = select(Alert).where(
        col(Alert.subject_id).in_(subject_ids), Alert.status != AlertStatus.RESOLVED, visible(tx)
    )
    return (await tx.exec(statement)).all()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which alerts: `view` is open, active (open ones that nobody is on), acknowledged (open ones that somebody is on), mine (open
    ones that the actor is on), snoozed, suppressed, resolved or all.

    With `is_whole` parts of something larger are left out. `scope_id` is a farm or a site, `subject_id` one thing there. Between
    `since` and `until` they were raised; with these, what has been over for long is found too.
    """

    view: str = "all"
    severity: Severity | None = None
    domain: str = ""
    search: str = ""
    is_whole: bool = False
    scope_id: UUID | None = None
    subject_id: UUID | None = None
    alert_type: str = ""
    since: datetime | None = None
    until: datetime | None = None


def _narrowed(tx: Transaction, wanted: Wanted, at: datetime) -> list[ColumnElement[bool]]:
    is_open = col(Alert.status) != AlertStatus.RESOLVED
    where = [visible(tx)]
    match wanted.view:
        case "open":
            where += [is_open]
        case "active":
            where += [is_open, col(Alert.acknowledged_at).is_(None)]
        case "acknowledged":
            where += [is_open, col(Alert.acknowledged_at).is_not(None)]
        case "mine":
            where += [is_open, col(Alert.acknowledged_by) == tx.actor.user_id]
        case "snoozed":
            where += [is_open, col(Alert.snoozed_until_at) > at]
        case "suppressed":
            where += [is_open, col(Alert.is_suppressed).is_(True)]
        case "resolved":
            where += [~is_open]
    if wanted.is_whole:
        where.append(col(Alert.parent_id).is_(None))
    if wanted.severity:
        where.append(col(Alert.severity) == wanted.severity)
    if wanted.domain:
        where.append(col(Alert.subject_kind).startswith(f"{wanted.domain}.", autoescape=True))
    for column, asked in ((Alert.scope_id, wanted.scope_id), (Alert.subject_id, wanted.subject_id), (Alert.alert_type, wanted.alert_type)):
        if asked:
            where.append(col(column) == asked)
    if wanted.since:
        where.append(col(Alert.triggered_at) >= wanted.since)
    if wanted.until:
        where.append(col(Alert.triggered_at) < wanted.until)
    if not wanted.search and not wanted.since and wanted.view in ("all", "resolved"):
        long_over = col(Alert.subject_kind).startswith("farm.") & (col(Alert.resolved_at) < at - SHOWN_FOR)
        where.append(func.coalesce(~long_over, true()))
    if wanted.search:
        where.append(col(Alert.subject_name).icontains(wanted.search, autoescape=True))
    return where


async def page(
    tx: Transaction, wanted: Wanted | None = None, *, offset: int = 0, limit: int = 50, at: datetime | None = None
) -> tuple[Sequence[Alert], int]:
    """A page of alerts and how many there are: open ones by urgency, then what is over, the latest first."""
    wanted = wanted or Wanted()
    where = _narrowed(tx, wanted, at or now())
    total = (await tx.exec(select(func.count()).select_from(Alert).where(*where))).one()
    is_over = col(Alert.status) == AlertStatus.RESOLVED
    order = (
        (is_over, col(Alert.triggered_at).desc())
        if wanted.view in ("all", "resolved")
        else (col(Alert.acknowledged_at).is_not(None), _URGENCY, col(Alert.triggered_at))
    )
    rows = await tx.exec(select(Alert).where(*where).order_by(*order).offset(offset).limit(limit))
    return rows.all(), total


async def counts(tx: Transaction, *, at: datetime | None = None) -> dict[str, int]:
    """How many there are in each view of what is open."""
    at = at or now()
    views = ("open", "mine", "snoozed", "suppressed")
    asked = [func.count().filter(*_narrowed(tx, Wanted(view, is_whole=True), at)) for view in views]
    row = (await tx.execute(select(*asked).select_from(Alert))).one()
    return dict(zip(views, row, strict=True))


@dataclass(frozen=True, slots=True)
class Tally:
    """How many alerts of one kind and severity: in all, open, open with nobody on them, answered; and how long they last(ed) on average."""

    alert_type: str
    severity: Severity
    count: int
    open: int
    active: int
    acknowledged: int
    mean_minutes: float


async def tally(tx: Transaction, wanted: Wanted, *, at: datetime | None = None) -> list[Tally]:
    """What is wanted, counted by kind and severity; one statement."""
    at = at or now()
    is_open = col(Alert.status) != AlertStatus.RESOLVED
    minutes = func.avg(func.extract("epoch", func.coalesce(col(Alert.resolved_at), at) - col(Alert.triggered_at)) / 60)
    statement = (
        select_columns(
            col(Alert.alert_type), col(Alert.severity), func.count(), func.count().filter(is_open),
            func.count().filter(is_open, col(Alert.acknowledged_at).is_(None)), func.count(col(Alert.acknowledged_at)), minutes,
        )
        .where(*_narrowed(tx, wanted, at))
        .group_by(col(Alert.alert_type), col(Alert.severity))
        .order_by(_URGENCY, func.count().desc(), col(Alert.alert_type))
    )  # fmt: skip
    return [
        Tally(kind, severity, count, still_open, active, answered, float(mean))
        for kind, severity, count, still_open, active, answered, mean in await tx.execute(statement)
    ]


async def story(tx: Transaction, alert_id: UUID) -> Sequence[Decision]:
    """What was decided about it, the first first. Its alert was asked for before."""
    statement = select(Decision).where(Decision.alert_id == alert_id).order_by(col(Decision.decided_at), col(Decision.id))
    return (await tx.exec(statement)).all()


async def children(tx: Transaction, alert_id: UUID) -> Sequence[Alert]:
    """What is a part of it and may be seen, open ones first."""
    statement = select(Alert).where(Alert.parent_id == alert_id, visible(tx))
    return (await tx.exec(statement.order_by(col(Alert.status) == AlertStatus.RESOLVED, _URGENCY, col(Alert.triggered_at)))).all()


async def parts(tx: Transaction, alert_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """How many open parts each of these has."""
    statement = (
        select(Alert.parent_id, func.count())
        .where(col(Alert.parent_id).in_(alert_ids), col(Alert.status) != AlertStatus.RESOLVED)
        .group_by(col(Alert.parent_id))
    )
    return {parent_id: count for parent_id, count in await tx.exec(statement) if parent_id}


async def names(tx: Transaction, alerts: Collection[Alert]) -> Mapping[UUID, str]:
    """Who took these on, put them off or closed them, by id."""
    wanted = {who for alert in alerts for who in (alert.acknowledged_by, alert.snoozed_by, alert.resolved_by) if who}
    return dict((await tx.exec(select(User.id, User.name).where(col(User.id).in_(wanted)))).all()) if wanted else {}


async def actions(
    tx: Transaction, *, alert_id: UUID | None = None, subject_id: UUID | None = None, limit: int = 100
) -> Sequence[tuple[CorrectiveAction, str | None]]:
    """What was done about an alert or a thing, the latest first, and by whom."""
    statement = select(CorrectiveAction, User.name).outerjoin(User, col(User.id) == CorrectiveAction.acted_by)
    if alert_id:
        statement = statement.where(CorrectiveAction.alert_id == alert_id)
    if subject_id:
        statement = statement.where(CorrectiveAction.subject_id == subject_id)
    statement = statement.where(visible(tx, CorrectiveAction))
    return (await tx.exec(statement.order_by(col(CorrectiveAction.acted_at).desc()).limit(limit))).all()


async def photo(tx: Transaction, action_id: UUID) -> File:
    """The photo of a corrective action that the actor may see."""
    statement = (
        select(File)
        .join(CorrectiveAction, col(CorrectiveAction.photo_file_id) == File.id)
        .where(CorrectiveAction.id == action_id, visible(tx, CorrectiveAction))
    )
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such photo.")
    return found


async def windows(tx: Transaction, *, since: datetime) -> Sequence[Window]:
    """The times in which nobody is told, as far as they end after that instant."""
    statement = select(Suppression).where(col(Suppression.lifted_at).is_(None), col(Suppression.ends_at) > since)
    return [
        Window(s.id, s.starts_at, s.ends_at, s.reason, s.subject_id, s.scope_id, s.alert_type) for s in await tx.exec(statement)
    ]


async def suppressions(tx: Transaction, *, at: datetime, limit: int = 200) -> Sequence[tuple[Suppression, str | None]]:
    """The times in which nobody is told and who agreed on them: those to come and under way first, then those that ended."""
    tx.actor.require("alerts.view")
    has_ended = or_(col(Suppression.lifted_at).is_not(None), col(Suppression.ends_at) <= at)
    statement = select(Suppression, User.name).outerjoin(User, col(User.id) == Suppression.created_by)
    scopes = tx.actor.scopes("alerts.view")
    if scopes is not None:
        statement = statement.where(or_(col(Suppression.scope_id).is_(None), col(Suppression.scope_id).in_(scopes)))
    return (await tx.exec(statement.order_by(has_ended, col(Suppression.starts_at).desc()).limit(limit))).all()


async def suppression(tx: Transaction, suppression_id: UUID, *, for_update: bool = False) -> Suppression:
    statement = select(Suppression).where(Suppression.id == suppression_id)
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such time.")
    return found


async def kinds(tx: Transaction) -> Sequence[tuple[str, str]]:
    """The kinds of alert that there have been here, each with the kind of thing it is about."""
    statement = select(Alert.subject_kind, Alert.alert_type).distinct().order_by(Alert.subject_kind, Alert.alert_type)
    return (await tx.exec(statement)).all()
