from uuid import UUID, uuid4

import psycopg
import pytest

from data.cold_chain.commands import places, rules
from data.cold_chain.queries import units
from data.cold_chain.values import UnitType
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.identity.tables import Role
from data.platform import billing
from data.platform.values import Plan
from tests.factories.cold_chain import EUI, ColdStore, another_unit, cold_store
from tests.factories.people import World, person


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def rule_of(world: World, unit_id: UUID) -> tuple[float | None, float | None, float]:
    async with transaction(world.owner) as tx:
        rule = (await units.unit(tx, unit_id)).rule
    return rule.low_celsius, rule.high_celsius, rule.delay.total_seconds() / 60


async def test_what_the_owner_makes_the_colleague_sees_as_a_tree(world: World, store: ColdStore) -> None:
    await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    async with transaction(world.colleague) as tx:
        (branch,) = await units.tree(tx)
        listed, total = await units.units(tx)
    assert (branch.site.name, [a.area.name for a in branch.areas]) == ("Market hall", ["Dock"])
    assert [u.name for u in branch.areas[0].units] == ["Freezer 1", "Freezer 2"]
    assert ([u.name for u in listed], total) == (["Freezer 1", "Freezer 2"], 2)


async def test_the_stranger_finds_nothing_of_it(world: World, store: ColdStore) -> None:
    async with transaction(world.stranger) as tx:
        assert list(await units.tree(tx)) == [] and await units.units(tx) == ([], 0)
        for asked in (units.unit(tx, store.unit_id), units.sensors(tx, store.unit_id), units.site(tx, store.site_id)):
            with pytest.raises(NotFound):
                await asked


async def test_the_stranger_changes_nothing_of_it(world: World, store: ColdStore) -> None:
    async with transaction(world.stranger) as tx:
        for attempt in (
            places.create_area(tx, store.site_id, name="Mine"),
            places.create_unit(tx, store.area_id, name="Mine", unit_type=UnitType.FRIDGE),
            places.create_sensor(tx, store.unit_id, device_eui="0004A30B001C0999"),
            rules.set_limits(tx, store.unit_id, low_celsius=0, high_celsius=1, delay_minutes=1),
        ):
            with pytest.raises(NotFound):
                await attempt


async def test_the_colleague_who_may_only_look_and_log_makes_nothing(world: World, store: ColdStore) -> None:
    async with transaction(world.colleague) as tx:
        for attempt in (
            places.create_site(tx, name="Mine", time_zone="UTC"),
            places.create_area(tx, store.site_id, name="Mine"),
            places.create_unit(tx, store.area_id, name="Mine", unit_type=UnitType.FRIDGE),
            places.create_sensor(tx, store.unit_id, device_eui="0004A30B001C0999"),
            rules.set_limits(tx, store.unit_id, low_celsius=0, high_celsius=1, delay_minutes=1),
            rules.set_rule(tx, changes={"delay_minutes": 1}),
        ):
            with pytest.raises(Forbidden):
                await attempt


async def test_a_role_limited_to_a_site_reaches_that_site_only(world: World, store: ColdStore) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0777", name="Harbour")
    manager = await person(world.organization, "Mina Manager", (Role.MANAGER, store.site_id))
    async with transaction(manager) as tx:
        assert [u.id for u in (await units.units(tx))[0]] == [store.unit_id]
        await places.create_area(tx, store.site_id, name="Kitchen")
        for attempt in (units.unit(tx, other.unit_id), places.create_sensor(tx, other.unit_id, device_eui="0" * 16)):
            with pytest.raises(NotFound):
                await attempt
        for beyond in (places.create_site(tx, name="X", time_zone="UTC"), rules.set_rule(tx, changes={"delay_minutes": 1})):
            with pytest.raises(Forbidden):
                await beyond


async def test_a_unit_begins_with_the_limits_of_its_type(world: World, store: ColdStore) -> None:
    assert await rule_of(world, store.unit_id) == (-23.33, -17.78, 10)


async def test_each_field_is_inherited_by_itself_from_unit_site_organization_and_default(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await rules.set_rule(tx, changes={"temperature_max_celsius": -10, "delay_minutes": 30})
        await rules.set_rule(tx, site_id=store.site_id, changes={"temperature_min_celsius": -30, "delay_minutes": 20})
        await rules.set_limits(tx, store.unit_id, low_celsius=None, high_celsius=-15, delay_minutes=None)
    assert await rule_of(world, store.unit_id) == (-30, -15, 20)
    async with transaction(world.owner) as tx:
        await rules.set_rule(tx, site_id=store.site_id, changes={"delay_minutes": None})
        await rules.set_limits(tx, store.unit_id, low_celsius=None, high_celsius=None, delay_minutes=None)
    assert await rule_of(world, store.unit_id) == (-30, -10, 30)


async def test_one_sites_rule_says_nothing_about_another_site(world: World, store: ColdStore) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0777", name="Harbour")
    async with transaction(world.owner) as tx:
        await rules.set_rule(tx, site_id=store.site_id, changes={"delay_minutes": 1})
    assert (await rule_of(world, store.unit_id))[2] == 1 and (await rule_of(world, other.unit_id))[2] == 10


async def test_who_changed_a_limit_from_what_to_what_is_in_the_event_log(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    for high in (-15, -16):
        async with transaction(world.owner) as tx:
            await rules.set_limits(tx, store.unit_id, low_celsius=-30, high_celsius=high, delay_minutes=5)
    logged = owner_connection.execute(
        "select acting_user_id, event_data from audit.event_logs where event_type = 'cold_chain.alert_rules.changed'"
    ).fetchall()
    assert [(user, data["temperature_max_celsius"]) for user, data in logged] == [(world.owner.user_id, ["-15", "-16"])]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"temperature_min_celsius": -18, "temperature_max_celsius": -20}, "temperature_max_celsius"),
        ({"temperature_min_celsius": -120}, "temperature_min_celsius"),
        ({"temperature_max_celsius": float("nan")}, "temperature_max_celsius"),
        ({"delay_minutes": -1}, "delay_minutes"),
        ({"delay_minutes": 1.5}, "delay_minutes"),
        ({"organization_id": 1}, "organization_id"),
    ],
)
async def test_a_limit_that_cannot_be_is_refused(
    world: World, store: ColdStore, changes: dict[str, float], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await rules.set_rule(tx, unit_id=store.unit_id, changes=changes)
    assert refusal.value.field == field
    assert await rule_of(world, store.unit_id) == (-23.33, -17.78, 10)


async def test_a_limit_must_be_in_order_with_the_one_that_is_inherited_too(world: World, store: ColdStore) -> None:
    with pytest.raises(Invalid):
        async with transaction(world.owner) as tx:
            await rules.set_rule(tx, site_id=store.site_id, changes={"temperature_max_celsius": -20})
            await rules.set_limits(tx, store.unit_id, low_celsius=-10, high_celsius=None, delay_minutes=None)


async def test_names_and_numbers_are_taken_once(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        for attempt in (
            places.create_site(tx, name=" market HALL ", time_zone="UTC"),
            places.create_area(tx, store.site_id, name="dock"),
            places.create_unit(tx, store.area_id, name="freezer 1", unit_type=UnitType.FRIDGE),
            places.create_sensor(tx, store.unit_id, device_eui=EUI.lower()),
        ):
            with pytest.raises(Conflict):
                await attempt


async def test_a_sensor_is_known_by_its_number_however_it_is_written_and_the_first_speaks_for_the_unit(
    world: World, store: ColdStore
) -> None:
    async with transaction(world.owner) as tx:
        second = await places.create_sensor(tx, store.unit_id, device_eui="00:04:a3:0b:00:1c:05:31", name="Door")
        first, other = await units.sensors(tx, store.unit_id)
    assert (first.is_primary, other.is_primary, other.id, second.device_eui) == (True, False, second.id, "0004A30B001C0531")


@pytest.mark.parametrize(("name", "time_zone", "field"), [("  ", "UTC", "name"), ("x" * 101, "UTC", "name"), ("Site", "Mars/Base", "time_zone")])
async def test_a_site_needs_a_name_and_a_clock(world: World, name: str, time_zone: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        async with transaction(world.owner) as tx:
            await places.create_site(tx, name=name, time_zone=time_zone)
    assert refusal.value.field == field


async def test_a_row_cannot_point_into_another_organization(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    theirs = await cold_store(world.stranger, name="Theirs")
    for table, column, target in (("units", "area_id", theirs.area_id), ("devices", "unit_id", theirs.unit_id)):
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            owner_connection.execute(
                f"update cold_chain.{table} set {column} = %s where organization_id = %s", [target, store.organization_id]
            )


async def test_the_list_is_paged_sorted_and_searched_by_the_database(world: World, store: ColdStore) -> None:
    for number in range(2, 6):
        await another_unit(world.owner, store, name=f"Freezer {number}", eui=f"0004A30B001C06{number:02}")
    async with transaction(world.owner) as tx:
        page, total = await units.units(tx, sort="name", descending=True, offset=1, limit=2)
        found, few = await units.units(tx, search="freezer 3")
        nothing, none = await units.units(tx, search="100%_")
    assert ([u.name for u in page], total) == (["Freezer 4", "Freezer 3"], 5)
    assert ([u.name for u in found], few, list(nothing), none) == (["Freezer 3"], 1, [], 0)


async def test_a_thing_that_is_not_there_is_not_found(world: World) -> None:
    async with transaction(world.owner) as tx:
        with pytest.raises(NotFound):
            await units.unit(tx, uuid4())


async def test_a_plan_of_one_site_holds_one(world: World) -> None:
    await cold_store(world.owner)
    async with transaction(world.owner) as tx:
        await billing.begin_trial(tx, plan=Plan.STARTER)
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict, match="holds one site"):
            await places.create_site(tx, name="Second", time_zone="UTC")
