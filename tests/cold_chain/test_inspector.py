"""An inspector reads the sites that the link names, until it ends; nobody else gets anything from it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from data.audit import queries as audit
from data.cold_chain.commands.inspection import note_inspection
from data.cold_chain.queries import inspection, logs, units
from data.cold_chain.queries.inspection import PARTS, Stretch, Temperature
from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.time import now
from data.flows import uplink
from data.identity import inspectors
from data.identity.door import Browser
from data.identity.inspectors import Inspector
from data.identity.tables import Role
from tests.factories.by_hand import line, write
from tests.factories.cold_chain import ColdStore, cold_store, measured
from tests.factories.people import World, person

BROWSER = Browser("127.0.0.1", "test")
HERE, THERE = "0004A30B001C0530", "0004A30B001C0539"


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner, eui=HERE)


@pytest.fixture
async def other(world: World) -> ColdStore:
    return await cold_store(world.owner, eui=THERE, name="Station")


async def link(who: Actor, *site_ids: UUID, days: float = 7, name: str = "Inspector Im") -> tuple[UUID, str]:
    async with transaction(who) as tx:
        made, token = await inspectors.make_link(tx, name=name, expires_at=now() + timedelta(days=days), site_ids=site_ids or None)
        return made.id, token


async def opened(token: str) -> Inspector:
    found = await inspectors.who(token, BROWSER)
    assert found is not None
    return found


def stretch(*unit_ids: UUID) -> Stretch:
    return Stretch(now() - timedelta(days=2), now() + timedelta(hours=1), unit_ids)


async def temperatures(who: Actor, *unit_ids: UUID, **more: Any) -> list[Temperature]:
    async with transaction(who) as tx:
        found, total = await inspection.temperatures(tx, stretch(*unit_ids), **more)
    assert total >= len(found)
    return list(found)


async def test_a_link_opens_what_it_names_and_is_counted(world: World, store: ColdStore) -> None:
    link_id, token = await link(world.owner)
    found = await opened(token)
    assert (found.link_id, found.actor.name, found.actor.organization_id) == (link_id, "Inspector Im", world.organization_id)
    assert found.actor.user_id is None and set(found.actor.rights) == {"cold_chain.view", "cold_chain.export"}
    await inspectors.who(token, BROWSER, is_use=True)
    async with transaction(world.owner) as tx:
        (row,) = await inspectors.links(tx)
    assert (row.use_count, row.last_used_at is not None, row.last_four) == (1, True, token[-4:])


async def test_a_wrong_an_old_and_a_revoked_link_open_nothing(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    link_id, token = await link(world.owner)
    assert await inspectors.who(token + "x", BROWSER) is None
    assert await inspectors.who("", BROWSER) is None
    async with transaction(world.owner) as tx:
        await inspectors.revoke_link(tx, link_id)
    assert await inspectors.who(token, BROWSER, is_use=True) is None
    other_id, second = await link(world.owner)
    owner_connection.execute("update identity.inspector_links set expires_at = now() - interval '1 second' where id = %s", [other_id])
    assert await inspectors.who(second, BROWSER) is None
    third = (await link(world.owner))[1]
    owner_connection.execute("update identity.organizations set deleted_at = now()")
    assert await inspectors.who(third, BROWSER) is None


async def test_the_token_stands_nowhere(world: World, store: ColdStore, owner_connection: psycopg.Connection) -> None:
    _id, token = await link(world.owner)
    row = owner_connection.execute("select l::text from identity.inspector_links l").fetchone()
    events = owner_connection.execute("select string_agg(e::text, ' ') from audit.event_logs e").fetchone()
    assert row and events and token not in row[0] and token not in events[0]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"), ({"name": "x" * 101}, "name"), ({"site_ids": []}, "site_ids"), ({"expires_at": timedelta(seconds=-1)}, "expires_at"),
        ({"expires_at": timedelta(days=367)}, "expires_at"),
    ],
)  # fmt: skip
async def test_a_link_is_for_somebody_for_some_sites_and_for_some_time(world: World, change: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {"name": "Inspector Im", "expires_at": timedelta(days=1), "site_ids": None} | change
    async with transaction(world.owner) as tx:
        with pytest.raises(Invalid) as refused:
            await inspectors.make_link(tx, name=values["name"], expires_at=now() + values["expires_at"], site_ids=values["site_ids"])
    assert refused.value.field == field


async def test_only_owners_and_administrators_give_links_and_a_stranger_cannot_take_one_back(world: World, store: ColdStore) -> None:
    link_id, _token = await link(world.owner)
    manager = await person(world.organization, "Mara Manager", Role.MANAGER)
    asked: list[Callable[[Any], Awaitable[Any]]] = [
        lambda tx: inspectors.make_link(tx, name="Me", expires_at=now() + timedelta(days=1)), inspectors.links,
        lambda tx: inspectors.revoke_link(tx, link_id),
    ]  # fmt: skip
    for who in (manager, world.colleague, world.viewer):
        for ask in asked:
            async with transaction(who) as tx:
                with pytest.raises(Forbidden):
                    await ask(tx)
    async with transaction(world.stranger) as tx:
        assert await inspectors.links(tx) == []
        with pytest.raises(NotFound):
            await inspectors.revoke_link(tx, link_id)


async def test_an_inspector_reads_the_sensors_and_what_was_written_by_whom(world: World, store: ColdStore) -> None:
    async with transaction(Actor.machine(world.organization_id, "feed")) as tx:
        await uplink.store(tx, [measured(-20 - n / 10, now() - timedelta(minutes=30 - n), HERE) for n in range(5)])
    await write(world.colleague, line(store.unit_id, -9, now() - timedelta(minutes=28, seconds=30), action="Shut the door.", notes="It stood open."))
    who = (await opened((await link(world.owner))[1])).actor
    found = await temperatures(who)
    assert [one.celsius for one in found] == [-20.4, -20.3, -20.2, -9, -20.1, -20.0]
    by_hand = found[3]
    assert (by_hand.who, by_hand.is_by_hand, by_hand.is_in_range, by_hand.action, by_hand.notes) == (
        "Colin Colleague", True, False, "Shut the door.", "It stood open."
    )  # fmt: skip
    assert [one.celsius for one in await temperatures(who, offset=2, limit=2)] == [-20.2, -9]
    assert [one.celsius for one in await temperatures(who, only_by_hand=True)] == [-9]
    taken: list[float] = []
    after = None
    async with transaction(who) as tx:
        while True:
            part, after = await inspection.temperatures_after(tx, store.unit_id, stretch(), after, limit=2)
            taken += [one.celsius for one in part]
            if after is None:
                break
    assert taken == [-20.0, -20.1, -9, -20.2, -20.3, -20.4]


async def test_a_link_for_one_site_shows_nothing_of_another_even_by_its_id(world: World, store: ColdStore, other: ColdStore) -> None:
    for one in (store, other):
        assert await write(world.colleague, line(one.unit_id, -9, action="Moved it.")) == [None]
    who = (await opened((await link(world.owner, other.site_id))[1])).actor
    async with transaction(who) as tx:
        assert [unit.site_name for unit in await inspection.units(tx)] == ["Station"]
        for part in PARTS:
            found, _total = await inspection.facts(tx, part, stretch(store.unit_id))
            assert found == []
            assert {fact.unit_id for fact in (await inspection.facts(tx, part, stretch()))[0]} <= {other.unit_id}
        assert (await inspection.facts(tx, "actions", stretch()))[1] == 1
        assert (await inspection.temperatures_after(tx, store.unit_id, stretch(), None))[0] == []
        with pytest.raises(NotFound):
            await units.unit(tx, store.unit_id)
        assert [one.site_name for one in (await logs.page(tx, logs.Wanted()))[0]] == ["Station"]
    assert {one.unit_id for one in await temperatures(who)} == {other.unit_id}
    assert await temperatures(who, store.unit_id) == []


async def test_somebody_signed_in_as_inspector_of_a_site_reads_the_same_and_only_there(world: World, store: ColdStore, other: ColdStore) -> None:
    for one in (store, other):
        await write(world.colleague, line(one.unit_id))
    who = await person(world.organization, "Im Inspector", (Role.INSPECTOR, other.site_id))
    assert {one.unit_id for one in await temperatures(who)} == {other.unit_id}
    assert await temperatures(who, store.unit_id) == []
    with pytest.raises(Forbidden):
        await write(who, line(other.unit_id))


async def test_a_strangers_link_shows_nothing_of_ours_even_if_it_names_our_site(world: World, store: ColdStore) -> None:
    await write(world.colleague, line(store.unit_id))
    who = (await opened((await link(world.stranger, store.site_id))[1])).actor
    assert await temperatures(who) == [] == await temperatures(who, store.unit_id)
    async with transaction(who) as tx:
        assert await inspection.units(tx) == []


async def test_an_inspector_changes_nothing(world: World, store: ColdStore) -> None:
    who = (await opened((await link(world.owner))[1])).actor
    with pytest.raises(Forbidden):
        await write(who, line(store.unit_id))
    async with transaction(who) as tx:
        with pytest.raises(Forbidden):
            await inspectors.links(tx)


async def test_exceptions_actions_gaps_calibrations_and_excursions_are_told_with_their_people(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    run = owner_connection.execute
    of, user = world.organization_id, world.colleague.user_id
    run(
        "insert into alerts.alerts (id, organization_id, subject_kind, subject_id, subject_name, permission, alert_type, severity, status, message,"
        " message_values, triggered_at, acknowledged_at, acknowledged_by, escalation_level, is_suppressed) values (gen_random_uuid(), %s,"
        " 'cold_chain.units', %s, 'Freezer 1', 'cold_chain.view', 'temp_excursion', 'critical', 'acknowledged', 'Too warm', '{}',"
        " now() - interval '1 hour', now() - interval '50 minutes', %s, 0, false)", [of, store.unit_id, user],
    )  # fmt: skip
    await write(world.colleague, line(store.unit_id, -9, action="Called the technician."))
    run(
        "insert into cold_chain.calibration_records (id, organization_id, device_id, calibrated_at, calibrated_by_name, temperature_offset_celsius,"
        " humidity_offset_percent, expires_at) values (gen_random_uuid(), %s, %s, now() - interval '9 days', 'Lab Lim', 0.3, 0, now() - interval '1 day')",
        [of, store.sensor_id],
    )  # fmt: skip
    run(
        "insert into cold_chain.excursions (id, organization_id, unit_id, direction, started_at, peak_celsius, peak_at, degree_minutes,"
        " reading_count, last_reading_at, last_celsius, was_door_open, cause) values (gen_random_uuid(), %s, %s, 'above', now() - interval '1 hour', -9,"
        " now(), 55, 6, now(), -9, false, 'unknown')", [of, store.unit_id],
    )  # fmt: skip
    async with transaction(Actor.system(of, "clock")) as tx:
        for minutes, before, after in ((90, "ok", "offline"), (80, "offline", "monitoring_interrupted"), (30, "monitoring_interrupted", "restoring")):
            at = now() - timedelta(minutes=minutes)
            tx.record("cold_chain.units.state_changed", "unit state changed", subject_id=store.unit_id, at=at, before=before, after=after)
    who = (await opened((await link(world.owner, store.site_id))[1])).actor

    async def only(part: str) -> inspection.Fact:
        async with transaction(who) as tx:
            (found,), total = await inspection.facts(tx, part, stretch())
        assert total == 1
        return found

    assert (await only("exceptions")).known["acknowledged_by"] == "Colin Colleague"
    assert ((await only("actions")).known["acted_by"], (await only("actions")).known["action_taken"]) == ("Colin Colleague", "Called the technician.")
    assert ((await only("calibration")).known["calibrated_by"], (await only("calibration")).known["is_expired"]) == ("Lab Lim", True)
    assert (await only("excursions")).known["peak_celsius"] == -9
    gap = await only("gaps")
    assert gap.until is not None and round((gap.until - gap.since).total_seconds() / 60) == 60


async def test_every_look_is_in_the_event_log(world: World, store: ColdStore) -> None:
    link_id, token = await link(world.owner)
    async with transaction((await opened(token)).actor) as tx:
        await note_inspection(tx, "temperatures", stretch(store.unit_id), link_id=link_id)
    async with transaction(world.viewer) as tx:
        with pytest.raises(Forbidden):
            await note_inspection(tx, "temperatures", stretch())
    async with transaction(world.owner) as tx:
        (event, *_older) = await audit.latest(tx, subject_id=link_id)
    assert (event.actor_name, event.event_type, event.event_data["part"]) == ("Inspector Im", "cold_chain.records.inspected", "temperatures")
    assert event.event_data["unit_ids"] == [str(store.unit_id)] and event.ip_address is not None
