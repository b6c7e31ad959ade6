"""What the rows of this domain have in common."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, Numeric, SmallInteger, func, text
from sqlmodel import Field, SQLModel

from data.core.table import instant

SCHEMA = "cold_chain"
LIVING = text("deleted_at is null")


def small(*, nullable: bool = True, default: int | None = None) -> Any:
    return Field(default=default, sa_type=SmallInteger, nullable=nullable)


def flag(default: bool) -> Any:
    return Field(default=default, sa_type=Boolean, nullable=False)


class Edited(SQLModel):
    """When a row was last changed by anything but its sensor."""

    updated_at: datetime = instant(sa_column_kwargs={"server_default": text("now()"), "onupdate": func.now()})


def percent() -> Any:
    """`numeric(5,2)`, 0 to 100."""
    return Field(default=None, sa_type=Numeric(5, 2))


__all__ = ["LIVING", "SCHEMA", "Decimal", "Edited", "flag", "percent", "small"]
