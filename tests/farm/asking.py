"""What tests of wishes and answers do again and again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from data.alerts import queries as alerts
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.rules import Timing
from data.farm.tables import CommandType, Device, DeviceCommand, DeviceType, Schedule, ScheduleExecution, SwitchAction
from data.farm.values import DeviceReport, Outgoing, Presence, Report, StateReport
from tests.factories.farm import FarmWorld
from tests.factories.people import World


def system(world: World) -> Actor:
    return Actor.system(world.organization_id, "tests")


async def ask(who: Actor, device: Device, command: CommandType = CommandType.ON, value: float | None = None) -> DeviceCommand:
    async with transaction(who) as tx:
        return await commands.command(tx, device.id, command, value=value)


async def hear(world: World, device: Device, *reports: Report) -> None:
    async with transaction(Actor.machine(world.organization_id, "mqtt")) as tx:
        assert await commands.hear(tx, [DeviceReport(device.id, report) for report in reports]) == [None] * len(reports)


def state(device: Device, is_on: bool, *, at: datetime | None = None, value: float | None = None, source: str = "state") -> StateReport:
    return StateReport(device.topic, 1, is_on, at or now(), value, source)


async def presence(world: World, device: Device, is_online: bool) -> None:
    await hear(world, device, Presence(device.topic, is_online, now()))


async def claim(*, at: datetime | None = None) -> list[Outgoing]:
    async with across_tenants("tests") as tx:
        return await commands.claim_queued(tx, at=at or now())


async def hand_over(*, at: datetime | None = None) -> list[Outgoing]:
    """As the process that sends does."""
    at = at or now()
    claimed = await claim(at=at)
    async with across_tenants("tests") as tx:
        await commands.mark_sent(tx, [one.command_id for one in claimed], at=at)
    return claimed


async def fail_to_send(command: DeviceCommand, *, at: datetime) -> bool:
    """As the process that sends does without a broker; whether there was anything to send."""
    async with across_tenants("tests") as tx:
        claimed = await commands.claim_queued(tx, at=at)
        await commands.give_back(tx, [one.command_id for one in claimed], at=at)
    return [one.command_id for one in claimed] == [command.id]


async def give_up(world: World, at: datetime) -> Sequence[DeviceCommand]:
    async with transaction(system(world)) as tx:
        return await commands.time_out(tx, at=at)


async def fate(world: World, command: DeviceCommand | UUID) -> DeviceCommand:
    async with transaction(world.owner) as tx:
        return await tx.get_one(DeviceCommand, command if isinstance(command, UUID) else command.id)


async def seen(world: World, device: Device) -> Device:
    async with transaction(world.viewer) as tx:
        return await queries.device(tx, device.id)


async def open_alerts(world: World) -> list[tuple[str, str]]:
    async with transaction(world.owner) as tx:
        return [(alert.alert_type, alert.severity.value) for alert in await alerts.open_alerts(tx)]


async def add(world: World, farm: FarmWorld, name: str, kind: DeviceType) -> Device:
    async with transaction(world.owner) as tx:
        return await commands.register_device(tx, farm.farm.id, name=name, topic=name.lower(), device_type=kind)


def ago(seconds: float) -> datetime:
    return now() - timedelta(seconds=seconds)


async def plan(who: Actor, device: Device, timing: Timing, *, name: str = "Plan", priority: int = 0, action: SwitchAction = SwitchAction.ON) -> Schedule:
    async with transaction(who) as tx:
        return await commands.create_schedule(tx, device.id, name=name, timing=timing, action=action, priority=priority)


async def run(world: World, at: datetime) -> list[str]:
    async with transaction(system(world)) as tx:
        made = [*(await commands.run_due(tx, at=at)).commands, *(await commands.run_conditions(tx, at=at)).commands]
    return [command.command_type.value for command in made]


async def ledger(world: World, schedule: Schedule) -> list[ScheduleExecution]:
    async with transaction(world.viewer) as tx:
        return list(reversed(await queries.executions_of(tx, schedule.id, limit=100)))


async def fresh(world: World, schedule: Schedule) -> Schedule:
    async with transaction(world.owner) as tx:
        return await queries.schedule(tx, schedule.id)


async def planned_at(world: World, schedule: Schedule) -> datetime:
    at = (await fresh(world, schedule)).next_run_at
    assert at
    return at
