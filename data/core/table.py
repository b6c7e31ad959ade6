"""Rows share a shape: an id that sorts by age, an owner organization behind its wall, instants that end in `_at`."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import DateTime, ForeignKeyConstraint, MetaData, Numeric, Text, UniqueConstraint, text
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel
from uuid_utils.compat import uuid7

SCHEMAS = (
    "identity", "audit", "platform", "alerts", "notifications", "cold_chain", "farm", "tracking", "deliveries", "trees",
)  # fmt: skip

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata: MetaData = SQLModel.metadata


class Row(SQLModel):
    """A row with an id of its own. `audited` turns on the event log for changes made through the session."""

    audited: ClassVar[bool] = True
    secrets: ClassVar[frozenset[str]] = frozenset()
    """Columns whose values never reach the event log; that they changed does."""
    quiet: ClassVar[frozenset[str]] = frozenset()
    """Columns that change too often to be worth a line (a last-seen time)."""

    id: UUID = Field(default_factory=uuid7, primary_key=True)


class Tenant(Row):
    """A row that belongs to one organization. The session fills `organization_id` from the actor at flush."""

    organization_id: UUID = Field(default=None, foreign_key="identity.organizations.id", nullable=False)


def tenant_args(schema: str, *more: Any, **options: Any) -> tuple[Any, ...]:
    """`__table_args__` of a tenant table: its schema, and the pair that a child's foreign key names."""
    return (UniqueConstraint("organization_id", "id"), *more, {"schema": schema, **options})


def belongs_to(column: str, target: str, *, on_delete: str | None = None) -> ForeignKeyConstraint:
    """A foreign key that names the organization too, so that a row cannot point into another one.

    `target` is `schema.table`. With `on_delete='SET NULL'` only the column itself is emptied.
    """
    if on_delete == "SET NULL":
        on_delete = f"SET NULL ({column})"
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{target}.organization_id", f"{target}.id"], ondelete=on_delete
    )


def instant(*, default_now: bool = False, nullable: bool = False, **options: Any) -> Any:
    """A `timestamptz`. `default_now` lets the database fill it at insert."""
    if default_now:
        options["sa_column_kwargs"] = {"server_default": text("now()")}
    elif nullable:
        options.setdefault("default", None)
    return Field(sa_type=DateTime(timezone=True), nullable=nullable, **({"default": None} | options))


def celsius(*, nullable: bool = True) -> Any:
    """`numeric(7,2)` degrees Celsius."""
    return Field(default=None, sa_type=Numeric(7, 2), nullable=nullable)


def document(*, nullable: bool = False) -> Any:
    """`jsonb`; an empty object unless it may be missing."""
    default: dict[str, Any] = {"default": None} if nullable else {"default_factory": dict}
    return Field(sa_type=JSONB, nullable=nullable, **default)


def words(kind: type[StrEnum], name: str, schema: str) -> SqlEnum:
    """The PostgreSQL enum `schema.name` holding the values of a StrEnum."""
    return SqlEnum(kind, name=name, schema=schema, values_callable=lambda members: [m.value for m in members])


def word(kind: type[StrEnum], name: str, schema: str, *, default: StrEnum | None = None, **options: Any) -> Any:
    """A column of that enum."""
    return Field(default=default, sa_type=words(kind, name, schema), nullable=options.pop("nullable", False), **options)


def text_column(**options: Any) -> Any:
    """Unlimited text (SQLModel would make it varchar)."""
    return Field(sa_type=Text, **({"default": None} | options))


class Stamped(SQLModel):
    """When a row was made."""

    created_at: datetime = instant(default_now=True)


class SoftDeleted(SQLModel):
    """A row that is taken away from view and kept."""

    deleted_at: datetime | None = instant(nullable=True)


__all__ = [
    "SCHEMAS", "Decimal", "Row", "SoftDeleted", "Stamped", "Tenant", "belongs_to", "celsius", "document", "instant",
    "metadata", "tenant_args", "text_column", "uuid7", "word", "words",
]  # fmt: skip
