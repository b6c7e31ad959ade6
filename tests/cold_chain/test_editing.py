"""Places are described anew, taken away with all that stands in them, and brought back."""

from datetime import timedelta

import pytest
from sqlmodel import select

from data.alerts import queries as alerts
from data.cold_chain.commands import editing, places
from data.cold_chain.queries import units
from data.cold_chain.tables import Area, Excursion, Site, Unit
from data.cold_chain.values import ComplianceMode, UnitType
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.identity.tables import Role
from tests.cold_chain.stories import take
from tests.factories.cold_chain import EUI, ColdStore, another_unit, cold_store, measured
from tests.factories.people import World, person


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner)


async def names(who: Actor) -> list[str]:
    async with transaction(who) as tx:
        return [f"{b.site.name}/{a.area.name}/{u.name}" for b in await units.tree(tx) for a in b.areas for u in a.units]


async def test_a_site_an_area_and_a_unit_are_described_anew(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await editing.edit_site(
            tx, store.site_id, name="Harbour", time_zone="Europe/Lisbon", city="Lisbon", latitude=38.7, longitude=-9.1,
            compliance_mode=ComplianceMode.HACCP, manual_interval_minutes=240,
        )  # fmt: skip
        await editing.edit_area(tx, store.area_id, name="Cellar", sort_order=3)
        await editing.edit_unit(
            tx, store.unit_id, name="Fridge A", unit_type=UnitType.FRIDGE, area_id=store.area_id, is_manual_monitoring_required=True,
            manual_interval_minutes=120,
        )  # fmt: skip
    assert await names(world.colleague) == ["Harbour/Cellar/Fridge A"]
    async with transaction(world.owner) as tx:
        site, unit = await units.site(tx, store.site_id), await tx.get_one(Unit, store.unit_id)
        assert (site.time_zone, site.manual_log_cadence_s, site.compliance_mode) == ("Europe/Lisbon", 14_400, ComplianceMode.HACCP)
        assert (unit.is_manual_monitoring_required, unit.manual_monitoring_interval_minutes) == (True, 120)
        assert (await units.unit(tx, store.unit_id)).rule.high_celsius == 5.0, "its limits are those of its new kind"


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": " "}, "name"), ({"time_zone": "Mars/Base"}, "time_zone"), ({"latitude": 3.0}, "longitude"), ({"manual_interval_minutes": 3}, "manual_interval_minutes")],
)
async def test_what_cannot_be_is_refused_by_its_field(world: World, store: ColdStore, changes: dict[str, object], field: str) -> None:
    async with transaction(world.owner) as tx:
        with pytest.raises(Invalid) as refusal:
            await editing.edit_site(tx, store.site_id, **({"name": "Hall", "time_zone": "UTC"} | changes))  # type: ignore[arg-type]
    assert refusal.value.field == field


async def test_two_units_of_an_area_never_have_one_name(world: World, store: ColdStore) -> None:
    other = await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict, match="freezer 1"):
            await editing.edit_unit(tx, other, name="freezer 1", unit_type=UnitType.FREEZER, area_id=store.area_id)


@pytest.mark.parametrize("kind", [Site, Area, Unit])
async def test_what_is_taken_away_goes_with_all_that_stands_in_it_and_comes_back_whole(world: World, store: ColdStore, kind: type) -> None:
    await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    before = await names(world.owner)
    place_id = {Site: store.site_id, Area: store.area_id, Unit: store.unit_id}[kind]
    async with transaction(world.owner) as tx:
        await editing.take_away(tx, kind, place_id)
    assert await names(world.owner) == (before[1:] if kind is Unit else [])
    async with transaction(world.owner) as tx:
        (gone,) = await editing.deleted(tx)
        assert gone.id == place_id
        await editing.bring_back(tx, place_id)
    assert await names(world.owner) == before
    async with transaction(world.owner) as tx:
        assert await editing.deleted(tx) == []


async def test_what_was_taken_away_before_stays_away_when_the_larger_comes_back(world: World, store: ColdStore) -> None:
    other = await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    for kind, place_id in ((Unit, other), (Site, store.site_id)):
        async with transaction(world.owner) as tx:
            await editing.take_away(tx, kind, place_id)
    async with transaction(world.owner) as tx:
        await editing.bring_back(tx, store.site_id)
    assert [name.rsplit("/", 1)[1] for name in await names(world.owner)] == ["Freezer 1"]


async def test_nobody_is_called_because_of_a_unit_that_is_gone(world: World, store: ColdStore) -> None:
    begun = now() - timedelta(hours=1)
    await take(world, *(measured(-5.0, begun + timedelta(minutes=5 * n), EUI) for n in range(5)))
    async with transaction(world.owner) as tx:
        assert await alerts.open_of(tx, [store.unit_id])
        await editing.take_away(tx, Unit, store.unit_id)
    async with transaction(world.owner) as tx:
        assert await alerts.open_of(tx, [store.unit_id]) == []
        assert (await tx.exec(select(Excursion))).one().ended_at == begun + timedelta(minutes=20)


async def test_a_name_that_was_given_anew_keeps_the_old_one_away(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await editing.take_away(tx, Unit, store.unit_id)
        await places.create_unit(tx, store.area_id, name="Freezer 1", unit_type=UnitType.FREEZER)
    async with transaction(world.owner) as tx:
        with pytest.raises(Conflict, match="Freezer 1"):
            await editing.bring_back(tx, store.unit_id)


async def test_only_those_who_may_take_away_and_only_what_they_reach(world: World, store: ColdStore) -> None:
    manager = await person(world.organization, "Mona Manager", Role.MANAGER)
    here = await person(world.organization, "Adam Admin", (Role.ADMIN, store.site_id))
    elsewhere = await person(world.organization, "Eve Elsewhere", (Role.ADMIN, store.unit_id))
    async with transaction(manager) as tx:
        with pytest.raises(Forbidden):
            await editing.take_away(tx, Unit, store.unit_id)
    for stranger in (world.stranger, elsewhere):
        async with transaction(stranger) as tx:
            with pytest.raises(NotFound):
                await editing.take_away(tx, Unit, store.unit_id)
            with pytest.raises(NotFound):
                await editing.edit_unit(tx, store.unit_id, name="Mine", unit_type=UnitType.FRIDGE, area_id=store.area_id)
    async with transaction(world.colleague) as tx:
        with pytest.raises(Forbidden):
            await editing.edit_site(tx, store.site_id, name="Mine", time_zone="UTC")
    async with transaction(here) as tx:
        with pytest.raises(Forbidden):
            await editing.take_away(tx, Site, store.site_id)
        await editing.take_away(tx, Unit, store.unit_id)
        assert [one.id for one in await editing.deleted(tx)] == [store.unit_id]
    async with transaction(world.stranger) as tx:
        assert await editing.deleted(tx) == []
