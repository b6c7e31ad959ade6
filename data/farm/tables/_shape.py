"""What the rows of this domain have in common."""

from typing import Any

from sqlalchemy import Boolean, SmallInteger, text
from sqlmodel import Field

SCHEMA = "farm"
LIVING = text("deleted_at is null")
OPEN_COMMAND = text("status in ('queued', 'sent', 'executing')")


def flag(default: bool) -> Any:
    return Field(default=default, sa_type=Boolean, nullable=False)


def small(*, nullable: bool = True, default: int | None = None) -> Any:
    return Field(default=default, sa_type=SmallInteger, nullable=nullable)
