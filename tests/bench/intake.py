"""How many readings a second are kept: by the intake in process, over HTTP one at a time, and over HTTP a hundred a request."""

import asyncio
import json
import time
from collections.abc import Sequence
from statistics import median

from data.cold_chain.values import Measurement
from data.core.intake import Intake
from data.flows.uplink import store
from data.identity.tables import TokenKind
from tests.bench.bare import bare_server
from tests.bench.figures import AtLeast, Figure, Reference
from tests.bench.knocking import requests_per_second
from tests.bench.stage import Installation, Stage, tuned_garbage_collection
from tests.bench.stores import COLUMNS, Sensors, measurements, rows, sensors, uplink
from tests.factories.cold_chain import secret

READINGS = "cold_chain.sensor_readings"


async def figures(stage: Stage) -> list[Figure]:
    async with stage.installation("intake") as here:
        these = await sensors(here.world.owner, 200)
        with tuned_garbage_collection():
            in_process = await _in_process(stage, here, these)
        with here.served() as server, bare_server() as bare:
            return in_process + await _over_http(stage, here, these, server.url, bare)


async def _in_process(stage: Stage, here: Installation, these: Sensors) -> list[Figure]:
    said = measurements(these, stage.size(200_000, 20_000))
    copied, listed, single = [], [], []
    for _ in range(stage.size(3, 1)):
        copied.append(_copy(here, rows(these, said)))
        listed.append(await _taken(here, these, said, at_once=1_000, senders=16))
        single.append(await _taken(here, these, said, at_once=1, senders=4_000))
    copy = Reference("COPY by a superuser", median(copied))
    return [
        Figure("in process, lists of 1,000", median(listed), "readings/s", copy, ratio_aim=AtLeast(0.5)),
        Figure("in process, 4,000 senders of one", median(single), "readings/s", copy),
    ]


def _forgotten(here: Installation) -> None:
    with here.owner() as connection:
        connection.execute(f"truncate {READINGS}")
        connection.execute("update cold_chain.devices set last_seen_at = null")
        connection.execute("update cold_chain.units set last_reading_at = null, last_temperature_celsius = null")
        connection.execute("checkpoint")


def _copy(here: Installation, table: Sequence[Sequence[object]]) -> float:
    """The same rows by COPY as the superuser, for whom there is no wall; psycopg's own writer, written in C."""
    _forgotten(here)
    with here.owner() as connection:
        started = time.perf_counter()
        with connection.cursor().copy(f"copy {READINGS} ({', '.join(COLUMNS)}) from stdin") as copy:
            for row in table:
                copy.write_row(row)
        return len(table) / (time.perf_counter() - started)


async def _taken(here: Installation, these: Sensors, said: Sequence[Measurement], *, at_once: int, senders: int) -> float:
    _forgotten(here)
    intake = Intake()
    intake.start()
    lists = iter([said[start : start + at_once] for start in range(0, len(said), at_once)])

    async def sender() -> None:
        for one in lists:
            await intake.take_all(these.organization_id, store, one, by="bench")

    started = time.perf_counter()
    await asyncio.gather(*(sender() for _ in range(senders)))
    elapsed = time.perf_counter() - started
    await intake.stop()
    _assert_kept(here, len(said))
    return len(said) / elapsed


def _assert_kept(here: Installation, count: int) -> None:
    with here.owner() as connection:
        found = connection.execute(f"select count(*) from {READINGS}").fetchone()
    assert found == (count,), f"{found} readings are kept, not {count}"


async def _over_http(stage: Stage, here: Installation, these: Sensors, url: str, bare: str) -> list[Figure]:
    owner = here.world.owner
    feed, api = await secret(owner), await secret(owner, TokenKind.API, None)
    said = measurements(these, stage.size(10_000, 1_000))
    _forgotten(here)
    one = [
        uplink(m.device_eui, m.recorded_at, m.temperature_celsius or 0, signal=m.signal_dbm or 0, counter=m.counter or 0)
        for m in said
    ]
    alone = await requests_per_second(f"{url}/feeds/ttn", {"X-Webhook-Secret": feed}, one, connections=64)
    _assert_kept(here, len(said))
    nothing_done = await requests_per_second(bare, {}, one, connections=64)
    said = measurements(these, stage.size(100_000, 10_000))
    hundreds = [_bulk(these, said[start : start + 100]) for start in range(0, len(said), 100)]
    _forgotten(here)
    bulk = await requests_per_second(f"{url}/api/ingest/readings", {"X-API-Key": api}, hundreds, connections=8)
    _assert_kept(here, len(said))
    return [
        Figure("over HTTP, one at a time", alone, "readings/s", Reference("bare HTTP server", nothing_done)),
        Figure("over HTTP, 100 a request", bulk * 100, "readings/s", Reference("one at a time", alone)),
    ]


def _bulk(these: Sensors, said: Sequence[Measurement]) -> bytes:
    known = {eui: (unit_id, device_id) for unit_id, device_id, eui in these.each}
    return json.dumps([
        {
            "unitId": str(known[m.device_eui][0]), "deviceId": str(known[m.device_eui][1]), "recordedAt": m.recorded_at.isoformat(),
            "temperature": m.temperature_celsius, "humidity": m.humidity_percent, "battery": m.battery_percent,
            "signalStrength": m.signal_dbm,
        }
        for m in said
    ]).encode()  # fmt: skip
