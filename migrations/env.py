"""Alembic's entry: runs on a connection that the caller opened as the owner."""

from typing import Any

from alembic import context

import data.tables  # noqa: F401 - every table is known
from data.core.table import SCHEMAS, metadata


def is_ours(name: str | None, kind: str, parents: Any) -> bool:
    """Whether autogenerate should compare it: our schemas, and not the pieces of partitioned tables."""
    if kind == "schema":
        return name in SCHEMAS
    if kind == "table":
        return f"{parents['schema_name']}.{name}" in metadata.tables
    return True


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    include_name=is_ours,
    version_table_schema="public",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
