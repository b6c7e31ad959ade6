"""How warm a unit was: each reading of a short stretch, pieces of time of a long one, and what people wrote down by hand between."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from fastapi import Query
from pydantic import AwareDatetime

from data.cold_chain.queries import logs, points, units
from data.cold_chain.queries.logs import LogView
from data.cold_chain.queries.points import Points, ReadingView
from data.core.errors import Invalid
from data.core.session import Transaction, transaction
from data.core.time import now
from jobs.api._door import Reader, answer
from jobs.api._organization import of_organization

router = of_organization("/units/{unit_id}/readings", "Units")
LONGEST = timedelta(days=800)
USUAL = timedelta(days=1)
MOST = 2_000
"""So many readings are told one by one, unless more are asked for; more than these are drawn together, as charts do."""


@router.get("")
async def list_readings(
    actor: Reader, unit_id: UUID, since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None, detail: Literal["auto", "raw"] = "auto",
    source: Literal["all", "measured", "manual"] = "all", limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000, after: str = "",
) -> dict[str, Any]:  # fmt: skip
    """A unit's temperatures from `from` until before `to` (without them: the last day), the oldest first. Each is `measured` by
    a sensor or written down by hand (`manual`).

    With `detail=raw` every reading is told, `limit` at a time: `next` is what to give as `after` for those that follow. Else many
    readings come as averages of pieces of time of `piece_s` seconds, each with its least and its most.
    """
    end = until or now()
    start = since or end - USUAL
    if not timedelta(0) < end - start <= LONGEST:
        raise Invalid("from", "Choose a stretch of at most {days} days.", days=LONGEST.days)
    last = _after(after)
    async with transaction(actor) as tx:
        said: dict[str, Any] = {"unit_id": unit_id, "from": start, "to": end, "piece_s": None, "next": None}
        readings: list[dict[str, Any]] = []
        if source == "manual":
            await units.unit(tx, unit_id)
        elif detail == "raw":
            found = await points.readings_after(tx, unit_id, start, end, after=last, limit=limit)
            readings = [_reading(one) for one in found]
            if len(found) == limit:
                said["next"] = f"{found[-1].recorded_at.isoformat()}/{found[-1].device_id}"
        else:
            drawn = await points.points(tx, unit_id, start, end, whole_up_to=MOST)
            said["piece_s"] = next((one.gap.total_seconds() for one in drawn if one.gap), None)
            readings = [each for one in drawn for each in _points(one)]
        if source != "measured":
            covered = last.recorded_at if last else start, readings[-1]["recorded_at"] if said["next"] else end  # each line once
            readings += [_by_hand(one) for one in await _logs(tx, unit_id, *covered)]
    return answer(said | {"readings": sorted(readings, key=lambda one: one["recorded_at"])})


async def _logs(tx: Transaction, unit_id: UUID, since: datetime, until: datetime) -> list[LogView]:
    wanted = logs.Wanted(unit_ids=[unit_id], since=since, until=until)
    found, _total = await logs.page(tx, wanted, limit=5_000, descending=False)
    return [one for one in found if one.corrected_by_id is None]


def _after(cursor: str) -> ReadingView | None:
    """The last reading that was handed out, as far as it matters for what follows."""
    if not cursor:
        return None
    at, _, device_id = cursor.partition("/")
    try:
        recorded_at = datetime.fromisoformat(at)
        if recorded_at.tzinfo is None:
            raise ValueError("an instant has an offset")
        return ReadingView(recorded_at, recorded_at, UUID(device_id), None, 0.0, None, None, None, "")
    except ValueError:
        raise Invalid("after", "Give what the answer before this one said under next.") from None


def _reading(one: ReadingView) -> dict[str, Any]:
    return {
        "recorded_at": one.recorded_at, "kind": "measured", "temperature": one.celsius, "humidity": one.humidity_percent,
        "device_id": one.device_id, "battery": one.battery_percent, "signal_strength": one.signal_dbm, "source": one.source,
    }  # fmt: skip


def _points(one: Points) -> list[dict[str, Any]]:
    humidity = one.humidity_percent
    each = []
    for place, at_ms in enumerate(one.times_ms.tolist()):
        damp = None if humidity is None or not np.isfinite(humidity[place]) else round(float(humidity[place]), 2)
        said = {
            "recorded_at": datetime.fromtimestamp(at_ms / 1000, tz=now().tzinfo), "kind": "measured",
            "temperature": round(float(one.celsius[place]), 2), "humidity": damp, "device_id": one.device_id,
        }  # fmt: skip
        if one.band:
            said |= {"min": round(float(one.band.low[place]), 2), "max": round(float(one.band.high[place]), 2)}
        each.append(said)
    return each


def _by_hand(one: LogView) -> dict[str, Any]:
    log = one.log
    return {
        "recorded_at": log.recorded_at, "kind": "manual", "temperature": float(log.temperature_celsius),
        "humidity": None if log.humidity_percent is None else float(log.humidity_percent), "log_id": log.id, "logged_by": log.user_name,
    }  # fmt: skip
