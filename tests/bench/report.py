"""What a month of fifty units costs as a document: how long until it is there, and how long the event loop stood still meanwhile."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from data.cold_chain.reports import commands, queries
from data.cold_chain.values import ReportKind
from data.core.session import transaction
from data.core.sheet import Paper
from data.core.time import now
from data.platform.commands import path_of
from tests.bench.figures import AtMost, Figure, Reference
from tests.bench.stage import Installation, Stage, tuned_garbage_collection
from tests.bench.stores import Sensors, sensors
from tests.factories.reports import printer

DAYS = 30
FILL = """
insert into cold_chain.sensor_readings
  (organization_id, unit_id, device_id, recorded_at, temperature_celsius, battery_percent, signal_dbm, source, received_at)
select %(organization)s, %(unit)s, %(device)s, at,
  round((-20.5 + sin(extract(epoch from at) / 1500) + random() * 0.6 + case when extract(day from at) = %(day)s and extract(hour from at) = 9
    then 4.5 else 0 end)::numeric, 2), 90, -80, 'ttn', at + interval '2 seconds'
from generate_series(%(start)s::timestamptz, %(end)s::timestamptz, interval '1 minute') at
where not (extract(day from at) = %(day)s and extract(hour from at) between 14 and 16)
"""
"""A reading a minute, one hour too warm and three without a word."""


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("report") as here:
        these = await sensors(here.world.owner, stage.size(50, 3))
        count = _fill(here, these)
        with tuned_garbage_collection():
            rest = await _longest_pause(for_s=3)
            took, pause, report_id = await _made(here)
        size = await _size(here, report_id)
        reference = _query_alone(here, these)
        facts = await _facts(here)
    plain = Reference("its readings by SQL alone, packed", reference)
    return [
        Figure(f"a month of {len(these.each)} units as PDF ({count:,} readings)", took, "s", plain, aim=AtMost(20)),
        Figure("the same on the screen (facts only)", facts, "s", plain),
        Figure("longest pause of the event loop meanwhile", pause * 1000, "ms", Reference("of a loop at rest", rest * 1000), aim=AtMost(100)),
        Figure("the document", size / 1e6, "MB"),
    ]


def _fill(here: Installation, these: Sensors) -> int:
    end = now().replace(second=0, microsecond=0)
    values = {"organization": these.organization_id, "start": end - timedelta(days=DAYS), "end": end}
    with here.owner() as connection:
        filled = sum(
            connection.execute(FILL, values | {"unit": unit, "device": device, "day": 1 + number % 28}).rowcount
            for number, (unit, device, _eui) in enumerate(these.each)
        )
        connection.execute("analyze cold_chain.sensor_readings")
    return filled


async def _made(here: Installation) -> tuple[float, float, UUID]:
    today = now().date()
    pausing = asyncio.create_task(_longest_pause())
    started = time.perf_counter()
    async with transaction(here.world.owner) as tx:
        asked = await commands.question(
            tx, kind=ReportKind.COMPLIANCE, first_day=today - timedelta(days=DAYS - 1), last_day=today
        )
        report_id = (await commands.ask(tx, asked, Paper())).id
    await printer().run_next()
    took = time.perf_counter() - started
    pausing.cancel()
    return took, await pausing, report_id


async def _longest_pause(for_s: float = 600) -> float:
    longest, until = 0.0, time.perf_counter() + for_s
    with suppress(asyncio.CancelledError):
        while time.perf_counter() < until:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - before)
    return longest


async def _size(here: Installation, report_id: UUID) -> int:
    async with transaction(here.world.owner) as tx:
        return path_of(await queries.report_file(tx, report_id)).stat().st_size


async def _facts(here: Installation) -> float:
    today, started = now().date(), time.perf_counter()
    async with transaction(here.world.owner) as tx:
        asked = await commands.question(
            tx, kind=ReportKind.COMPLIANCE, first_day=today - timedelta(days=DAYS - 1), last_day=today
        )
        await queries.draw(tx, asked)
    return time.perf_counter() - started


def _query_alone(here: Installation, these: Sensors) -> float:
    """Seconds to have PostgreSQL hand over the same readings, as the superuser."""
    started = time.perf_counter()
    with here.owner() as connection:
        rows = connection.cursor(binary=True).execute(
            "select unit_id, string_agg(timestamptz_send(recorded_at) || float4send(temperature_celsius::float4), ''::bytea"
            " order by recorded_at) from cold_chain.sensor_readings where unit_id = any(%s) group by unit_id",
            [[unit for unit, _device, _eui in these.each]],
        ).fetchall()  # fmt: skip
    assert len(rows) == len(these.each)
    return time.perf_counter() - started
