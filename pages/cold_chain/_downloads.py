"""Temperatures to take away, for whoever must show them to somebody else."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from nicegui import app

from data.cold_chain.queries import points, units
from data.cold_chain.queries.points import ReadingView
from data.cold_chain.queries.units import UnitView
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from pages._csv import Row, csv_response, csv_stream, instant_of
from pages._shell import actor

LONGEST = timedelta(days=800)
AT_ONCE = 5_000
READING = (
    "recorded_at", "local_time", "sensor", "temperature_celsius", "humidity_percent", "battery_percent", "signal_dbm", "source",
    "received_at",
)  # fmt: skip
UNIT = (
    "site", "area", "unit", "kind", "state", "temperature_celsius", "recorded_at", "limit_low_celsius", "limit_high_celsius"
)  # fmt: skip


@app.get("/cold-chain/units/{unit_id:uuid}/readings.csv")
async def readings(request: Request, unit_id: UUID) -> Response:
    """Every reading of the stretch that the chart shows (`from` and `to` in milliseconds since 1970; a day where missing)."""
    who = actor(request)
    end = instant_of(request.query_params.get("to"), now())
    start = max(instant_of(request.query_params.get("from"), end - timedelta(days=1)), end - LONGEST)
    async with transaction(who) as tx:
        unit = await units.unit(tx, unit_id)
    return csv_stream(f"{unit.name} {start:%Y-%m-%d} {end:%Y-%m-%d}.csv", READING, _readings(who, unit, start, end))


async def _readings(who: Actor, unit: UnitView, start: datetime, end: datetime) -> AsyncIterator[Iterable[Row]]:
    """A piece at a time, each asked for in a short transaction: a slow download holds no connection."""
    last: ReadingView | None = None
    while True:
        async with transaction(who) as tx:
            found = await points.readings_after(tx, unit.id, start, end, after=last, limit=AT_ONCE)
        yield [_reading(one, unit.time_zone) for one in found]
        if len(found) < AT_ONCE:
            return
        last = found[-1]


def _reading(one: ReadingView, zone: str) -> tuple[object, ...]:
    return (
        one.recorded_at, one.recorded_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S"), one.device_name,
        one.celsius, one.humidity_percent, one.battery_percent, one.signal_dbm, one.source,
        one.received_at,
    )  # fmt: skip


@app.get("/cold-chain/units.csv")
async def all_units(request: Request, site: UUID | None = None, q: str = "") -> Response:
    """Every unit as it is now."""
    who = actor(request)
    who.require(units.VIEW)
    async with transaction(who) as tx:
        found, _total = await units.units(tx, limit=100_000, search=q[:200], site_id=site)

    return csv_response("units.csv", UNIT, (_unit(one) for one in found))


def _unit(one: UnitView) -> tuple[object, ...]:
    return (
        one.site_name, one.area_name, one.name, one.unit_type.value, one.status.value, one.last_celsius,
        one.last_reading_at, one.rule.low_celsius,
        one.rule.high_celsius,
    )  # fmt: skip
