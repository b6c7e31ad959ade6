"""A job is made by a phone, belongs to one phone at a time, and is about one tree of one customer."""

from typing import Any
from uuid import UUID

from sqlmodel import func, select

from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now
from data.trees.commands.devices import ASSESS
from data.trees.commands.numbers import next_number, one_at_a_time
from data.trees.commands.story import tell
from data.trees.queries import devices, jobs
from data.trees.rules.asking import NewJob
from data.trees.rules.progress import refusal_to_change_job, tree_number
from data.trees.tables import BillingProfile, Customer, Device, Job, JobAssignment, Tree
from data.trees.words import AssignedBy, DeviceRole


async def create(tx: Transaction, device_id: UUID, asked: NewJob, *, idempotency_key: str | None = None) -> tuple[Job, bool]:
    """A new job for the device that makes it, and whether it is new: the same key again answers the same job."""
    tx.actor.require(ASSESS)
    device = await devices.approved(tx, device_id)
    await one_at_a_time(tx, "jobs")
    if idempotency_key and (made := await _made_before(tx, device, idempotency_key)):
        return made, False
    number = await next_number(tx, "jobs", "J")
    customer, billing = await _customer(tx, asked), await _billing(tx, asked)
    wanted = tree_number(asked.tree_number)
    tree = await resolve_tree(tx, customer.id, wanted) if wanted else None
    job = Job(
        job_number=number, customer_id=customer.id, billing_profile_id=billing.id, tree_id=tree.id if tree else None,
        project_id=asked.project_id or None, job_name=asked.job_name, job_address=asked.job_address,
        job_phone=asked.job_phone, contact_preference=asked.contact_preference, reason=asked.reason or None,
        location_notes=asked.location_notes or None, tree_species=tree.tree_species if tree else None,
        latitude=tree.latitude if tree else None, longitude=tree.longitude if tree else None,
        created_by_device_id=device.id, idempotency_key=idempotency_key,
    )  # fmt: skip
    tx.add(job)
    await tx.flush()
    tx.add(JobAssignment(job_id=job.id, device_id=device.id, assigned_by=AssignedBy.CREATED))
    tell(tx, "job_created", job=job, device=device, job_number=number)
    return job, True


async def change(tx: Transaction, device_id: UUID, job_id: UUID, changes: dict[str, str | None]) -> Job:
    """Change the job's own words. Conflict when it is archived or being processed."""
    tx.actor.require(ASSESS)
    device, job = await hold(tx, device_id, job_id)
    if refusal := refusal_to_change_job(job.status, is_admin=device.role is DeviceRole.ADMIN):
        raise Conflict(refusal)
    for name, value in changes.items():
        setattr(job, name, value)
    job.updated_at = now()
    tx.add(job)
    tell(tx, "job_changed", job=job, device=device, fields=sorted(changes))
    return job


async def hold(tx: Transaction, device_id: UUID, job_id: UUID) -> tuple[Device, Job]:
    """The device and the job it is about to change, held until the commit. A job that nobody has becomes its own."""
    device = await devices.approved(tx, device_id)
    job = await jobs.job_for(tx, device, job_id, for_update=True)
    device.last_seen_at = now()
    tx.add(device)
    if await jobs.assignment(tx, job.id) is None:
        tx.add(JobAssignment(job_id=job.id, device_id=device.id, assigned_by=AssignedBy.CLAIMED))
        tell(tx, "job_assigned", job=job, device=device)
    return device, job


async def resolve_tree(tx: Transaction, customer_id: UUID, number: int | None) -> Tree:
    """The customer's tree of that number, made when there is none; without a number, a new tree with the next one."""
    await tx.exec(select(Customer.id).where(Customer.id == customer_id).with_for_update())
    if number is None:
        highest = select(func.max(Tree.tree_number)).where(Tree.customer_id == customer_id)
        number = ((await tx.exec(highest)).one() or 0) + 1
    tree = (await tx.exec(select(Tree).where(Tree.customer_id == customer_id, Tree.tree_number == number))).one_or_none()
    if tree is None:
        tree = Tree(customer_id=customer_id, tree_number=number)
        tx.add(tree)
        await tx.flush()
    return tree


async def _made_before(tx: Transaction, device: Device, key: str) -> Job | None:
    statement = select(Job).where(Job.created_by_device_id == device.id, Job.idempotency_key == key)
    return (await tx.exec(statement)).one_or_none()


async def _customer(tx: Transaction, asked: NewJob) -> Customer:
    same: dict[str, Any] = {"name": asked.customer_name or asked.job_name, "phone": asked.job_phone, "address": asked.job_address}
    found = (await tx.exec(select(Customer).filter_by(**same, deleted_at=None))).one_or_none()
    if found is None:
        found = Customer(customer_code=await next_number(tx, "customers", "C"), **same)
        tx.add(found)
        await tx.flush()
    return found


async def _billing(tx: Transaction, asked: NewJob) -> BillingProfile:
    same: dict[str, Any] = {
        "billing_name": asked.billing_name, "billing_contact_name": asked.billing_contact_name,
        "billing_address": asked.billing_address,
    }  # fmt: skip
    found = (await tx.exec(select(BillingProfile).filter_by(**same, deleted_at=None))).one_or_none()
    if found is None:
        code = await next_number(tx, "billing_profiles", "B")
        found = BillingProfile(billing_code=code, contact_preference=asked.contact_preference, **same)
        tx.add(found)
        await tx.flush()
    return found
