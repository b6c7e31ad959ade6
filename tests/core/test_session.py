import asyncio
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import select

from data.core.actor import Actor
from data.core.bus import Event, bus
from data.core.session import across_tenants, transaction
from data.identity.tables import ApiToken, Organization, TokenKind, User
from tests.factories.people import World


@dataclass(frozen=True)
class KettleBoiled(Event):
    kettle_id: UUID


def token(name: str) -> ApiToken:
    return ApiToken(name=name, kind=TokenKind.FEED, token_hash=name.encode(), last_four="abcd")


async def test_a_row_belongs_to_the_organization_of_whoever_adds_it(world: World) -> None:
    async with transaction(world.owner) as tx:
        tx.add(token("feed"))
    async with transaction(world.colleague) as tx:
        assert (await tx.exec(select(ApiToken))).one().organization_id == world.organization_id


async def test_the_neighbour_sees_nothing_and_cannot_change_anything(world: World) -> None:
    async with transaction(world.owner) as tx:
        tx.add(token("feed"))
    async with transaction(world.stranger) as tx:
        assert (await tx.exec(select(ApiToken))).all() == []
        assert (await tx.execute(text("update identity.api_tokens set name = 'mine'"))).rowcount == 0
        assert (await tx.execute(text("delete from identity.api_tokens"))).rowcount == 0


async def test_nobody_can_write_a_row_into_another_organization(world: World) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with transaction(world.stranger) as tx:
            forged = token("forged")
            forged.organization_id = world.organization_id
            tx.add(forged)


async def test_people_of_another_organization_are_not_seen(world: World) -> None:
    async with transaction(world.stranger) as tx:
        assert [u.name for u in await tx.exec(select(User))] == ["Sam Stranger"]
        assert [o.name for o in await tx.exec(select(Organization))] == ["Other Steading"]


async def test_without_an_organization_there_are_no_rows(world: World, app_conninfo: str) -> None:
    async with transaction(world.owner) as tx:
        tx.add(token("feed"))
    with psycopg.connect(app_conninfo) as connection:
        assert connection.execute("select count(*) from identity.api_tokens").fetchone() == (0,)
        connection.execute("set app.organization_id = ''")
        assert connection.execute("select count(*) from identity.users").fetchone() == (0,)


async def test_the_application_role_owns_nothing_and_bypasses_nothing(owner_connection: psycopg.Connection, world: World) -> None:
    roles = owner_connection.execute(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname like 'steading_%'"
    ).fetchall()
    assert sorted(roles) == [("steading_app", False, False, False), ("steading_sweep", False, False, False)]
    owned = owner_connection.execute(
        "select count(*) from pg_class where relowner in (select oid from pg_roles where rolname like 'steading_%')"
    ).fetchone()
    assert owned == (0,)


async def test_what_is_raised_inside_rolls_everything_back(world: World) -> None:
    with pytest.raises(ValueError, match="stop"):
        async with transaction(world.owner) as tx:
            tx.add(token("feed"))
            await tx.flush()
            raise ValueError("stop")
    async with transaction(world.owner) as tx:
        assert (await tx.exec(select(ApiToken))).all() == []


async def test_only_the_edge_commits(world: World) -> None:
    with pytest.raises(AssertionError, match="edge"):
        async with transaction(world.owner) as tx:
            await tx.commit()


async def test_an_event_is_heard_once_after_the_commit_and_never_without_it(world: World) -> None:
    heard: list[str] = []
    kettle = UUID(int=7)
    topic = bus.topic(KettleBoiled, world.organization_id, kettle_id=kettle)
    other_kettle = bus.topic(KettleBoiled, world.organization_id, kettle_id=UUID(int=8))
    other_organization = bus.topic(KettleBoiled, world.other.id)
    stops = [
        topic.subscribe(lambda: heard.append("ours")),
        other_kettle.subscribe(lambda: heard.append("other kettle")),
        other_organization.subscribe(lambda: heard.append("other organization")),
    ]
    with pytest.raises(ValueError):
        async with transaction(world.owner) as tx:
            tx.emit(KettleBoiled(kettle))
            raise ValueError
    async with transaction(world.owner) as tx:
        tx.emit(KettleBoiled(kettle))
        tx.emit(KettleBoiled(kettle))
        await asyncio.sleep(0.05)
        assert heard == []
    for _ in range(100):
        if heard:
            break
        await asyncio.sleep(0.02)
    assert heard == ["ours"]
    for stop in stops:
        stop()
    assert not [key for key in bus._listeners if key[0] == "KettleBoiled"]


async def test_a_lost_listening_connection_comes_back_and_everybody_asks_again(world: World, owner_connection: psycopg.Connection) -> None:
    heard: list[str] = []
    stop = bus.topic(KettleBoiled, world.organization_id).subscribe(lambda: heard.append("again"))
    owner_connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and datname = current_database()")
    for _ in range(200):
        if heard:
            break
        await asyncio.sleep(0.02)
    assert heard == ["again"]
    stop()


async def test_a_dropped_connection_is_replaced_before_the_next_transaction(world: World, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'steading_app' and datname = current_database()")
    async with transaction(world.owner) as tx:
        assert (await tx.exec(select(Organization.name))).all() == ["Green Steading"]


async def test_across_tenants_sees_everybody(world: World) -> None:
    async with across_tenants("tests") as tx:
        assert len((await tx.exec(select(Organization))).all()) == 2


def test_an_actor_has_a_right_only_where_it_holds() -> None:
    farm, other_farm = UUID(int=1), UUID(int=2)
    keeper = Actor.machine(UUID(int=9), "test")
    assert not keeper.may("farm.switch", farm)
    from data.identity.permissions import rights
    from data.identity.tables import Role

    limited = Actor(keeper.kind, keeper.organization_id, "Kim", rights=rights([(Role.KEEPER, farm)]))
    assert limited.may("farm.switch", farm) and limited.may("farm.switch") and not limited.may("farm.switch", other_farm)
    assert limited.scopes("farm.switch") == {farm} and limited.scopes("trees.view") == frozenset()
