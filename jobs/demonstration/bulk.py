"""A month of the past is poured in, a table at a time: copied beside it, then taken over, so that the wall stays shut."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection, sql
from sqlalchemy import text

from data.core.session import Transaction, across_tenants

STREAMS = (
    "cold_chain.sensor_readings", "cold_chain.door_events", "farm.sensor_readings", "farm.reading_metrics",
    "tracking.location_reports", "deliveries.driver_location_events",
)  # fmt: skip


async def make_room(start: datetime, end: datetime) -> None:
    """Make the pieces of every stream that the past needs; those that are there stay."""
    async with across_tenants("demonstration") as tx:
        for stream in STREAMS:
            await tx.execute(text("select platform.make_partitions(:stream, :start, :end)"), {"stream": stream, "start": start, "end": end})


async def pour(tx: Transaction, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Add rows of this organization to `schema.table`, those that are there already left as they are; how many were given.

    About 60,000 rows a second; values are what psycopg takes for each column. `organization_id` is added to each row.
    """
    connection = await _driver(tx)
    named = sql.SQL(", ").join(map(sql.Identifier, columns))
    target = sql.Identifier(*table.split("."))
    count = 0
    async with connection.cursor() as cursor:
        await cursor.execute(sql.SQL("create temporary table poured on commit drop as select {} from {} with no data").format(named, target))
        async with cursor.copy(sql.SQL("copy poured ({}) from stdin").format(named)) as copy:
            for row in rows:
                await copy.write_row(row)
                count += 1
        await cursor.execute(
            sql.SQL("insert into {} (organization_id, {}) select {}, {} from poured on conflict do nothing").format(
                target, named, sql.Literal(tx.organization_id), named
            )
        )
        await cursor.execute("drop table poured")
    return count


async def _driver(tx: Transaction) -> AsyncConnection[Any]:
    await tx.flush()
    raw = await (await tx.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, AsyncConnection)
    return connection
