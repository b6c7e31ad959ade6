"""What counts as trouble and who is told of it, over the JSON interface."""

import base64
from datetime import timedelta
from typing import Any

from data.alerts.tables import Severity
from data.core.time import now
from data.identity.tables import Role
from tests.api.conftest import Programs
from tests.api.test_cold_places import at
from tests.factories.alerts import raised, trouble
from tests.factories.cold_chain import cold_store
from tests.factories.people import World, person


async def test_an_alert_is_found_answered_with_what_was_done_and_closed(world: World, asking: Programs) -> None:
    store = await cold_store(world.owner)
    [alert, other] = await raised(
        world, trouble(store.unit_id, scope=store.site_id), trouble(store.site_id, Severity.WARNING, scope=store.site_id, alert_type="door_open"), at=now()
    )
    owner, colleague, viewer = [await asking.of(who) for who in (world.owner, world.colleague, world.viewer)]
    found, total = await viewer.list(f"{at(world)}/alerts", unit_id=store.unit_id)
    assert total == 1 and found[0]["id"] == str(alert.id) and found[0]["message"] == "Freezer 3 is too warm: -4.0"
    assert (await viewer.list(f"{at(world)}/alerts", severity="warning"))[1] == (await viewer.list(f"{at(world)}/alerts", status="active", alert_type="door_open"))[1] == 1
    assert (await viewer.list(f"{at(world)}/alerts", domain="farm"))[1] == 0
    path = f"{at(world)}/alerts/{alert.id}"
    await viewer.ask("POST", f"{path}/acknowledge", status=403)
    taken = await colleague.ask("POST", f"{path}/acknowledge", {"notes": "On my way", "corrective_action": "Shut the door"})
    assert (taken["status"], taken["note"], taken["corrective_actions"][0]["action_taken"]) == ("acknowledged", "On my way", "Shut the door")
    await colleague.ask("POST", f"{path}/acknowledge", status=409)
    await colleague.ask("POST", f"{path}/resolve", {"resolution": "Cold again"}, status=403)
    assert (await owner.ask("POST", f"{path}/resolve", {"resolution": " "}, status=422))["details"]["field"] == "resolution"
    closed = await owner.ask("POST", f"{path}/resolve", {"resolution": "Cold again", "corrective_action": "New seal"})
    assert (closed["status"], closed["resolution"], len(closed["corrective_actions"])) == ("resolved", "Cold again", 2)
    assert [one["decision"] for one in closed["story"]][-1] == "resolved"
    put = await colleague.ask("POST", f"{at(world)}/alerts/{other.id}/snooze", {"hours": 2})
    assert put["snoozed_until_at"]
    assert [one["id"] for one in (await viewer.list(f"{at(world)}/alerts", status="resolved"))[0]] == [str(alert.id)]


async def test_a_rule_is_said_inherited_and_its_changes_are_remembered(world: World, asking: Programs) -> None:
    store = await cold_store(world.owner)
    owner, manager, colleague = [await asking.of(who) for who in (world.owner, await person(world.organization, "Mia", Role.MANAGER), world.colleague)]
    path, unit, site = f"{at(world)}/alert-rules", f"unit_id={store.unit_id}", f"site_id={store.site_id}"
    assert (await colleague.ask("GET", f"{path}?{unit}"))["fields"]["delay_minutes"] | {"least": 0, "most": 0} == {
        "own": None, "holds": 10, "source": "default", "inherited": 10, "inherited_from": "default", "least": 0, "most": 0,
    }  # fmt: skip
    await owner.ask("PUT", f"{path}?{site}", {"delay_minutes": 30, "hysteresis_celsius": 1.5})
    said = (await manager.ask("PUT", f"{path}?{unit}", {"delay_minutes": 5, "temperature_max_celsius": -15}))["fields"]
    assert (said["delay_minutes"]["holds"], said["delay_minutes"]["inherited"], said["hysteresis_celsius"]["source"]) == (5, 30, "site")
    await manager.ask("PUT", f"{path}?{unit}", {"hysteresis_celsius": 2}, status=403)
    await colleague.ask("PUT", f"{path}?{unit}", {"delay_minutes": 1}, status=403)
    for wrong, field in (({"delay_minutes": -1}, "delay_minutes"), ({"colour": 3}, "colour"), ({"delay_minutes": "soon"}, "delay_minutes")):
        assert (await owner.ask("PUT", f"{path}?{unit}", wrong, status=422))["details"]["field"] == field
    assert (await manager.ask("DELETE", f"{path}/fields/delay_minutes?{unit}"))["fields"]["delay_minutes"]["holds"] == 30
    assert (await owner.ask("DELETE", f"{path}/fields/colour?{unit}", status=422))["details"]["field"] == "colour"
    [change, *_rest] = await colleague.ask("GET", f"{path}/history?{unit}&limit=1")
    assert (change["changed_by"], change["fields"]) == ("Mia", {"delay_minutes": {"old": 5, "new": None}})
    assert len(await colleague.ask("GET", f"{path}/history", everywhere=True)) == 3
    assert [one["name"] for one in (await colleague.list(f"{path}/deviations"))[0]] == ["Market hall", "Freezer 1"]
    assert (await owner.ask("DELETE", f"{path}?{unit}"))["fields"]["temperature_max_celsius"]["own"] is None
    await owner.ask("GET", f"{path}/history", limit=101, status=422)


async def test_a_policy_is_said_field_by_field_and_what_holds_is_told_with_its_origin(world: World, asking: Programs) -> None:
    store, owner, colleague = await cold_store(world.owner), await asking.of(world.owner), await asking.of(world.colleague)
    path, site, unit = f"{at(world)}/notification-policies", f"site_id={store.site_id}", f"unit_id={store.unit_id}"
    steps = [{"after_minutes": 20, "channels": ["sms"], "repeat": True}]
    said = await owner.ask("PUT", f"{path}?{site}&alert_type=door_open&severity=warning", {"steps": steps, "quiet_from": "22:00", "quiet_until": "06:00"})
    assert said["fields"] == {"steps": [steps[0] | {"priority": None}], "quiet_from": "22:00", "quiet_until": "06:00"}
    said = await owner.ask("PUT", f"{path}?{site}&alert_type=door_open&severity=warning", {"reminder_minutes": 30, "steps": None})
    assert said["fields"] == {"reminder_minutes": 30, "quiet_from": "22:00", "quiet_until": "06:00"}
    await owner.ask("PUT", f"{path}?{unit}", {"notify_roles": ["owner"], "days": [1, 2]})
    holds = await owner.ask("GET", f"{path}/effective?{unit}&alert_type=door_open&severity=warning")
    assert (holds["reminder_minutes"]["value"], holds["reminder_minutes"]["origin"]) == (30, "scope")
    assert (holds["notify_roles"]["value"], holds["notify_roles"]["origin"], holds["is_enabled"]["origin"]) == (["owner"], "thing", "built_in")
    assert (await owner.list(path))[1] == 2
    for wrong, field in (
        ({"reminder_minutes": 1}, "reminder_minutes"), ({"quiet_from": "22:00"}, "quiet_until"), ({"initial_channels": ["pigeon"]}, "initial_channels"),
        ({"notify_roles": ["king"]}, "notify_roles"), ({"days": [8]}, "days"), ({"steps": [{"channels": []}]}, "steps.0.after_minutes"),
    ):  # fmt: skip
        assert (await owner.ask("PUT", path, wrong, status=422))["details"]["field"] == field
    assert "days" not in (await owner.ask("DELETE", f"{path}/fields/days?{unit}"))["fields"]
    assert await owner.ask("DELETE", f"{path}?{unit}") is None
    for method, below in (("GET", ""), ("GET", "/effective"), ("PUT", ""), ("DELETE", ""), ("DELETE", "/fields/days")):
        await colleague.ask(method, path + below, {} if method == "PUT" else None, status=403)


async def test_contacts_and_shifts_are_kept_by_those_who_may(world: World, asking: Programs) -> None:
    owner, colleague = await asking.of(world.owner), await asking.of(world.colleague)
    path = f"{at(world)}/escalation-contacts"
    made = await owner.ask("POST", path, {"name": "Vet", "phone": "+855 12 000 111", "priority": 1}, status=201)
    assert (made["phone"], made["priority"]) == ("+85512000111", 1)
    changed = await owner.ask("PUT", f"{path}/{made['id']}", {"email": "vet@example.org", "is_active": False})
    assert (changed["phone"], changed["email"], changed["is_active"]) == ("+85512000111", "vet@example.org", False)
    await owner.ask("PUT", f"{path}/{made['id']}", {"is_active": True})
    for wrong, field in (({"name": "A"}, "phone"), ({"name": "A", "phone": "12"}, "phone"), ({"phone": "+85512000111"}, "name"), ({"name": "A", "email": "a"}, "email")):
        assert (await owner.ask("POST", path, wrong, status=422))["details"]["field"] == field
    begin = now()
    hours = {"from": (begin - timedelta(hours=1)).isoformat(), "to": (begin + timedelta(hours=9)).isoformat()}
    when = {"contact_id": made["id"], "starts_at": begin.isoformat(), "ends_at": (begin + timedelta(hours=8)).isoformat()}
    shift = await owner.ask("POST", f"{path}/shifts", when, status=201)
    assert [one["name"] for one in (await colleague.list(f"{path}/shifts", **hours))[0]] == ["Vet"]
    assert (await colleague.list(path))[0][0]["name"] == "Vet"
    await colleague.ask("POST", path, {"name": "A", "phone": "+85512000112"}, status=403)
    await colleague.ask("DELETE", f"{path}/shifts/{shift['id']}", status=403)
    await owner.ask("DELETE", f"{path}/shifts/{shift['id']}")
    await owner.ask("DELETE", f"{path}/{made['id']}")
    assert (await owner.list(path))[1] == 0 and (await owner.ask("GET", f"{path}/{made['id']}"))["deleted_at"]
    await owner.ask("POST", f"{path}/{made['id']}/restore")
    assert (await owner.list(path))[1] == 1


async def test_text_messages_are_set_up_by_those_in_charge_and_no_key_is_shown(world: World, asking: Programs) -> None:
    owner, colleague, path = await asking.of(world.owner), await asking.of(world.colleague), f"{at(world)}/alerts/sms/config"
    account: dict[str, Any] = {"number": "+1 555 010 0000", "api_key": "KEY-abcd-1234", "public_key": base64.b64encode(bytes(32)).decode()}
    assert await owner.ask("GET", path) is None
    made = await owner.ask("PUT", path, account)
    assert (made["number"], made["api_key_last_four"], made["is_enabled"]) == ("+15550100000", "1234", True) and "KEY" not in str(made)
    assert (await owner.ask("PUT", path, {"number": "12"}, status=422))["details"]["field"] == "number"
    await owner.ask("DELETE", path)
    assert await owner.ask("GET", path) is None
    for method, given in (("GET", None), ("PUT", account), ("DELETE", None)):
        await colleague.ask(method, path, given, status=403)


async def test_ones_own_digest_is_asked_for_and_ended(world: World, asking: Programs) -> None:
    store, colleague, path = await cold_store(world.owner), await asking.of(world.colleague), "/api/preferences/digest"
    assert (await colleague.ask("GET", path))["daily"] is False
    chosen = await colleague.ask("PATCH", path, {"daily": True, "time": "07:30", "site_ids": [str(store.site_id)]})
    assert (chosen["daily"], chosen["weekly"], chosen["time"], chosen["site_ids"]) == (True, False, "07:30", [str(store.site_id)])
    chosen = await colleague.ask("PATCH", path, {"weekly": True})
    assert (chosen["daily"], chosen["weekly"], chosen["time"]) == (True, True, "07:30")
    chosen = await colleague.ask("POST", f"{path}/disable-all")
    assert (chosen["daily"], chosen["weekly"], chosen["site_ids"]) == (False, False, [str(store.site_id)])
    assert (await colleague.ask("PATCH", path, {"time": "25:00"}, status=422))["details"]["field"] == "time"
    assert (await (await asking.of(world.owner)).ask("GET", path))["time"] == "09:00"
