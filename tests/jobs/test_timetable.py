import asyncio

import psycopg
import pytest
from apscheduler.triggers.interval import IntervalTrigger

from data.core.errors import Forbidden
from data.core.session import transaction
from data.platform import queries
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


async def test_each_run_is_noted_and_a_failing_job_runs_again(world: World, app_conninfo: str) -> None:
    tries: list[int] = []

    async def job() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("the first time it breaks")

    timetable = Timetable([Line("test.breaks", IntervalTrigger(seconds=0.2), job)], app_conninfo)
    timetable.start()
    assert await soon(lambda: len(tries) >= 1)
    await asyncio.sleep(0.1)
    async with transaction(world.owner) as tx:
        [noted] = [j for j in await queries.scheduled_jobs(tx) if j.name == "test.breaks"]
    assert noted.last_error == "ValueError: the first time it breaks" and noted.last_success_at is None
    assert await soon(lambda: len(tries) >= 3)
    await timetable.stop()
    async with transaction(world.owner) as tx:
        [noted] = [j for j in await queries.scheduled_jobs(tx) if j.name == "test.breaks"]
    assert noted.last_error is None and noted.last_success_at is not None and noted.run_count >= 2


async def test_the_runs_are_for_owners_to_see(world: World) -> None:
    with pytest.raises(Forbidden):
        async with transaction(world.colleague) as tx:
            await queries.scheduled_jobs(tx)
