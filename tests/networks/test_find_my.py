"""Tags are asked for over real HTTP at an endpoint that answers as macless-haystack does, sealed reports and all."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import psycopg
import pytest
from fastapi import FastAPI, Response

from data.core.errors import Invalid
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.tracking import commands, queries
from data.tracking.tables import TrackerStatus
from jobs.demonstration.haystack import Haystack, serving
from jobs.networks.find_my import FetchFailed, FindMy
from jobs.tracking import Pace, city_near, fetch_due, timetable
from tests.factories.people import World
from tests.factories.tracking import FACTORY, ROAD, SHOP, WAREHOUSE, build_shipping, tag

USER, PASSWORD = "finder", "keepers"
HOUR = timedelta(hours=1)
PACE = Pace(interval=timedelta(minutes=5))


@pytest.fixture
def haystack() -> Haystack:
    return Haystack(USER, PASSWORD)


@pytest.fixture
async def address(haystack: Haystack) -> AsyncIterator[str]:
    async with serving(haystack.app) as address:
        yield address


@pytest.fixture
async def source(address: str) -> AsyncIterator[FindMy]:
    async with FindMy(address, USER, PASSWORD, timeout_s=5) as source:
        yield source


def hear(haystack: Haystack, number: int, place: tuple[float, float], at: datetime, **said: int) -> None:
    haystack.hear(tag(number).advertisement_key, at=at, latitude=place[0], longitude=place[1], **said)


async def seen(world: World) -> dict[str, queries.Seen]:
    async with transaction(world.colleague) as tx:
        return {each.name: each for each in (await queries.page(tx))[0]}


async def make_due() -> None:
    """As if the pace had passed."""
    async with across_tenants("tests") as tx:
        due = await commands.claim_due(tx, at=now() + timedelta(days=1), most=100)
        await commands.settle(tx, [(each, True) for each in due], at=now() - HOUR, interval=timedelta(minutes=5))


async def test_a_report_comes_from_a_phone_to_the_map(world: World, haystack: Haystack, source: FindMy) -> None:
    await build_shipping(world.owner, 1, 2)
    hear(haystack, 1, WAREHOUSE, now() - HOUR, accuracy_m=35, battery=1)
    hear(haystack, 2, ROAD, now() - 2 * HOUR, is_newer_phone=True)
    assert await fetch_due(source, PACE) == 2
    found = await seen(world)
    assert (found["Tag 1"].status, found["Tag 1"].place) == (TrackerStatus.IN_STORAGE, "Riverside warehouse")
    assert (found["Tag 1"].horizontal_accuracy_m, found["Tag 1"].battery) == (35, 1)
    assert found["Tag 1"].latitude == pytest.approx(WAREHOUSE[0], abs=1e-6)
    assert (found["Tag 2"].status, found["Tag 2"].nearest_city) == (TrackerStatus.IN_TRANSIT, "Phnom Penh")


async def test_tags_are_asked_for_one_at_a_time_so_that_reports_of_the_same_second_all_arrive(
    world: World, haystack: Haystack, source: FindMy
) -> None:
    await build_shipping(world.owner, 1, 2, 3)
    at = now() - HOUR
    for number in (1, 2, 3):
        hear(haystack, number, WAREHOUSE, at)
    await fetch_due(source, PACE)
    assert sorted(haystack.asked) == sorted([[tag(n).hashed_advertisement_key] for n in (1, 2, 3)])
    assert all(each.positioned_at for each in (await seen(world)).values())


async def test_a_tag_is_not_asked_for_again_before_its_time(world: World, haystack: Haystack, source: FindMy) -> None:
    shipping = await build_shipping(world.owner, 1)
    assert await fetch_due(source, PACE) == 1 and await fetch_due(source, PACE) == 0
    async with transaction(world.owner) as tx:
        found = await queries.tracker(tx, shipping.trackers[1], at=now())
    assert found.last_report_requested_at and found.next_fetch_at - found.last_report_requested_at == PACE.interval


async def test_only_tags_of_runs_under_way_are_asked_for(world: World, haystack: Haystack, source: FindMy) -> None:
    await build_shipping(world.owner, 1)
    await build_shipping(world.stranger, 2)
    await build_shipping(world.owner, 3, client="Past", starts_at=now() - 9 * HOUR, ends_at=now() - HOUR)
    await fetch_due(source, PACE)
    assert {ids[0] for ids in haystack.asked} == {tag(1).hashed_advertisement_key, tag(2).hashed_advertisement_key}


async def test_many_tags_are_asked_for_in_groups_up_to_the_most(world: World, haystack: Haystack, source: FindMy) -> None:
    await build_shipping(world.owner, *range(1, 16))
    assert await fetch_due(source, Pace(most=12, at_once=5)) == 12
    assert await fetch_due(source, Pace(most=12, at_once=5)) == 3
    assert len({ids[0] for ids in haystack.asked}) == 15


async def test_what_was_heard_before_is_neither_opened_nor_stored_again(
    world: World, haystack: Haystack, source: FindMy, owner_connection: psycopg.Connection
) -> None:
    await build_shipping(world.owner, 1)
    for hours in (1, 2, 3):
        hear(haystack, 1, WAREHOUSE, now() - hours * HOUR)
    for _ in range(2):
        await fetch_due(source, PACE)
        await make_due()
    hear(haystack, 1, SHOP, now() - HOUR / 2)
    hear(haystack, 1, ROAD, now() - 5 * HOUR)
    await fetch_due(source, PACE)
    stored = owner_connection.execute("select count(*), count(distinct received_at) from tracking.location_reports").fetchone()
    assert stored == (5, 2)
    assert (await seen(world))["Tag 1"].status == TrackerStatus.DELIVERED


async def test_factories_are_left_out(world: World, haystack: Haystack, source: FindMy) -> None:
    await build_shipping(world.owner, 1)
    hear(haystack, 1, FACTORY, now() - HOUR)
    await fetch_due(source, PACE)
    assert (await seen(world))["Tag 1"].positioned_at is None
    await make_due()
    await fetch_due(source, PACE, commands.Policy(excluded=()))
    assert (await seen(world))["Tag 1"].positioned_at


async def failures_of(world: World, name: str) -> int:
    tracker_id = (await seen(world))[name].id
    async with transaction(world.owner) as tx:
        return (await queries.tracker(tx, tracker_id, at=now())).failed_fetches


@pytest.mark.parametrize("status", [401, 501, 504])
async def test_an_endpoint_that_fails_makes_its_tags_wait(world: World, haystack: Haystack, source: FindMy, status: int) -> None:
    await build_shipping(world.owner, 1)
    haystack.failing_with = status
    assert await fetch_due(source, PACE) == 1
    assert await failures_of(world, "Tag 1") == 1 and await fetch_due(source, PACE) == 0
    haystack.failing_with = 0
    await make_due()
    await fetch_due(source, PACE)
    assert await failures_of(world, "Tag 1") == 0


async def test_when_the_endpoint_is_down_only_one_group_of_tags_pays_for_it(world: World, haystack: Haystack, source: FindMy) -> None:
    await build_shipping(world.owner, *range(1, 16))
    haystack.failing_with = 504
    assert await fetch_due(source, Pace(at_once=5)) == 5


async def test_one_tag_whose_reply_is_nonsense_does_not_keep_the_others_from_theirs(world: World) -> None:
    await build_shipping(world.owner, 1, 2)
    haystack = Haystack()
    hear(haystack, 2, SHOP, now() - HOUR)

    class Muddled:
        async def fetch(self, hashed_key: str, *, days: int = 7) -> bytes:
            if hashed_key == tag(1).hashed_advertisement_key:
                return b"<html>"
            return await inner.fetch(hashed_key, days=days)

    async with serving(haystack.app) as address, FindMy(address) as inner:
        await fetch_due(Muddled(), PACE)
    found = await seen(world)
    assert (found["Tag 2"].status, await failures_of(world, "Tag 1")) == (TrackerStatus.DELIVERED, 1)


async def test_a_key_that_this_installation_cannot_open_fails_by_itself(
    world: World, haystack: Haystack, source: FindMy, owner_connection: psycopg.Connection
) -> None:
    await build_shipping(world.owner, 1, 2)
    hear(haystack, 2, SHOP, now() - HOUR)
    owner_connection.execute("update tracking.trackers set sealed_private_key = 'gone' where name = 'Tag 1'")
    assert await fetch_due(source, PACE) == 2
    assert (await seen(world))["Tag 2"].status == TrackerStatus.DELIVERED and await failures_of(world, "Tag 1") == 1


@pytest.mark.parametrize(("user", "password"), [("", ""), (USER, "wrong"), ("other", PASSWORD)])
async def test_without_the_right_name_and_password_there_is_nothing(address: str, user: str, password: str) -> None:
    async with FindMy(address, user, password) as source:
        with pytest.raises(FetchFailed, match="401"):
            await source.fetch("key")


async def test_an_endpoint_that_is_not_there_is_a_failure_like_any_other() -> None:
    async with serving(FastAPI()) as address:
        pass
    async with FindMy(address, timeout_s=2) as source:
        with pytest.raises(FetchFailed, match="does not answer"):
            await source.fetch("key")


async def test_a_redirect_is_not_followed_with_the_password() -> None:
    app = FastAPI()
    app.post("/")(lambda: Response(status_code=307, headers={"location": "http://127.0.0.1:9/"}))
    async with serving(app) as address, FindMy(address, USER, PASSWORD) as source:
        with pytest.raises(FetchFailed, match="307"):
            await source.fetch("key")


def test_the_timetable_has_a_line_only_where_an_endpoint_is_set() -> None:
    without = Settings(_env_file=None)
    assert timetable(without) == []
    ours = Settings(_env_file=None, find_my_url="http://127.0.0.1:6176/", find_my_every_s=20)
    (line,) = timetable(ours)
    assert (line.name, line.trigger.interval) == ("tracking.fetch", timedelta(seconds=20))


def test_what_is_no_area_keeps_the_application_from_starting() -> None:
    with pytest.raises(Invalid, match="west,south,east,north"):
        timetable(Settings(_env_file=None, find_my_url="http://127.0.0.1/", find_my_excluded_areas="China"))


def test_cities_are_known_without_a_network() -> None:
    assert (city_near(*SHOP), city_near(48.8566, 2.3522)) == ("Phnom Penh", "Paris")
