"""Nobody gets anything of an organization that is not theirs: every route of the cold chain's interface is knocked at."""

import re
from uuid import uuid4

import pytest

from data.cold_chain.commands.rules import set_rule
from data.core.session import transaction
from jobs import api
from tests.api.conftest import Programs
from tests.api.test_cold_places import at
from tests.factories.cold_chain import cold_store
from tests.factories.people import World

ROUTES = sorted((method.upper(), path) for path, told in api._description()["paths"].items() if "{organization_id}" in path for method in told)
ENUMS = {"part": "temperatures", "field": "delay_minutes"}
DAYS = "?first_day=2026-01-01&last_day=2026-01-02&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
"""What some of them need."""


def filled(path: str, organization_id: object, **known: object) -> str:
    return re.sub(r"{(\w+)}", lambda found: str({"organization_id": organization_id, **ENUMS, **known}.get(found[1], uuid4())), path)


async def test_a_stranger_finds_nothing_and_nobody_is_asked_who_they_are(world: World, asking: Programs) -> None:
    stranger = await asking.of(world.stranger)
    assert len(ROUTES) > 80
    for method, path in ROUTES:
        there = filled(path, world.organization_id)
        assert (await stranger.ask(method, there, status=404))["code"] == "ORGANIZATION_NOT_FOUND", path
        await asking.nobody.ask(method, there, status=401)


async def test_what_is_of_another_organization_is_not_there_in_ones_own(world: World, asking: Programs) -> None:
    store, stranger = await cold_store(world.owner), await asking.of(world.stranger)
    known = {"site_id": store.site_id, "area_id": store.area_id, "unit_id": store.unit_id, "device_id": store.sensor_id}
    about = [(method, path) for method, path in ROUTES if "_id}" in path.removeprefix("/api/orgs/{organization_id}") and method in ("GET", "DELETE")]
    assert len(about) > 25
    for method, path in about:
        error = await stranger.ask(method, filled(path, world.other.id, **known) + DAYS, status=404)
        assert error["code"].endswith("NOT_FOUND") and error["code"] != "ORGANIZATION_NOT_FOUND", path
    assert (await (await asking.of(world.owner)).ask("GET", f"{at(world)}/units/{store.unit_id}"))["name"] == "Freezer 1"


async def test_whoever_has_nothing_to_do_with_the_cold_chain_is_shown_nothing_of_it(world: World, asking: Programs) -> None:
    store, driver = await cold_store(world.owner), await asking.of(world.driver)
    async with transaction(world.owner) as tx:
        await set_rule(tx, changes={"delay_minutes": 5})
    known = {"site_id": store.site_id, "area_id": store.area_id, "unit_id": store.unit_id, "device_id": store.sensor_id}
    for method, path in ROUTES:
        if method != "GET" or path == "/api/orgs/{organization_id}":
            continue
        query = DAYS + ("&entity_type=site&entity_id=" + str(store.site_id) if path.endswith("/layouts") else "")
        answer = await driver.client.get(filled(path, world.organization_id, **known) + query, headers=driver.headers)
        assert answer.status_code in (403, 404) or answer.json()["data"] == [], path


@pytest.mark.parametrize("wrong", ["x", "00000000-0000-7000-8000-000000000000"])
async def test_an_organization_that_is_none_is_not_there(world: World, asking: Programs, wrong: str) -> None:
    assert (await (await asking.of(world.owner)).ask("GET", f"/api/orgs/{wrong}", status=404))["code"] == "ORGANIZATION_NOT_FOUND"


def test_every_route_under_an_organization_tells_of_it_in_the_description() -> None:
    paths = api._description()["paths"]
    for method, path in ROUTES:
        told = paths[path][method.lower()]
        assert "organization_id" in {one["name"] for one in told["parameters"]} and told["description"], path
