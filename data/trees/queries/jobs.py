"""Tree jobs: as a list for those who plan and review, one by one, and as seen from the phone that has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, SQLColumnExpression, UnaryExpression, func, or_, true
from sqlalchemy import select as select_many
from sqlmodel import col, select

from data.core.errors import Forbidden, NotFound
from data.core.session import Transaction
from data.trees.tables import BillingProfile, Customer, Device, Job, JobAssignment, JobRound, Tree
from data.trees.words import DeviceRole, JobStatus, RiskRating

LATEST = select(func.max(JobRound.round_number)).where(JobRound.job_id == Job.id).correlate(Job).scalar_subquery()


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job with the names around it."""

    job: Job
    customer: Customer
    billing: BillingProfile
    tree: Tree | None
    round: JobRound | None
    """The latest round."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a job is, for the map."""

    job_id: UUID
    job_number: str
    latitude: float
    longitude: float
    status: JobStatus
    risk_rating: RiskRating | None
    at: datetime


def visible(tx: Transaction, permission: str = "trees.view") -> ColumnElement[bool]:
    """The part of a `where` that keeps the jobs of the customers that the actor's right reaches."""
    scopes = tx.actor.scopes(permission)
    return true() if scopes is None else col(Job.customer_id).in_(scopes)


async def job(tx: Transaction, job_id: UUID, *, permission: str = "trees.view", for_update: bool = False) -> Job:
    """One job, for somebody whose right reaches it; NotFound otherwise, so that nobody learns what others have."""
    tx.actor.require(permission)
    statement = select(Job).where(Job.id == job_id, col(Job.deleted_at).is_(None), visible(tx, permission))
    found = (await tx.exec(statement.with_for_update(of=Job) if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such job.")
    return found


async def assignment(tx: Transaction, job_id: UUID) -> JobAssignment | None:
    """Which device has the job."""
    return (await tx.exec(select(JobAssignment).where(JobAssignment.job_id == job_id))).one_or_none()


async def job_for(tx: Transaction, device: Device, job_id: UUID, *, for_update: bool = False) -> Job:
    """One job as a device sees it: its own, one that nobody has, or any for an admin's. Forbidden for another's."""
    statement = select(Job).where(Job.id == job_id, col(Job.deleted_at).is_(None))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such job.")
    held = await assignment(tx, job_id)
    if held and held.device_id != device.id and device.role is not DeviceRole.ADMIN:
        raise Forbidden("Another device has this job.")
    return found


async def assigned(tx: Transaction, device: Device) -> Sequence[JobRow]:
    """The jobs that a device has, the newest first; for an admin's device all of them."""
    where: ColumnElement[bool] = true()
    if device.role is not DeviceRole.ADMIN:
        where = col(Job.id).in_(select(JobAssignment.job_id).where(JobAssignment.device_id == device.id))
    return await _rows(tx, where, order=[col(Job.id).desc()])


async def row(tx: Transaction, job_id: UUID) -> JobRow:
    """One job with the names around it, for whoever could already see the job."""
    return (await _rows(tx, col(Job.id) == job_id))[0]


SORTS: dict[str, SQLColumnExpression[Any]] = {
    "number": col(Job.job_number), "customer": func.lower(col(Customer.name)), "address": func.lower(col(Job.job_address)),
    "tree": col(Tree.tree_number), "species": func.lower(col(Job.tree_species)), "status": col(Job.status),
    "rating": col(Job.risk_rating), "age": col(Job.created_at),
}  # fmt: skip


async def page(
    tx: Transaction, *, offset: int = 0, limit: int = 25, status: JobStatus | None = None, search: str = "", sort: str = "",
    descending: bool = False,
) -> tuple[Sequence[JobRow], int]:  # fmt: skip
    """A page of the jobs somebody may see, and how many there are; `search` looks at number, names, address, species."""
    tx.actor.require("trees.view")
    where = [visible(tx)]
    if status:
        where.append(col(Job.status) == status)
    if search.strip():
        like = "%" + search.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        texts = (Job.job_number, Job.job_name, Job.job_address, Job.tree_species, Customer.name)
        where.append(or_(*(col(text).ilike(like) for text in texts)))
    key = SORTS.get(sort, SORTS["age"])
    by = key.desc().nulls_last() if descending or sort not in SORTS else key.asc().nulls_last()
    count = select(func.count()).select_from(Job).join(Customer, col(Customer.id) == Job.customer_id)
    total = (await tx.exec(count.where(col(Job.deleted_at).is_(None), *where))).one()
    return await _rows(tx, *where, order=[by, col(Job.id).desc()], offset=offset, limit=limit), total


async def _rows(
    tx: Transaction, *where: ColumnElement[bool], order: Sequence[UnaryExpression[Any]] = (), offset: int = 0, limit: int = 500
) -> Sequence[JobRow]:
    statement = (
        select_many(Job, Customer, BillingProfile, Tree, JobRound)
        .join(Customer, col(Customer.id) == Job.customer_id)
        .join(BillingProfile, col(BillingProfile.id) == Job.billing_profile_id)
        .outerjoin(Tree, col(Tree.id) == Job.tree_id)
        .outerjoin(JobRound, (col(JobRound.job_id) == Job.id) & (col(JobRound.round_number) == LATEST))
        .where(col(Job.deleted_at).is_(None), *where)
    )
    return [JobRow(*found) for found in await tx.execute(statement.order_by(*order).offset(offset).limit(limit))]


async def counts(tx: Transaction) -> dict[JobStatus, int]:
    """How many of the jobs somebody may see stand where, in the order in which a job goes on."""
    tx.actor.require("trees.view")
    statement = select(Job.status, func.count()).where(visible(tx), col(Job.deleted_at).is_(None)).group_by(col(Job.status))
    found = {JobStatus(status): count for status, count in await tx.exec(statement)}
    return {status: found[status] for status in JobStatus if status in found}


async def positions(tx: Transaction) -> Sequence[Position]:
    """Where the jobs are that somebody may see and that are not archived."""
    tx.actor.require("trees.view")
    statement = select(Job).where(
        visible(tx), col(Job.deleted_at).is_(None), col(Job.latitude).is_not(None), Job.status != JobStatus.ARCHIVED
    )
    return [
        Position(j.id, j.job_number, j.latitude, j.longitude, j.status, j.risk_rating, j.updated_at)
        for j in await tx.exec(statement.limit(5000))
        if j.latitude is not None and j.longitude is not None
    ]
