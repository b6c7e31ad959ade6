"""How long the clock takes over 100,000 units: when all is well, and when 10,000 of them fall silent within a minute."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

import psycopg

from data.cold_chain.commands import states
from data.core.intake import Intake
from data.core.session import across_tenants
from data.core.time import now
from data.flows.uplink import store
from jobs.cold_chain import SLICES, draw_trends, judge_by_the_clock
from tests.bench.figures import AtMost, Figure, Reference, p95
from tests.bench.stage import Installation, Stage, tuned_garbage_collection
from tests.bench.stores import measurements, sensors

PLAIN_SCAN = """
select count(*), min(u.last_reading_at), max(coalesce(own.delay_minutes, of_site.delay_minutes, of_all.delay_minutes, 10))
from cold_chain.units u
join cold_chain.areas a on a.organization_id = u.organization_id and a.id = u.area_id
join cold_chain.sites s on s.organization_id = a.organization_id and s.id = a.site_id
left join cold_chain.alert_rules own on own.organization_id = u.organization_id and own.unit_id = u.id
left join cold_chain.alert_rules of_site on of_site.organization_id = u.organization_id and of_site.site_id = a.site_id
left join cold_chain.alert_rules of_all on of_all.organization_id = u.organization_id and of_all.unit_id is null and of_all.site_id is null
"""

MADE = (
    """insert into identity.organizations (id, name, slug, time_zone, is_demonstration)
       select gen_random_uuid(), 'Organization ' || n, 'bench-' || n, 'Asia/Phnom_Penh', false from generate_series(1, %(organizations)s) n""",
    """insert into cold_chain.sites (id, organization_id, name, time_zone, compliance_mode, is_corrective_action_required, is_active)
       select gen_random_uuid(), o.id, 'Site ' || n, 'Asia/Phnom_Penh', 'haccp', false, true
       from identity.organizations o, generate_series(1, 10) n where o.slug like 'bench-%%'""",
    """insert into cold_chain.areas (id, organization_id, site_id, name, sort_order, is_active)
       select gen_random_uuid(), organization_id, id, 'Hall', 0, true from cold_chain.sites where name like 'Site %%'""",
    """insert into cold_chain.units (id, organization_id, area_id, name, unit_type, status, good_readings, last_reading_at,
         last_temperature_celsius, door_is_open, door_changed_at, door_masked_s, is_manual_monitoring_required, is_active, sort_order)
       select gen_random_uuid(), organization_id, id, 'Freezer ' || n, 'freezer', 'ok', 0, now() + interval '10 minutes' - random() * interval '5 minutes',
         -20, false, now() - interval '1 hour', 0, false, true, 0
       from cold_chain.areas, generate_series(1, %(each)s) n where name = 'Hall'""",
    """insert into cold_chain.devices (id, organization_id, unit_id, device_eui, device_type, is_primary, status, is_active, battery_percent)
       select gen_random_uuid(), organization_id, id, upper(substr(md5(id::text), 1, 16)), 'lora', true, 'active', true, 80
       from cold_chain.units where name like 'Freezer %%' and area_id in (select id from cold_chain.areas where name = 'Hall')""",
    """insert into cold_chain.alert_rules (id, organization_id, delay_minutes) select gen_random_uuid(), id, 15
       from identity.organizations where slug like 'bench-%%'""",
    """insert into cold_chain.alert_rules (id, organization_id, site_id, delay_minutes) select gen_random_uuid(), organization_id, id, 12
       from cold_chain.sites where name like '%% 1'""",
    """insert into cold_chain.alert_rules (id, organization_id, unit_id, temperature_max_celsius)
       select gen_random_uuid(), organization_id, id, -16 from cold_chain.units where name like '%%7'""",
    """insert into cold_chain.sensor_readings (organization_id, unit_id, device_id, recorded_at, temperature_celsius, source)
       select u.organization_id, u.id, d.id, u.last_reading_at - (n + 2) * interval '5 minutes', -20 + random(), 'ttn'
       from cold_chain.units u join cold_chain.devices d on d.unit_id = u.id, generate_series(0, 11) n order by 1, 2, 4""",
)


"""Sensors' clocks are ahead, so that nobody is late by the time that this is measured."""


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("sweep") as here:
        organizations, each = stage.size(100, 10), stage.size(100, 10)
        with here.owner() as connection:
            for statement in MADE:
                connection.execute(statement, {"organizations": organizations, "each": each})
            connection.execute("vacuum analyze")
            plain = median(_plain(connection) for _ in range(5))
        units = organizations * each * 10
        with tuned_garbage_collection():
            await _timed(judge_by_the_clock)
            calm = median([await _timed(judge_by_the_clock) for _ in range(3)])
            kinds = [await _of_kind(kind) for kind in states.KINDS]
            trends = median([await _timed(lambda: draw_trends(now())) for _ in range(3)])
            changed = stage.size(10_000, 200)
            _fall_silent(here, changed)
            waited, busy = await _beside_intake(here, stage)
        _assert_judged(here, changed)
        scan = Reference("plain scan of the same tables", plain)
        return [
            Figure(f"clock over {units:,} units, all is well", calm, "s", scan, aim=AtMost(3), ratio_aim=AtMost(10)),
            *(Figure(f"  of that, {kind.name}", spent, "s", scan) for kind, spent in zip(states.KINDS, kinds, strict=True)),
            Figure(f"trends, one of {SLICES} slices", trends, "s", scan, aim=AtMost(20)),
            Figure(f"clock when {changed:,} units fall silent at once", busy, "s", Reference("all is well", calm), aim=AtMost(60)),
            Figure("a sensor's message meanwhile, p95", waited * 1000, "ms", aim=AtMost(1_000)),
        ]


def _plain(connection: psycopg.Connection) -> float:
    started = time.perf_counter()
    connection.execute(PLAIN_SCAN).fetchall()
    return time.perf_counter() - started


async def _timed(job: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await job()
    return time.perf_counter() - started


async def _of_kind(kind: states.Kind) -> float:
    async def ask() -> None:
        async with across_tenants("bench") as tx:
            await kind.find(tx, now())

    return median([await _timed(ask) for _ in range(3)])


def _fall_silent(here: Installation, count: int) -> None:
    """A broker is down: the units of some organizations were last heard more than half an hour ago."""
    with here.owner() as connection:
        connection.execute(
            "update cold_chain.units u set last_reading_at = last_reading_at - interval '45 minutes' where u.id in"
            " (select v.id from cold_chain.units v join identity.organizations o on o.id = v.organization_id"
            "  where o.slug like 'bench-%%' order by o.id limit %s)",
            [count],
        )


def _assert_judged(here: Installation, count: int) -> None:
    with here.owner() as connection:
        found = connection.execute("select count(*) from cold_chain.units where status = 'monitoring_interrupted'").fetchone()
        outages = connection.execute("select count(*) from alerts.alerts where alert_type = 'site_outage'").fetchone()
    assert found == (count,), f"{found} units are known to be silent, not {count}"
    assert outages and outages[0] >= 1, "a site that is silent as a whole is one alert"


async def _beside_intake(here: Installation, stage: Stage) -> tuple[float, float]:
    """The clock's work while the sensors of one more business speak: how long each of their messages waits, and the work's time."""
    these = await sensors(here.world.owner, 50)
    said = iter(measurements(these, 200_000))
    intake, spent, over = Intake(), list[float](), asyncio.Event()
    intake.start()

    async def speak() -> None:
        for one in said:
            if over.is_set():
                return
            started = time.perf_counter()
            await intake.take_all(these.organization_id, store, [one], by="bench")
            spent.append(time.perf_counter() - started)
            await asyncio.sleep(0.01)

    speakers = [asyncio.create_task(speak()) for _ in range(4)]
    busy = await _timed(judge_by_the_clock)
    over.set()
    await asyncio.gather(*speakers)
    await intake.stop()
    return p95(spent), busy


