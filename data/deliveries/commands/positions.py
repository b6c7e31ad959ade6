"""What phones say is kept as it came; where a driver is moves on only by what can be believed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import REAL, Boolean, DateTime, Double, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine
from sqlmodel import col, select

from data.core.session import Transaction
from data.core.table import uuid7
from data.deliveries import rules
from data.deliveries.events import DriverMoved
from data.deliveries.tables import Driver, DriverDevice
from data.deliveries.values import Kept, Report
from data.platform import commands as platform

NAMED_AT_MOST = 20
"""More drivers than these that moved at once are announced as one event without a name."""

_TYPES: Mapping[str, TypeEngine[Any]] = {
    "driver_id": Uuid(), "device_id": Uuid(), "recorded_at": DateTime(timezone=True),
    "received_at": DateTime(timezone=True), "latitude": Double(), "longitude": Double(), "accuracy_m": REAL(),
    "speed_mps": REAL(), "heading_deg": REAL(), "altitude_m": REAL(), "battery_percent": REAL(), "source": Text(),
    "is_accurate": Boolean(),
}  # fmt: skip
_COLUMNS = ", ".join(_TYPES)
_ROWS = f"""
    select :organization_id, {_COLUMNS.replace("source", "source::deliveries.position_source")}
    from unnest({", ".join(f":{name}" for name in _TYPES)}) as given ({_COLUMNS})
"""
_ARRAYS = [bindparam(name, type_=ARRAY(kind)) for name, kind in _TYPES.items()]
_ORGANIZATION = bindparam("organization_id", type_=Uuid())

_STORE = text(
    f"""
    insert into deliveries.driver_location_events (organization_id, {_COLUMNS}) {_ROWS}
    order by driver_id, recorded_at on conflict do nothing returning driver_id, recorded_at
    """
).bindparams(_ORGANIZATION, *_ARRAYS)

# The condition is rules.takes_the_place_of, said in SQL; a test holds the two together.
_MOVE = text(
    f"""
    insert into deliveries.active_driver_locations as old (organization_id, {_COLUMNS}) {_ROWS}
    order by driver_id on conflict (organization_id, driver_id) do update
    set {", ".join(f"{name} = excluded.{name}" for name in _TYPES if name != "driver_id")}
    where excluded.recorded_at > old.recorded_at and (excluded.is_accurate or not old.is_accurate
      or excluded.recorded_at - old.recorded_at > :stands_in_after)
    returning driver_id
    """
).bindparams(_ORGANIZATION, *_ARRAYS)

_HEAR = text(
    """
    insert into deliveries.driver_sessions as old (id, organization_id, driver_id, device_id, started_at, last_seen_at)
    select id, :organization_id, driver_id, device_id, received_at, received_at
    from unnest(:id, :driver_id, :device_id, :received_at) as given (id, driver_id, device_id, received_at)
    order by driver_id, device_id on conflict (organization_id, device_id) where ended_at is null do update
    set last_seen_at = excluded.last_seen_at where excluded.last_seen_at > old.last_seen_at + interval '15 s'
    returning driver_id, xmax = 0
    """
).bindparams(
    _ORGANIZATION,
    bindparam("id", type_=ARRAY(Uuid())),
    *(bindparam(name, type_=ARRAY(_TYPES[name])) for name in ("driver_id", "device_id", "received_at")),
)

_END_SILENT = text(
    """
    update deliveries.driver_sessions set ended_at = last_seen_at
    where ended_at is null and last_seen_at < :before returning organization_id, driver_id
    """
)

Row = tuple[UUID, Report]
"""A report with the driver whose device it came from."""


async def record_fixes(tx: Transaction, reports: Sequence[Report]) -> list[Kept]:
    """Keep a batch of one organization's reports in three statements, whatever its size; what became of each.

    For the intake: the door has proved whose device each report is from. A driver's two fixes of one instant are one.
    """
    drivers = await _drivers_of(tx, {report.device_id for report in reports})
    known = sorted(
        ((drivers[one.device_id], one) for one in reports if one.device_id in drivers),
        key=lambda row: (row[0], row[1].fix.recorded_at),
    )
    stored: set[tuple[UUID, datetime]] = set()
    if known:
        stored = {(row[0], row[1]) for row in await tx.execute(_STORE, _arrays(tx, known))}
        _announce(tx, await _move(tx, known) | await _hear(tx, known))
    outcomes = []
    for report in reports:
        if report.device_id not in drivers:
            await _note_stranger(tx, report)
            outcomes.append(Kept.UNKNOWN_DEVICE)
            continue
        key = (drivers[report.device_id], report.fix.recorded_at)
        outcomes.append(Kept.STORED if key in stored else Kept.REPEATED)
        stored.discard(key)
    return outcomes


async def _drivers_of(tx: Transaction, device_ids: set[UUID]) -> dict[UUID, UUID]:
    statement = (
        select(DriverDevice.id, DriverDevice.driver_id)
        .join(Driver, col(Driver.id) == DriverDevice.driver_id)
        .where(
            col(DriverDevice.id).in_(device_ids),
            col(DriverDevice.deleted_at).is_(None),
            col(Driver.deleted_at).is_(None),
        )
    )
    return dict((await tx.exec(statement)).all())


async def _move(tx: Transaction, known: Sequence[Row]) -> set[UUID]:
    """Bring each driver to the fix that leads now; those who moved."""
    of_driver: dict[UUID, list[Report]] = defaultdict(list)
    for driver_id, report in known:
        of_driver[driver_id].append(report)
    leading = [(driver_id, rules.leading(reports)) for driver_id, reports in of_driver.items()]
    values = _arrays(tx, leading) | {"stands_in_after": rules.STANDS_IN_AFTER}
    return {row[0] for row in await tx.execute(_MOVE, values)}


async def _hear(tx: Transaction, known: Sequence[Row]) -> set[UUID]:
    """Note that these devices live (to 15 s, to spare the disk); the drivers who were silent before."""
    last: dict[UUID, Row] = {}
    for driver_id, report in known:
        if report.device_id not in last or last[report.device_id][1].received_at < report.received_at:
            last[report.device_id] = driver_id, report
    values = {
        "organization_id": tx.organization_id, "id": [uuid7() for _ in last],
        "driver_id": [driver_id for driver_id, _ in last.values()], "device_id": list(last),
        "received_at": [report.received_at for _, report in last.values()],
    }  # fmt: skip
    return {driver_id for driver_id, is_new in await tx.execute(_HEAR, values) if is_new}


def _arrays(tx: Transaction, rows: Sequence[Row]) -> dict[str, Any]:
    """The columns of these rows, as `_ROWS` takes them."""
    columns = zip(*(_values(driver_id, report) for driver_id, report in rows), strict=True)
    return {"organization_id": tx.organization_id} | {name: list(c) for name, c in zip(_TYPES, columns, strict=True)}


def _values(driver_id: UUID, report: Report) -> tuple[object, ...]:
    fix = report.fix
    return (
        driver_id, report.device_id, fix.recorded_at, report.received_at, fix.latitude, fix.longitude, fix.accuracy_m,
        rules.believable_speed(fix.speed_mps), fix.heading_deg, fix.altitude_m, fix.battery_percent, fix.source,
        rules.is_accurate(fix.accuracy_m),
    )  # fmt: skip


def _announce(tx: Transaction, driver_ids: set[UUID]) -> None:
    if len(driver_ids) > NAMED_AT_MOST:
        tx.emit(DriverMoved())
    else:
        for driver_id in driver_ids:
            tx.emit(DriverMoved(driver_id=driver_id))


async def _note_stranger(tx: Transaction, report: Report) -> None:
    await platform.note_unknown_device(
        tx,
        network="deliveries",
        identifier=str(report.device_id),
        reason="This phone has been taken away from its driver.",
        at=report.received_at,
    )


async def end_silent_sessions(tx: Transaction, *, at: datetime) -> int:
    """Across tenants: a phone silent for ten minutes is off the road from when it was last heard; how many."""
    ended = (await tx.execute(_END_SILENT, {"before": at - rules.SILENT_AFTER})).all()
    for organization_id, driver_id in ended:
        tx.emit(DriverMoved(driver_id=driver_id), organization_id=organization_id)
    return len(ended)
