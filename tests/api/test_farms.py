"""Farms over the JSON interface: the owner makes and changes them, a colleague looks, a stranger finds nothing."""

from typing import Any
from uuid import uuid4

from tests.api.conftest import Programs
from tests.factories.farm import build_farm
from tests.factories.people import World

FARM: dict[str, Any] = {"name": "Hill farm", "time_zone": "Asia/Phnom_Penh", "latitude": 11.5, "longitude": 104.9}


async def test_a_farm_is_made_read_changed_and_removed(world: World, asking: Programs) -> None:
    owner = await asking.of(world.owner)
    made = await owner.ask("POST", "/v1/farms", FARM, status=201)
    assert made.items() >= FARM.items()
    changed = await owner.ask("PUT", f"/v1/farms/{made['id']}", {"location": "On the hill", "latitude": None, "longitude": None})
    assert (changed["name"], changed["location"], changed["latitude"]) == ("Hill farm", "On the hill", None)
    assert await owner.ask("GET", f"/v1/farms/{made['id']}") == changed
    await owner.ask("DELETE", f"/v1/farms/{made['id']}")
    assert (await owner.ask("GET", f"/v1/farms/{made['id']}", status=404))["code"] == "FARM_NOT_FOUND"


async def test_a_list_comes_in_pages(world: World, asking: Programs) -> None:
    owner = await asking.of(world.owner)
    for name in ("C", "A", "B"):
        await owner.ask("POST", "/v1/farms", {"name": name}, status=201)
    farms, total = await owner.list("/v1/farms", page=2, limit=2)
    assert ([farm["name"] for farm in farms], total) == (["C"], 3)
    assert (await owner.ask("GET", "/v1/farms", limit=101, status=422))["details"]["field"] == "limit"


async def test_a_wrong_field_is_named(world: World, asking: Programs) -> None:
    owner = await asking.of(world.owner)
    for given, field in (({"name": " "}, "name"), ({"name": "A", "latitude": "north"}, "latitude"), ({"name": "A", "time_zone": "Moon/Base"}, "time_zone")):
        error = await owner.ask("POST", "/v1/farms", given, status=422)
        assert (error["code"], error["details"]["field"]) == ("INVALID_INPUT", field)


async def test_a_colleague_looks_and_a_stranger_finds_nothing(world: World, asking: Programs) -> None:
    farm = (await build_farm(world.owner)).farm
    colleague, stranger = await asking.of(world.colleague), await asking.of(world.stranger)
    assert (await colleague.ask("GET", f"/v1/farms/{farm.id}"))["name"] == "Chicken house"
    for method, path, given in (("PUT", f"/v1/farms/{farm.id}", {"name": "Mine"}), ("DELETE", f"/v1/farms/{farm.id}", None), ("POST", "/v1/farms", FARM)):
        assert (await colleague.ask(method, path, given, status=403))["code"] == "FORBIDDEN"
    assert await stranger.list("/v1/farms") == ([], 0)
    for method, given in (("GET", None), ("PUT", {"name": "Mine"}), ("DELETE", None)):
        await stranger.ask(method, f"/v1/farms/{farm.id}", given, status=404)
    await stranger.ask("GET", f"/v1/farms/{uuid4()}", status=404)
    assert (await asking.nobody.ask("GET", "/v1/farms", status=401))["code"] == "UNAUTHORIZED"
