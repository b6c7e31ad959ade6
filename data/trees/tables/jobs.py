"""A customer asks for a tree to be looked at: that is a job, and one phone at a time has it."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from data.core.table import SoftDeleted, Stamped, Tenant, belongs_to, document, instant, tenant_args, text_column, word
from data.trees.words import AssignedBy, JobStatus, RiskRating

SCHEMA = "trees"

ON_EARTH = "(latitude is null) = (longitude is null) and latitude between -90 and 90 and longitude between -180 and 180"


class RuntimeCounter(SQLModel, table=True):
    """The last number given out for jobs, customers and billing profiles; taking one holds the row until the commit."""

    __tablename__ = "runtime_counters"
    __table_args__ = {"schema": SCHEMA}
    audited: ClassVar[bool] = False

    organization_id: UUID = Field(primary_key=True, foreign_key="identity.organizations.id")
    counter_name: str = text_column(primary_key=True)
    last_value: int


class Customer(Tenant, Stamped, SoftDeleted, table=True):
    """Who owns trees. Name, phone and address together tell customers apart."""

    __tablename__ = "customers"
    __table_args__ = tenant_args(
        SCHEMA,
        Index("uq_customers_customer_code", "organization_id", "customer_code", unique=True),
        Index(
            "uq_customers_identity", "organization_id", "name", "phone", "address",
            unique=True, postgresql_where=text("deleted_at is null"),
        ),
    )  # fmt: skip

    customer_code: str = text_column(nullable=False)
    name: str = text_column(nullable=False)
    phone: str = text_column(nullable=False, default="")
    address: str = text_column(nullable=False, default="")


class BillingProfile(Tenant, Stamped, SoftDeleted, table=True):
    """Whom the invoice goes to."""

    __tablename__ = "billing_profiles"
    __table_args__ = tenant_args(
        SCHEMA,
        Index("uq_billing_profiles_billing_code", "organization_id", "billing_code", unique=True),
        Index(
            "uq_billing_profiles_identity", "organization_id", "billing_name", "billing_contact_name", "billing_address",
            unique=True, postgresql_where=text("deleted_at is null"),
        ),
    )  # fmt: skip

    billing_code: str = text_column(nullable=False)
    billing_name: str = text_column(nullable=False)
    billing_contact_name: str = text_column(nullable=False, default="")
    billing_address: str = text_column(nullable=False, default="")
    contact_preference: str = text_column(nullable=False, default="")


class Operator(Tenant, Stamped, SoftDeleted, table=True):
    """Who stands behind a final: the assessor or reviewer with the number of their qualification."""

    __tablename__ = "operators"
    __table_args__ = tenant_args(
        SCHEMA,
        Index("uq_operators_user_id", "organization_id", "user_id", unique=True, postgresql_where=text("deleted_at is null")),
    )

    display_name: str = text_column(nullable=False)
    user_id: UUID | None = Field(default=None, foreign_key="identity.users.id")
    phone: str | None = text_column(nullable=True)
    isa_number: str | None = text_column(nullable=True)
    correspondence: dict[str, Any] = document()


class Tree(Tenant, Stamped, SoftDeleted, table=True):
    """One tree of a customer, by the number it has there; jobs come back to it over the years."""

    __tablename__ = "trees"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("customer_id", "trees.customers"),
        Index("uq_trees_tree_number", "organization_id", "customer_id", "tree_number", unique=True),
        CheckConstraint("tree_number > 0", name="tree_number"),
        CheckConstraint(ON_EARTH, name="position"),
    )

    customer_id: UUID
    tree_number: int
    tree_species: str | None = text_column(nullable=True)
    latitude: float | None = None
    longitude: float | None = None


class Job(Tenant, Stamped, SoftDeleted, table=True):
    """One visit to one tree. `idempotency_key` is the phone's own word for its request to make the job."""

    __tablename__ = "jobs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("customer_id", "trees.customers"),
        belongs_to("billing_profile_id", "trees.billing_profiles"),
        belongs_to("tree_id", "trees.trees"),
        belongs_to("operator_id", "trees.operators"),
        belongs_to("created_by_device_id", "trees.devices"),
        Index("uq_jobs_job_number", "organization_id", "job_number", unique=True),
        Index("uq_jobs_idempotency_key", "organization_id", "created_by_device_id", "idempotency_key", unique=True),
        Index("ix_jobs_status", "organization_id", "status", "created_at"),
        Index("ix_jobs_customer_id", "organization_id", "customer_id"),
        Index("ix_jobs_tree_id", "organization_id", "tree_id"),
        CheckConstraint(ON_EARTH, name="position"),
    )

    job_number: str = text_column(nullable=False)
    status: JobStatus = word(JobStatus, "job_status", SCHEMA, default=JobStatus.NOT_STARTED)
    customer_id: UUID
    billing_profile_id: UUID
    tree_id: UUID | None = None
    operator_id: UUID | None = None
    project_id: str | None = text_column(nullable=True)
    job_name: str = text_column(nullable=False)
    job_address: str = text_column(nullable=False)
    job_phone: str = text_column(nullable=False)
    contact_preference: str = text_column(nullable=False)
    reason: str | None = text_column(nullable=True)
    location_notes: str | None = text_column(nullable=True)
    tree_species: str | None = text_column(nullable=True)
    risk_rating: RiskRating | None = word(RiskRating, "risk_rating", SCHEMA, nullable=True)
    latitude: float | None = None
    longitude: float | None = None
    created_by_device_id: UUID | None = None
    idempotency_key: str | None = text_column(nullable=True)
    archived_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class JobAssignment(Tenant, table=True):
    """Which device has the job now; there is one at most."""

    __tablename__ = "job_assignments"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("job_id", "trees.jobs", on_delete="CASCADE"),
        belongs_to("device_id", "trees.devices"),
        Index("uq_job_assignments_job_id", "organization_id", "job_id", unique=True),
        Index("ix_job_assignments_device_id", "organization_id", "device_id"),
    )

    job_id: UUID
    device_id: UUID
    assigned_by: AssignedBy = word(AssignedBy, "assigned_by", SCHEMA, default=AssignedBy.CREATED)
    assigned_by_user_id: UUID | None = Field(default=None, foreign_key="identity.users.id")
    assigned_at: datetime = instant(default_now=True)
