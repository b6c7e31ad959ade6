"""A cold chain's places over the JSON interface: made and changed by those in charge, read by the rest, nothing for strangers."""

from typing import Any

from tests.api.conftest import Programs
from tests.factories.cold_chain import cold_store
from tests.factories.people import World

SITE: dict[str, Any] = {"name": "Harbour", "time_zone": "Asia/Phnom_Penh", "city": "Kep", "compliance_mode": "haccp", "manual_interval_minutes": 60}


def at(world: World) -> str:
    return f"/api/orgs/{world.organization_id}"


async def test_an_organization_is_read_and_renamed(world: World, asking: Programs) -> None:
    owner, colleague = await asking.of(world.owner), await asking.of(world.colleague)
    me = await colleague.ask("GET", "/api/auth/me")
    assert (me["user"]["email"], me["organizations"][0]["slug"]) == ("colin.green@example.org", "green")
    assert me["permissions"]["cold_chain.log"] is None and "cold_chain.edit" not in me["permissions"]
    assert [one["slug"] for one in (await colleague.list("/api/orgs"))[0]] == ["green"]
    changed = await owner.ask("PUT", at(world), {"name": "Greener"})
    assert (changed["name"], changed["time_zone"]) == ("Greener", "Asia/Phnom_Penh")
    assert (await owner.ask("PUT", at(world), {"time_zone": "Moon/Base"}, status=422))["details"]["field"] == "time_zone"
    assert (await owner.ask("PUT", at(world), {"name": " "}, status=422))["details"]["field"] == "name"
    await colleague.ask("PUT", at(world), {"name": "Mine"}, status=403)
    people, total = await owner.list(f"{at(world)}/members", limit=2)
    assert total == 6 and people[0] | {"id": ""} == {
        "id": "", "name": "Asha Assessor", "email": "asha.green@example.org", "phone": None, "is_active": True, "roles": [{"role": "assessor", "scope_id": None}],
    }  # fmt: skip
    await colleague.ask("GET", f"{at(world)}/members", status=403)


async def test_sites_areas_and_units_are_made_changed_taken_away_and_brought_back(world: World, asking: Programs) -> None:
    owner = await asking.of(world.owner)
    site = await owner.ask("POST", f"{at(world)}/sites", SITE, status=201)
    assert site.items() >= SITE.items()
    site = await owner.ask("PUT", f"{at(world)}/sites/{site['id']}", {"latitude": 10.5, "longitude": 104.3, "manual_interval_minutes": None})
    assert (site["name"], site["latitude"], site["manual_interval_minutes"], site["compliance_mode"]) == ("Harbour", 10.5, None, "haccp")
    area = await owner.ask("POST", f"{at(world)}/areas", {"site_id": site["id"], "name": "Dock", "sort_order": 2}, status=201)
    assert (await owner.ask("PUT", f"{at(world)}/areas/{area['id']}", {"description": "By the water"}))["sort_order"] == 2
    wanted = {"area_id": area["id"], "name": "Freezer", "unit_type": "freezer", "is_manual_monitoring_required": True}
    unit = await owner.ask("POST", f"{at(world)}/units", wanted, status=201)
    assert (unit["status"], unit["temperature_max"], unit["is_manual_monitoring_required"]) == ("ok", -17.78, True)
    unit = await owner.ask("PUT", f"{at(world)}/units/{unit['id']}", {"name": "Fridge", "unit_type": "fridge", "manual_interval_minutes": 30})
    assert (unit["name"], unit["temperature_max"], unit["manual_interval_minutes"], unit["site"]["name"]) == ("Fridge", 5.0, 30, "Harbour")
    assert [one["name"] for one in (await owner.list(f"{at(world)}/units", search="har", sort="status"))[0]] == ["Fridge"]
    [counted], _total = await owner.list(f"{at(world)}/sites")
    assert (counted["worst_status"], counted["units_by_status"]) == ("ok", {"ok": 1})
    stats = await owner.ask("GET", f"{at(world)}/stats")
    assert (stats["sites"], stats["units"], stats["units_by_status"], stats["alerts"]["open"]) == (1, 1, {"ok": 1}, 0)
    for kind, one in (("units", unit), ("areas", area), ("sites", site)):
        assert (await owner.ask("GET", f"{at(world)}/{kind}/{one['id']}"))["name"] == one["name"]
        await owner.ask("DELETE", f"{at(world)}/{kind}/{one['id']}")
        await owner.ask("GET", f"{at(world)}/{kind}/{one['id']}", status=404)
    gone, total = await owner.list(f"{at(world)}/deleted")
    assert (gone[0]["kind"], gone[0]["name"], total) == ("site", "Harbour", 1)
    await owner.ask("POST", f"{at(world)}/deleted/{site['id']}/restore")
    assert (await owner.list(f"{at(world)}/areas", site_id=site["id"]))[1] == 0 and (await owner.list(f"{at(world)}/deleted"))[1] == 1


async def test_a_wrong_field_of_a_place_is_named(world: World, asking: Programs) -> None:
    owner, store = await asking.of(world.owner), await cold_store(world.owner)
    wrong = (
        ("POST", "/sites", {"name": "A"}, "time_zone"), ("POST", "/sites", {"name": "A", "time_zone": "Moon/Base"}, "time_zone"),
        ("PUT", f"/sites/{store.site_id}", {"latitude": 91}, "latitude"), ("PUT", f"/sites/{store.site_id}", {"latitude": 9.0}, "longitude"),
        ("POST", "/areas", {"name": "A"}, "site_id"), ("PUT", f"/areas/{store.area_id}", {"name": ""}, "name"),
        ("POST", "/units", {"area_id": str(store.area_id), "name": "A", "unit_type": "oven"}, "unit_type"),
        ("PUT", f"/units/{store.unit_id}", {"manual_interval_minutes": 1}, "manual_interval_minutes"),
        ("GET", "/units?limit=1000", None, "limit"), ("GET", f"/units/{store.unit_id}/readings?from=2026-01-01T00:00:00", None, "from"),
        ("GET", f"/units/{store.unit_id}/readings?after=x&detail=raw", None, "after"),
    )  # fmt: skip
    for method, path, given, field in wrong:
        error = await owner.ask(method, at(world) + path, given, status=422)
        assert (error["code"], error["details"]["field"]) == ("INVALID_INPUT", field), path


async def test_a_colleague_looks_and_changes_nothing_of_a_place(world: World, asking: Programs) -> None:
    store, colleague = await cold_store(world.owner), await asking.of(world.colleague)
    assert (await colleague.ask("GET", f"{at(world)}/units/{store.unit_id}"))["name"] == "Freezer 1"
    for kind, one, new in (
        ("sites", store.site_id, SITE), ("areas", store.area_id, {"name": "A", "site_id": str(store.site_id)}),
        ("units", store.unit_id, {"name": "A", "area_id": str(store.area_id), "unit_type": "fridge"}),
    ):  # fmt: skip
        await colleague.ask("POST", f"{at(world)}/{kind}", new, status=403)
        await colleague.ask("PUT", f"{at(world)}/{kind}/{one}", {"name": "Mine"}, status=403)
        await colleague.ask("DELETE", f"{at(world)}/{kind}/{one}", status=403)
