"""Who runs the installation may look into an organization: for an hour, changing nothing, and seen by its owner."""

import psycopg
import pytest
from sqlmodel import select

from data.audit.tables import EventLog
from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import across_tenants, transaction
from data.core.table import uuid7
from data.identity import commands, door, support
from data.identity.door import Browser
from data.identity.tables import SupportVisit
from tests.factories.people import World

PASSWORD = "correct horse battery"
REASON = "A freezer shows no readings"


@pytest.fixture
async def token(world: World) -> str:
    async with across_tenants("tests") as tx:
        await commands.create_user(tx, name="Sue Support", email="sue@example.org", password=PASSWORD, is_platform_admin=True)
    return await door.sign_in("sue@example.org", PASSWORD, Browser())


async def sue(token: str) -> Actor:
    found = await door.who(token, Browser())
    assert found
    return found


async def test_support_sees_what_its_people_see_and_changes_nothing(world: World, token: str) -> None:
    assert (await sue(token)).organization_id is None
    await support.look_in(await sue(token), world.organization_id, reason=REASON)
    seen = await sue(token)
    assert (seen.organization_id, seen.visit_id is not None) == (world.organization_id, True)
    assert seen.may("cold_chain.view") and seen.may("farm.view")
    assert not any(seen.may(right) for right in ("farm.switch", "cold_chain.edit", "people.invite", "alerts.acknowledge", "tokens.edit"))
    await support.leave(seen)
    assert (await sue(token)).organization_id is None


async def test_its_owner_reads_who_was_there_and_why(world: World, token: str) -> None:
    await support.look_in(await sue(token), world.organization_id, reason=REASON)
    async with transaction(world.owner) as tx:
        assert [(one.user_name, one.reason) for one in await support.visits(tx)] == [("Sue Support", REASON)]
        lines = (await tx.exec(select(EventLog).where(EventLog.event_type == "identity.support.began"))).all()
        assert [line.event_data["reason"] for line in lines] == [REASON]
    async with transaction(await sue(token)) as tx:
        tx.record("tests.looked", "looked")
    async with transaction(world.owner) as tx:
        line = (await tx.exec(select(EventLog).where(EventLog.event_type == "tests.looked"))).one()
        assert (line.was_impersonated, line.impersonation_session_id) == (True, (await sue(token)).visit_id)
    async with transaction(world.stranger) as tx:
        assert await support.visits(tx) == []


async def test_an_hour_later_it_is_over(world: World, token: str, owner_connection: psycopg.Connection) -> None:
    await support.look_in(await sue(token), world.organization_id, reason=REASON)
    owner_connection.execute("update identity.support_visits set ends_at = now() - interval '1 second'")
    assert (await sue(token)).visit_id is None
    await support.end_expired()
    async with transaction(world.owner) as tx:
        assert [one.ended_at is not None for one in (await tx.exec(select(SupportVisit))).all()] == [True]


async def test_nobody_else_may_and_a_reason_is_needed(world: World, token: str) -> None:
    for other in (world.owner, world.colleague, world.stranger):
        with pytest.raises(Forbidden):
            await support.look_in(other, world.organization_id, reason=REASON)
        with pytest.raises(Forbidden):
            await support.organizations(other)
    with pytest.raises(Invalid):
        await support.look_in(await sue(token), world.organization_id, reason="  ")
    with pytest.raises(NotFound):
        await support.look_in(await sue(token), uuid7(), reason=REASON)
    assert [one.slug for one in await support.organizations(await sue(token), search="GREEN")] == ["green"]
    assert await support.organizations(await sue(token), search="%") == []
