"""Ten thousand schedules whose time comes within one minute: how late each of them runs, and that none is missed or doubled."""

import asyncio
import time
from bisect import bisect_right
from datetime import UTC, datetime, timedelta

import psycopg

from jobs.farm import run_schedules
from tests.bench.figures import AtMost, Figure, Reference, median
from tests.bench.stage import Installation, Stage, tuned_garbage_collection
from tests.factories.farm import build_farm

DEVICES = """
insert into farm.devices (id, organization_id, farm_id, topic, name, device_type, is_online, is_on, is_active, latest, output, dialect,
  on_total_s, on_cycles, error_count, updated_at)
select gen_random_uuid(), organization_id, farm_id, 'due-' || n, 'Relay ' || n, 'relay', true, false, true, '{}', 1, 'tasmota', 0, 0, 0, now()
from farm.devices, generate_series(1, %(most)s) n where id = %(fan)s"""
SCHEDULES = """
insert into farm.schedules (id, organization_id, farm_id, device_id, name, schedule_type, on_duration_s, off_duration_s, action, is_enabled,
  priority, missed_policy, failure_count, cycles_done, phase_since_at, next_run_at, created_at, updated_at)
select gen_random_uuid(), d.organization_id, d.farm_id, d.id, d.name, 'duration_based', 7200, 7200, 'on', true, 0, 'reconcile', 0, 0, t.at, t.at,
  now(), now()
from farm.devices d
cross join lateral (select %(first)s + make_interval(secs => (substr(d.topic, 5)::integer - 1) %% %(spread)s) as at) t where d.topic like 'due-%%'"""
YESTERDAY = """
with asked as (
  insert into farm.device_commands (id, organization_id, farm_id, device_id, command_type, source, priority, schedule_id, status, error_values,
    requested_at, expires_at, completed_at, attempt_count, created_at)
  select gen_random_uuid(), s.organization_id, s.farm_id, s.device_id, 'on', 'schedule', 0, s.id, 'completed', '{}', t.at, t.at, t.at, 1, t.at
  from farm.schedules s cross join lateral (select s.next_run_at - interval '1 day' as at) t returning *)
insert into farm.schedule_executions (id, organization_id, schedule_id, device_id, command_id, scheduled_time, executed_at, status, command_sent,
  error_values, is_late, created_at)
select gen_random_uuid(), organization_id, schedule_id, device_id, id, requested_at, requested_at, 'executed', '{}', '{}', false, requested_at from asked"""
"""A farm with so many schedules has a past; in tables that are still empty the database would choose its ways badly."""
PLAIN = """
insert into farm.schedule_executions (id, organization_id, schedule_id, device_id, scheduled_time, status, command_sent, error_values, is_late)
select gen_random_uuid(), organization_id, schedule_id, device_id, scheduled_time - interval '7 days', 'pending', '{}', '{}', false
from farm.schedule_executions where scheduled_time > %(first)s - interval '1 hour'"""


async def figures(stage: Stage) -> list[Figure]:
    most = stage.size(10_000, 200)
    found: list[Figure] = []
    for spread in (60, 1) if not stage.is_quick else (4, 1):
        async with stage.installation(f"due_{spread}") as here:
            found += await _spread(here, most, spread)
    return found


async def _spread(here: Installation, most: int, spread: int) -> list[Figure]:
    farm = await build_farm(here.world.owner, prefix="bench")
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3 + most // 800)
    with here.owner() as connection, tuned_garbage_collection():
        connection.execute(DEVICES, {"most": most, "fan": farm.fan.id})
        connection.execute(SCHEDULES, {"first": first, "spread": spread})
        connection.execute(YESTERDAY)
        connection.execute("analyze farm.schedules, farm.devices, farm.device_commands, farm.schedule_executions")
        turns = await _turns(first, first + timedelta(seconds=spread), connection, most)
        busy = sum((end - begin).total_seconds() for begin, end in turns)
        lags, once, doubled = _lags(connection, turns, first)
        assert len(lags) == once == most, f"{len(lags)} ran, {once} once, of {most}"
        assert doubled == 0, f"{doubled} devices were asked twice"
        begun = time.perf_counter()
        connection.execute(PLAIN, {"first": first})
        plain = time.perf_counter() - begun
    words = f"{most:,} schedules within {spread} s" if spread > 1 else f"{most:,} schedules at one second"
    lags.sort()
    return [
        Figure(f"{words}: late by, p50", median(lags), "ms", aim=AtMost(1_000) if spread > 1 else None),
        Figure("  p99", lags[int(len(lags) * 0.99)], "ms", aim=AtMost(1_000 if spread > 1 else 5_000)),
        Figure("  missed or doubled", most - once + doubled, "", aim=AtMost(0)),
        Figure("  work for each", busy / most * 1_000, "ms", Reference("its row of the ledger by plain SQL", plain / most * 1_000)),
    ]


async def _turns(first: datetime, until: datetime, connection: psycopg.Connection, most: int) -> list[tuple[datetime, datetime]]:
    """Run the job at each whole second, as the timetable does; when each turn began and ended."""
    turns: list[tuple[datetime, datetime]] = []
    while True:
        at = datetime.now(UTC)
        await run_schedules()
        turns.append((at, datetime.now(UTC)))
        row = connection.execute("select count(*) from farm.schedule_executions where scheduled_time >= %s", [first]).fetchone()
        if at > until and row and row[0] >= most:
            return turns
        assert at < until + timedelta(seconds=120), f"only {row} ran"
        await asyncio.sleep(1 - datetime.now(UTC).microsecond / 1e6)


def _lags(connection: psycopg.Connection, turns: list[tuple[datetime, datetime]], first: datetime) -> tuple[list[float], int, int]:
    """How late each ran in ms, how many schedules have run, and how many devices were asked more than once.

    Counted until the next batch began, or the turn ended: its command was surely there by then.
    """
    since = "where scheduled_time >= %s"
    rows = connection.execute(f"select scheduled_time, executed_at from farm.schedule_executions {since} and command_id is not null", [first]).fetchall()
    counts = connection.execute(f"select count(distinct schedule_id) from farm.schedule_executions {since}", [first]).fetchone()
    doubled = connection.execute("select count(*) - count(distinct device_id) from farm.device_commands where requested_at >= %s", [first]).fetchone()
    assert counts and doubled
    marks = sorted({executed for _, executed in rows} | {end for _, end in turns})
    ends = [(marks[bisect_right(marks, executed)] - planned).total_seconds() for planned, executed in rows]
    return [end * 1_000 for end in ends], counts[0], doubled[0]
