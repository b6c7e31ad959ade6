import asyncio

import psycopg
import pytest
from apscheduler.triggers.interval import IntervalTrigger

from data.core.errors import Forbidden
from data.core.session import transaction
from data.platform import queries
from data.platform.tables import ScheduledJob
from jobs.timetable import LEADER_LOCK, Line, Timetable
from tests.factories.people import World


async def soon(condition: object, *, within_s: float = 10.0) -> bool:
    assert callable(condition)
    for _ in range(int(within_s / 0.05)):
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_one_of_two_leads_and_the_other_takes_over_when_its_connection_dies(
    world: World, app_conninfo: str, owner_connection: psycopg.Connection
) -> None:
    ran: list[str] = []

    def lines(name: str) -> list[Line]:
        async def job() -> None:
            ran.append(name)

        return [Line("test.job", IntervalTrigger(seconds=0.2), job)]

    first, second = Timetable(lines("first"), app_conninfo), Timetable(lines("second"), app_conninfo)
    first.start()
    await asyncio.wait_for(first.leads.wait(), 5)
    second.start()
    assert await soon(lambda: ran.count("first") >= 3)
    assert not second.leads.is_set() and "second" not in ran
    owner_connection.execute(
        "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = %s and granted"
        " and database = (select oid from pg_database where datname = current_database())", [LEADER_LOCK]
    )
    await first.stop()
    assert await soon(lambda: "second" in ran)
    await second.stop()


async def test_a_job_that_fails_is_noted_runs_again_and_is_noted_as_well_when_it_succeeds(world: World, app_conninfo: str) -> None:
    tries, is_broken = 0, True

    async def job() -> None:
        nonlocal tries
        tries += 1
        if is_broken:
            raise ValueError("it breaks")

    async def noted() -> ScheduledJob | None:
        async with transaction(world.owner) as tx:
            return next((j for j in await queries.scheduled_jobs(tx) if j.name == "test.breaks"), None)

    timetable = Timetable([Line("test.breaks", IntervalTrigger(seconds=0.2), job)], app_conninfo)
    timetable.start()
    assert await soon(lambda: tries >= 3)
    failed = await noted()
    assert failed and failed.last_error == "ValueError: it breaks" and failed.last_success_at is None
    is_broken = False
    for _ in range(100):
        mended = await noted()
        if mended and mended.last_error is None:
            break
        await asyncio.sleep(0.05)
    await timetable.stop()
    assert mended and mended.last_error is None and mended.last_success_at is not None


async def test_a_line_that_runs_all_the_time_is_noted_once_a_minute(world: World, app_conninfo: str) -> None:
    runs = 0

    async def job() -> None:
        nonlocal runs
        runs += 1

    timetable = Timetable([Line("test.often", IntervalTrigger(seconds=0.1), job)], app_conninfo)
    timetable.start()
    assert await soon(lambda: runs >= 5)
    await timetable.stop()
    async with transaction(world.owner) as tx:
        [noted] = [j for j in await queries.scheduled_jobs(tx) if j.name == "test.often"]
    assert noted.run_count == 1


async def test_the_runs_are_for_owners_to_see(world: World) -> None:
    with pytest.raises(Forbidden):
        async with transaction(world.colleague) as tx:
            await queries.scheduled_jobs(tx)
