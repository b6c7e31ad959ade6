"""Alerts of a farm over the JSON interface, and how one wants to be told of them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from data.alerts.commands import Trouble, raise_alerts, resolve_open
from data.alerts.tables import Severity
from data.core.session import transaction
from data.core.time import now
from tests.api.conftest import Programs
from tests.factories.alerts import raised, system
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World


async def raise_there(world: World, farm: FarmWorld) -> dict[str, str]:
    """A critical one of the fan that is open, a warning of the pump, and one of the probe that was over after half an hour; their ids."""
    at, probe = now() - timedelta(hours=2), farm.probe
    found = []
    for device, severity, kind in ((farm.fan, Severity.CRITICAL, "device_silent"), (farm.pump, Severity.WARNING, "device_offline"), (probe, Severity.WARNING, "low_battery")):
        found.append(Trouble("farm.devices", device.id, device.name, kind, severity, "{name} needs somebody.", "farm.view", {"name": device.name}, scope_id=farm.farm.id))
    async with transaction(system(world)) as tx:
        alerts = await raise_alerts(tx, [(one, at) for one in found])
        await resolve_open(tx, probe.id, "low_battery", at=at + timedelta(minutes=30), because="It is charged.")
    return {one.subject_name: str(one.id) for one in alerts}


async def test_alerts_are_listed_answered_and_looked_back_on(world: World, asking: Programs) -> None:
    farm = await build_farm(world.owner)
    ids, path = await raise_there(world, farm), f"/v1/farms/{farm.farm.id}/alerts"
    viewer, owner = await asking.of(world.viewer), await asking.of(world.owner)
    body = (await owner.client.get(path, headers=owner.headers)).json()
    assert [(one["subject"]["name"], one["severity"], one["message"]) for one in body["data"]] == [
        ("Fan", "critical", "Fan needs somebody."), ("Pump", "warning", "Pump needs somebody."),
    ]  # fmt: skip
    assert (body["active_count"], body["critical_count"], body["open_count"], body["pagination"]["total"]) == (2, 1, 2, 2)

    taken = await viewer.ask("POST", f"{path}/{ids['Fan']}/acknowledge", {"note": "I go there."})
    assert (taken["status"], taken["is_active"], taken["note"], taken["acknowledged_by"]["name"]) == ("acknowledged", False, "I go there.", world.viewer.name)
    assert [line["decision"] for line in taken["story"]] == ["raised", "acknowledged"]
    assert (await viewer.ask("POST", f"{path}/{ids['Fan']}/acknowledge", status=409))["code"] == "CONFLICT"
    snoozed = await viewer.ask("POST", f"{path}/{ids['Pump']}/snooze", {"hours": 4})
    assert snoozed["snoozed_until_at"] and (await owner.ask("POST", f"{path}/{ids['Pump']}/snooze", {"hours": 200}, status=422))["details"]["field"] == "hours"
    for query, names in (
        ({"status": "active"}, ["Pump"]), ({"status": "acknowledged"}, ["Fan"]), ({"status": "resolved"}, ["Probe"]), ({"severity": "critical"}, ["Fan"]),
        ({"device_id": str(farm.pump.id)}, ["Pump"]), ({"alert_type": "device_silent", "status": "all"}, ["Fan"]), ({"limit": "1", "page": "2"}, ["Fan"]),
    ):  # fmt: skip
        assert [one["subject"]["name"] for one in (await viewer.list(path, **query))[0]] == names
    assert (await viewer.ask("POST", f"{path}/{ids['Pump']}/resolve", {"because": "Mended."}, status=403))["code"] == "FORBIDDEN"
    assert (await owner.ask("POST", f"{path}/{ids['Pump']}/resolve", {"because": " "}, status=422))["details"]["field"] == "because"
    assert (await owner.ask("POST", f"{path}/{ids['Pump']}/resolve", {"because": "Mended."}))["resolution"] == "Mended."

    past = (await viewer.client.get(f"{path}/history", params={"days": 7}, headers=viewer.headers)).json()
    assert {one["subject"]["name"]: round(one["duration_minutes"]) for one in past["data"]} == {"Fan": 120, "Pump": 120, "Probe": 30}
    assert past["counts"] == {
        "total": 3, "open": 1, "acknowledged": 1, "by_severity": {"info": 0, "warning": 2, "critical": 1},
        "by_type": {"device_silent": 1, "device_offline": 1, "low_battery": 1}, "average_duration_minutes": 90.0,
    }  # fmt: skip


async def test_whoever_does_not_belong_there_finds_no_alert_of_the_farm(world: World, asking: Programs) -> None:
    farm = await build_farm(world.owner)
    ids, path = await raise_there(world, farm), f"/v1/farms/{farm.farm.id}/alerts"
    [cold] = await raised(world, is_told=False)
    routes: list[tuple[str, str, Any]] = [
        ("GET", path, None), ("GET", f"{path}/history", None), ("GET", f"{path}/{ids['Fan']}", None), ("POST", f"{path}/{ids['Fan']}/acknowledge", None),
        ("POST", f"{path}/{ids['Fan']}/snooze", {"hours": 1}), ("POST", f"{path}/{ids['Fan']}/resolve", {"because": "Mine."}),
    ]  # fmt: skip
    stranger, owner = await asking.of(world.stranger), await asking.of(world.owner)
    for method, to, body in routes:
        assert (await stranger.ask(method, to, body, status=404))["code"] == "FARM_NOT_FOUND"
        await asking.nobody.ask(method, to, body, status=401)
    for alert_id in (uuid4(), cold.id):
        assert (await owner.ask("GET", f"{path}/{alert_id}", status=404))["code"] == "ALERT_NOT_FOUND"
    assert (await owner.ask("GET", f"{path}?status=odd", status=422))["details"]["field"] == "status"


async def test_everybody_says_for_themselves_of_what_they_are_told(world: World, asking: Programs) -> None:
    owner, colleague, path = await asking.of(world.owner), await asking.of(world.colleague), "/v1/alert-subscriptions"
    said = {"alert_type": "device_offline", "channel": "email", "is_enabled": True, "quiet_hours_start": "20:00:00", "quiet_hours_end": "06:00:00"}
    made = await owner.ask("POST", path, said, status=201)
    assert made.items() >= said.items()
    assert await owner.list(path) == ([made], 1) and await colleague.list(path) == ([], 0)
    changed = await owner.ask("PUT", f"{path}/{made['id']}", {"is_enabled": False, "quiet_hours_start": None, "quiet_hours_end": None})
    assert (changed["is_enabled"], changed["quiet_hours_start"], changed["alert_type"]) == (False, None, "device_offline")
    assert (await owner.ask("PUT", f"{path}/{made['id']}", {"quiet_hours_start": "20:00"}, status=422))["details"]["field"] == "quiet_hours_end"
    for wrong, field in (({"channel": "smoke"}, "channel"), ({"channel": "in_app"}, "channel"), ({"alert_type": " "}, "alert_type"), ({"is_enabled": "why"}, "is_enabled")):
        assert (await owner.ask("POST", path, said | wrong, status=422))["details"]["field"] == field
    for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
        assert (await colleague.ask(method, f"{path}/{made['id']}", body, status=404))["code"] == "SUBSCRIPTION_NOT_FOUND"
        await asking.nobody.ask(method, f"{path}/{made['id']}", body, status=401)
    await owner.ask("DELETE", f"{path}/{made['id']}")
    await owner.ask("GET", f"{path}/{made['id']}", status=404)
