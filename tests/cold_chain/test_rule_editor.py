"""Who may say what counts as trouble, what of it holds where, what is refused, and what is remembered of it."""

from collections.abc import Mapping

import psycopg
import pytest

from data.cold_chain.commands import places, rules
from data.cold_chain.queries import rules as queries
from data.cold_chain.queries import units
from data.cold_chain.queries.rules import Field
from data.cold_chain.rules import INHERITED
from data.cold_chain.rules.ranges import OF_SITES, RANGES
from data.cold_chain.values import UnitType
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.identity.tables import Role
from pages.cold_chain._rule_words import FIELDS, GROUPS, range_words, shown, typed, value_words
from tests.cold_chain.stories import put
from tests.factories.cold_chain import ColdStore, another_unit, cold_store
from tests.factories.people import World, person
from ui.words import Reader, reading_as


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def change(who: Actor, store: ColdStore, where: str = "organization", **changes: float | None) -> None:
    """Of everything, of the site, or of the unit."""
    async with transaction(who) as tx:
        await rules.set_rule(
            tx, changes=changes, unit_id=store.unit_id if where == "unit" else None, site_id=store.site_id if where == "site" else None
        )


async def fields(world: World, store: ColdStore, where: str = "unit") -> Mapping[str, Field]:
    async with transaction(world.owner) as tx:
        place = await queries.place(
            tx, unit_id=store.unit_id if where == "unit" else None, site_id=store.site_id if where == "site" else None
        )
        return {one.name: one for one in await queries.fields(tx, place)}


def told(one: Field) -> tuple[object, ...]:
    return one.own, one.holds, one.source, one.inherited, one.inherited_from


async def test_each_field_says_what_holds_who_says_so_and_what_would_hold_otherwise(world: World, store: ColdStore) -> None:
    assert told((await fields(world, store))["delay_minutes"]) == (None, 10, "default", 10, "default")
    await change(world.owner, store, delay_minutes=30)
    assert told((await fields(world, store))["delay_minutes"]) == (None, 30, "organization", 30, "organization")
    await change(world.owner, store, "site", delay_minutes=20)
    assert told((await fields(world, store))["delay_minutes"]) == (None, 20, "site", 20, "site")
    await change(world.owner, store, "unit", delay_minutes=5)
    assert told((await fields(world, store))["delay_minutes"]) == (5, 5, "unit", 20, "site")
    assert told((await fields(world, store, "site"))["delay_minutes"]) == (20, 20, "site", 30, "organization")
    assert told((await fields(world, store, "organization"))["delay_minutes"]) == (30, 30, "organization", 10, "default")


async def test_limits_come_with_the_kind_and_one_may_be_open(world: World, store: ColdStore) -> None:
    found = await fields(world, store)
    assert told(found["temperature_max_celsius"]) == (None, -17.78, "type", -17.78, "type")
    await change(world.owner, store, "unit", temperature_max_celsius=-24)
    found = await fields(world, store)
    assert told(found["temperature_max_celsius"]) == (-24, -24, "unit", -17.78, "type")
    assert told(found["temperature_min_celsius"])[1] is None, "the kind's own lower limit would be above it"


async def test_what_is_shown_is_what_the_unit_is_judged_by(world: World, store: ColdStore) -> None:
    await change(world.owner, store, **{name: (least + most) / 2 // 1 for name, (least, most) in RANGES.items() if "temperature" not in name})
    await change(world.owner, store, "site", temperature_max_celsius=-10, door_open_warning_minutes=7)
    found = await fields(world, store)
    async with transaction(world.owner) as tx:
        rule = (await units.unit(tx, store.unit_id)).rule
    assert (rule.low_celsius, rule.high_celsius) == (found["temperature_min_celsius"].holds, found["temperature_max_celsius"].holds)
    assert rule.door_warning.total_seconds() / 60 == found["door_open_warning_minutes"].holds == 7
    assert rule.low_battery_percent == found["low_battery_percent"].holds == 50
    assert rule.rise_celsius_per_hour == found["rise_celsius_per_hour"].holds == 50


async def test_how_often_to_measure_by_hand_may_be_said_by_the_unit_or_the_site_without_a_rule(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    async def seen() -> tuple[object, object, float]:
        one = (await fields(world, store))["manual_interval_minutes"]
        async with transaction(world.owner) as tx:
            return one.holds, one.source, (await units.unit(tx, store.unit_id)).rule.manual_after.total_seconds() / 60

    assert await seen() == (240, "default", 240)
    await change(world.owner, store, manual_interval_minutes=300)
    assert await seen() == (300, "organization", 300)
    owner_connection.execute("update cold_chain.sites set manual_log_cadence_s = 7200 where id = %s", [store.site_id])
    assert await seen() == (120, "site_itself", 120)
    await change(world.owner, store, "site", manual_interval_minutes=90)
    assert await seen() == (90, "site", 90)
    put(owner_connection, store.unit_id, manual_monitoring_interval_minutes=45)
    assert await seen() == (45, "unit_itself", 45)


@pytest.mark.parametrize("name", [name for name in RANGES if name not in OF_SITES])
async def test_every_field_can_be_set_and_inherited_again(world: World, store: ColdStore, name: str) -> None:
    least, most = RANGES[name]
    chosen = {
        "temperature_min_celsius": -30.0, "temperature_max_celsius": -5.0, "door_open_critical_minutes": 15.0,
        "offline_warning_missed_checkins": 3.0,
    }  # fmt: skip
    value = chosen.get(name, float(int(max(least, min(most, 9)))))
    await change(world.owner, store, "unit", **{name: value})
    assert (await fields(world, store))[name].own == value
    async with transaction(world.owner) as tx:
        await rules.clear(tx, name, unit_id=store.unit_id)
    assert (await fields(world, store))[name].own is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"offline_trigger_multiplier": 0.5}, "offline_trigger_multiplier"), ({"low_battery_percent": 101}, "low_battery_percent"),
        ({"rise_celsius_per_hour": 0}, "rise_celsius_per_hour"), ({"manual_interval_minutes": 0}, "manual_interval_minutes"),
        ({"door_open_max_mask_minutes_per_day": 1441}, "door_open_max_mask_minutes_per_day"),
        ({"manual_interval_minutes": 1.5}, "manual_interval_minutes"), ({"door_open_warning_minutes": 11}, "door_open_warning_minutes"),
        ({"door_open_critical_minutes": 2}, "door_open_critical_minutes"),
        ({"offline_critical_missed_checkins": 2, "offline_warning_missed_checkins": 3}, "offline_critical_missed_checkins"),
        ({"id": 3}, "id"), ({"hysteresis_celsius": float("inf")}, "hysteresis_celsius"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_and_the_field_named(world: World, store: ColdStore, changes: dict[str, float], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        await change(world.owner, store, "unit", **changes)
    assert refusal.value.field == field
    async with transaction(world.owner) as tx:
        assert await queries.history(tx) == []


async def test_a_change_above_that_would_contradict_a_unit_is_refused_and_the_unit_named(world: World, store: ColdStore) -> None:
    await change(world.owner, store, "unit", temperature_min_celsius=-20)
    for where in ("site", "organization"):
        with pytest.raises(Conflict) as refusal:
            await change(world.owner, store, where, temperature_max_celsius=-21)
        assert refusal.value.values["unit"] == "Freezer 1"
    other = await cold_store(world.owner, name="Harbour", eui="0004A30B001C0777")
    async with transaction(world.owner) as tx:
        await rules.set_rule(tx, changes={"temperature_max_celsius": -21}, site_id=other.site_id)


async def test_every_change_is_remembered_with_who_and_from_what_to_what(world: World, store: ColdStore) -> None:
    await change(world.owner, store, "site", delay_minutes=20, temperature_max_celsius=-15.5)
    await change(world.owner, store, "site", delay_minutes=20, temperature_max_celsius=-14)
    await change(world.owner, store, "site", delay_minutes=None)
    await change(world.owner, store, delay_minutes=12)
    async with transaction(world.colleague) as tx:
        place = await queries.place(tx, site_id=store.site_id)
        of_site, everything = await queries.history(tx, place), await queries.history(tx)
    assert [list(one.fields) for one in of_site] == [
        [("delay_minutes", 20, None)], [("temperature_max_celsius", -15.5, -14.0)],
        [("temperature_max_celsius", None, -15.5), ("delay_minutes", None, 20)],
    ]  # fmt: skip
    assert {one.who for one in of_site} == {"Olga Owner"} and {one.place for one in of_site} == {"Market hall"}
    assert len(everything) == 4 and everything[0].place == ""


async def test_the_small_limits_dialog_writes_history_too(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await rules.set_limits(tx, store.unit_id, low_celsius=-30, high_celsius=None, delay_minutes=7)
        found = await queries.history(tx, await queries.place(tx, unit_id=store.unit_id))
    assert [list(one.fields) for one in found] == [[("temperature_min_celsius", None, -30.0), ("delay_minutes", None, 7)]]


async def test_history_is_read_and_never_changed(world: World, store: ColdStore, app_conninfo: str) -> None:
    await change(world.owner, store, delay_minutes=12)
    with psycopg.connect(app_conninfo, autocommit=True) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("update cold_chain.alert_rules_history set change_type = 'created'")


async def test_saying_the_same_again_changes_nothing_and_is_no_change(world: World, store: ColdStore) -> None:
    await change(world.owner, store, delay_minutes=12)
    await change(world.owner, store, delay_minutes=12.0)
    async with transaction(world.owner) as tx:
        assert len(await queries.history(tx)) == 1


async def test_managers_say_a_units_limits_and_nothing_else_and_the_rest_is_for_owners_and_admins(world: World, store: ColdStore) -> None:
    manager = await person(world.organization, "Mina Manager", Role.MANAGER)
    admin = await person(world.organization, "Ada Admin", Role.ADMIN)
    await change(manager, store, "unit", temperature_max_celsius=-15, delay_minutes=5)
    for where, changes in (("unit", {"door_grace_minutes": 5}), ("site", {"delay_minutes": 5}), ("organization", {"delay_minutes": 5})):
        with pytest.raises(Forbidden):
            await change(manager, store, where, **changes)
        await change(admin, store, where, **changes)
    for who in (world.colleague, world.viewer, world.keeper):
        with pytest.raises((Forbidden, NotFound)):
            await change(who, store, "unit", delay_minutes=6)


async def test_an_admin_of_one_site_says_nothing_about_another_or_about_all(world: World, store: ColdStore) -> None:
    other = await cold_store(world.owner, name="Harbour", eui="0004A30B001C0777")
    admin = await person(world.organization, "Ada Admin", (Role.ADMIN, store.site_id))
    await change(admin, store, "site", delay_minutes=5)
    with pytest.raises(NotFound):
        await change(admin, other, "site", delay_minutes=5)
    with pytest.raises(Forbidden):
        await change(admin, store, delay_minutes=5)
    await change(world.owner, other, "site", delay_minutes=7)
    async with transaction(admin) as tx:
        assert {one.site_name for one in await queries.deviations(tx)} == {"Market hall"}
        assert {one.place for one in await queries.history(tx)} == {"Market hall"}


async def test_a_stranger_neither_sees_nor_changes_any_of_it(world: World, store: ColdStore) -> None:
    await change(world.owner, store, delay_minutes=12)
    for where in ("unit", "site"):
        with pytest.raises(NotFound):
            await change(world.stranger, store, where, delay_minutes=1)
    async with transaction(world.stranger) as tx:
        assert await queries.history(tx) == [] and await queries.deviations(tx) == []
        assert {one.name: one.holds for one in await queries.fields(tx, queries.Place())}["delay_minutes"] == 10
    assert (await fields(world, store))["delay_minutes"].holds == 12


async def test_what_differs_is_listed_and_what_says_nothing_any_more_is_not(world: World, store: ColdStore) -> None:
    await another_unit(world.owner, store, name="Ice room", eui="0004A30B001C0778")
    await change(world.owner, store, "unit", delay_minutes=5, door_grace_minutes=0)
    await change(world.owner, store, "site", delay_minutes=9)
    await change(world.owner, store, delay_minutes=8)
    async with transaction(world.owner) as tx:
        found = [(one.name, list(one.fields)) for one in await queries.deviations(tx)]
    assert found == [("Market hall", ["delay_minutes"]), ("Freezer 1", ["delay_minutes", "door_grace_minutes"])]
    await change(world.owner, store, "unit", delay_minutes=None, door_grace_minutes=None)
    async with transaction(world.owner) as tx:
        assert [one.name for one in await queries.deviations(tx)] == ["Market hall"]


async def test_a_new_kind_of_unit_has_its_own_limits(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        fridge = await places.create_unit(tx, store.area_id, name="Fridge", unit_type=UnitType.FRIDGE)
        found = {one.name: one.holds for one in await queries.fields(tx, await queries.place(tx, unit_id=fridge.id))}
    assert (found["temperature_min_celsius"], found["temperature_max_celsius"]) == (0.56, 5.0)


def test_every_field_has_its_words_its_place_on_the_page_and_its_range() -> None:
    assert set(FIELDS) == set(INHERITED) == set(RANGES) == {name for names in GROUPS.values() for name in names}


@pytest.mark.parametrize(
    ("name", "celsius", "fahrenheit"),
    [
        ("temperature_max_celsius", "5.0 °C", "41.0 °F"), ("hysteresis_celsius", "5.0 °C", "9.0 °F"),
        ("rise_celsius_per_hour", "5.0 °C an hour", "9.0 °F an hour"), ("delay_minutes", "5 min", "5 min"),
        ("expected_reading_interval_s", "5 s", "5 s"), ("low_battery_percent", "5 %", "5 %"),
    ],
)  # fmt: skip
def test_a_value_is_said_in_the_readers_unit_and_typed_in_it_too(name: str, celsius: str, fahrenheit: str) -> None:
    for unit, words in (("c", celsius), ("f", fahrenheit)):
        with reading_as(Reader("en", "UTC", unit)):
            assert value_words(name, 5) == words
            assert typed(name, shown(name, 5)) == 5
    with reading_as(Reader("en", "UTC", "f")):
        assert range_words("hysteresis_celsius") == "Between 0.0 °F and 18.0 °F."
