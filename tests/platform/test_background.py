import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from data.core.actor import Actor
from data.core.errors import Conflict, NotFound
from data.core.session import Transaction, across_tenants, transaction
from data.core.time import now
from data.platform import background, queries
from data.platform.commands import path_of
from data.platform.tables import BackgroundJob, File
from data.platform.values import BackgroundJobStatus
from jobs.background import WENT_WRONG, Background, Made, Outcome, Pace, Progress, Work
from tests.factories.people import World

LONG = timedelta(seconds=0.3)
QUICK = Pace(look_again_s=0.05, beat_s=0.05, news_every_s=0.01, stale_after_s=0.4)


@asynccontextmanager
async def working(works: Mapping[str, Work], pace: Pace = QUICK) -> AsyncIterator[Background]:
    made = Background(works, pace)
    made.start()
    try:
        yield made
    finally:
        await made.stop()


async def asked(who: Actor, kind: str = "count", **arguments: Any) -> UUID:
    async with transaction(who) as tx:
        return (await background.ask(tx, kind, arguments)).id


async def seen(who: Actor, job_id: UUID) -> BackgroundJob:
    async with transaction(who) as tx:
        return await background.job(tx, job_id)


async def ended(who: Actor, job_id: UUID) -> BackgroundJob:
    for _ in range(400):
        if (job := await seen(who, job_id)).status not in background.UNFINISHED:
            return job
        await asyncio.sleep(0.02)
    raise AssertionError(f"it is still {job.status}")


async def test_work_is_done_as_the_organization_of_whoever_asked_and_its_file_can_be_fetched(world: World) -> None:
    async def count(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        async with transaction(who) as tx:
            assert tx.organization_id == world.organization_id
        return Outcome({"length": len(job.arguments["word"])}, Made(b"five", "five.txt", "text/plain"))

    async with working({"count": count}):
        job = await ended(world.colleague, await asked(world.colleague, word="cabin"))
    assert (job.status, job.progress, job.result) == (BackgroundJobStatus.COMPLETED, 100, {"length": 5})
    assert job.result_file_id
    async with transaction(world.colleague) as tx:
        assert path_of(await queries.file(tx, job.result_file_id)).read_bytes() == b"five"


async def test_only_whoever_asked_and_those_who_keep_the_operations_see_it(world: World) -> None:
    job_id = await asked(world.colleague)
    assert (await seen(world.colleague, job_id)).id == (await seen(world.owner, job_id)).id == job_id
    for other in (world.viewer, world.stranger):
        with pytest.raises(NotFound):
            await seen(other, job_id)
        async with transaction(other) as tx:
            assert not await background.own_jobs(tx)
            with pytest.raises(NotFound):
                await background.cancel(tx, job_id)
    async with transaction(world.stranger) as tx:
        assert not await background.all_jobs(tx) and not await background.jobs_of(tx, [job_id])
    async with transaction(world.owner) as tx:
        assert [one.id for one in await background.all_jobs(tx, "count")] == [job_id]


async def test_progress_is_seen_while_it_lasts_and_never_hurries_ahead_of_the_end(world: World) -> None:
    go = asyncio.Event()

    async def slow(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        progress(100, "Drawing {n} charts", n=7)
        await go.wait()
        return Outcome()

    async with working({"count": slow}):
        job_id = await asked(world.owner)
        for _ in range(200):
            if (job := await seen(world.owner, job_id)).step:
                break
            await asyncio.sleep(0.02)
        assert (job.status, job.progress, job.step, job.step_values) == ("running", 99, "Drawing {n} charts", {"n": 7})
        go.set()
        assert (await ended(world.owner, job_id)).step is None


async def test_a_refusal_is_told_in_its_own_words_and_a_fault_in_plain_ones(world: World) -> None:
    async def refused(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        raise Conflict("There is no unit called {name}.", name="F9")

    async def broken(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        raise ValueError("a bug")

    async with working({"refused": refused, "broken": broken}):
        first = await ended(world.owner, await asked(world.owner, "refused"))
        second = await ended(world.owner, await asked(world.owner, "broken"))
    assert (first.status, first.error, first.step_values) == ("failed", "There is no unit called {name}.", {"name": "F9"})
    assert (second.status, second.error) == ("failed", WENT_WRONG)


async def test_what_nobody_wants_any_more_is_let_go_of_even_under_way(world: World) -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def endless(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            let_go.set()
        return Outcome()

    async with working({"count": endless}, Pace(beat_s=60)):
        job_id = await asked(world.colleague)
        await asyncio.wait_for(begun.wait(), 5)
        async with transaction(world.colleague) as tx:
            await background.cancel(tx, job_id)
        await asyncio.wait_for(let_go.wait(), 5)
        assert (await seen(world.colleague, job_id)).status is BackgroundJobStatus.CANCELED
        with pytest.raises(Conflict):
            async with transaction(world.colleague) as tx:
                await background.cancel(tx, job_id)


async def test_what_a_dead_process_left_is_done_by_another_and_the_dead_one_writes_nothing_any_more(world: World) -> None:
    job_id = await asked(world.owner)
    async with across_tenants("tests") as tx:  # a process takes it and is never heard of again
        lost = await background.claim(tx, ["count"], at=now(), stale_after=LONG, most_attempts=3)
    assert lost and lost.attempt_count == 1
    written: list[str] = []

    async def count(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        async def write(tx: Transaction, file: File | None) -> None:
            written.append(f"attempt {job.attempt_count}")

        return Outcome(write=write)

    async with working({"count": count}):
        assert (await ended(world.owner, job_id)).attempt_count == 2
    async with transaction(world.owner) as tx:
        assert not await background.is_ours(tx, lost)
        await background.complete(tx, lost, at=now(), result={"forged": True}, result_file_id=None)
    assert written == ["attempt 2"] and (await seen(world.owner, job_id)).result == {}


async def test_what_kills_its_process_again_and_again_is_given_up(world: World) -> None:
    job_id = await asked(world.owner)
    async with across_tenants("tests") as tx:
        for _ in range(3):
            assert await background.claim(tx, ["count"], at=now(), stale_after=-LONG, most_attempts=3)
        assert await background.claim(tx, ["count"], at=now(), stale_after=-LONG, most_attempts=3) is None
    job = await seen(world.owner, job_id)
    assert (job.status, job.error, job.step_values) == ("failed", background.INTERRUPTED, {"count": 3})


async def test_two_processes_share_what_waits_and_do_each_piece_once(world: World) -> None:
    done: list[int] = []

    async def count(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        await asyncio.sleep(0.01)
        done.append(job.arguments["n"])
        return Outcome()

    ids = [await asked(world.owner, n=n) for n in range(12)]
    async with working({"count": count}), working({"count": count}):
        for job_id in ids:
            await ended(world.owner, job_id)
    assert sorted(done) == list(range(12))


async def test_a_process_that_ends_in_order_hands_its_work_on_at_once(world: World) -> None:
    begun, attempts = asyncio.Event(), []

    async def count(who: Actor, job: BackgroundJob, progress: Progress) -> Outcome:
        attempts.append(job.attempt_count)
        begun.set()
        if len(attempts) == 1:
            await asyncio.sleep(60)
        return Outcome()

    patient = Pace(look_again_s=60)
    first = Background({"count": count}, patient)
    first.start()
    job_id = await asked(world.owner)
    await asyncio.wait_for(begun.wait(), 5)
    async with working({"count": count}, patient):
        await first.stop()
        assert (await ended(world.owner, job_id)).status is BackgroundJobStatus.COMPLETED
    assert attempts == [1, 1]
