"""A gateway becomes somebody's by the code that it shows, and by nothing else."""

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from data.core.errors import Busy, Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands as farm_commands
from data.farm import queries, queries_gateways
from data.farm.commands import gateways
from data.farm.commands.gateways import MOST_CODES, MOST_TRIES, MOST_TRIES_OF_ALL, NETWORK, REMOVED, Code, Fetched
from data.farm.rules.gateways import CODE_LIFE
from data.farm.tables import CommandStatus, Gateway
from data.identity import door
from data.identity.tables import Role, TokenKind
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.gateways import ask_for_code, claim, claimed, fetch, list_devices
from tests.factories.people import World, person
from tests.farm.asking import ask, fate, open_alerts


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)


async def is_let_in(token: str) -> bool:
    try:
        return (await door.machine(token, TokenKind.DEVICE, network=NETWORK)).subject_id is not None
    except Unauthenticated:
        return False


async def test_whoever_types_the_code_has_the_gateway_and_it_fetches_its_token_once(world: World, farm: FarmWorld) -> None:
    code = await ask_for_code("PI_1")
    assert await fetch(code) == Fetched(False)
    gateway = await claim(world.owner, farm, code.code.lower().replace("-", " "), house=" House  1 ")
    assert (gateway.name, gateway.house, gateway.hardware_id, gateway.farm_id) == ("House 1", "House 1", "PI_1", farm.farm.id)
    fetched = await fetch(code)
    assert fetched.token and (fetched.farm_id, fetched.gateway_id) == (farm.farm.id, gateway.id)
    assert await fetch(code) == Fetched(True, None, farm.farm.id, gateway.id)
    machine = await door.machine(fetched.token, TokenKind.DEVICE, network=NETWORK)
    assert (machine.subject_id, machine.organization_id) == (gateway.id, world.organization_id)


async def test_a_token_and_a_code_stand_nowhere_in_plain_words(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    code = await ask_for_code("PI_1")
    await claim(world.owner, farm, code.code)
    (sealed, poll), = owner_connection.execute("select token_sealed, poll_hash from platform.device_claims").fetchall()
    token = (await fetch(code)).token or ""
    kept = str(owner_connection.execute("select d::text from platform.device_claims d union all select t::text from identity.api_tokens t").fetchall())
    log = str(owner_connection.execute("select event_data from audit.event_logs").fetchall())
    assert token.encode() not in bytes(sealed) and code.poll_token.encode() not in bytes(poll)
    assert token not in kept + log and code.poll_token not in kept + log and code.code not in log


async def test_a_code_is_good_once_for_half_an_hour_and_only_as_it_is(world: World, farm: FarmWorld) -> None:
    early = now() - CODE_LIFE - timedelta(seconds=1)
    old, used = await ask_for_code("PI_OLD", at=early), await ask_for_code("PI_1")
    await claim(world.owner, farm, used.code)
    for wrong in (old.code, used.code, "AAA-AAA", "", "' or true--"):
        with pytest.raises(Invalid) as refusal:
            await claim(world.owner, farm, wrong)
        assert refusal.value.field == "code"
    with pytest.raises(NotFound):
        await fetch(old)


async def test_only_who_asked_for_a_code_hears_what_became_of_it(world: World, farm: FarmWorld) -> None:
    code, other = await ask_for_code("PI_1"), await ask_for_code("PI_1")
    await claim(world.owner, farm, code.code)
    for thief in (Code(code.code, other.poll_token, code.expires_at), Code(code.code, "guessed", code.expires_at)):
        with pytest.raises(NotFound):
            await fetch(thief)
    assert (await fetch(code)).token


async def test_who_may_not_change_the_farm_claims_nothing_and_the_code_still_waits(world: World, farm: FarmWorld) -> None:
    code = await ask_for_code("PI_1")
    for nobody in (world.colleague, world.viewer, world.keeper, world.driver):
        with pytest.raises(Forbidden):
            await claim(nobody, farm, code.code)
        with pytest.raises(Forbidden):
            async with transaction(nobody) as tx:
                await gateways.note_try(tx)
    elsewhere = await person(world.organization, "Mina Manager", (Role.MANAGER, UUID(int=7)))
    with pytest.raises(Forbidden):
        await claim(elsewhere, farm, code.code)
    with pytest.raises(NotFound):  # somebody else's farm
        await claim(world.stranger, farm, code.code)
    assert await fetch(code) == Fetched(False)
    manager = await person(world.organization, "Mona Manager", (Role.MANAGER, farm.farm.id))
    assert (await claim(manager, farm, code.code)).claimed_by == manager.user_id


async def test_without_the_code_nobody_sees_that_a_gateway_waits(world: World, farm: FarmWorld, app_conninfo: str) -> None:
    code = await ask_for_code("PI_1")
    with psycopg.connect(app_conninfo, autocommit=True) as connection:
        assert connection.execute("select count(*) from platform.device_claims").fetchone() == (0,)
        with connection.transaction():
            connection.execute(f"set local app.claim_code = '{code.code}'")
            assert connection.execute("select count(*) from platform.device_claims").fetchone() == (1,)
        assert connection.execute("update platform.device_claims set organization_id = gen_random_uuid()").rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from platform.device_claims")


async def test_a_gateway_of_ours_is_nothing_to_others(world: World, farm: FarmWorld) -> None:
    gateway = (await claimed(world.owner, farm)).gateway
    for who, refusal in ((world.stranger, NotFound), (world.keeper, Forbidden)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await gateways.edit_gateway(tx, gateway.id, name="Mine")
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await gateways.remove_gateway(tx, gateway.id)
    async with transaction(world.stranger) as tx:
        assert await queries_gateways.standings(tx) == []
    async with transaction(world.viewer) as tx:
        assert [one.gateway.name for one in await queries_gateways.standings(tx)] == ["House 1"]
    with pytest.raises(Forbidden):
        async with transaction(world.driver) as tx:
            await queries_gateways.standings(tx)


async def test_a_box_that_lost_its_token_gets_another_and_stays_the_same_gateway(world: World, farm: FarmWorld) -> None:
    first = await claimed(world.owner, farm, house="House 1")
    code = await ask_for_code("PI_1")
    again = await claim(world.owner, farm, code.code, house="House 2")
    assert (again.id, again.house, again.name) == (first.gateway.id, "House 2", "House 1")
    assert not await is_let_in(first.token) and await is_let_in((await fetch(code)).token or "")
    async with transaction(world.owner) as tx:
        other = await farm_commands.create_farm(tx, name="Pond")
    code = await ask_for_code("PI_1")
    with pytest.raises(Conflict, match="another of your farms"):
        async with transaction(world.owner) as tx:
            await gateways.claim_gateway(tx, code.code, farm_id=other.id)
    async with transaction(world.owner) as tx:
        (await queries.farm(tx, farm.farm.id)).deleted_at = now()
    async with transaction(world.owner) as tx:
        assert (await gateways.claim_gateway(tx, code.code, farm_id=other.id)).id == first.gateway.id


async def test_a_box_that_was_sold_works_for_its_new_owner_whatever_the_old_one_did(world: World, farm: FarmWorld) -> None:
    ours = await claimed(world.owner, farm)
    theirs = await claimed(world.stranger, await build_farm(world.stranger, prefix="other"))
    assert ours.gateway.hardware_id == theirs.gateway.hardware_id and ours.gateway.id != theirs.gateway.id
    assert await is_let_in(ours.token) and await is_let_in(theirs.token)


async def test_codes_are_not_guessed_for_long(world: World, farm: FarmWorld) -> None:
    async def tries(count: int) -> None:
        for _ in range(count):
            async with transaction(world.owner) as tx:
                await gateways.note_try(tx)

    await tries(MOST_TRIES)
    with pytest.raises(Conflict, match="15 minutes"):
        await tries(1)
    async with transaction(world.stranger) as tx:  # others are not held up
        await gateways.note_try(tx)
    assert MOST_TRIES < MOST_TRIES_OF_ALL


async def test_a_box_does_not_fill_the_list_of_codes(world: World) -> None:
    for _ in range(MOST_CODES):
        await ask_for_code("PI_1")
    with pytest.raises(Busy):
        await ask_for_code("PI_1")
    assert (await ask_for_code("PI_2")).code
    assert (await ask_for_code("PI_1", at=now() + CODE_LIFE)).code


async def test_old_codes_are_forgotten(world: World, owner_connection: psycopg.Connection) -> None:
    await ask_for_code("PI_1", at=now() - timedelta(days=2))
    await ask_for_code("PI_2")
    assert owner_connection.execute("select hardware_id from platform.device_claims").fetchall() == [("PI_2",)]


async def test_a_gateway_is_called_otherwise_and_keeps_its_devices(world: World, farm: FarmWorld) -> None:
    gateway = (await claimed(world.owner, farm)).gateway
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await gateways.edit_gateway(tx, gateway.id, name=" ")
    assert refusal.value.field == "name"
    async with transaction(world.owner) as tx:
        await gateways.edit_gateway(tx, gateway.id, name="Barn", house="")
    async with transaction(world.viewer) as tx:
        found = await queries_gateways.gateway(tx, gateway.id)
        assert (found.name, found.house) == ("Barn", None)
        assert await queries_gateways.houses(tx) == {farm.farm.id: ["Room 1"]}


async def test_a_removed_gateway_is_shut_out_and_what_was_asked_behind_it_ends(world: World, farm: FarmWorld) -> None:
    box = await claimed(world.owner, farm)
    fan, _ = await list_devices(world, box, "fan", "temp_humidity")
    wish = await ask(world.owner, fan)
    async with transaction(world.owner) as tx:
        await gateways.remove_gateway(tx, box.gateway.id)
    ended = await fate(world, wish)
    assert (ended.status, ended.error_message) == (CommandStatus.FAILED, REMOVED) and not await is_let_in(box.token)
    async with transaction(world.owner) as tx:
        assert await queries_gateways.standings(tx) == []
        assert (await tx.get_one(Gateway, box.gateway.id)).deleted_at
    assert await open_alerts(world) == []
    again = await claimed(world.owner, farm)
    assert again.gateway.id != box.gateway.id
    async with transaction(world.viewer) as tx:
        (standing,) = await queries_gateways.standings(tx)
    assert {device.name for device in standing.devices} == {"Fan", "Temp humidity"}


async def test_the_sweep_may_see_every_claim(world: World) -> None:
    await ask_for_code("PI_1")
    async with across_tenants("tests") as tx:
        with pytest.raises(NotFound):
            await gateways.fetch_token(tx, "AAA-AAA", "guessed", at=now())
