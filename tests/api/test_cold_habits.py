"""What people think of it, how they arrange it, how far they have come, and what happened, over the JSON interface."""

import psycopg

from data.cold_chain.opinions import week_to_ask_about
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now, zone
from data.flows import uplink
from data.identity.tables import Role
from tests.api.conftest import Programs
from tests.api.test_cold_places import at
from tests.factories.cold_chain import cold_store, measured
from tests.factories.people import World, person


async def test_a_week_is_spoken_of_once_and_read_by_those_who_run_the_business(world: World, asking: Programs, owner_connection: psycopg.Connection) -> None:
    store, path = await cold_store(world.owner), f"{at(world)}/pilot-feedback"
    owner_connection.execute("update cold_chain.sites set created_at = now() - interval '30 days'")
    colleague, owner = await asking.of(world.colleague), await asking.of(world.owner)
    [question], _total = await colleague.list(f"{path}/questions")
    week = week_to_ask_about(now().astimezone(zone("Asia/Phnom_Penh")).date()).isoformat()
    assert (question["site_id"], question["week_start"], question["given"]) == (str(store.site_id), week, None)
    voice = {"site_id": str(store.site_id), "week_start": week, "logging_speed_rating": 4, "notes": "Quick"}
    await colleague.ask("POST", path, voice, status=201)
    await colleague.ask("POST", path, voice | {"logging_speed_rating": 2}, status=201)
    await owner.ask("POST", path, voice, status=409)
    assert (await colleague.list(f"{path}/questions"))[0][0]["given"]["logging_speed_rating"] == 2
    [said], _total = await owner.list(path)
    assert (said["notes"], said["site_name"], said["said_by"]) == ("Quick", "Market hall", "Colin Colleague")
    [averages], _total = await owner.list(f"{path}/weeks")
    assert (averages["logging_speed"], averages["alert_fatigue"], averages["voices"]) == (2.0, None, 1)
    for wrong, field in ((voice | {"logging_speed_rating": 6}, "logging_speed_rating"), (voice | {"week_start": "2020-01-01"}, "week_start"), (voice | {"site_id": "x"}, "site_id")):
        assert (await colleague.ask("POST", path, wrong, status=422))["details"]["field"] == field
    for method, below in (("GET", ""), ("GET", "/weeks")):
        await colleague.ask(method, path + below, status=403)
    await (await asking.of(world.viewer)).ask("POST", path, voice, status=403)


async def test_a_board_is_arranged_by_its_owner_alone_and_says_which_panels_have_something_to_show(world: World, asking: Programs) -> None:
    store, viewer, path = await cold_store(world.owner), await asking.of(world.viewer), f"{at(world)}/layouts"
    thing = {"entity_type": "site", "entity_id": str(store.site_id)}
    assert (await viewer.ask("GET", path, **thing))["usual"]["panels"][0]["kind"] == "counts"
    panels = [
        {"id": "a", "kind": "chart", "width": 4, "unit_id": str(store.unit_id)}, {"id": "b", "kind": "note", "text": "Hello"},
        {"id": "c", "kind": "statistics", "unit_id": str(world.organization_id)},
    ]  # fmt: skip
    made = await viewer.ask("POST", path, thing | {"name": "Mine", "panels": panels, "range": "7d"}, status=201)
    assert (made["is_default"], made["range"], [one["kind"] for one in made["panels"]]) == (True, "7d", ["chart", "note", "statistics"])
    assert [one["health"] for one in await viewer.ask("GET", f"{path}/{made['id']}/health")] == ["empty", "ok", "gone"]
    async with transaction(Actor.machine(world.organization_id, "ttn")) as tx:
        await uplink.store(tx, [measured(-20.0, now())])
    assert [one["health"] for one in await viewer.ask("GET", f"{path}/{made['id']}/health")] == ["ok", "ok", "gone"]
    second = await viewer.ask("POST", path, thing | {"name": "Usual"}, status=201)
    assert not second["is_default"] and (await viewer.ask("POST", f"{path}/{second['id']}/default"))["is_default"]
    changed = await viewer.ask("PUT", f"{path}/{made['id']}", {"name": "Ours", "panels": panels[:1]})
    assert (changed["name"], len(changed["panels"]), changed["is_default"], changed["range"]) == ("Ours", 1, False, "7d")
    for wrong, field in (({"panels": [{"kind": "poem"}]}, "panels.0.kind"), ({"panels": [{"kind": "note"}]}, "text"), ({"name": " "}, "name"), ({"range": "9d"}, "range")):
        assert (await viewer.ask("PUT", f"{path}/{made['id']}", wrong, status=422))["details"]["field"] == field
    owner = await asking.of(world.owner)
    assert (await owner.ask("GET", path, **thing))["layouts"] == []
    for method, below in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/default"), ("GET", "/health")):
        await owner.ask(method, f"{path}/{made['id']}{below}", {} if method == "PUT" else None, status=404)
    await viewer.ask("DELETE", f"{path}/{second['id']}")
    assert [(one["name"], one["is_default"]) for one in (await viewer.ask("GET", path, **thing))["layouts"]] == [("Ours", True)]


async def test_how_far_somebody_has_come_follows_from_what_is_there(world: World, asking: Programs) -> None:
    viewer, path = await asking.of(world.viewer), f"{at(world)}/onboarding"
    assert (await viewer.ask("GET", path))["next"] == "site"
    await cold_store(world.owner)
    begun = await viewer.ask("GET", path)
    assert (begun["steps"]["sensor"], begun["next"], begun["is_complete"]) == (True, "gateway", False)
    await (await asking.of(world.driver)).ask("GET", path, status=403)


async def test_the_event_log_is_read_by_severity_type_and_thing(world: World, asking: Programs) -> None:
    store, owner, path = await cold_store(world.owner), await asking.of(world.owner), f"{at(world)}/audit"
    await owner.ask("DELETE", f"{at(world)}/units/{store.unit_id}")
    [line] = await owner.ask("GET", path, severity="warning")
    assert (line["event_type"], line["actor"]["name"], line["event_data"]["name"]) == ("cold_chain.places.taken_away", "Olga Owner", "Freezer 1")
    whole = await owner.ask("GET", path, limit=1000, category="cold_chain")
    assert [one["sequence"] for one in whole] == sorted((one["sequence"] for one in whole), reverse=True) and len(whole) > 4
    assert [one["sequence"] for one in await owner.ask("GET", path, before=whole[1]["sequence"], limit=1, category="cold_chain")] == [whole[2]["sequence"]]
    assert {one["event_type"] for one in await owner.ask("GET", path, subject_id=store.site_id)} == {"cold_chain.sites.created"}
    assert len(await owner.ask("GET", path, event_type="cold_chain.units.created")) == 1
    assert (await owner.ask("GET", path, limit=1001, status=422))["details"]["field"] == "limit"
    await (await asking.of(world.colleague)).ask("GET", path, status=403)
    await (await asking.of(await person(world.organization, "Farid", (Role.ADMIN, store.site_id)))).ask("GET", path, status=403)
