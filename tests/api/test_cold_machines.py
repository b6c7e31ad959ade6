"""Sensors and gateways over the JSON interface: registered, described, made known to their network, and heard."""

from datetime import timedelta

from sqlmodel import select

from data.alerts.tables import Alert
from data.cold_chain.commands import connections
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from data.platform.tables import BackgroundJob
from tests.api.conftest import Programs
from tests.api.test_cold_places import at
from tests.factories.cold_chain import cold_store
from tests.factories.people import World, person
from tests.factories.things_stack import key

EUI, JOIN, APP_KEY = "0004A30B001C0777", "70B3D57ED0000010", "00112233445566778899AABBCCDDEEFF"


async def connect(world: World) -> str:
    async with transaction(world.owner) as tx:
        made = await connections.connect(
            tx, application_id="green-cold", webhook_url="https://steading.example/feeds/ttn", api_key=key("GIVEN"), frequency_plan_id="AS_923"
        )
        return str(made.id)


async def test_a_sensor_is_registered_described_moved_and_taken_away(world: World, asking: Programs) -> None:
    store, owner, path = await cold_store(world.owner), await asking.of(world.owner), f"{at(world)}/ttn/devices"
    made = await owner.ask("POST", path, {"device_eui": "00-04-a3-0b-00-1c-07-77", "name": "Second", "uplink_interval_s": 600, "join_eui": JOIN, "app_key": APP_KEY}, status=201)
    assert (made["device_eui"], made["unit"], made["uplink_interval_s"], made["lorawan"]["app_key_last_four"]) == (EUI, None, 600, "EEFF")
    assert APP_KEY not in str(made)
    moved = await owner.ask("PUT", f"{path}/{made['id']}", {"unit_id": str(store.unit_id), "is_primary": True, "notes": "By the door"})
    assert (moved["unit"]["name"], moved["is_primary"], moved["name"], moved["notes"]) == ("Freezer 1", True, "Second", "By the door")
    assert [one["device_eui"] for one in (await owner.list(path, unit_id=store.unit_id, search="0777"))[0]] == [EUI]
    resting = await owner.ask("PUT", f"{path}/{made['id']}", {"is_active": False})
    assert (resting["state"], resting["is_primary"]) == ("out_of_service", False)
    for wrong, field in (
        ({"device_eui": "12"}, "device_eui"), ({"device_eui": "0004A30B001C0778", "uplink_interval_s": 5}, "uplink_interval_s"),
        ({"device_eui": "0004A30B001C0778", "app_key": "12", "join_eui": JOIN}, "app_key"), ({"name": "A"}, "device_eui"),
        ({"device_eui": "0004A30B001C0778", "app_key": APP_KEY}, "join_eui"),
    ):  # fmt: skip
        assert (await owner.ask("POST", path, wrong, status=422))["details"]["field"] == field
    assert (await owner.ask("POST", path, {"device_eui": EUI}, status=409))["code"] == "CONFLICT"
    await owner.ask("DELETE", f"{path}/{made['id']}")
    assert (await owner.ask("GET", f"{path}/{made['id']}", status=404))["code"] == "SENSOR_NOT_FOUND"
    colleague = await asking.of(world.colleague)
    assert "lorawan" not in await colleague.ask("GET", f"{path}/{store.sensor_id}")
    await colleague.ask("POST", path, {"device_eui": EUI}, status=403)
    await colleague.ask("PUT", f"{path}/{store.sensor_id}", {"name": "Mine"}, status=403)
    await colleague.ask("DELETE", f"{path}/{store.sensor_id}", status=403)


async def test_a_sensor_and_its_gateways_are_made_known_to_the_network_by_a_job(world: World, asking: Programs) -> None:
    store, owner, path = await cold_store(world.owner), await asking.of(world.owner), f"{at(world)}/ttn"
    given = {"unit_id": str(store.unit_id), "device_eui": EUI, "join_eui": JOIN, "app_key": APP_KEY}
    assert "connected yet" in (await owner.ask("POST", f"{path}/devices/bootstrap", given, status=409))["message"]
    assert (await owner.list(f"{path}/devices"))[1] == 1  # all or nothing
    connection_id = await connect(world)
    manager = await asking.of(await person(world.organization, "Mia", Role.MANAGER))
    await manager.ask("POST", f"{path}/devices/bootstrap", given, status=403)
    asked = await owner.ask("POST", f"{path}/devices/bootstrap", given, status=202)
    assert (asked["device"]["device_eui"], asked["connection"]["id"], asked["connection"]["status"]) == (EUI, connection_id, "in_progress")
    [listed], _total = await owner.list(f"{path}/connections")
    assert listed["steps"]["devices"]["state"] == "waiting" and "NNSXS" not in str(listed)
    await owner.ask("POST", f"{path}/gateways/bootstrap", status=409)  # it is being set up at this moment
    async with transaction(world.owner) as tx:
        assert [one.kind for one in await tx.exec(select(BackgroundJob))] == [connections.KIND]


async def test_a_gateway_is_ours_and_another_system_tells_how_it_is(world: World, asking: Programs) -> None:
    store, owner, colleague = await cold_store(world.owner), await asking.of(world.owner), await asking.of(world.colleague)
    path = f"{at(world)}/ttn/gateways"
    made = await owner.ask("POST", path, {"gateway_id": "green-roof", "site_id": str(store.site_id), "latitude": 11.5, "longitude": 104.9}, status=201)
    assert (made["status"], made["last_seen_at"], made["latitude"]) == ("unknown", None, 11.5)
    changed = await owner.ask("PUT", f"{path}/{made['id']}", {"name": "Roof", "latitude": None, "longitude": None})
    assert (changed["name"], changed["site_id"], changed["latitude"]) == ("Roof", str(store.site_id), None)
    heard = await owner.ask("POST", f"{path}/{made['id']}/status", {"status": "online", "signal_strength": -80})
    assert (heard["status"], heard["signal_strength"]) == ("online", -80) and heard["last_seen_at"]
    tomorrow = (now() + timedelta(days=1)).isoformat()
    for wrong, field in (({"status": "asleep"}, "status"), ({"status": "online", "last_seen_at": tomorrow}, "last_seen_at")):
        assert (await owner.ask("POST", f"{path}/{made['id']}/status", wrong, status=422))["details"]["field"] == field
    gone = await owner.ask("POST", f"{path}/{made['id']}/status", {"status": "offline"})
    assert (gone["status"], gone["last_seen_at"]) == ("offline", heard["last_seen_at"])
    async with transaction(world.owner) as tx:
        alert = (await tx.exec(select(Alert))).one()
        assert (alert.alert_type, alert.subject_name, alert.next_step_at is not None) == ("gateway_offline", "Roof", True)
    assert [one["site_name"] for one in (await colleague.list(path))[0]] == ["Market hall"]
    assert (await colleague.ask("GET", f"{path}/{made['id']}"))["name"] == "Roof"
    for method, below, given in (("POST", "", {"gateway_id": "mine-too"}), ("PUT", f"/{made['id']}", {}), ("DELETE", f"/{made['id']}", None), ("POST", f"/{made['id']}/status", {"status": "online"})):
        await colleague.ask(method, path + below, given, status=403)
    assert (await owner.ask("POST", path, {"gateway_id": "A b"}, status=422))["details"]["field"] == "gateway_id"
    await owner.ask("DELETE", f"{path}/{made['id']}")
    await owner.ask("GET", f"{path}/{made['id']}", status=404)
