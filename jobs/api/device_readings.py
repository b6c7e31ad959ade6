"""How a farm's device stands now, and what it measured."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request

from data.core.session import transaction
from data.core.time import now
from data.farm.queries_device import Seen, fared, seen
from data.farm.queries_history import SWITCH, Lane, Line, history
from data.farm.rules import SWITCHED
from data.farm.rules.detail import Kept
from data.farm.tables import Device
from jobs.api._door import Reader, answer, door
from jobs.api._farm import device_of

router = door("/v1/farms/{farm_id}/devices", "Devices")

MOST_POINTS = 10_000


@router.get("/{device_id}/status")
async def show_status(actor: Reader, farm_id: UUID, device_id: UUID) -> dict[str, Any]:
    """How a device stands now: what it said last of itself, and what it is asked and has not answered."""
    at = now()
    async with transaction(actor) as tx:
        await device_of(tx, farm_id, device_id)
        found = await seen(tx, device_id)
        ran = await fared(tx, found.device, found.farm.time_zone, at=at) if found.device.device_type.value in SWITCHED else None
    on = {"total_s": ran.total_s, "today_s": ran.today_s, "week_s": ran.week_s, "cycles": ran.cycles} if ran else None
    return answer(_status(found, at) | {"on_for": on})


@router.get("/{device_id}/history")
async def show_history(
    actor: Reader, request: Request, farm_id: UUID, device_id: UUID, hours: Annotated[int, Query(ge=1, le=720)] = 24,
    limit: Annotated[int, Query(ge=1, le=MOST_POINTS)] = 1_000, metric: Annotated[str, Query(max_length=60)] = "all",
) -> dict[str, Any]:  # fmt: skip
    """What a device measured in the last hours, from its readings, hours or days, whichever are fine enough for `limit` points in all.

    A point is the mean of its piece of time, with the least and the most in it; of `power` it is the share of it that it was on.
    """
    end, kept = now(), getattr(request.app.state, "farm_kept", Kept())
    async with transaction(actor) as tx:
        device = await device_of(tx, farm_id, device_id)
        kinds = _kinds(device) if metric == "all" else [metric]
        most, found, points = max(limit // max(len(kinds), 1), 1), [], []
        for kind in kinds:
            of, switches = ((), (device_id,)) if kind == SWITCH else ((device_id,), ())
            seen_ = await history(tx, farm_id, end - timedelta(hours=hours), end, kind=kind, of=of, switches=switches, kept=kept, most=most)
            unit = device.latest.get(kind, {}).get("unit", "")
            made = [point for line in seen_.lines for point in _points(line, kind, unit, end)] + [point for lane in seen_.lanes for point in _shares(lane)]
            points += made[-most:]
            found.append({"metric": kind, "unit": unit, "source": seen_.detail.source, "width_s": seen_.detail.width.total_seconds()})
    points.sort(key=lambda point: point["timestamp"])
    return answer({
        "device_id": device_id, "readings": points, "metrics": found, "total": len(points), "from_timestamp": end - timedelta(hours=hours),
        "to_timestamp": end,
    })  # fmt: skip


def _kinds(device: Device) -> list[str]:
    return sorted({*device.latest, *([SWITCH] if device.device_type.value in SWITCHED else [])})


def _points(line: Line, kind: str, unit: str, end: datetime) -> list[dict[str, Any]]:
    """Each in the middle of its piece of time; the last one is not over yet."""
    columns = (one.tolist() for one in (line.times_ms, line.mean, line.low, line.high, line.counts))
    return [
        {"timestamp": min(_at(at), end), "sensor_type": kind, "value": round(mean, 3), "min": low, "max": high, "count": count, "unit": unit}
        for at, mean, low, high, count in zip(*columns, strict=True)
    ]


def _shares(lane: Lane) -> list[dict[str, Any]]:
    columns = (one.tolist() for one in (lane.starts_ms, lane.ends_ms, lane.shares))
    return [
        {"timestamp": _at(begin), "until": _at(end), "sensor_type": SWITCH, "value": round(share, 4), "unit": ""}
        for begin, end, share in zip(*columns, strict=True)
    ]


def _at(epoch_ms: float) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _status(found: Seen, at: datetime) -> dict[str, Any]:
    """`current_value` is to what an output is set, or what a probe measured last, its temperature first."""
    device, asked = found.device, found.open
    name = "temperature" if "temperature" in device.latest else next(iter(sorted(device.latest)), None)
    known = device.latest[name] if name and device.device_type.value not in SWITCHED else {}
    value, unit = (float(device.value), found.value_command) if device.value is not None else (known.get("value"), known.get("unit"))
    uptime = at - device.started_at if device.started_at and device.is_online else None
    return {
        "device_id": device.id, "is_active": device.is_active, "is_online": device.is_online, "last_heartbeat": device.last_heartbeat_at,
        "current_state": None if device.is_on is None else "on" if device.is_on else "off", "state_reported_at": device.state_reported_at,
        "state_changed_at": device.state_changed_at, "contradicted_by": device.contradicted_by, "current_value": value, "unit": unit,
        "values": device.latest, "signal_strength": device.signal_dbm, "battery_level": device.battery_percent,
        "uptime_hours": round(uptime.total_seconds() / 3600, 2) if uptime else None, "farm_is_stopped": found.farm.is_stopped,
        "open_command": {"command_id": asked.command.id, "command_type": asked.command.command_type, "status": asked.command.status} if asked else None,
    }  # fmt: skip
