import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from data.core.actor import Actor
from pages._together import eyes, together


class Slow:
    """A question that takes until it is let go, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked, self.may_answer = 0, asyncio.Event()

    async def __call__(self) -> int:
        self.asked += 1
        mine = self.asked
        await self.may_answer.wait()
        return mine


async def test_many_who_ask_in_the_same_moment_make_one_question() -> None:
    ask = Slow()
    ask.may_answer.set()
    assert await asyncio.gather(*(together("k", ask) for _ in range(100))) == [1] * 100


async def test_who_asks_while_a_question_runs_waits_for_the_next_which_knows_what_changed_since() -> None:
    ask = Slow()
    first = asyncio.create_task(together("k", ask))
    while not ask.asked:
        await asyncio.sleep(0)
    later = [asyncio.create_task(together("k", ask)) for _ in range(3)]
    await asyncio.sleep(0.01)
    assert ask.asked == 1, "the second begins when the first is over"
    ask.may_answer.set()
    assert (await first, await asyncio.gather(*later)) == (1, [2, 2, 2])


async def test_questions_of_different_keys_run_side_by_side() -> None:
    ask = Slow()
    both = [asyncio.create_task(together(key, ask)) for key in ("a", "b")]
    await asyncio.sleep(0.01)
    assert ask.asked == 2
    ask.may_answer.set()
    await asyncio.gather(*both)


async def test_one_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    ask = Slow()
    gone, stays = (asyncio.create_task(together("k", ask)) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    ask.may_answer.set()
    assert await stays == 1


async def test_a_failure_is_told_to_all_of_them_and_the_next_question_is_asked_anew() -> None:
    async def fail() -> int:
        raise ValueError("no")

    failed = await asyncio.gather(*(together("k", fail) for _ in range(2)), return_exceptions=True)
    assert [str(one) for one in failed] == ["no", "no"]
    ask = Slow()
    ask.may_answer.set()
    assert await together("k", ask) == 1


LOOKER = Actor.machine(uuid4(), "somebody", "alerts.view")


@pytest.mark.parametrize(
    "other",
    [
        replace(LOOKER, organization_id=uuid4()),
        replace(LOOKER, rights={"alerts.view": frozenset({uuid4()})}),
        replace(LOOKER, rights={"alerts.view": None, "farm.view": None}),
        replace(LOOKER, language="km"),
        replace(LOOKER, time_zone="Asia/Phnom_Penh"),
        replace(LOOKER, units="fahrenheit"),
    ],
)
def test_nobody_shares_a_question_with_one_who_sees_something_else_or_reads_it_otherwise(other: Actor) -> None:
    assert eyes(other) != eyes(LOOKER)


def test_who_sees_the_same_shares_it_whoever_they_are() -> None:
    assert eyes(replace(LOOKER, name="somebody else", user_id=uuid4())) == eyes(LOOKER)
