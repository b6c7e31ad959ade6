"""An empty database before each test: one question says which tables have rows, over a connection that stays."""

import psycopg
from psycopg.rows import scalar_row

SCHEMAS = ["identity", "audit", "platform", "alerts", "notifications", "cold_chain", "farm", "tracking", "deliveries", "trees"]
KEEP = {"platform.partitioned_tables"}
TABLES = (
    "select oid::regclass::text from pg_class where relkind = 'r' and relnamespace = any(%s::regnamespace[])"
    " order by oid"
)
"""Partitions are asked one by one: most never have a row, and opening their parents takes longer than looking."""


class Broom:
    """Deletes every row that a test may have made; tables stay."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: psycopg.Connection[str] | None = None
        self._tables: list[str] = []

    def sweep(self) -> None:
        try:
            self._sweep()
        except psycopg.OperationalError as reason:  # a test had ended every connection
            if isinstance(reason, psycopg.errors.DeadlockDetected):
                raise
            self.close()
            self._sweep()

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection, self._tables = None, []

    def _sweep(self) -> None:
        if self._connection is None:
            self._connection = psycopg.connect(self._url, autocommit=True, row_factory=scalar_row)
            self._connection.execute("set session_replication_role = replica")  # once: every change of it forgets all plans
        filled = self._filled(self._connection)
        for tries_left in (2, 1, 0) if filled else ():
            try:
                with self._connection.transaction():
                    for table in filled:
                        self._connection.execute(f"delete from only {table}")
                break
            except psycopg.errors.DeadlockDetected:  # the served process was at work on the same rows
                if not tries_left:
                    raise

    def _filled(self, connection: psycopg.Connection[str]) -> list[str]:
        """The tables that have rows. The question is a function, so that PostgreSQL plans it once, not at every test."""
        tables = [name for name in connection.execute(TABLES, [SCHEMAS]) if name not in KEEP]
        if tables != self._tables:
            looks = "\n".join(f"if exists (select from only {name}) then return next '{name}'; end if;" for name in tables)
            connection.execute(f"create or replace function pg_temp.filled() returns setof text language plpgsql as $$begin\n{looks}\nend$$")
            self._tables = tables
        return connection.execute("select * from pg_temp.filled()").fetchall()
