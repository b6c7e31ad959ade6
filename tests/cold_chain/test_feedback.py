"""What people think of their weeks: one voice a week and site, averages for those who run the business."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from data.cold_chain.commands.feedback import give_feedback
from data.cold_chain.opinions import monday_of, refusal, week_to_ask_about
from data.cold_chain.queries import feedback
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.identity.tables import Role
from tests.factories.cold_chain import ColdStore, cold_store
from tests.factories.people import World, person

FRIDAY = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 16)


@pytest.fixture
async def store(world: World, owner_connection: psycopg.Connection) -> ColdStore:
    made = await cold_store(world.owner)
    owner_connection.execute("update cold_chain.sites set created_at = '2026-01-01'")
    return made


async def give(who: Actor, store: ColdStore, **said: Any) -> None:
    async with transaction(who) as tx:
        await give_feedback(tx, store.site_id, **{"week_start": MONDAY, "at": FRIDAY, "logging_speed_rating": 4} | said)


@pytest.mark.parametrize(
    ("today", "monday"),
    [(16, 9), (18, 9), (19, 16), (20, 16), (22, 16), (23, 16), (25, 16), (26, 23)],
)
def test_a_week_is_asked_about_from_its_thursday_until_the_next_one(today: int, monday: int) -> None:
    assert week_to_ask_about(date(2026, 11, today)) == date(2026, 11, monday) == monday_of(date(2026, 11, monday))


@pytest.mark.parametrize(
    ("week", "ratings", "notes", "field"),
    [
        (MONDAY, {"logging_speed_rating": 5}, "", None),
        (MONDAY, {"logging_speed_rating": None}, "Fine.", None),
        (MONDAY, {"logging_speed_rating": None}, "", "logging_speed_rating"),
        (MONDAY, {"alert_fatigue_rating": 0}, "", "alert_fatigue_rating"),
        (MONDAY, {"alert_fatigue_rating": 6}, "", "alert_fatigue_rating"),
        (MONDAY + timedelta(days=1), {"logging_speed_rating": 5}, "", "week_start"),
        (MONDAY + timedelta(days=7), {"logging_speed_rating": 5}, "", "week_start"),
        (MONDAY - timedelta(days=28), {"logging_speed_rating": 5}, "", None),
        (MONDAY - timedelta(days=35), {"logging_speed_rating": 5}, "", "week_start"),
        (MONDAY, {"logging_speed_rating": 5}, "x" * 2001, "notes"),
    ],
)
def test_what_somebody_says_is_refused_at_its_field(week: date, ratings: dict[str, int | None], notes: str, field: str | None) -> None:
    found = refusal(week, ratings, notes, today=FRIDAY.date())
    assert (found.field if found else None) == field


async def test_a_colleague_speaks_for_the_week_and_may_change_it_and_nobody_else_does(world: World, store: ColdStore) -> None:
    await give(world.colleague, store, notes="The keypad is fast.")
    await give(world.colleague, store, logging_speed_rating=2, alert_fatigue_rating=5)
    with pytest.raises(Conflict):
        await give(world.owner, store)
    async with transaction(world.owner) as tx:
        ((said, site, who),) = await feedback.voices(tx)
        (week,) = await feedback.weeks(tx)
    assert (said.logging_speed_rating, said.alert_fatigue_rating, said.notes, site, who) == (2, 5, None, "Market hall", "Colin Colleague")
    assert (week.week_start, week.voices, week.logging_speed, week.report_usefulness) == (MONDAY, 1, 2.0, None)


async def test_weeks_are_averaged_over_the_sites_and_over_nobody_elses(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0539", name="Station")
    theirs = await cold_store(world.stranger)
    await give(world.colleague, store, logging_speed_rating=5)
    await give(world.owner, other, logging_speed_rating=2)
    await give(world.stranger, theirs, logging_speed_rating=1)
    async with transaction(world.owner) as tx:
        (week,) = await feedback.weeks(tx)
    assert (week.voices, week.logging_speed) == (2, 3.5)


async def test_only_who_works_there_is_asked_and_heard(world: World, store: ColdStore) -> None:
    with pytest.raises(Forbidden):
        await give(world.viewer, store)
    with pytest.raises(NotFound):
        await give(world.stranger, store)
    async with transaction(world.viewer) as tx:
        with pytest.raises(Forbidden):
            await feedback.questions(tx, FRIDAY)
    for who in (world.colleague, world.viewer):
        async with transaction(who) as tx:
            for ask in (feedback.weeks(tx), feedback.voices(tx)):
                with pytest.raises(Forbidden):
                    await ask
    other = await cold_store(world.owner, eui="0004A30B001C0539", name="Station")
    cook = await person(world.organization, "Chan Cook", (Role.STAFF, store.site_id))
    with pytest.raises(Forbidden):
        await give(cook, other)
    async with transaction(cook) as tx:
        assert [one.site_name for one in await feedback.questions(tx, FRIDAY)] == ["Market hall"]


async def test_one_is_asked_until_somebody_has_spoken_and_not_of_weeks_before_the_site(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    async def asked(who: Actor, at: datetime = FRIDAY) -> list[tuple[date, bool]]:
        async with transaction(who) as tx:
            return [(one.week_start, one.given is not None) for one in await feedback.questions(tx, at)]

    assert await asked(world.colleague) == await asked(world.owner) == [(MONDAY, False)]
    await give(world.colleague, store)
    assert await asked(world.colleague) == [(MONDAY, True)] and await asked(world.owner) == []
    assert await asked(world.owner, FRIDAY + timedelta(days=7)) == [(MONDAY + timedelta(days=7), False)]
    assert await asked(world.stranger) == []
    owner_connection.execute("update cold_chain.sites set created_at = '2026-12-01'")
    assert await asked(world.owner, FRIDAY + timedelta(days=7)) == []


async def test_a_week_without_a_word_is_refused(world: World, store: ColdStore) -> None:
    with pytest.raises(Invalid):
        await give(world.colleague, store, logging_speed_rating=None)
