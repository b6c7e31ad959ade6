"""Five years of a hundred probes, drawn together by the day: what a chart of all of them costs the server."""

import time
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm import commands
from data.farm.commands import rollups
from data.farm.queries_history import history
from data.farm.tables import DeviceType
from jobs.metrics import count_farm_readings
from pages.farm.history import picture
from tests.bench.figures import AtMost, Figure, Reference
from tests.bench.stage import Installation, Stage

PROBES = 100
DAYS = 1826
HOURLY_DAYS = 365
COUNTED_DAYS = 2
LENGTHS = {"five years": timedelta(days=DAYS), "a year": timedelta(days=365), "30 days": timedelta(days=30), "a day": timedelta(days=1)}
AIM = AtMost(300)

PERIODS = """
insert into farm.reading_metrics (organization_id, device_id, sensor_type, granularity, period_start, farm_id, unit, minimum, maximum, total,
  square_total, reading_count)
select %s, d, 'temperature', %s::farm.granularity, at, %s, '°C', 24 + random(), 33 + random(), 29 * 120, 29 * 29 * 120, 120
from unnest(%s::uuid[]) d, generate_series(%s::timestamptz, %s::timestamptz, %s::interval) at
"""
READINGS = """
insert into farm.sensor_readings (organization_id, device_id, farm_id, sensor_type, unit, recorded_at, value, quality)
select %s, d, %s, 'temperature', '°C', at, 28 + 4 * sin(extract(epoch from at) / 13000) + random(), 0
from unnest(%s::uuid[]) d, generate_series(%s::timestamptz, %s::timestamptz, interval '30 seconds') at
"""
PLAIN = """
select device_id, date_bin('14 days', period_start, '2001-01-01'), min(minimum), max(maximum), sum(total) / sum(reading_count)
from farm.reading_metrics
where organization_id = %s and device_id = any(%s) and sensor_type = 'temperature' and granularity = 'daily' and period_start >= %s
group by 1, 2
"""


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("farm_years") as here:
        probes, days = stage.size(PROBES, 5), stage.size(DAYS, 60)
        farm_id, devices = await _farm(here, probes)
        midnight = now().replace(hour=17, minute=0, second=0, microsecond=0) - timedelta(days=1)
        readings = _fill(here, farm_id, devices, midnight, days)
        counted_s = await _counted(midnight)
        shown = {name: await _chart(here, farm_id, devices, min(length, timedelta(days=days))) for name, length in LENGTHS.items()}
        plain = Reference("its days by SQL alone", _plain(here, devices, midnight - timedelta(days=days)))
    made = [
        Figure(f"{name} of {probes} probes as a chart", took, "ms", plain if name == "five years" else None, aim=AIM) for name, took in shown.items()
    ]
    return [*made, Figure("readings counted a second", readings / counted_s, "/s")]


async def _farm(here: Installation, probes: int) -> tuple[UUID, list[UUID]]:
    async with transaction(here.world.owner) as tx:
        farm = await commands.create_farm(tx, name="Years", time_zone="Asia/Phnom_Penh")
        made = [
            await commands.register_device(tx, farm.id, name=f"Probe {n:03}", topic=f"years-{n:03}", device_type=DeviceType.SENSOR)
            for n in range(probes)
        ]
    return farm.id, [one.id for one in made]


def _fill(here: Installation, farm_id: UUID, devices: list[UUID], end: datetime, days: int) -> int:
    """Days of all that time, hours of its last year, and the readings of the last two days; how many readings."""
    whose = here.world.organization_id
    with here.owner() as connection:
        for stream in ("farm.reading_metrics", "farm.sensor_readings"):
            since = end - timedelta(days=days if stream.endswith("metrics") else 40)
            connection.execute("select platform.make_partitions(%s, %s, %s)", [stream, since, end])
        for granularity, step, length in (("daily", "1 day", days), ("hourly", "1 hour", min(days, HOURLY_DAYS))):
            start = end - timedelta(days=length)
            connection.execute(PERIODS, [whose, granularity, farm_id, devices, start, end - timedelta(days=COUNTED_DAYS), step])
        count = connection.execute(READINGS, [whose, farm_id, devices, end - timedelta(days=COUNTED_DAYS), now()]).rowcount
        connection.execute("vacuum analyze farm.reading_metrics")
        connection.execute("vacuum analyze farm.sensor_readings")
    return count


async def _counted(end: datetime) -> float:
    """Seconds to count all of it, from the marks on."""
    async with across_tenants("bench") as tx:
        await rollups.mark_stretch(tx, end - timedelta(days=COUNTED_DAYS + 1), now())
    started = time.perf_counter()
    await count_farm_readings()
    return time.perf_counter() - started


async def _chart(here: Installation, farm_id: UUID, devices: list[UUID], length: timedelta) -> float:
    """Milliseconds of all that a chart asks, and of packing it for the browser."""
    took = []
    for _ in range(7):
        started, end = time.perf_counter(), now()
        async with transaction(here.world.owner) as tx:
            found = await history(tx, farm_id, end - length, end, of=devices)
        assert len(picture(found, "temperature").packed()["series"]) == len(devices), "not all of it was drawn"
        took.append((time.perf_counter() - started) * 1000)
    return median(took[1:])


def _plain(here: Installation, devices: list[UUID], since: datetime) -> float:
    """Milliseconds as the superuser, over the same days."""
    took: list[float] = []
    with here.owner() as connection:
        for _ in range(5):
            started = time.perf_counter()
            connection.execute(PLAIN, [here.world.organization_id, devices, since]).fetchall()
            took.append((time.perf_counter() - started) * 1000)
    return median(took)
