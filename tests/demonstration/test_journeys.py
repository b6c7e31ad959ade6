"""Tags go from the factory to the shops, and are heard where they are."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import httpx

from data.tracking.rules import PlaceKind, distance_m
from data.tracking.tags import numbered_rows
from data.tracking.values import TagKeys
from jobs.codecs.find_my import sightings
from jobs.demonstration.crowd import Crowd
from jobs.demonstration.haystack import Haystack
from jobs.demonstration.journeys import BOXES, DISPLAYS, FACTORY, RUNS, heard, journeys
from jobs.demonstration.past_tags import _vendors_file

BEGAN = datetime(2026, 11, 20, 5, tzinfo=UTC).timestamp()
DAY_S = 86_400.0


def test_thirty_tags_of_two_runs() -> None:
    names = list(journeys(BEGAN))
    assert len(names) == 30 and {name[:2] for name in names} == {run.prefix for run in RUNS}


def test_no_tag_jumps() -> None:
    for journey in journeys(BEGAN).values():
        at, before = journey.begins_s, journey.where(journey.begins_s)[0]
        while at < BEGAN + DAY_S:
            at += 120
            here = journey.where(at)[0]
            assert distance_m(*before, *here) < 600
            before = here


def test_on_the_first_day_some_are_delivered_some_are_stored_and_within_two_days_many_move() -> None:
    ways = journeys(BEGAN).values()
    kinds = [stop.kind if stop else None for _, stop in (way.where(BEGAN) for way in ways)]
    assert kinds.count(PlaceKind.DELIVERY) >= 10 and kinds.count(PlaceKind.STORAGE) >= 4
    moving = {n for n, way in enumerate(ways) for hour in range(48) if way.where(BEGAN + hour * 3600)[1] is None}
    assert len(moving) >= 10


def test_a_display_stays_in_its_shop_for_good() -> None:
    way = journeys(BEGAN)[f"{DISPLAYS.prefix}-01"]
    assert way.where(BEGAN)[1] is way.where(BEGAN + 300 * DAY_S)[1]
    assert way.where(way.begins_s)[1] is FACTORY


def test_what_is_heard_lies_near_the_tag_in_order_and_is_the_same_however_it_is_asked() -> None:
    way = journeys(BEGAN)[f"{BOXES.prefix}-03"]
    whole = list(heard(way, BEGAN - 2 * DAY_S, BEGAN))
    assert 20 < len(whole) < 200
    assert [one.at_s for one in whole] == sorted(one.at_s for one in whole)
    for one in whole:
        assert distance_m(one.latitude, one.longitude, *way.where(one.at_s)[0]) < 2 * one.accuracy_m
        assert 1 <= one.confidence <= 3
    again = journeys(BEGAN)[f"{BOXES.prefix}-03"]
    parts = [one for hour in range(48) for one in heard(again, BEGAN - 2 * DAY_S + hour * 3600, BEGAN - 2 * DAY_S + (hour + 1) * 3600)]
    assert parts == whole


def test_a_vendors_file_can_be_imported() -> None:
    rows = [row for _, row in numbered_rows(_vendors_file("LD"))]
    assert len(rows) == 15 and all(isinstance(row, TagKeys) for row in rows)


async def test_the_crowd_files_what_only_the_owner_can_open() -> None:
    tag = next(row for _, row in numbered_rows(_vendors_file("CB")) if isinstance(row, TagKeys))
    haystack = Haystack()
    crowd = Crowd(haystack, {tag.name: journeys(BEGAN)[f"{BOXES.prefix}-03"]}, {tag.name: tag.advertisement_key})
    found = list(heard(journeys(BEGAN)[f"{BOXES.prefix}-03"], BEGAN - 7200, BEGAN))
    at = datetime.now(UTC).timestamp()
    crowd._file(tag.name, [replace(one, at_s=at - 60 * n) for n, one in enumerate(found, start=1)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(haystack.app), base_url="http://haystack") as client:
        reply = await client.post("/", json={"ids": [tag.hashed_advertisement_key], "days": 7})
    opened = sightings(reply.content, {tag.hashed_advertisement_key: tag.private_key}, now=datetime.now(UTC))
    assert len(opened) == len(found) > 0
    assert len(base64.b64decode(tag.private_key)) == 28
