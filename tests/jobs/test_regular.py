"""A report comes at its times: made once, mailed with its document to those it is for, and whoever ordered it hears when it is not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import time as Clock
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from sqlmodel import col, select

from data.cold_chain.values import UnitType
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import transaction
from data.core.sheet import Paper
from data.farm.reports import commands as farm_reports_commands
from data.flows.regular import listing, ordering
from data.flows.regular.ordering import Order
from data.identity.tables import Role
from data.notifications import unsubscribing
from data.notifications.commands import channels
from data.notifications.tables import Channel, Notification, NotificationDelivery
from data.platform.rhythm import Rhythm
from data.platform.tables import ReportRun, ReportSchedule
from data.platform.values import Every, RunStatus
from jobs.background import Background
from jobs.channels import _outside
from jobs.channels._choice import Carriers
from jobs.documents import farm_reports
from jobs.outbox import Worker
from jobs.regular import keep_times
from pages.farm._report_sheet import sheet as farm_sheet
from pages.notifications._letters import writer
from tests.factories.cold_chain import ColdStore, cold_store
from tests.factories.farm import build_farm
from tests.factories.outside import MailServer
from tests.factories.people import World, person
from tests.factories.reports import ORIGIN, printer
from tests.jobs.test_outbox import settings

SEVEN = Clock(7)


@pytest.fixture
async def store(world: World) -> ColdStore:
    return await cold_store(world.owner, unit_type=UnitType.FRIDGE)


@pytest.fixture
async def over() -> AsyncIterator[httpx.AsyncClient]:
    async with _outside.client() as made:
        yield made


def wanted(world: World, store: ColdStore, **changes: Any) -> Order:
    usual = Order(
        "cold_chain", "compliance", {"unit_id": str(store.unit_id)}, Rhythm(Every.WEEK, SEVEN, 0), Paper(), [world.owner.user_id]  # type: ignore[list-item]
    )
    return replace(usual, **changes)


async def ordered(world: World, store: ColdStore, who: Actor | None = None, **changes: Any) -> UUID:
    async with transaction(who or world.owner) as tx:
        return (await ordering.order(tx, wanted(world, store, **changes))).id


def is_due(connection: psycopg.Connection, schedule_id: UUID, *, times: int = 1) -> None:
    """As if it had been due so often, and nobody had been there."""
    back = "next_due_at - %s * cast('1 ' || every as interval)"
    connection.execute(f"update platform.report_schedules set next_due_at = {back} where id = %s", [times, schedule_id])


async def runs(world: World) -> list[ReportRun]:
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        return list(await tx.exec(select(ReportRun).order_by(col(ReportRun.created_at))))


async def schedule(world: World, schedule_id: UUID) -> ReportSchedule:
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        return await tx.get_one(ReportSchedule, schedule_id)


async def post(over: httpx.AsyncClient, mail: MailServer) -> None:
    with mail.running() as smtp:
        chosen = settings(smtp_url=smtp)
        await Worker(Channel.EMAIL, Carriers(chosen, over), writer(ORIGIN), ORIGIN).send_due()


async def test_a_report_that_is_due_comes_by_mail_once_with_its_document_and_the_way_to_check_it(
    world: World, store: ColdStore, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    async with transaction(world.owner) as tx:
        await channels.set_settings(tx, is_email_enabled=True, email_recipients=[], sms_per_hour=50, may_reports_leave=True)
    id = await ordered(
        world, store, rhythm=Rhythm(Every.DAY, Clock(0)), member_ids=[world.owner.user_id, world.colleague.user_id], addresses=["inspector@city.example"]
    )
    is_due(owner_connection, id, times=4)
    await asyncio.gather(keep_times(), keep_times(), keep_times())
    [run] = await runs(world)
    assert (run.status, (run.last_day - run.first_day).days, run.passed_over) == (RunStatus.MAKING, 0, 3)
    await keep_times()
    assert len(await runs(world)) == 1, "the next time is to come"
    assert await printer().run_next()
    await asyncio.gather(keep_times(), keep_times())
    mail = MailServer()
    await post(over, mail)
    await keep_times()
    [run] = await runs(world)
    assert (run.status, [one["to"] for one in run.recipients]) == (RunStatus.SENT, ["Olga Owner", "Colin Colleague", "inspector@city.example"])
    assert sorted(m["To"] for m in mail.arrived) == ["colin.green@example.org", "inspector@city.example", "olga.green@example.org"]
    for message in mail.arrived:
        [document] = list(message.iter_attachments())
        assert document.get_content().startswith(b"%PDF") and document.get_filename().endswith(".pdf")
        words = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert f"{ORIGIN}/verify/" in words and "1 unit" in words and "Freezer 1" in message["Subject"]
        assert message["List-Unsubscribe"] and message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    outside = next(m for m in mail.arrived if m["To"] == "inspector@city.example")
    assert "/report.pdf" not in outside.get_body(("plain",)).get_content(), "who cannot sign in is not sent there"  # type: ignore[union-attr]


async def test_one_click_ends_it_for_whoever_clicks_and_for_nobody_else(
    world: World, store: ColdStore, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    id = await ordered(world, store, member_ids=[world.owner.user_id, world.colleague.user_id])
    async with transaction(world.owner) as tx:
        await ordering.send_now(tx, id)
    await keep_times()
    await printer().run_next()
    await keep_times()
    mail = MailServer()
    await post(over, mail)
    link = next(m for m in mail.arrived if m["To"].startswith("colin"))["List-Unsubscribe"].strip("<>")
    ending = unsubscribing.read(link.split("token=", 1)[1])
    for _ in range(2):
        async with transaction(ending.actor) as tx:
            await unsubscribing.end(tx, ending)
    assert (await schedule(world, id)).member_ids == [str(world.owner.user_id)]
    with pytest.raises(Invalid) as refused:
        async with transaction(world.owner) as tx:
            await ordering.change(tx, id, wanted(world, store, member_ids=[world.colleague.user_id]))
    assert refused.value.field == "member_ids"


async def test_a_document_that_is_too_large_for_a_mail_is_a_link(
    world: World, store: ColdStore, over: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.flows.regular.mailing.MOST_ENCLOSED_BYTES", 1000)
    id = await ordered(world, store)
    async with transaction(world.owner) as tx:
        await ordering.send_now(tx, id)
    await keep_times()
    await printer().run_next()
    await keep_times()
    mail = MailServer()
    await post(over, mail)
    [message] = mail.arrived
    assert list(message.iter_attachments()) == []
    assert f"{ORIGIN}/cold-chain/reports/" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


async def test_what_cannot_be_made_is_shown_and_told_to_whoever_ordered_it(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    manager = await person(world.organization, "Mara Manager", (Role.MANAGER, store.site_id))
    id = await ordered(world, store, manager, member_ids=[manager.user_id])
    owner_connection.execute("update identity.user_roles set role = 'viewer' where user_id = %s", [manager.user_id])
    is_due(owner_connection, id)
    await keep_times()
    [run] = await runs(world)
    assert (run.status, run.report_id) == (RunStatus.FAILED, None) and "may not have it made" in (run.error or "")
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        told = (await tx.exec(select(Notification))).all()
        assert [(one.user_id, one.message_values["because"]["message"]) for one in told] == [(manager.user_id, run.error)]
    owner_connection.execute("delete from identity.user_roles where user_id = %s", [manager.user_id])
    is_due(owner_connection, id, times=2)
    owner_connection.execute("delete from platform.report_runs")
    await keep_times()
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        assert {one.user_id for one in await tx.exec(select(Notification))} == {manager.user_id, world.owner.user_id}
    async with transaction(world.owner) as tx:
        [shown] = await listing.regular(tx, "cold_chain")
    assert shown.runs[0].status is RunStatus.FAILED and shown.may_change


async def test_a_job_that_fails_and_a_mail_that_does_not_arrive_are_failures_too(
    world: World, store: ColdStore, over: httpx.AsyncClient, owner_connection: psycopg.Connection
) -> None:
    id = await ordered(world, store, member_ids=[world.owner.user_id, world.colleague.user_id])
    async with transaction(world.owner) as tx:
        await ordering.send_now(tx, id)
    with pytest.raises(Conflict):
        async with transaction(world.owner) as tx:
            await ordering.send_now(tx, id)
    await keep_times()
    owner_connection.execute("update platform.background_jobs set status = 'failed', error = 'The press is broken.'")
    await keep_times()
    [run] = await runs(world)
    assert (run.status, run.error) == (RunStatus.FAILED, "The press is broken.")
    async with transaction(world.owner) as tx:
        await ordering.send_now(tx, id)
    await keep_times()
    await printer().run_next()
    owner_connection.execute("delete from identity.user_roles where user_id = %s", [world.colleague.user_id])
    await keep_times()
    await post(over, MailServer(refusing="550 no such mailbox"))
    await keep_times()
    run = (await runs(world))[-1]
    assert (run.status, run.error_values) == (RunStatus.FAILED, {"count": 2, "all": 2})
    whys = {one["to"]: one["why_not"] for one in run.recipients}
    assert "550" in whys["Olga Owner"] and whys["Somebody who has left"] == "They may not see what it is about any more."


async def test_a_crash_between_any_two_steps_neither_loses_a_report_nor_makes_two(
    world: World, store: ColdStore, owner_connection: psycopg.Connection
) -> None:
    id = await ordered(world, store)
    is_due(owner_connection, id)
    await keep_times()
    [run] = await runs(world)
    is_due(owner_connection, id)  # as if it had not been written down that its time has passed
    await keep_times()
    assert [one.id for one in await runs(world)] == [run.id]
    assert (await schedule(world, id)).next_due_at > run.due_at, "and it goes on"  # type: ignore[operator]
    assert await printer().run_next() and not await printer().run_next()
    for _ in range(3):
        await keep_times()
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        assert len((await tx.exec(select(NotificationDelivery))).all()) == 1


async def test_who_may_order_see_and_change_what(world: World, store: ColdStore) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0599", name="Airport")
    here = await person(world.organization, "Mara Manager", (Role.MANAGER, store.site_id))
    elsewhere = await person(world.organization, "Eli Elsewhere", (Role.MANAGER, other.site_id))
    for who, refusal in ((world.colleague, Forbidden), (world.viewer, Forbidden), (elsewhere, NotFound), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await ordered(world, store, who, member_ids=[who.user_id])
    id = await ordered(world, store)
    for who, refusal in ((elsewhere, NotFound), (world.stranger, NotFound), (world.viewer, NotFound)):
        for command in (ordering.pause, ordering.go_on, ordering.delete, ordering.send_now):
            with pytest.raises(refusal):
                async with transaction(who) as tx:
                    await command(tx, id)
    async with transaction(here) as tx:
        await ordering.pause(tx, id)
        assert [one.schedule.id for one in await listing.regular(tx, "cold_chain")] == [id]
    assert (await schedule(world, id)).next_due_at is None
    async with transaction(here) as tx:
        await ordering.change(tx, id, wanted(world, store, member_ids=[here.user_id]))
    assert (await schedule(world, id)).user_id == here.user_id and (await schedule(world, id)).next_due_at is None
    async with transaction(world.owner) as tx:
        await ordering.go_on(tx, id)
    assert (await schedule(world, id)).next_due_at
    async with transaction(elsewhere) as tx:
        assert await listing.regular(tx, "cold_chain") == []
    async with transaction(world.owner) as tx:
        await ordering.delete(tx, id)
        assert await listing.regular(tx, "cold_chain") == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rhythm": Rhythm(Every.WEEK, SEVEN, 7)}, "on_day"),
        ({"rhythm": Rhythm(Every.MONTH, SEVEN, 29)}, "on_day"),
        ({"kind": "weather"}, "kind"),
        ({"member_ids": []}, "member_ids"),
        ({"member_ids": [uuid4()]}, "member_ids"),
        ({"addresses": ["inspector@city.example"]}, "addresses"),
        ({"addresses": ["nobody"]}, "addresses"),
    ],
)
async def test_what_makes_no_sense_is_refused_at_its_field(world: World, store: ColdStore, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        await ordered(world, store, **changes)
    assert refused.value.field == field


async def test_addresses_get_nothing_once_reports_must_stay_in_the_house(world: World, store: ColdStore) -> None:
    async with transaction(world.owner) as tx:
        await channels.set_settings(tx, is_email_enabled=True, email_recipients=[], sms_per_hour=50, may_reports_leave=True)
    id = await ordered(world, store, addresses=["inspector@city.example"])
    async with transaction(world.owner) as tx:
        await channels.set_settings(tx, is_email_enabled=True, email_recipients=[], sms_per_hour=50)
        await ordering.send_now(tx, id)
    await keep_times()
    await printer().run_next()
    await keep_times()
    async with transaction(Actor.system(world.organization_id, "tests")) as tx:
        assert [d.recipient for d in await tx.exec(select(NotificationDelivery))] == ["olga.green@example.org"]


async def test_a_farms_report_comes_to_its_keeper(world: World, over: httpx.AsyncClient, owner_connection: psycopg.Connection) -> None:
    there = await build_farm(world.owner)
    keeper = await person(world.organization, "Ken Keeper", (Role.KEEPER, there.farm.id))
    question = {"farm_id": str(there.farm.id), "step": "1d"}
    async with transaction(keeper) as tx:
        wants = Order("farm", "farm_performance", question, Rhythm(Every.MONTH, SEVEN, 1), Paper("km"), [keeper.user_id])  # type: ignore[list-item]
        id = (await ordering.order(tx, wants)).id
    is_due(owner_connection, id)
    await keep_times()
    press = Background({farm_reports_commands.JOB: farm_reports.work(lambda facts, look, seal: farm_sheet(facts, look, seal=seal, origin=ORIGIN))})
    assert await press.run_next()
    await keep_times()
    mail = MailServer()
    await post(over, mail)
    [message] = mail.arrived
    assert len(list(message.iter_attachments())) == 1 and there.farm.name in message["Subject"]
    assert "device" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
