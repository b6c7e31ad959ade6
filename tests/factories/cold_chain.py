"""A cold store to test in: one site, one area, one freezer, and the sensor that watches it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from fastapi import APIRouter, FastAPI
from sqlmodel import select

from data.cold_chain.commands import places
from data.cold_chain.tables import StaleMetric
from data.cold_chain.values import Measurement, UnitType
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.identity import commands as identity
from data.identity.tables import TokenKind
from jobs import metrics
from jobs.networks._door import intake
from jobs.networks._refusals import install

EUI = "0004A30B001C0530"


@dataclass(frozen=True, slots=True)
class ColdStore:
    """The ids of what was made; the freezer may be −23.33 to −17.78 °C, and 10 minutes otherwise."""

    organization_id: UUID
    site_id: UUID
    area_id: UUID
    unit_id: UUID
    sensor_id: UUID
    eui: str


async def cold_store(who: Actor, *, eui: str = EUI, name: str = "Market hall", unit_type: UnitType = UnitType.FREEZER) -> ColdStore:
    """A site with an area, a unit and a sensor."""
    async with transaction(who) as tx:
        site = await places.create_site(tx, name=name, time_zone="Asia/Phnom_Penh")
        area = await places.create_area(tx, site.id, name="Dock")
        unit = await places.create_unit(tx, area.id, name="Freezer 1", unit_type=unit_type)
        sensor = await places.create_sensor(tx, unit.id, device_eui=eui)
        return ColdStore(tx.organization_id, site.id, area.id, unit.id, sensor.id, eui)


async def another_unit(who: Actor, store: ColdStore, *, name: str, eui: str) -> UUID:
    """One more freezer in the same area, with its sensor."""
    async with transaction(who) as tx:
        unit = await places.create_unit(tx, store.area_id, name=name, unit_type=UnitType.FREEZER)
        await places.create_sensor(tx, unit.id, device_eui=eui)
        return unit.id


def measured(celsius: float | None, at: datetime, eui: str = EUI, **more: Any) -> Measurement:
    """What the codec makes of an uplink."""
    return Measurement(eui, at, at, temperature_celsius=celsius, **more)


def uplink_body(celsius: object, at: datetime, eui: str = EUI, **decoded: object) -> dict[str, Any]:
    """An uplink as The Things Stack posts it."""
    return {
        "end_device_ids": {"device_id": "probe", "dev_eui": eui},
        "received_at": at.isoformat(),
        "uplink_message": {
            "f_port": 2, "f_cnt": 7, "received_at": at.isoformat(),
            "decoded_payload": {"temperature": celsius} | decoded, "rx_metadata": [{"rssi": -80}],
        },
    }  # fmt: skip


async def secret(who: Actor, kind: TokenKind = TokenKind.FEED, network: str | None = "ttn") -> str:
    """A new machine's secret."""
    async with transaction(who) as tx:
        return (await identity.make_token(tx, name="gateway", kind=kind, network=network))[1]


@asynccontextmanager
async def door(router: APIRouter) -> AsyncIterator[httpx.AsyncClient]:
    """A client at one of our doors, with the intake running behind it."""
    app = FastAPI()
    app.include_router(router)
    install(app)
    intake.start()
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://steading.test") as client:
            yield client
    finally:
        await intake.stop()


def as_json(body: object) -> bytes:
    return json.dumps(body).encode()


async def count_readings(patience_s: float = 2.0) -> None:
    """What the clock does each minute, until every hour is counted: a transaction of anybody on the same server, another test's too,
    may keep some waiting for a moment."""
    until = time.monotonic() + patience_s
    while True:
        await metrics.count_readings()
        async with across_tenants("tests") as tx:
            is_done = (await tx.exec(select(StaleMetric.hour).limit(1))).first() is None
        if is_done or time.monotonic() > until:
            return
        await asyncio.sleep(0.05)
