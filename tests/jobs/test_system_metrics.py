"""Once a minute an installation writes down how it fares, for whoever keeps its operations."""

from datetime import timedelta

import pytest

from data.core.errors import Forbidden
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.core.waits import answered
from data.platform import system_metrics
from jobs import metrics
from jobs.health import Gauge
from tests.factories.people import World


async def test_a_minutes_figures_are_written_once_and_seen_by_who_keeps_the_operations(world: World) -> None:
    gauge = Gauge(measurements=3)
    answered.take()
    for ms in (4.0, 2.0):
        answered.requests.add(ms)
    answered.failures += 1
    for _ in range(2):
        await metrics.write_system_metrics(gauge)
    async with transaction(world.owner) as tx:
        found = {(one.kind, one.part, one.percentile): one.value for one in await system_metrics.latest(tx, since=now() - timedelta(minutes=5))}
    assert found["memory_mb", "process", ""] > 10 and found["cpu_percent", "process", ""] >= 0
    assert 0 <= found["loop_lag_ms", "process", "p50"] <= found["loop_lag_ms", "process", "max"]
    assert [found["request_ms", "process", percentile] for percentile in ("p50", "p95", "max")] == [2, 2, 4]
    assert [found["answers", part, ""] for part in ("requests", "events", "failures")] == [2, 0, 1] and ("event_ms", "process", "p50") not in found
    assert {part for kind, part, _ in found if kind == "queue_length"} == {"intake", "commands", "messages", "background_jobs", "uncounted_hours"}
    assert sum(value for (kind, _, _), value in found.items() if kind == "connections") >= 2
    for who in (world.colleague, world.viewer):
        with pytest.raises(Forbidden):
            async with transaction(who) as tx:
                await system_metrics.latest(tx, since=now())


async def test_the_past_is_averaged_into_as_many_pieces_as_are_asked_for(world: World) -> None:
    full = now().replace(minute=0, second=0, microsecond=0)
    for minutes, value in ((1, 10.0), (2, 30.0), (-60, 50.0)):
        async with across_tenants("tests") as tx:
            await system_metrics.keep(tx, {("cpu_percent", "process"): value}, at=full + timedelta(minutes=minutes))
    start, end = full - timedelta(minutes=90), full + timedelta(minutes=30)
    async with transaction(world.owner) as tx:
        (fine,) = await system_metrics.past(tx, "cpu_percent", start, end)
        (coarse,) = await system_metrics.past(tx, "cpu_percent", start, end, most=30)
    assert fine.values.tolist() == [50, 10, 30] and fine.times_ms[0] == (full - timedelta(hours=1)).timestamp() * 1000
    assert coarse.values.tolist() == [50, 20]
