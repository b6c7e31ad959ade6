"""Whoever wants a digest gets one in their morning: what they may see, once, and nothing when nothing happened."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlmodel import select

from data.alerts import commands as alerts
from data.alerts.commands import Trouble
from data.alerts.tables import Severity
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.flows import digest
from data.notifications import unsubscribing
from data.notifications.commands import digests
from data.notifications.rules import Due
from data.notifications.tables import NotificationPreference
from data.notifications.unsubscribing import Ending
from jobs.digests import make_digests
from tests.factories.channels import system
from tests.factories.cold_chain import ColdStore, another_unit, cold_store
from tests.factories.people import World


async def trouble(
    world: World, store: ColdStore, name: str, *, kind: str = "temp_excursion", permission: str = "cold_chain.view", scope: UUID | None = None,
    at: datetime | None = None,
) -> None:  # fmt: skip
    async with transaction(system(world)) as tx:
        unit_id = UUID(int=hash((name, kind)) % 2**120)
        made = Trouble(
            "cold_chain.units", unit_id, name, kind, Severity.CRITICAL, "{name} is too warm.", permission, {"name": name},
            scope_id=scope or store.site_id,
        )  # fmt: skip
        assert await alerts.raise_alert(tx, made, at=at or now())


async def wants(who: Actor, **chosen: Any) -> None:
    async with transaction(who) as tx:
        tx.add(NotificationPreference(user_id=who.user_id, **({"digest_daily": True, "digest_time": time(0, 0)} | chosen)))


async def mailed(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select user_id, payload, recipient from notifications.notification_deliveries where purpose = 'digest' order by recipient"
    ).fetchall()


async def test_a_morning_brings_what_happened_by_place_and_unit_once(world: World, owner_connection: psycopg.Connection) -> None:
    store = await cold_store(world.owner)
    await another_unit(world.owner, store, name="Freezer 2", eui="0004A30B001C0531")
    await wants(world.owner)
    await trouble(world, store, "Freezer 2")
    await trouble(world, store, "Freezer 1")
    await trouble(world, store, "Freezer 1", kind="door_open")
    await trouble(world, store, "Freezer 9", at=now() - timedelta(hours=25))
    await asyncio.gather(make_digests(), make_digests())
    await make_digests()
    [(user_id, said, recipient)] = await mailed(owner_connection)
    assert (user_id, recipient, said["days"], said["count"]) == (world.owner.user_id, "olga.green@example.org", 1, 3)
    assert [(p["name"], [(u["name"], len(u["alerts"])) for u in p["units"]]) for p in said["places"]] == [
        ("Market hall", [("Freezer 1", 2), ("Freezer 2", 1)])
    ]


async def test_one_reads_only_of_what_one_may_see_and_of_ones_own_sites(world: World, owner_connection: psycopg.Connection) -> None:
    store, other = await cold_store(world.owner), await cold_store(world.owner, eui="0004A30B001C0599", name="Depot")
    await wants(world.owner, digest_site_ids=[str(other.site_id)])
    await wants(world.colleague)
    await wants(world.keeper)  # sees farms only
    await wants(world.stranger)
    await trouble(world, store, "Freezer 1")
    await trouble(world, other, "Freezer 2")
    await trouble(world, store, "Someone's card", permission="people.edit")
    await make_digests()
    found = {user_id: [p["name"] for p in said["places"]] for user_id, said, _ in await mailed(owner_connection)}
    assert found == {world.owner.user_id: ["Depot"], world.colleague.user_id: ["Depot", "Market hall"]}


async def test_nothing_happened_and_nothing_is_sent_and_the_day_is_over_all_the_same(world: World, owner_connection: psycopg.Connection) -> None:
    store = await cold_store(world.owner)
    await wants(world.owner)
    await make_digests()
    await trouble(world, store, "Freezer 1")
    await make_digests()
    assert await mailed(owner_connection) == []


@pytest.mark.parametrize("chosen", [{"is_email_enabled": False}, {"digest_daily": False}, {"digest_daily_sent_on": date(2100, 1, 1)}])
async def test_who_wants_no_mail_or_no_digest_gets_none(world: World, owner_connection: psycopg.Connection, chosen: dict[str, Any]) -> None:
    await wants(world.owner, **chosen)
    await trouble(world, await cold_store(world.owner), "Freezer 1")
    await make_digests()
    assert await mailed(owner_connection) == []


async def test_the_week_covers_seven_days_and_fifty_alerts(world: World, owner_connection: psycopg.Connection) -> None:
    store = await cold_store(world.owner)
    await wants(world.owner, digest_daily=False, digest_weekly=True)
    for n in range(53):
        await trouble(world, store, f"Freezer {n}", at=now() - timedelta(days=6))
    async with transaction(system(world)) as tx:
        assert world.owner.user_id
        who = await digest.reader_of(tx, world.owner.user_id)
    async with transaction(who) as tx:
        assert await digest.make(tx, Due(7, date(2026, 11, 16)), at=now())
    async with transaction(who) as tx:
        assert not await digest.make(tx, Due(7, date(2026, 11, 16)), at=now())
    [(_, said, _)] = await mailed(owner_connection)
    assert (said["count"], said["shown"]) == (53, 50)


async def test_those_are_asked_for_whose_morning_it_is(world: World, owner_connection: psycopg.Connection) -> None:
    owner_connection.execute("update identity.users set time_zone = 'Asia/Phnom_Penh' where id = %s", [world.owner.user_id])
    for who in (world.owner, world.colleague):
        await wants(who, digest_time=time(9), digest_daily_sent_on=date(2026, 11, 19))
    async with across_tenants("tests") as tx:
        assert {r.user_id for r in await digests.due(tx, datetime(2026, 11, 20, 1, 59, tzinfo=UTC))} == set()
        assert {r.user_id for r in await digests.due(tx, datetime(2026, 11, 20, 2, 0, tzinfo=UTC))} == {world.owner.user_id}
        assert len(await digests.due(tx, datetime(2026, 11, 20, 9, 0, tzinfo=UTC))) == 2


async def test_a_click_ends_ones_digests_and_nothing_of_anybody_elses(world: World) -> None:
    await wants(world.owner, digest_weekly=True)
    await wants(world.colleague)
    ending = Ending(world.organization_id, world.owner.user_id, "olga.green@example.org")
    for _ in range(2):
        async with transaction(ending.actor) as tx:
            await unsubscribing.end(tx, ending)
    async with transaction(system(world)) as tx:
        chosen = {p.user_id: (p.digest_daily, p.digest_weekly, p.is_email_enabled) for p in await tx.exec(select(NotificationPreference))}
    assert chosen == {world.owner.user_id: (False, False, True), world.colleague.user_id: (True, False, True)}


