"""Temperatures to take away, for whoever must show them to somebody else."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from nicegui import app

from data.cold_chain.queries import points, units
from data.cold_chain.queries.points import ReadingView
from data.cold_chain.queries.units import UnitView
from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
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
    end = _instant(request.query_params.get("to"), now())
    start = max(_instant(request.query_params.get("from"), end - timedelta(days=1)), end - LONGEST)
    async with transaction(who) as tx:
        unit = await units.unit(tx, unit_id)
    return _file(f"{unit.name} {start:%Y-%m-%d} {end:%Y-%m-%d}.csv", _readings(who, unit, start, end))


async def _readings(who: Actor, unit: UnitView, start: datetime, end: datetime) -> AsyncIterator[str]:
    """A piece at a time, each asked for in a short transaction: a slow download holds no connection."""
    yield "\ufeff" + _lines([READING])
    last: ReadingView | None = None
    while True:
        async with transaction(who) as tx:
            found = await points.readings_after(tx, unit.id, start, end, after=last, limit=AT_ONCE)
        yield _lines(_reading(one, unit.time_zone) for one in found)
        if len(found) < AT_ONCE:
            return
        last = found[-1]


def _reading(one: ReadingView, zone: str) -> tuple[object, ...]:
    return (
        _iso(one.recorded_at), one.recorded_at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S"), one.device_name or "",
        one.celsius, _or_empty(one.humidity_percent), _or_empty(one.battery_percent), _or_empty(one.signal_dbm), one.source,
        _iso(one.received_at),
    )  # fmt: skip


@app.get("/cold-chain/units.csv")
async def all_units(request: Request, site: UUID | None = None, q: str = "") -> Response:
    """Every unit as it is now."""
    who = actor(request)
    who.require(units.VIEW)
    async with transaction(who) as tx:
        found, _total = await units.units(tx, limit=100_000, search=q[:200], site_id=site)

    async def parts() -> AsyncIterator[str]:
        yield "\ufeff" + _lines([UNIT])
        yield _lines(_unit(one) for one in found)

    return _file("units.csv", parts())


def _unit(one: UnitView) -> tuple[object, ...]:
    return (
        one.site_name, one.area_name, one.name, one.unit_type.value, one.status.value, _or_empty(one.last_celsius),
        _iso(one.last_reading_at) if one.last_reading_at else "", _or_empty(one.rule.low_celsius),
        _or_empty(one.rule.high_celsius),
    )  # fmt: skip


def _file(name: str, parts: AsyncIterator[str]) -> StreamingResponse:
    plain = "".join(sign if sign.isascii() and (sign.isalnum() or sign in " -_.") else "_" for sign in name)
    headers = {"content-disposition": f'attachment; filename="{plain}"'}
    return StreamingResponse(parts, media_type="text/csv; charset=utf-8", headers=headers)


def _lines(rows: Iterable[tuple[object, ...]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows([_harmless(value) for value in row] for row in rows)
    return written.getvalue()


def _harmless(value: object) -> object:
    """Spreadsheets take text that begins like a formula for one."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _or_empty(value: float | None) -> object:
    return "" if value is None else value


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _instant(text: str | None, otherwise: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(float(text or "") / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise
