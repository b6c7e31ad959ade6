"""An answer means that it is kept: the serving process is killed at any moment, and nothing it had answered is lost."""

import asyncio
import hashlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from data.core.session import Database
from data.core.time import now
from tests.conftest import SECRET_KEY
from tests.factories import trees
from tests.factories.cold_chain import EUI, another_unit, cold_store, secret, uplink_body
from tests.factories.deliveries import driver
from tests.factories.forked import SHARED, serve
from tests.factories.people import World
from tests.factories.served import environment_of

pytestmark = pytest.mark.e2e

KILLS = 20
TREES = "/api/trees/v1"

@dataclass
class Devices:
    """What sends to the server as long as it is told to, again and again until it is answered, as devices do."""

    url: str
    kept: dict[str, set[Any]] = field(default_factory=lambda: {"readings": set(), "positions": set(), "photos": set()})
    interrupted: int = 0
    is_over: bool = False

    def counts(self) -> list[int]:
        return [len(one) for one in self.kept.values()]

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """The answer, which is 2xx; None when all is over before there is one."""
        async with httpx.AsyncClient(base_url=self.url, timeout=10, verify=False) as client:
            while not self.is_over:
                try:
                    answer = await client.request(method, path, **request)
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
                except httpx.TransportError:
                    self.interrupted += 1
                else:
                    if answer.is_success:
                        return answer
                    assert answer.status_code == 503, f"{method} {path}: {answer.status_code} {answer.text}"
                    await asyncio.sleep(0.1)
        return None

    async def sensor(self, eui: str, unit_id: UUID, feed: str) -> None:
        at = now().replace(microsecond=0) - timedelta(hours=6)
        while not self.is_over:
            at += timedelta(seconds=1)
            body = uplink_body(round(random.uniform(-22, -19), 2), at, eui)
            if await self.send("POST", "/feeds/ttn", json=body, headers={"X-Webhook-Secret": feed}):
                self.kept["readings"].add((unit_id, at))

    async def phone(self, driver_id: UUID, token: str) -> None:
        at = int(now().timestamp()) - 6 * 3600
        while not self.is_over:
            at += 1
            fix = {"_type": "location", "lat": 11.55 + at % 100 / 1000, "lon": 104.92, "tst": at, "acc": 8}
            if await self.send("POST", "/feeds/owntracks", content=json.dumps(fix), auth=("dara", token)):
                self.kept["positions"].add((driver_id, at))

    async def arborist(self, token: str) -> None:
        headers, number = {"x-api-key": token}, 0
        while not self.is_over:
            number += 1
            made = await self.send("POST", f"{TREES}/jobs", json=trees.JOB, headers=headers | {"Idempotency-Key": f"k{token[:8]}-{number}"})
            of = f"{TREES}/jobs/{made.json()['job_id']}" if made else ""
            if not made or not await self.send("POST", f"{of}/rounds", headers=headers):
                return
            for name in ("photo-1", "photo-2", "photo-3"):
                photo = trees.jpeg(64, 48, colour=f"#{random.randrange(1 << 24):06x}")
                if await self.send("PUT", f"{of}/sections/job_photos/images/{name}", content=photo, headers=headers):
                    self.kept["photos"].add((UUID(made.json()["job_id"]), name, hashlib.sha256(photo).hexdigest()))


@asynccontextmanager
async def sending(devices: Devices, *loops: Awaitable[None]) -> AsyncIterator[Sequence[asyncio.Future[None]]]:
    """Run these side by side; what one of them complains about fails the test."""
    tasks = [asyncio.ensure_future(one) for one in loops]
    try:
        yield tasks
    finally:
        devices.is_over = True
        await asyncio.wait_for(asyncio.gather(*tasks), 30)


async def until_each_kind_came_in(devices: Devices, tasks: Sequence[asyncio.Future[None]], server: BaseProcess) -> None:
    before = devices.counts()
    async with asyncio.timeout(120):
        while not all(now > then for now, then in zip(devices.counts(), before, strict=True)):
            assert server.is_alive(), "the server ended by itself"
            for failed in (task for task in tasks if task.done()):
                failed.result()
            await asyncio.sleep(0.01)


@pytest.mark.long
async def test_killing_the_process_at_any_moment_loses_nothing_that_had_been_answered(
    world: World, db: Database, database_url: str, owner_connection: psycopg.Connection, tmp_path: Path
) -> None:
    store, feed = await cold_store(world.owner), await secret(world.owner)
    sensors = [(EUI, store.unit_id)]
    for number in range(1, 4):
        eui = f"{number:016X}"
        sensors.append((eui, await another_unit(world.owner, store, name=f"Freezer {number + 1}", eui=eui)))
    drivers = [await driver(world.owner, name) for name in ("Dara", "Sok")]
    phones = [await trees.phone(world.owner, name) for name in ("phone-1", "phone-2")]

    environment = environment_of(database_url, SECRET_KEY, tmp_path)
    devices = Devices(environment["PUBLIC_URL"])
    loops = [devices.sensor(eui, unit_id, feed) for eui, unit_id in sensors]
    loops += [devices.phone(one.id, one.token) for one in drivers]
    loops += [devices.arborist(one.token) for one in phones]
    async with sending(devices, *loops) as tasks:
        for _ in range(KILLS):
            server = SHARED.Process(target=serve, args=(environment,))
            server.start()
            try:
                await until_each_kind_came_in(devices, tasks, server)
                await asyncio.sleep(random.uniform(0, 0.6))
            finally:
                server.kill()
                server.join(10)

    kept = {
        "readings": "select unit_id, recorded_at from cold_chain.sensor_readings",
        "positions": "select driver_id, extract(epoch from recorded_at)::bigint from deliveries.driver_location_events",
        "photos": "select r.job_id, i.image_id, f.sha256 from trees.round_images i"
        " join trees.job_rounds r on r.id = i.round_id join platform.files f on f.id = i.file_id",
    }
    for kind, statement in kept.items():
        rows = owner_connection.execute(statement).fetchall()
        assert devices.kept[kind] - set(rows) == set(), f"{kind} were answered and are lost"
        assert len(rows) == len(set(rows)), f"{kind} were kept twice"
    assert devices.interrupted >= KILLS, "each kill came while something was under way"
    fingerprints = {hashlib.sha256(file.read_bytes()).hexdigest() for file in (tmp_path / "files").rglob("*") if file.is_file()}
    assert {fingerprint for *_, fingerprint in devices.kept["photos"]} <= fingerprints
