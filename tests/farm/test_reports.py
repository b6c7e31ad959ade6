"""What a farm's report says is what a plain question would answer, its document carries it, and only who may see the farm reads it."""

import json
from datetime import UTC, date, datetime, timedelta
from statistics import mean, stdev
from typing import Any
from uuid import UUID

import psycopg
import pypdfium2
import pytest
from sqlmodel import select

from data.audit.tables import EventLog
from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid, NotFound
from data.core.fingerprint import as_canonical, attached_facts, fingerprint
from data.core.session import transaction
from data.core.sheet import Paper
from data.core.time import now
from data.farm import commands as farm_commands
from data.farm.queries_events import farm_events
from data.farm.reports import commands, queries, table
from data.farm.reports.asked import Asked, Kind, Step
from data.farm.reports.commands import EXPORTED, JOB
from data.farm.reports.facts import Facts, UsageFact
from data.farm.tables import Device, SwitchAction
from data.farm.values import DeviceReport, Presence, Report, SensorValue, StateReport
from data.identity.tables import Role
from data.platform.commands import path_of
from jobs.background import Background
from jobs.documents import farm_reports
from jobs.verification import Verification
from pages.farm._report_sheet import sheet
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World, person
from tests.factories.upkeep import count_farm_readings

ORIGIN = "https://steading.test"
MONDAY = date(2026, 10, 19)
MIDNIGHT = datetime(2026, 10, 18, 22, tzinfo=UTC)  # of Berlin
AS_OF = datetime(2026, 11, 10, 9, tzinfo=UTC)


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner, time_zone="Europe/Berlin")


async def hear(world: World, device: Device, *reports: Report) -> None:
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
        await farm_commands.hear(tx, [DeviceReport(device.id, report) for report in reports])


def warm(device: Device, celsius: float, at: datetime) -> SensorValue:
    return SensorValue(device.topic, "temperature", celsius, "°C", at)


def made_long_ago(connection: psycopg.Connection) -> None:
    connection.execute("update farm.devices set created_at = %s", [MIDNIGHT - timedelta(days=90)])


async def asked(who: Actor, farm: FarmWorld, kind: Kind, *, days: int = 14, step: Step = Step.DAY, first: date = MONDAY) -> Asked:
    async with transaction(who) as tx:
        return await commands.question(
            tx, kind=kind, farm_id=farm.farm.id, first_day=first, last_day=first + timedelta(days=days - 1), step=step, as_of=AS_OF
        )


async def facts(who: Actor, farm: FarmWorld, kind: Kind, *, days: int = 14, step: Step = Step.DAY, first: date = MONDAY) -> Facts:
    question = await asked(who, farm, kind, days=days, step=step, first=first)
    async with transaction(who) as tx:
        return await queries.draw(tx, question)


def printer() -> Background:
    return Background({JOB: farm_reports.work(lambda made, look, seal: sheet(made, look, seal=seal, origin=ORIGIN))})


def of(found: Facts, name: str) -> Any:
    return next(device for device in found.devices if device.name == name)


@pytest.mark.parametrize(("step", "steps"), [(Step.HOUR, 14 * 24 + 1), (Step.DAY, 14), (Step.WEEK, 2)])
async def test_each_step_has_its_least_most_average_and_deviation_before_and_after_it_is_counted(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection, step: Step, steps: int
) -> None:
    made_long_ago(owner_connection)
    said = [(MIDNIGHT + timedelta(minutes=20 * n), 20 + (n * 37 % 100) / 10) for n in range(14 * 72 + 3)]  # clocks are set back: one hour more
    await hear(world, farm.probe, *(warm(farm.probe, celsius, at) for at, celsius in said))
    await hear(world, farm.probe, warm(farm.probe, 50, MIDNIGHT - timedelta(minutes=1)), warm(farm.probe, 60, MIDNIGHT + timedelta(days=14, hours=1)))
    before = await facts(world.viewer, farm, Kind.METRICS, step=step)
    await count_farm_readings()
    found = await facts(world.viewer, farm, Kind.METRICS, step=step)
    assert as_canonical(found) == as_canonical(before), "whether it was counted makes no difference"
    (one,) = of(found, "Probe").measured
    assert len(one.steps) == steps and sum(each.count for each in one.steps) == one.whole.count == len(said)
    values = [celsius for _, celsius in said]
    assert (one.whole.minimum, one.whole.maximum) == (min(values), max(values))
    assert (one.whole.average, one.whole.deviation) == (pytest.approx(mean(values)), pytest.approx(stdev(values)))
    first = [celsius for at, celsius in said if at < MIDNIGHT + timedelta(days=step.days, hours=step is Step.WEEK)]
    assert (one.steps[0].average, one.steps[0].deviation) == (pytest.approx(mean(first)), pytest.approx(stdev(first)))


async def test_a_single_value_has_no_deviation_and_a_table_speaks_the_readers_unit(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    made_long_ago(owner_connection)
    await hear(world, farm.probe, warm(farm.probe, 25, MIDNIGHT))
    found = await facts(world.viewer, farm, Kind.METRICS, days=1)
    assert list(table.rows(found)) == [("2026-10-19 00:00", "Probe", "Room 1", "temperature", "°C", 1, 25, 25, 25, None)]
    assert list(table.rows(found, is_fahrenheit=True))[0][4:9] == ("°F", 1, 77, 77, 77)


async def test_usage_is_on_hours_cycles_presence_and_what_was_done_of_what_was_asked(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    made_long_ago(owner_connection)
    for hours, is_on in ((0, False), (2, True), (5, False), (30, True), (31, False)):
        await hear(world, farm.fan, StateReport(farm.fan.topic, 1, is_on, MIDNIGHT + timedelta(hours=hours)))
    await count_farm_readings()
    await hear(world, farm.fan, Presence(farm.fan.topic, False, now()))
    for word, hours in (("online", 12), ("offline", 42)):
        owner_connection.execute("update audit.event_logs set recorded_at = %s where event_type = %s", [MIDNIGHT + timedelta(hours=hours), f"farm.device.{word}"])
    for status, message in (("completed", None), ("completed", None), ("timeout", "No"), ("failed", "Something else was asked before the device answered.")):
        owner_connection.execute(
            "insert into farm.device_commands (id, organization_id, farm_id, device_id, command_type, source, priority, status, error_message, error_values,"
            " requested_at, expires_at, attempt_count) values (gen_random_uuid(), %s, %s, %s, 'on', 'person', 0, %s, %s, '{}', %s, %s, 0)",
            [world.organization_id, farm.farm.id, farm.fan.id, status, message, MIDNIGHT, MIDNIGHT],
        )
    found = await facts(world.viewer, farm, Kind.USAGE, days=2)
    used: UsageFact = of(found, "Fan").usage
    assert (used.on_minutes, used.cycles, used.asked, used.done) == (240, 2, 3, 2)
    assert (used.uptime, used.reliability) == (pytest.approx(30 / 36), pytest.approx(20 / 3))
    assert of(found, "Pump").usage.uptime == 0 and of(found, "Pump").usage.reliability is None


async def test_performance_counts_alerts_and_runs(world: World, farm: FarmWorld, owner_connection: psycopg.Connection) -> None:
    made_long_ago(owner_connection)
    await hear(world, farm.probe, Presence(farm.probe.topic, True, now()))
    async with transaction(world.owner) as tx:
        plan = await farm_commands.create_schedule(tx, farm.fan.id, name="Morning air", cron_expression="0 6 * * *", action=SwitchAction.ON)
    for n, status in enumerate(("executed", "executed", "failed", "skipped", "timeout")):
        owner_connection.execute(
            "insert into farm.schedule_executions (id, organization_id, schedule_id, device_id, scheduled_time, status, command_sent, error_values, is_late)"
            " values (gen_random_uuid(), %s, %s, %s, %s, %s, '{}', '{}', false)",
            [world.organization_id, plan.id, farm.fan.id, MIDNIGHT + timedelta(hours=n), status],
        )
    found = await facts(world.viewer, farm, Kind.PERFORMANCE)
    (run,) = found.schedules
    assert (run.name, run.executed, run.failed, run.skipped, run.success, found.automation) == ("Morning air", 2, 2, 1, 0.5, 0.5)
    assert {row[0] for row in table.rows(found)} >= {"farm", "device", "schedule"}


async def test_a_document_is_made_while_somebody_does_something_else_and_is_genuine(
    world: World, farm: FarmWorld, owner_connection: psycopg.Connection
) -> None:
    made_long_ago(owner_connection)
    await hear(world, farm.probe, *(warm(farm.probe, 20 + n % 9, MIDNIGHT + timedelta(hours=n)) for n in range(60)))
    for kind, look in ((Kind.METRICS, Paper("km", "fahrenheit", "letter")), (Kind.USAGE, Paper()), (Kind.PERFORMANCE, Paper("km"))):
        question = await asked(world.keeper, farm, kind, days=3)
        async with transaction(world.keeper) as tx:
            report_id = (await commands.ask(tx, question, look)).id
        assert await printer().run_next()
        async with transaction(world.viewer) as tx:
            made, file = await queries.report(tx, report_id), await queries.report_file(tx, report_id)
        pdf = path_of(file).read_bytes()
        attached = attached_facts(pdf)
        assert attached and fingerprint(attached) == made.fingerprint and json.loads(attached)["kind"] == kind.value
        said = "".join(page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf))
        assert any("\u1780" <= letter <= "\u17ff" for letter in said) == (look.language == "km") and "Probe" in said
        if kind is Kind.METRICS:
            assert "82.4 °F" in said and "°C" not in said
        assert made.fingerprint
        found = await Verification()(made.fingerprint)
        assert found and (found.organization, found.kind, found.is_log_whole) == ("Green Steading", kind.value, True)
    async with transaction(world.owner) as tx:
        assert len((await tx.exec(select(EventLog).where(EventLog.event_type == EXPORTED))).all()) == 3
        assert len(await queries.reports(tx)) == 3


async def test_who_may_not_see_the_farm_reads_no_report_of_it(world: World, farm: FarmWorld) -> None:
    other = await build_farm(world.owner, prefix="other")
    elsewhere = await person(world.organization, "Eli Elsewhere", (Role.MANAGER, other.farm.id))
    question = await asked(world.colleague, farm, Kind.USAGE)
    async with transaction(world.colleague) as tx:
        report_id = (await commands.ask(tx, question, Paper())).id
    await printer().run_next()
    for who in (world.stranger, elsewhere):
        with pytest.raises(NotFound):
            await asked(who, farm, Kind.USAGE)
        with pytest.raises(NotFound):
            async with transaction(who) as tx:
                await queries.report_file(tx, report_id)
        async with transaction(who) as tx:
            assert not await queries.reports(tx)
    with pytest.raises(Forbidden):
        async with transaction(world.driver) as tx:
            await queries.reports(tx)


async def test_what_cannot_be_asked_is_refused_at_its_field(world: World, farm: FarmWorld) -> None:
    await hear(world, farm.probe, warm(farm.probe, 20, now()))
    for field, first, days, step in (
        ("last_day", MONDAY, 0, Step.DAY), ("last_day", MONDAY - timedelta(days=2000), 1900, Step.DAY),
        ("first_day", date(2026, 12, 24), 1, Step.DAY),
    ):  # fmt: skip
        with pytest.raises(Invalid) as refused:
            await asked(world.owner, farm, Kind.METRICS, first=first, days=days, step=step)
        assert refused.value.field == field
    async with transaction(world.owner) as tx:
        many = Asked(Kind.METRICS, farm.farm.id, MONDAY, MONDAY, AS_OF, "", Step.HOUR)
        assert await queries.quantities(tx, many) == 1


async def test_events_of_a_farm_are_read_by_who_may_read_the_log_and_by_nobody_else(world: World, farm: FarmWorld) -> None:
    other = await build_farm(world.owner, prefix="other")
    await hear(world, farm.fan, Presence(farm.fan.topic, True, now()))
    await hear(world, other.fan, Presence(other.fan.topic, True, now()))

    async def events(who: Actor, farm_id: UUID, days: int = 1, after: int = 0, limit: int = 5_000) -> list[str]:
        async with transaction(who) as tx:
            found = await farm_events(tx, farm_id, now() - timedelta(days=days), now() + timedelta(minutes=1), after=after, limit=limit)
        return [f"{one.event_type} {one.title}" for one in found]

    said = await events(world.owner, farm.farm.id)
    assert said[0].startswith("farm.farms.created") and said.count("farm.device.online Fan is online") == 1
    assert not set(await events(world.owner, farm.farm.id, limit=2)) - set(said) and len(await events(world.owner, farm.farm.id, limit=2)) == 2
    for who, refusal in ((world.keeper, Forbidden), (world.viewer, Forbidden), (world.stranger, NotFound)):
        with pytest.raises(refusal):
            await events(who, farm.farm.id)
    with pytest.raises(Invalid):
        await events(world.owner, farm.farm.id, days=400)
