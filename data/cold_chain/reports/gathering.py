"""What a report is drawn up from, fetched in a handful of statements however many units there are."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlmodel import col, select

from data.cold_chain.reports import statements
from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.limits import Change, Scope
from data.cold_chain.values import UnitType
from data.core import columns
from data.core.errors import NotFound
from data.core.session import Transaction
from data.platform.tables import File

EARLIEST_READ = timedelta(hours=36)
"""How long before its stretch a reading or log may have been taken that still speaks for its beginning."""
UNIT_DAYS_AT_ONCE = 600
PACKED = np.dtype([("us", ">i8"), ("delay_s", ">i4"), ("hundredths", ">i4")])
_EPOCH_2000_S = 946_684_800

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Readings:
    """A unit's own sensor's readings in the order of time: seconds since 1970 (taken, received) and hundredths of °C."""

    taken_s: NDArray[np.int64]
    received_s: NDArray[np.int64]
    hundredths: NDArray[np.int64]

    @property
    def celsius(self) -> NDArray[np.float64]:
        return self.hundredths / 100.0


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit as it stands in its row, and what its rules say now."""

    id: UUID
    name: str
    unit_type: UnitType
    area: str
    site_id: UUID
    site: str
    time_zone: str
    created_at: datetime
    deleted_at: datetime | None
    manual_minutes: int | None
    is_manual_required: bool


@dataclass(slots=True)
class Material:
    """Everything that was fetched, by unit where it belongs to one."""

    organization: str
    time_zone: str
    scope: str
    scope_name: str
    units: Sequence[UnitRow]
    said: dict[tuple[Scope, UUID | None], dict[str, Any]] = field(default_factory=dict)
    changes: dict[tuple[Scope, UUID | None], list[Change]] = field(default_factory=dict)
    logs: dict[UUID, list[Row]] = field(default_factory=dict)
    actions: dict[UUID, list[Row]] = field(default_factory=dict)
    alerts: dict[UUID, list[Row]] = field(default_factory=dict)
    told: dict[UUID, list[Row]] = field(default_factory=dict)
    recorded: dict[UUID, list[Row]] = field(default_factory=dict)
    doors: dict[UUID, list[Row]] = field(default_factory=dict)
    sensors: dict[UUID, list[Row]] = field(default_factory=dict)
    people: list[Row] = field(default_factory=list)


def unpacked(packed: bytes) -> Readings:
    """Readings as the database packed them."""
    table = np.frombuffer(packed, dtype=PACKED)
    taken = table["us"].astype(np.int64) // 1_000_000 + _EPOCH_2000_S
    return Readings(taken, taken + table["delay_s"].astype(np.int64), table["hundredths"].astype(np.int64))


async def gather(tx: Transaction, asked: Asked) -> Material:
    """Fetch it all but the readings. NotFound where the thing that was asked about is not there (for this transaction)."""
    made = await scope(tx, asked)
    values = _values(tx, made, asked)
    await _rules(tx, made, values)
    for rows, statement in (
        (made.logs, statements.LOGS), (made.actions, statements.ACTIONS), (made.alerts, statements.ALERTS),
        (made.recorded, statements.EXCURSIONS), (made.doors, statements.DOORS), (made.sensors, statements.SENSORS),
    ):  # fmt: skip
        _by(rows, await tx.execute(text(statement), values), "subject_id")
    alert_ids = [row["id"] for rows in made.alerts.values() for row in rows]
    _by(made.told, await tx.execute(text(statements.TOLD), values | {"alerts": columns.ids(alert_ids)}), "alert_id")
    made.people = [dict(row._mapping) for row in await tx.execute(text(statements.PEOPLE), values)]
    return made


async def scope(tx: Transaction, asked: Asked) -> Material:
    """Of what: the organization, the site or the unit, and the units of it that were there in that time."""
    values: dict[str, Any] = {
        "organization_id": tx.organization_id, "site_id": asked.site_id, "unit_id": asked.unit_id,
        "site_ids": None if asked.site_ids is None else list(asked.site_ids), "first_day": asked.first_day,
    }  # fmt: skip
    organization, zone = (await tx.execute(text(statements.ORGANIZATION), values)).one()
    units = [UnitRow(**{**row._mapping, "unit_type": UnitType(row.unit_type)}) for row in await tx.execute(text(statements.UNITS), values)]
    if asked.unit_id:
        if not units:
            raise NotFound("There is no such unit.")
        return Material(organization, units[0].time_zone, "unit", f"{units[0].name}, {units[0].site}", units)
    if asked.site_id:
        site = (await tx.execute(text(statements.SITE), values)).one_or_none()
        if site is None:
            raise NotFound("There is no such site.")
        return Material(organization, site.time_zone, "site", site.name, units)
    return Material(organization, zone, "organization", organization, units)


async def _rules(tx: Transaction, made: Material, values: Mapping[str, Any]) -> None:
    for row in await tx.execute(text(statements.RULES), values):
        said = dict(row._mapping)
        made.said[_scope_of(said)] = said
    for row in await tx.execute(text(statements.CHANGES), values):
        scope = _scope_of(dict(row._mapping))
        before = {name: row.old_values.get(name) for name in {*row.old_values, *row.new_values}}
        made.changes.setdefault(scope, []).append(Change(row.changed_at, scope[0], before))


def _scope_of(row: Row) -> tuple[Scope, UUID | None]:
    if row["unit_id"]:
        return Scope.UNIT, row["unit_id"]
    return (Scope.SITE, row["site_id"]) if row["site_id"] else (Scope.ORGANIZATION, None)


async def readings(tx: Transaction, made: Material, asked: Asked) -> AsyncIterator[Mapping[UUID, Readings]]:
    """The units' readings, so many units at a time as fit into the memory; those that have none are not in the answer."""
    values = _values(tx, made, asked)
    at_once = max(1, UNIT_DAYS_AT_ONCE // asked.days)
    for first in range(0, len(made.units), at_once):
        these = columns.ids([unit.id for unit in made.units[first : first + at_once]])
        rows = await tx.execute(text(statements.READINGS), {**values, "units": these})
        yield {unit_id: unpacked(packed) for unit_id, packed in rows}


def _values(tx: Transaction, made: Material, asked: Asked) -> dict[str, Any]:
    stretches = [asked.stretch(unit.time_zone) for unit in made.units]
    start = min((one[0] for one in stretches), default=asked.as_of)
    return {
        "organization_id": tx.organization_id, "units": columns.ids([u.id for u in made.units]),
        "sites": columns.ids(sorted({u.site_id for u in made.units})), "start": start, "as_of": asked.as_of,
        "end": max((one[1] for one in stretches), default=asked.as_of), "earliest": start - EARLIEST_READ,
    }  # fmt: skip


def _by(rows: dict[UUID, list[Row]], found: Any, name: str) -> None:
    for row in found:
        rows.setdefault(row._mapping[name], []).append(dict(row._mapping))


async def photos(tx: Transaction, fingerprints: Collection[str]) -> Mapping[str, File]:
    """These pictures, by their fingerprints."""
    found = await tx.exec(select(File).where(col(File.sha256).in_(fingerprints), col(File.deleted_at).is_(None)))
    return {one.sha256: one for one in found}
