"""Hours that have got new readings are marked, taken up and counted; neither side waits for the other, and nothing is forgotten between.

Readings are kept and their hours marked by one statement; a mark that stands already is left alone. A mark is taken up in two steps:

1. `claim` gives a mark the number of the claiming transaction. From its commit on, new readings of that hour make a new mark.
2. `take` hands a claimed hour out once every transaction that may have relied on the old mark has ended; who has counted it says
   so (`done`) in the same transaction. Who dies between the two leaves the mark where it is.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from data.core import columns
from data.core.columns import Column
from data.core.session import Transaction

SETTLE = timedelta(minutes=5)
"""An hour that is not over is counted at most this often."""
AT_ONCE = 2_000

PLAN_ANEW = text("set local plan_cache_mode = force_custom_plan")
"""A plan that is made for any hours there may be is made for none."""

Packer = Callable[[Collection[Any]], Column]


class Stale(NamedTuple):
    """An hour of a thing that is to be counted, and the number of its claim."""

    organization_id: UUID
    thing: tuple[Any, ...]
    hour: datetime
    claim: int


class Marks:
    """The marks in one table: (organization_id, what names the thing, hour, claim, marked_at). `things` says how each column that
    names the thing travels; `lock` is the number under which one process at a time counts."""

    def __init__(self, table: str, things: Mapping[str, Packer], *, lock: int) -> None:
        self._things, self._lock = things, lock
        names = ", ".join(things)
        self.unnested = f"unnest(:organizations, {', '.join(f':{name}s' for name in things)}, :hours)"
        self.columns = f"(organization_id, {names}, hour)"
        self._claim = text(f"""
update {table} set claim = pg_current_xact_id()::text::bigint
where claim = 0 and (hour + interval '1 hour' <= :at or marked_at <= :settled)
""")
        self._ripe = text(f"""
select organization_id, {names}, hour, max(claim) from {table}
where claim > 0 and claim < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
group by organization_id, {names}, hour order by organization_id, {names}, hour limit :at_once
""")
        same = " and ".join(f"s.{name} = d.{name}" for name in ("organization_id", *things, "hour"))
        self._done = text(f"""
delete from {table} where ctid = any(array(
  select s.ctid from {self.unnested} d {self.columns}
  cross join lateral (select ctid from {table} s where {same} and s.claim > 0 and s.claim <= :newest offset 0) s
))
""")

    async def claim(self, tx: Transaction, at: datetime) -> int:
        """Take up (across tenants) the marks of hours that are over, and older ones of hours that are not; how many."""
        result = await tx.execute(self._claim, {"at": at, "settled": at - SETTLE})
        return int(result.rowcount)  # type: ignore[attr-defined]

    async def take(self, tx: Transaction, *, at_once: int = AT_ONCE) -> list[Stale]:
        """The next claimed hours (across tenants) that nobody writes into any more under the old mark.

        None also where another process is counting: two that added up the same day would not see each other's hours.
        """
        await tx.execute(PLAN_ANEW)
        if not (await tx.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": self._lock})).scalar():
            return []
        return [Stale(row[0], tuple(row[1:-2]), row[-2], row[-1]) for row in await tx.execute(self._ripe, {"at_once": at_once})]

    async def done(self, tx: Transaction, stale: Sequence[Stale]) -> None:
        """These are counted. Mark by mark through the key: statistics do not know that many are claimed all of a sudden, and a join
        would go through all of them for each."""
        await tx.execute(self._done, self.packed(stale) | {"newest": max(one.claim for one in stale)})

    def packed(self, stale: Sequence[Stale]) -> dict[str, Any]:
        """The hours as the columns of `unnested`."""
        things = {f"{name}s": pack([one.thing[n] for one in stale]) for n, (name, pack) in enumerate(self._things.items())}
        ids = columns.ids([one.organization_id for one in stale])
        return {"organizations": ids, "hours": columns.instants(one.hour for one in stale)} | things
