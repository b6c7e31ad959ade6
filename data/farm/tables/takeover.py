"""An older installation is taken over: which of its rows became which of ours, so that doing it again changes nothing."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import UniqueConstraint

from data.core.table import Stamped, Tenant, document, tenant_args, text_column
from data.farm.tables._shape import SCHEMA


class TakenOver(Tenant, Stamped, table=True):
    """One row of a version 1 file and what it became. `row` is what it said then."""

    __tablename__ = "taken_over"
    __table_args__ = tenant_args(SCHEMA, UniqueConstraint("organization_id", "source", "source_table", "source_id", "part"))
    audited: ClassVar[bool] = False

    source: str = text_column(nullable=False)
    source_table: str = text_column(nullable=False)
    source_id: str = text_column(nullable=False)
    part: str = text_column(nullable=False, default="")
    target: str = text_column(nullable=False)
    target_id: UUID
    row: dict[str, Any] = document()
