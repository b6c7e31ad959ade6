"""Two years of minute readings of one unit (1 M rows): what a chart of any part of them costs the server."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

from data.cold_chain.commands import metrics
from data.core.session import across_tenants, transaction
from data.core.time import now
from jobs.metrics import count_readings
from pages.cold_chain._picture import past
from tests.bench.figures import AtMost, Figure, Reference
from tests.bench.stage import Installation, Stage
from tests.bench.stores import Sensors, sensors

DAYS = 730
LENGTHS = {
    "an hour": timedelta(hours=1), "a day": timedelta(days=1), "a week": timedelta(days=7), "30 days": timedelta(days=30),
    "90 days": timedelta(days=90), "a year": timedelta(days=365), "two years": timedelta(days=DAYS),
}  # fmt: skip
LATE_HOURS = 500
AIM = AtMost(300)

FILL = """
insert into cold_chain.sensor_readings (organization_id, unit_id, device_id, recorded_at, temperature_celsius, humidity_percent,
  battery_percent, signal_dbm, source, received_at)
select %s, %s, %s, at, round((-20 + 1.5 * sin(extract(epoch from at) / 3000) + random())::numeric, 2), round((50 + 10 * random())::numeric, 1),
  87, -80, 'ttn', at + interval '0.3 s'
from generate_series(%s::timestamptz, %s::timestamptz, interval '1 minute') at
"""
PLAIN = """
select date_bin('12 hours', recorded_at, '2001-01-01'), min(temperature_celsius), max(temperature_celsius), avg(temperature_celsius)
from cold_chain.sensor_readings where organization_id = %s and unit_id = %s and recorded_at >= %s and recorded_at < %s group by 1
"""


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("years") as here:
        these = await sensors(here.world.owner, 1)
        end = now().replace(second=0, microsecond=0)
        start = end - timedelta(days=stage.size(DAYS, 40))
        count = _fill(here, these, start, end)
        counted_s = await _count(start, end)
        shown = {name: min(length, end - start) for name, length in LENGTHS.items()}
        plain = {name: _plain(here, these, end - length, end) for name, length in shown.items()}
        took = {name: await _picture(here, these, end - length, end) for name, length in shown.items()}
        _make_stale(here, these, start)
        late = await _picture(here, these, start, end)
    found = [
        Figure(f"{name} of {count / 1e6:.1f} M minute readings on a chart, server", took[name], "ms", Reference("12-hour pieces by plain SQL", plain[name]), aim=AIM)
        for name in LENGTHS
    ]  # fmt: skip
    return [
        *found,
        Figure(f"the same, {LATE_HOURS} of its hours not counted yet", late, "ms", Reference("12-hour pieces by plain SQL", plain["two years"]), aim=AIM),
        Figure("readings counted by hour, day, week and month", count / counted_s / 1000, "thousand/s"),
    ]  # fmt: skip


def _fill(here: Installation, these: Sensors, start: datetime, end: datetime) -> int:
    unit_id, device_id, _eui = these.each[0]
    with here.owner() as connection:
        for stream in ("cold_chain.sensor_readings", "cold_chain.reading_metrics"):
            connection.execute("select platform.make_partitions(%s, %s, %s)", [stream, start, end])
        count = connection.execute(FILL, [these.organization_id, unit_id, device_id, start, end]).rowcount
        connection.execute("vacuum analyze cold_chain.sensor_readings")
    return count


async def _count(start: datetime, end: datetime) -> float:
    """Seconds to count all of it, from the marks on."""
    async with across_tenants("bench") as tx:
        await metrics.mark_stretch(tx, start, end + timedelta(minutes=1))
    return await _took(count_readings)


def _make_stale(here: Installation, these: Sensors, start: datetime) -> None:
    with here.owner() as connection:
        connection.execute(
            "insert into cold_chain.stale_metrics (organization_id, unit_id, hour) select %s, %s, date_trunc('hour', %s::timestamptz) + make_interval(hours => n)"
            " from generate_series(1, %s) n on conflict do nothing",
            [these.organization_id, these.each[0][0], start, LATE_HOURS],
        )


async def _took(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    await work()  # type: ignore[misc]
    return time.perf_counter() - started


async def _picture(here: Installation, these: Sensors, start: datetime, end: datetime) -> float:
    """Milliseconds of all that a chart asks, and of packing it for the browser."""

    async def ask() -> None:
        async with transaction(here.world.owner) as tx:
            found = await past(tx, these.each[0][0], start, end)
        assert found.drawn().packed()["series"], "nothing was drawn"

    return median([await _took(ask) * 1000 for _ in range(7)][1:])


def _plain(here: Installation, these: Sensors, start: datetime, end: datetime) -> float:
    """Milliseconds as the superuser, over the same readings."""
    took: list[float] = []
    with here.owner() as connection:
        for _ in range(5):
            started = time.perf_counter()
            connection.execute(PLAIN, [these.organization_id, these.each[0][0], start, end]).fetchall()
            took.append((time.perf_counter() - started) * 1000)
    return median(took)
