"""Bursts of changes become few questions: one running, at most one waiting, and not too often."""
from __future__ import annotations

import asyncio

from ui.live import Merging


async def settle() -> None:
    for _turn in range(10):
        await asyncio.sleep(0)


async def test_a_burst_while_asking_makes_exactly_one_more_question() -> None:
    gate, asked = asyncio.Event(), []

    async def step() -> None:
        asked.append('asked')
        await gate.wait()
    merging = Merging(step)
    for _poke in range(100):
        merging.poke()
    await settle()
    assert len(asked) == 1
    for _poke in range(100):
        merging.poke()
    gate.set()
    await settle()
    assert len(asked) == 2


async def test_a_change_after_the_answer_is_asked_again() -> None:
    asked = []

    async def step() -> None:
        asked.append('asked')
    merging = Merging(step)
    for expected in (1, 2, 3):
        merging.poke()
        await settle()
        assert len(asked) == expected


async def test_questions_keep_their_distance_on_busy_screens() -> None:
    now, starts = 100.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    async def step() -> None:
        starts.append(now)
    merging = Merging(step, minimum_interval_s=2, clock=lambda: now, sleep=sleep)
    for _change in range(3):
        merging.poke()
        await settle()
    assert starts == [100.0, 102.0, 104.0]


async def test_changes_during_the_pause_join_the_question_to_come() -> None:
    gate, asked, now = asyncio.Event(), [], 0.0

    async def sleep(_seconds: float) -> None:
        await gate.wait()

    async def step() -> None:
        asked.append('asked')
    merging = Merging(step, minimum_interval_s=5, clock=lambda: now, sleep=sleep)
    merging.poke()
    await settle()
    for _change in range(20):
        merging.poke()
    await settle()
    assert len(asked) == 1
    gate.set()
    await settle()
    assert len(asked) == 2


async def test_a_failing_question_does_not_end_the_watching() -> None:
    asked = []

    async def step() -> None:
        asked.append('asked')
        if len(asked) == 1:
            raise RuntimeError('the first one fails')
    tasks = []
    merging = Merging(step, spawn=lambda run: tasks.append(asyncio.ensure_future(run)))
    merging.poke()
    await settle()
    assert isinstance(tasks[0].exception(), RuntimeError)
    merging.poke()
    await settle()
    assert len(asked) == 2


async def test_a_change_during_a_failing_question_is_still_asked() -> None:
    gate, asked = asyncio.Event(), []

    async def step() -> None:
        asked.append('asked')
        if len(asked) == 1:
            await gate.wait()
            raise RuntimeError('the first one fails')
    tasks = []
    merging = Merging(step, spawn=lambda run: tasks.append(asyncio.ensure_future(run)))
    merging.poke()
    await settle()
    merging.poke()
    gate.set()
    await settle()
    assert isinstance(tasks[0].exception(), RuntimeError)
    assert len(asked) == 2


async def test_nothing_is_asked_after_closing() -> None:
    asked = []

    async def step() -> None:
        asked.append('asked')
    merging = Merging(step)
    merging.close()
    merging.poke()
    await settle()
    assert asked == []
