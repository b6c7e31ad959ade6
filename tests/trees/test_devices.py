import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlmodel import select

from data.alerts import queries as alerts
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, NotFound, Unauthenticated
from data.core.session import transaction
from data.core.time import now
from data.identity import door
from data.identity.tables import TokenKind
from data.trees.commands import devices, rounds
from data.trees.queries import jobs as known_jobs
from data.trees.tables import Device, JobAssignment, JobEvent
from data.trees.words import DeviceRole, DeviceStatus
from tests.factories.people import World
from tests.factories.trees import enrolling, job, phone


async def story(actor: Actor) -> list[str]:
    async with transaction(actor) as tx:
        return list(await tx.exec(select(JobEvent.event_type).order_by(JobEvent.recorded_at, JobEvent.id)))  # type: ignore[arg-type]


async def test_a_phone_waits_until_somebody_approves_it(world: World) -> None:
    async with transaction(enrolling(world.organization_id)) as tx:
        device = await devices.register(tx, "phone-1", device_name="Asha's phone")
    async with transaction(world.owner) as tx:
        assert [a.alert_type for a in await alerts.open_alerts(tx)] == ["trees.device_pending"]
    with pytest.raises(Forbidden):
        async with transaction(enrolling(world.organization_id)) as tx:
            await devices.issue_token(tx, "phone-1")
    async with transaction(world.owner) as tx:
        await devices.approve(tx, device.id)
    async with transaction(world.owner) as tx:
        assert not await alerts.open_alerts(tx)
    async with transaction(enrolling(world.organization_id)) as tx:
        _, token, secret = await devices.issue_token(tx, "phone-1", ttl_s=60)
    assert (await door.machine(secret, TokenKind.DEVICE, network="trees")).subject_id == device.id
    assert token.expires_at and token.expires_at < now() + timedelta(seconds=61)


async def test_a_new_token_retires_the_former_and_revoking_kills_all(world: World) -> None:
    one = await phone(world.owner)
    async with transaction(enrolling(world.organization_id)) as tx:
        _, _, second = await devices.issue_token(tx, one.device_id)
    with pytest.raises(Unauthenticated):
        await door.machine(one.token, TokenKind.DEVICE)
    assert await door.machine(second, TokenKind.DEVICE)
    async with transaction(world.owner) as tx:
        await devices.revoke(tx, one.id)
    with pytest.raises(Unauthenticated):
        await door.machine(second, TokenKind.DEVICE)
    async with transaction(enrolling(world.organization_id)) as tx:
        again = await devices.register(tx, one.device_id, app_version="2.0")
    assert (again.status, again.app_version) == (DeviceStatus.REVOKED, "2.0")


async def test_a_revoked_phone_loses_its_jobs_to_others(world: World) -> None:
    one, two = await phone(world.owner), await phone(world.owner, "phone-2")
    of = await job(one)
    with pytest.raises(Forbidden):
        async with transaction(two.actor) as tx:
            await rounds.start(tx, two.id, of.id)
    async with transaction(world.owner) as tx:
        await devices.revoke(tx, one.id)
    with pytest.raises(Forbidden):
        async with transaction(one.actor) as tx:
            await rounds.start(tx, one.id, of.id)
    async with transaction(two.actor) as tx:
        await rounds.start(tx, two.id, of.id)
    assert "job_assigned" in await story(world.owner)


async def test_only_those_who_may_approve_do_and_the_neighbour_sees_no_phone(world: World) -> None:
    async with transaction(enrolling(world.organization_id)) as tx:
        device = await devices.register(tx, "phone-1")
    for actor, refusal in ((world.colleague, Forbidden), (world.assessor, Forbidden), (world.stranger, NotFound)):
        for act in (devices.approve, devices.revoke):
            with pytest.raises(refusal):
                async with transaction(actor) as tx:
                    await act(tx, device.id)


async def test_two_phones_that_register_at_once_under_one_name_are_one(world: World) -> None:
    async def register() -> Any:
        async with transaction(enrolling(world.organization_id)) as tx:
            return (await devices.register(tx, "phone-1")).id

    assert len(set(await asyncio.gather(*(register() for _ in range(4))))) == 1


async def test_a_flood_of_phones_is_stopped(world: World, owner_connection: psycopg.Connection[Any]) -> None:
    owner_connection.execute(
        "insert into trees.devices (id, organization_id, device_id, status, role) "
        "select gen_random_uuid(), %s, 'flood-' || n, 'pending', 'arborist' from generate_series(1, 100) n",
        [world.organization_id],
    )
    with pytest.raises(Conflict):
        async with transaction(enrolling(world.organization_id)) as tx:
            await devices.register(tx, "one-more")
    async with transaction(enrolling(world.organization_id)) as tx:
        await devices.register(tx, "flood-7", device_name="known before")


async def test_an_admins_phone_sees_every_job_and_an_arborists_only_its_own(world: World) -> None:
    one, chief = await phone(world.owner), await phone(world.owner, "chief", role=DeviceRole.ADMIN)
    of = await job(one)
    async with transaction(chief.actor) as tx:
        device = await tx.get_one(Device, chief.id)
        assert [row.job.id for row in await known_jobs.assigned(tx, device)] == [of.id]
        await rounds.start(tx, chief.id, of.id)
    async with transaction(one.actor) as tx:
        held = (await tx.exec(select(JobAssignment))).one()
    assert held.device_id == one.id, "an admin's help takes nothing away"
