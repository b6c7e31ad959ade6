"""The sentences every migration says again: the wall around a tenant table, and a stream cut by time."""

from alembic import op

APP, SWEEP = "steading_app", "steading_sweep"
SAME_ORGANIZATION = "organization_id = nullif(current_setting('app.organization_id', true), '')::uuid"


def schema(name: str) -> None:
    """A domain's schema, which both roles may look into."""
    op.execute(f"create schema if not exists {name}")
    op.execute(f"grant usage on schema {name} to {APP}, {SWEEP}")


def wall(table: str, *, using: str = SAME_ORGANIZATION, grants: str = "select, insert, update, delete") -> None:
    """Row-level security, forced: the application sees one organization, the sweep role sees all, and so does the owner, who
    migrates and cuts streams (an owner that is no superuser is behind the wall too)."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy same_organization on {table} to {APP} using ({using}) with check ({using})")
    op.execute(f"create policy upkeep on {table} to current_user using (true) with check (true)")
    op.execute(f"create policy every_organization on {table} to {SWEEP} using (true) with check (true)")
    op.execute(f"grant {grants} on {table} to {APP}")
    op.execute(f"grant select, insert, update, delete on {table} to {SWEEP}")


def stream(table: str, *, step: str = "month", ahead: str = "3 months", retention: str | None = None) -> None:
    """Cut a range-partitioned table by 'month' or 'day': a default piece, last period's, this one's and those ahead."""
    kept = f"'{retention}'" if retention else "null"
    op.execute(f"create table {table}_default partition of {table} default")
    op.execute(f"select platform.close_partition('{table}_default')")
    op.execute(f"insert into platform.partitioned_tables values ('{table}', '{step}', '{ahead}', {kept})")
    op.execute(f"select platform.make_partitions('{table}', now() - interval '1 {step}', now() + interval '{ahead}')")
