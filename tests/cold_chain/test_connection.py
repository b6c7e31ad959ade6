"""An application at The Things Stack is connected: its keys, each step of setting it up, what goes wrong, and a new secret."""

import logging
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import pytest
from sqlmodel import select

from data.cold_chain import networks
from data.cold_chain.commands import connections, gateways, sensors
from data.cold_chain.networks import RIGHTS, Servers, is_private, missing_rights, server_address, servers
from data.cold_chain.queries import connections as queries
from data.cold_chain.queries import gateways as gateway_queries
from data.cold_chain.tables import LoraSensor, TtnConnection
from data.cold_chain.values import ProvisioningStatus
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from data.core.session import transaction
from data.core.settings import Settings
from data.identity import door
from data.identity.tables import ApiToken, Role, TokenKind
from data.platform.tables import BackgroundJob
from data.platform.values import BackgroundJobStatus
from jobs import provisioning
from jobs.background import Background
from jobs.networks import ttn_api
from tests.conftest import SECRET_KEY
from tests.factories.cold_chain import EUI, ColdStore, another_unit, cold_store
from tests.factories.people import World, person
from tests.factories.things_stack import ThingsStack, key

APP, HOOK = "green-cold", "https://steading.example/feeds/ttn"
SECOND, THIRD = "0004A30B001C0531", "0004A30B001C0532"
JOIN, APP_KEY = "70B3D57ED0000010", "00112233445566778899AABBCCDDEEFF"


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


@pytest.fixture
async def stack() -> AsyncIterator[ThingsStack]:
    made = ThingsStack()
    async with made.running() as url:
        made.url = url  # type: ignore[attr-defined]
        yield made


async def connect(who: Actor, stack: ThingsStack | None = None, **more: object) -> TtnConnection:
    given: dict[str, object] = {"application_id": APP, "webhook_url": HOOK, "api_key": key("GIVEN"), "frequency_plan_id": "AS_923"}
    if stack:
        given |= {"server_url": stack.url, "may_be_private": True}  # type: ignore[attr-defined]
    async with transaction(who) as tx:
        return await connections.connect(tx, **(given | more))  # type: ignore[arg-type]


async def ask(who: Actor, connection: TtnConnection) -> None:
    async with transaction(who) as tx:
        await connections.provision(tx, connection.id)


async def work(*, may_be_private: bool = True) -> None:
    """Let the process that does long work do what waits."""
    settings = Settings(_env_file=None, secret_key=SECRET_KEY, network_private_addresses=may_be_private)  # type: ignore[call-arg]
    background = Background({provisioning.KIND: provisioning.work(settings)})
    while await background.run_next():
        pass


async def seen(who: Actor, connection: TtnConnection) -> TtnConnection:
    async with transaction(who) as tx:
        return await queries.connection(tx, connection.id)


async def set_up(who: Actor, stack: ThingsStack, **more: object) -> TtnConnection:
    connection = await connect(who, stack, **more)
    await ask(who, connection)
    await work()
    return await seen(who, connection)


async def give_keys(who: Actor, device_id: UUID) -> None:
    async with transaction(who) as tx:
        await sensors.set_keys(tx, device_id, join_eui=JOIN, app_key=APP_KEY)


def states(connection: TtnConnection) -> list[str]:
    return [connection.provisioning_step_details.get(step, {}).get("state", "") for step in networks.STEPS]


# --- who may, and what is kept ----------------------------------------------------------------------------------------


async def test_only_those_who_keep_networks_see_and_change_connections(world: World, store: ColdStore) -> None:
    made = await connect(world.owner)
    manager = await person(world.organization, "Mina Manager", Role.MANAGER)
    for who in (world.colleague, manager):
        async with transaction(who) as tx:
            for attempt in (queries.connections(tx), queries.connection(tx, made.id), queries.feeds(tx), connections.provision(tx, made.id)):
                with pytest.raises(Forbidden):
                    await attempt
        with pytest.raises(Forbidden):
            await connect(who, application_id="mine")
    async with transaction(world.stranger) as tx:
        assert list(await queries.connections(tx)) == []
        for attempt in (connections.provision(tx, made.id), connections.rotate_secret(tx, made.id), connections.disconnect(tx, made.id)):
            with pytest.raises(NotFound):
                await attempt


async def test_keys_are_sealed_and_their_ends_are_shown(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    one, other = key("ONE"), key("OTHER")
    made = await connect(world.owner, api_key=one, org_api_key=other)
    assert (made.ttn_api_key_last_four, made.ttn_org_api_key_last_four) == (one[-4:], other[-4:])
    (kept,) = owner_connection.execute("select c::text || (select string_agg(e::text, '') from audit.event_logs e) from cold_chain.ttn_connections c").fetchone()  # type: ignore[misc]
    assert one not in kept and other not in kept and one[:30] not in kept
    async with transaction(Actor.system(world.organization_id, "job")) as tx:
        facts = await connections.facts(tx, made.id)
    assert (facts.api_key, facts.org_api_key) == (one, other)
    assert (await door.machine(facts.webhook_secret, TokenKind.FEED, network="ttn")).organization_id == world.organization_id
    with pytest.raises(Conflict):
        await connect(world.owner, application_id=APP.upper())


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"application_id": "x"}, "application_id"),
        ({"application_id": "a--b-c"}, "application_id"),
        ({"application_id": "a" * 37}, "application_id"),
        ({"api_key": "secret"}, "api_key"),
        ({"org_api_key": "NNSXS.x.y"}, "org_api_key"),
        ({"api_key": None}, "api_key"),
        ({"region": "mars1"}, "region"),
        ({"frequency_plan_id": "FM"}, "frequency_plan_id"),
        ({"server_url": "http://ttn.example.com"}, "server_url"),
        ({"server_url": "https://192.168.0.7"}, "server_url"),
    ],
)
async def test_what_cannot_be_is_refused_at_its_field(world: World, given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await connect(world.owner, **given)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    "address",
    [
        "https://localhost", "https://127.0.0.1", "https://[::1]", "https://10.1.2.3:8885", "https://169.254.169.254", "https://ttn",
        "https://ttn.local", "https://server.internal", "https://2130706433", "https://0x7f.1", "https://user:pw@ttn.example.com",
        "https://ttn.example.com/api", "https://ttn.example.com?x", "ftp://ttn.example.com", "ttn.example.com", "https://", "https://ttn.example.com:x",
    ],
)  # fmt: skip
def test_an_own_server_is_no_way_into_a_private_network(address: str) -> None:
    with pytest.raises(Invalid):
        server_address(address)


def test_an_own_server_may_be_anywhere_where_the_installation_allows_it() -> None:
    assert server_address(" https://ttn.example.com:8885/ ") == "https://ttn.example.com:8885"
    assert server_address("http://127.0.0.1:1885", may_be_private=True) == "http://127.0.0.1:1885"
    assert not is_private("thethings.example.com") and not is_private("8.8.8.8") and is_private("192.168.1.1")


@pytest.mark.parametrize(
    ("region", "url", "expected"),
    [
        ("eu1", None, ("https://eu1.cloud.thethings.network", "https://eu1.cloud.thethings.network")),
        ("au1", None, ("https://eu1.cloud.thethings.network", "https://au1.cloud.thethings.network")),
        (
            "eu1", "https://green.nam1.cloud.thethings.industries",
            ("https://green.eu1.cloud.thethings.industries", "https://green.nam1.cloud.thethings.industries"),
        ),
        ("eu1", "https://ttn.example.com:8885", ("https://ttn.example.com:8885", "https://ttn.example.com:8885")),
    ],
)  # fmt: skip
def test_identities_of_the_cloud_are_kept_in_europe_whichever_cluster_is_meant(region: str, url: str | None, expected: tuple[str, str]) -> None:
    assert servers(region, url) == Servers(*expected)


def test_a_key_needs_each_right_or_the_one_that_holds_all() -> None:
    assert missing_rights(set(RIGHTS)) == [] == missing_rights({"RIGHT_APPLICATION_ALL"})
    assert missing_rights(set(RIGHTS) - {"RIGHT_APPLICATION_DEVICES_WRITE_KEYS"}) == ["RIGHT_APPLICATION_DEVICES_WRITE_KEYS"]


# --- setting it up ------------------------------------------------------------------------------------------------------


async def test_an_application_that_is_there_is_set_up_and_its_sensors_are_made_known(
    world: World, store: ColdStore, stack: ThingsStack, owner_connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await another_unit(world.owner, store, name="Freezer 2", eui=SECOND)
    await give_keys(world.owner, store.sensor_id)
    given = stack.application(APP)
    done = await set_up(world.owner, stack, api_key=given)
    assert (done.provisioning_status, done.provisioning_step, done.is_active) == (ProvisioningStatus.COMPLETE, None, True)
    assert states(done) == ["done", "done", "done", "done", "skipped"] and done.app_rights_check_status == "complete"
    assert stack.webhooks[APP]["base_url"] == HOOK and stack.webhooks[APP]["uplink_message"] == {}
    (device,) = stack.devices[APP].values()
    assert device["ids"] == {"device_id": f"steading-{EUI.lower()}", "dev_eui": EUI, "join_eui": JOIN, "application_ids": {"application_id": APP}}
    assert device["js"]["root_keys.app_key.key"] == APP_KEY
    assert (device["ns"]["frequency_plan_id"], device["ns"]["lorawan_version"], device["ns"]["lorawan_phy_version"]) == ("AS_923", "MAC_V1_0_3", "PHY_V1_0_3_REV_A")
    assert "as" in device and [a.split("/")[0] for a in stack.asked if a.startswith("PUT")] == ["PUT as", "PUT js", "PUT ns", "PUT as"]
    told = done.provisioning_step_details["devices"]
    assert (told["made"], told["known"], told["keyless"]) == (1, 0, 1)
    (job,) = owner_connection.execute("select j::text from platform.background_jobs j").fetchall()
    assert given not in job[0] and APP_KEY not in job[0] and given not in caplog.text and APP_KEY not in caplog.text


async def test_the_webhooks_secret_opens_our_door(world: World, store: ColdStore, stack: ThingsStack) -> None:
    await set_up(world.owner, stack, api_key=stack.application(APP))
    secret = stack.webhooks[APP]["headers"]["X-Webhook-Secret"]
    assert (await door.machine(secret, TokenKind.FEED, network="ttn")).organization_id == world.organization_id


async def test_with_an_organizations_key_the_application_and_its_key_are_made_and_gateways_are_found(
    world: World, store: ColdStore, stack: ThingsStack
) -> None:
    await give_keys(world.owner, store.sensor_id)
    stack.gateways = [
        {
            "ids": {"gateway_id": "roof-1", "eui": "9C5C8E00001A05C4"}, "name": "Roof", "frequency_plan_id": "AS_923",
            "antennas": [{"location": {"latitude": 11.55, "longitude": 104.9, "altitude": 30}}],
        },
        {"ids": {"gateway_id": "cellar"}},
    ]  # fmt: skip
    async with transaction(world.owner) as tx:
        await gateways.add_gateway(tx, gateway_id="cellar", name="Ours", site_id=store.site_id)
    done = await set_up(world.owner, stack, api_key=None, org_api_key=stack.org_key)
    assert states(done) == ["done"] * 5 and APP in stack.applications and len(stack.devices[APP]) == 1
    made = next(one for one, (app, _rights) in stack.keys.items() if app == APP)
    assert done.ttn_api_key_last_four == made[-4:] and stack.keys[made][1] == frozenset(RIGHTS)
    async with transaction(world.owner) as tx:
        found = {one.gateway.gateway_id: one for one in await gateway_queries.gateways(tx)}
    assert (found["roof-1"].gateway.gateway_eui, found["roof-1"].gateway.latitude, found["roof-1"].gateway.altitude_m) == ("9C5C8E00001A05C4", 11.55, 30)
    assert (found["cellar"].name, found["cellar"].site_name, found["cellar"].gateway.ttn_connection_id) == ("Ours", "Market hall", done.id)


async def test_doing_it_twice_changes_nothing_and_what_people_registered_there_stays(world: World, store: ColdStore, stack: ThingsStack) -> None:
    given = stack.application(APP)
    second = await another_unit(world.owner, store, name="Freezer 2", eui=SECOND)
    async with transaction(world.owner) as tx:
        by_hand = (await tx.exec(select(LoraSensor))).all()
        assert by_hand == [] and second
    await give_keys(world.owner, store.sensor_id)
    stack.devices[APP] = {"theirs": {"ids": {"device_id": "theirs", "dev_eui": EUI, "join_eui": JOIN, "application_ids": {"application_id": APP}}}}
    done = await set_up(world.owner, stack, api_key=given)
    assert list(stack.devices[APP]) == ["theirs"] and "js" not in stack.devices[APP]["theirs"]
    assert done.provisioning_step_details["devices"]["known"] == 1
    stack.asked.clear()
    await ask(world.owner, done)
    await work()
    assert (await seen(world.owner, done)).provisioning_status is ProvisioningStatus.COMPLETE
    assert [a for a in stack.asked if not a.startswith("GET")] == [f"PUT as/webhooks/{APP}/steading"]


# --- what goes wrong ----------------------------------------------------------------------------------------------------


async def test_a_key_that_lacks_rights_is_told_which_and_nothing_is_changed_there(world: World, store: ColdStore, stack: ThingsStack) -> None:
    given = stack.application(APP, RIGHTS[:-1])
    failed = await set_up(world.owner, stack, api_key=given)
    told = failed.provisioning_step_details["rights"]
    assert (failed.provisioning_status, failed.provisioning_step, states(failed)) == (ProvisioningStatus.FAILED, "rights", ["failed", *["waiting"] * 4])
    assert told["values"] == {"rights": "RIGHT_APPLICATION_DEVICES_WRITE_KEYS"} and failed.app_rights_check_status == "failed"
    assert [a for a in stack.asked if not a.startswith("GET")] == []
    async with transaction(world.owner) as tx:
        (job,) = (await tx.exec(select(BackgroundJob))).all()
    assert job.status is BackgroundJobStatus.FAILED and "lacks these rights" in (job.error or "")


async def test_a_wrong_key_shows_what_the_network_said_and_the_number_to_ask_its_keepers_about(world: World, store: ColdStore, stack: ThingsStack) -> None:
    stack.application(APP)
    wrong = key("WRONG")
    failed = await set_up(world.owner, stack, api_key=wrong)
    assert (failed.last_http_status, failed.last_ttn_error_name) == (401, "token_not_found")
    assert failed.last_ttn_correlation_id == "7d4a76e4b2074fdfbb6d0fac81d8647c" and failed.last_http_body and wrong not in failed.last_http_body
    told = failed.provisioning_step_details["rights"]
    assert (told["http_status"], told["error_name"], told["values"]) == (401, "token_not_found", {"said": "token not found"})


async def test_it_goes_on_from_the_step_that_failed_and_attempts_are_counted(world: World, store: ColdStore, stack: ThingsStack) -> None:
    await give_keys(world.owner, store.sensor_id)
    given = stack.application(APP)
    stack.failing = {("PUT", "ns/"): (503, "unavailable")}
    failed = await set_up(world.owner, stack, api_key=given)
    assert (failed.provisioning_step, states(failed)[:4], failed.provisioning_attempt_count) == ("devices", ["done", "done", "done", "failed"], 1)
    assert failed.is_active, "readings come in all the same"
    stack.failing, stack.asked = {}, []
    await ask(world.owner, failed)
    await work()
    done = await seen(world.owner, failed)
    assert (done.provisioning_status, done.provisioning_attempt_count, done.provisioning_error) == (ProvisioningStatus.COMPLETE, 2, None)
    assert stack.asked[0] == f"GET applications/{APP}/devices" and not any(a.startswith("POST") for a in stack.asked)
    assert set(stack.devices[APP][f"steading-{EUI.lower()}"]) == {"ids", "is", "js", "ns", "as"}


async def test_a_sensor_that_is_refused_does_not_keep_the_others_from_being_registered(world: World, store: ColdStore, stack: ThingsStack) -> None:
    await give_keys(world.owner, store.sensor_id)
    async with transaction(world.owner) as tx:
        later = await sensors.create(tx, store.unit_id, device_eui=SECOND)
    await give_keys(world.owner, later.id)
    given = stack.application(APP)
    stack.devices["somebody-elses"] = {"x": {"ids": {"device_id": "x", "dev_eui": EUI}}}
    failed = await set_up(world.owner, stack, api_key=given)
    told = failed.provisioning_step_details["devices"]
    assert told["values"]["eui"] == EUI and "already registered" in told["values"]["reason"] and told["error_name"] == "end_device_euis_taken"
    assert list(stack.devices[APP]) == [f"steading-{SECOND.lower()}"]
    async with transaction(world.owner) as tx:
        known = {one.device_id: one.network_server_id for one in await tx.exec(select(LoraSensor))}
    assert known == {store.sensor_id: None, later.id: APP}


async def test_sensors_cannot_be_registered_without_a_frequency_plan(world: World, store: ColdStore, stack: ThingsStack) -> None:
    await give_keys(world.owner, store.sensor_id)
    failed = await set_up(world.owner, stack, api_key=stack.application(APP), frequency_plan_id=None)
    assert (failed.provisioning_step, failed.provisioning_error) == ("devices", provisioning.NO_PLAN)


async def test_an_application_that_is_gone_is_not_made_with_a_key_of_its_own(world: World, store: ColdStore, stack: ThingsStack) -> None:
    given = stack.application(APP)
    stack.lost.add(APP)
    failed = await set_up(world.owner, stack, api_key=given)
    assert (failed.provisioning_step, failed.provisioning_error) == ("application", provisioning.NO_APPLICATION)
    assert failed.provisioning_step_details["application"]["values"] == {"application": APP}


async def test_a_server_in_a_private_network_is_not_called_where_that_is_not_allowed(world: World, store: ColdStore, stack: ThingsStack) -> None:
    connection = await connect(world.owner, stack, api_key=stack.application(APP))
    await ask(world.owner, connection)
    await work(may_be_private=False)
    failed = await seen(world.owner, connection)
    assert failed.provisioning_step == "rights" and failed.provisioning_error == ttn_api.NO_ANSWER and stack.asked == []


async def test_nobody_changes_it_while_it_is_being_set_up(world: World, store: ColdStore, stack: ThingsStack) -> None:
    connection = await connect(world.owner, stack, api_key=stack.application(APP))
    await ask(world.owner, connection)
    for attempt in (connections.provision, connections.rotate_secret, connections.disconnect):
        async with transaction(world.owner) as tx:
            with pytest.raises(Conflict):
                await attempt(tx, connection.id)


# --- new secrets and keys -----------------------------------------------------------------------------------------------


async def test_the_old_secret_is_good_until_the_network_has_the_new_one(world: World, store: ColdStore, stack: ThingsStack) -> None:
    done = await set_up(world.owner, stack, api_key=stack.application(APP))
    old = stack.webhooks[APP]["headers"]["X-Webhook-Secret"]
    stack.failing = {("PUT", "webhooks"): (503, "unavailable")}
    async with transaction(world.owner) as tx:
        await connections.rotate_secret(tx, done.id)
    await work()
    assert (await seen(world.owner, done)).provisioning_step == "webhook"
    await door.machine(old, TokenKind.FEED, network="ttn")
    stack.failing = {}
    await ask(world.owner, done)
    await work()
    new = stack.webhooks[APP]["headers"]["X-Webhook-Secret"]
    assert new != old and (await seen(world.owner, done)).ttn_webhook_secret_last_four == new[-4:]
    await door.machine(new, TokenKind.FEED, network="ttn")
    with pytest.raises(Unauthenticated):
        await door.machine(old, TokenKind.FEED, network="ttn")


async def test_a_key_belongs_to_its_server(world: World, store: ColdStore, stack: ThingsStack) -> None:
    made = await connect(world.owner, api_key=key("ONE"), org_api_key=key("TWO"))
    async with transaction(world.owner) as tx:
        await connections.edit(tx, made.id, region="eu1", server_url=None, frequency_plan_id="EU_863_870_TTN")
        with pytest.raises(Invalid) as refusal:
            await connections.edit(tx, made.id, region="au1", server_url=None, frequency_plan_id="AU_915_928_FSB_2")
    assert refusal.value.field == "api_key"
    another = key("THREE")
    async with transaction(world.owner) as tx:
        await connections.edit(tx, made.id, region="au1", server_url="", frequency_plan_id="AU_915_928_FSB_2", api_key=another)
    changed = await seen(world.owner, made)
    assert (changed.ttn_region, changed.ttn_api_key_last_four, changed.ttn_org_api_key_last_four) == ("au1", another[-4:], None)
    assert changed.credentials_last_rotated_at


async def test_what_is_disconnected_is_forgotten_and_locked_out(
    world: World, store: ColdStore, stack: ThingsStack, owner_connection: psycopg.Connection
) -> None:
    done = await set_up(world.owner, stack, api_key=stack.application(APP))
    async with transaction(world.owner) as tx:
        await connections.disconnect(tx, done.id)
        assert list(await queries.connections(tx)) == []
        (token,) = (await tx.exec(select(ApiToken))).all()
    assert token.revoked_at
    kept = owner_connection.execute("select num_nonnulls(ttn_api_key_encrypted, ttn_org_api_key_encrypted, ttn_webhook_secret_encrypted) from cold_chain.ttn_connections").fetchone()
    assert kept == (0,)
    with pytest.raises(Unauthenticated):
        await door.machine(stack.webhooks[APP]["headers"]["X-Webhook-Secret"], TokenKind.FEED, network="ttn")
