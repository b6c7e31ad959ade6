"""The farms: their boards and schedules, and a month in which those ran, houses grew warm, and a link broke now and then."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import raise_alert, resolve_open
from data.alerts.tables import Severity
from data.core.session import Transaction
from data.core.table import uuid7
from data.farm import commands, rules, tables
from data.farm.commands import rollups
from data.farm.commands.presence import OFFLINE_ALERT, trouble
from data.farm.tables import DeviceType
from jobs.demonstration.bulk import pour
from jobs.demonstration.farms import EFFECTS, FARMS, LAG_S, ON, Device, Farm, house_celsius, house_humidity
from jobs.demonstration.people import ZONE
from jobs.demonstration.weather import Numbers

EVERY_S = 300
ICONS = {
    "fan": "air", "heater": "local_fire_department", "lights": "lightbulb", "feeder": "rice_bowl", "pump": "water_drop",
    "probe": "device_thermostat",
}  # fmt: skip
COMMANDS = (
    "id", "farm_id", "device_id", "schedule_id", "command_type", "priority", "status", "error_message", "error_values", "requested_at",
    "expires_at", "sent_at", "completed_at",
)  # fmt: skip
EXECUTIONS = (
    "id", "schedule_id", "device_id", "command_id", "scheduled_time", "executed_at", "status", "command_sent", "error_message",
    "error_values", "execution_duration_ms",
)  # fmt: skip
_SPELLS = """spells as (
    select device_id, farm_id, recorded_at as begun, lead(recorded_at, 1, cast(:end as timestamptz)) over w as ended, value,
        lag(value, 1, 0) over w as before
    from farm.sensor_readings where organization_id = :organization_id and sensor_type = 'power' window w as (partition by device_id order by recorded_at)
), on_spells as (select * from spells where value = 1)"""
_MIDNIGHTS = text(f"""
    with {_SPELLS}
    insert into farm.device_metrics (organization_id, device_id, farm_id, metric_type, recorded_at, value, status)
    select :organization_id, s.device_id, s.farm_id, m.kind, n.midnight, case m.kind
        when 'on_cycles' then count(*) filter (where s.before = 0)
        else sum(extract(epoch from least(s.ended, n.midnight) - s.begun)) / 3600 end, 'online'
    from generate_series(date_trunc('day', cast(:start as timestamptz), :zone) + interval '1 day', cast(:end as timestamptz), interval '1 day') n (midnight)
    join on_spells s on s.begun < n.midnight
    cross join (values ('on_cycles'), ('runtime_hours')) m (kind)
    group by s.device_id, s.farm_id, m.kind, n.midnight
    on conflict do nothing""")
_TOTALS = text(f"""
    with {_SPELLS}
    update farm.devices d set on_total_s = t.on_s, on_cycles = t.cycles
    from (select device_id, sum(extract(epoch from ended - begun)) as on_s, count(*) filter (where before = 0) as cycles
          from on_spells group by device_id) t
    where d.organization_id = :organization_id and d.id = t.device_id""")
"""How long and how often each relay was on, in all and at each midnight, as it would have been counted."""
READINGS = ("device_id", "farm_id", "sensor_type", "unit", "recorded_at", "value", "quality")


async def make_farms(tx: Transaction) -> None:
    """Farms, devices and schedules."""
    for farm in FARMS:
        made = await commands.create_farm(
            tx, name=farm.name, time_zone=ZONE, location=farm.location, latitude=farm.latitude, longitude=farm.longitude,
            description=farm.description,
        )  # fmt: skip
        for device in farm.devices:
            row = await commands.register_device(
                tx, made.id, name=device.name, topic=device.topic, device_type=device.device_type, location=device.location,
                model=device.model, icon=ICONS[device.role],
            )  # fmt: skip
            for plan in device.plans:
                await commands.create_schedule(
                    tx, row.id, name=plan.name, cron_expression=plan.cron, action=plan.action, priority=plan.priority
                )


async def live_through(tx: Transaction, *, start: datetime, end: datetime) -> int:
    """Load what the probes measured and what the schedules did from `start` to `end`."""
    rows = {device.topic: device for device in await tx.exec(select(tables.Device).where(col(tables.Device.deleted_at).is_(None)))}
    schedules = await tx.exec(select(tables.Schedule).where(col(tables.Schedule.deleted_at).is_(None)))
    by_plan = {(schedule.device_id, schedule.name): schedule.id for schedule in schedules}
    count = 0
    for farm in FARMS:
        switched = {device.topic: list(_switched(device, start, end)) for device in farm.devices if device.plans}
        count += await pour(tx, "farm.sensor_readings", READINGS, _readings(farm, rows, switched, start, end))
        ran = [one for device in farm.devices if device.plans for one in _runs(device, rows[device.topic], by_plan, start, end)]
        await pour(tx, "farm.device_commands", COMMANDS, (command for command, _ in ran))
        await pour(tx, "farm.schedule_executions", EXECUTIONS, (execution for _, execution in ran))
        for device in farm.devices:
            if device.is_flaky:
                await _offline_spells(tx, rows[device.topic], start, end)
    await tx.execute(text("update farm.devices set created_at = :start where created_at > :start"), {"start": start})
    whole = {"organization_id": tx.organization_id, "start": start, "end": end, "zone": ZONE}
    await tx.execute(_MIDNIGHTS, whole)
    await tx.execute(_TOTALS, whole)
    await rollups.mark_stretch(tx, start, end)
    return count


def is_on(device: Device, at: datetime) -> bool:
    """Whether its schedules left it on."""
    switched = list(_switched(device, at - timedelta(days=1), at))
    return bool(switched) and switched[-1][1]


def _switched(device: Device, start: datetime, end: datetime) -> Iterator[tuple[datetime, bool]]:
    """Each switching of a relay by its schedules, oldest first."""
    runs = [(at, plan.action is ON) for plan in device.plans for at in _times(plan.cron, start, end)]
    yield from sorted(runs)


@cache
def _times(cron: str, start: datetime, end: datetime) -> list[datetime]:
    days = (end - start).days + 2
    runs = rules.next_runs(cron, ZoneInfo(ZONE), after=start, count=days * 24)
    return [at for at in runs if at < end]


def _readings(
    farm: Farm, rows: Mapping[str, tables.Device], switched: Mapping[str, list[tuple[datetime, bool]]], start: datetime, end: datetime
) -> Iterator[tuple[object, ...]]:
    for device in farm.devices:
        row = rows[device.topic]
        if device.device_type is DeviceType.RELAY:
            for at, on in switched.get(device.topic, ()):
                yield row.id, row.farm_id, "power", "", at + timedelta(milliseconds=700), int(on), 0
            continue
        at_s = np.arange(int(start.timestamp()) // EVERY_S * EVERY_S + device.seed % EVERY_S, int(end.timestamp()), EVERY_S, dtype=np.float64)
        effects = _effects(farm, device.location, switched, at_s)
        warmths, moists = house_celsius(device.seed, at_s, effects[0]), house_humidity(device.seed, at_s, effects[1])
        for seconds, warmth, moist in zip(at_s.tolist(), warmths.tolist(), moists.tolist(), strict=True):
            at = datetime.fromtimestamp(seconds, UTC)
            yield row.id, row.farm_id, "temperature", "°C", at, warmth, 0
            yield row.id, row.farm_id, "humidity", "%", at, moist, 0


def _effects(farm: Farm, location: str, switched: Mapping[str, list[tuple[datetime, bool]]], at_s: Numbers) -> tuple[Numbers, Numbers]:
    """What the relays of a house did to its air, following them slowly."""
    wanted = np.zeros((2, len(at_s)))
    for device in farm.devices:
        if device.location == location and device.role in EFFECTS and device.topic in switched:
            times = np.array([at.timestamp() for at, _ in switched[device.topic]])
            states = np.array([False, *(on for _, on in switched[device.topic])])
            wanted += np.outer(EFFECTS[device.role], states[np.searchsorted(times, at_s, side="right")])
    share, felt = 1 - np.exp(-EVERY_S / LAG_S), np.zeros(2)
    for n in range(len(at_s)):
        felt = felt + (wanted[:, n] - felt) * share
        wanted[:, n] = felt
    return wanted[0], wanted[1]


def _runs(
    device: Device, row: tables.Device, by_plan: Mapping[tuple[UUID, str], UUID], start: datetime, end: datetime
) -> Iterator[tuple[tuple[object, ...], tuple[object, ...]]]:
    """Each run of its schedules as the command and the record of it; an unlucky board does not always answer."""
    chance = Random(device.seed)
    for plan in device.plans:
        schedule_id = by_plan[row.id, plan.name]
        for at in _times(plan.cron, start, end):
            asked, took = at + timedelta(seconds=chance.uniform(0.05, 0.6)), chance.uniform(0.2, 0.9)
            failed = device.is_unlucky and chance.random() < 0.03
            done = asked + (rules.ANSWER_WITHIN if failed else timedelta(seconds=took))
            reason = rules.NO_ANSWER if failed else None
            values = '{"seconds": 30}' if failed else "{}"
            command_id = uuid7()
            yield (
                (command_id, row.farm_id, row.id, schedule_id, plan.action.value, plan.priority, "timeout" if failed else "completed",
                 reason, values, asked, asked + rules.ANSWER_WITHIN, asked + timedelta(milliseconds=30), done),
                (uuid7(), schedule_id, row.id, command_id, at, asked, "timeout" if failed else "executed",
                 f'{{"command": "{plan.action.value}"}}', reason, values, None if failed else round(took * 1000)),
            )  # fmt: skip


async def _offline_spells(tx: Transaction, row: tables.Device, start: datetime, end: datetime) -> None:
    """A link that broke some times in the month, each time for less than two hours."""
    chance, at = Random(row.topic), start + timedelta(days=2)
    while at < end - timedelta(days=1):
        await raise_alert(tx, trouble(row, OFFLINE_ALERT, Severity.WARNING, "{name} is offline.", name=row.name), at=at)
        back = at + timedelta(minutes=chance.uniform(3, 110))
        await resolve_open(tx, row.id, OFFLINE_ALERT, at=back, because="The device is back.")
        at += timedelta(days=chance.uniform(2, 6))
