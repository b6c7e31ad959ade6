"""What was judged is written down: the units' new states, what their doors have excused, and their excursions."""

from collections.abc import Collection, Sequence

from sqlalchemy import text

from data.alerts.tables import Alert
from data.cold_chain.events import UnitChanged
from data.cold_chain.queries.watch import Move, Watched
from data.cold_chain.rules.excursions import Stretch
from data.core import columns
from data.core.session import Transaction

_SAVE = text("""
update cold_chain.units u set
  status = cast(v.status as cold_chain.unit_status), out_of_range_since_at = v.out_since, good_readings = v.good,
  last_reading_at = v.reading_at, last_temperature_celsius = v.celsius, door_is_open = v.door_is_open,
  door_changed_at = v.door_at, door_seen_at = v.door_seen, status_changed_at = coalesce(v.changed_at, u.status_changed_at)
from unnest(:ids, :statuses, :out_since, :good, :reading_at, :celsius, :door_is_open, :door_at, :door_seen, :changed_at)
  v (id, status, out_since, good, reading_at, celsius, door_is_open, door_at, door_seen, changed_at)
where u.organization_id = :organization_id and u.id = v.id
""")

_SAVE_MASKS = text("""
update cold_chain.units u set door_masked_on = cast(v.day as date), door_masked_s = v.seconds
from unnest(:ids, :days, :seconds) v (id, day, seconds)
where u.organization_id = :organization_id and u.id = v.id
""")

_SAVE_EXCURSIONS = text("""
insert into cold_chain.excursions as e (
  id, organization_id, unit_id, direction, low_celsius, high_celsius, started_at, confirmed_at, ended_at, peak_celsius, peak_at,
  degree_minutes, reading_count, last_reading_at, last_celsius, was_door_open, cause)
select v.id, :organization_id, v.unit_id, cast(v.direction as cold_chain.direction), v.low, v.high, v.started_at, v.confirmed_at,
  v.ended_at, v.peak, v.peak_at, v.degree_minutes, v.readings, v.last_at, v.last, v.was_door_open, 'unknown'
from unnest(:ids, :units, :directions, :lows, :highs, :started_at, :confirmed_at, :ended_at, :peaks, :peak_at, :degree_minutes,
  :readings, :last_at, :lasts, :doors) v (id, unit_id, direction, low, high, started_at, confirmed_at, ended_at, peak, peak_at,
  degree_minutes, readings, last_at, last, was_door_open)
order by v.started_at
on conflict (id) do update set
  direction = excluded.direction, confirmed_at = excluded.confirmed_at, ended_at = excluded.ended_at,
  peak_celsius = excluded.peak_celsius, peak_at = excluded.peak_at, degree_minutes = excluded.degree_minutes,
  reading_count = excluded.reading_count, last_reading_at = excluded.last_reading_at, last_celsius = excluded.last_celsius,
  was_door_open = excluded.was_door_open
""")
"""The earlier one first: it ends before the next one of the same unit begins, and a unit has one open at a time."""

_LINK = text("""
update cold_chain.excursions e set alert_id = v.alert_id
from unnest(:units, :alerts, :times) v (unit_id, alert_id, at)
where e.organization_id = :organization_id and e.unit_id = v.unit_id and e.alert_id is null
  and v.at between e.started_at and coalesce(e.ended_at, 'infinity')
""")


async def save(tx: Transaction, units: Collection[Watched]) -> None:
    """Write the units' states in one statement, log each step from one state to the next, and say that they changed."""
    if not units:
        return
    await tx.execute(
        _SAVE,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids([u.unit_id for u in units]),
            "statuses": columns.texts(u.state.status for u in units),
            "out_since": columns.instants(u.state.out_since_at for u in units),
            "good": columns.smallints(u.state.good_readings for u in units),
            "reading_at": columns.instants(u.last_reading_at for u in units),
            "celsius": columns.doubles(u.last_celsius for u in units),
            "door_is_open": columns.booleans(u.door_is_open for u in units),
            "door_at": columns.instants(u.door_changed_at for u in units),
            "door_seen": columns.instants(u.door_seen_at for u in units),
            "changed_at": columns.instants(
                next((m.at for m in reversed(u.moves) if _is_step(m)), None) for u in units
            ),
        },
    )
    await _save_masks(tx, [unit for unit in units if unit.has_new_mask])
    await _save_excursions(tx, [(unit, stretch) for unit in units for stretch in unit.stretches])
    for unit in units:
        for move in filter(_is_step, unit.moves):
            tx.record(
                "cold_chain.units.state_changed", "unit state changed", subject_id=unit.unit_id, unit=unit.name, at=move.at,
                before=move.before.status, after=move.after.status, celsius=move.celsius,
            )  # fmt: skip
        tx.emit(UnitChanged(unit_id=unit.unit_id))


def _is_step(move: Move) -> bool:
    return move.before.status is not move.after.status


async def _save_masks(tx: Transaction, units: Sequence[Watched]) -> None:
    if not units:
        return
    await tx.execute(
        _SAVE_MASKS,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids([u.unit_id for u in units]),
            "days": columns.texts(u.mask.day.isoformat() if u.mask.day else None for u in units),
            "seconds": columns.integers(u.mask.seconds for u in units),
        },
    )


async def _save_excursions(tx: Transaction, told: Sequence[tuple[Watched, Stretch]]) -> None:
    if not told:
        return
    each = [stretch for _, stretch in told]
    await tx.execute(
        _SAVE_EXCURSIONS,
        {
            "organization_id": tx.organization_id,
            "ids": columns.ids([one.id for one in each]),
            "units": columns.ids([unit.unit_id for unit, _ in told]),
            "directions": columns.texts(one.direction for one in each),
            "lows": columns.doubles(one.low_celsius for one in each),
            "highs": columns.doubles(one.high_celsius for one in each),
            "started_at": columns.instants(one.started_at for one in each),
            "confirmed_at": columns.instants(one.confirmed_at for one in each),
            "ended_at": columns.instants(one.ended_at for one in each),
            "peaks": columns.doubles(one.peak_celsius for one in each),
            "peak_at": columns.instants(one.peak_at for one in each),
            "degree_minutes": columns.doubles(one.degree_minutes for one in each),
            "readings": columns.integers(one.reading_count for one in each),
            "last_at": columns.instants(one.last_at for one in each),
            "lasts": columns.doubles(one.last_celsius for one in each),
            "doors": columns.booleans(one.was_door_open for one in each),
        },
    )
    for unit, stretch in told:
        if stretch.ended_at is not None:
            tx.record(
                "cold_chain.excursions.ended", "an excursion ended", subject_id=stretch.id, unit_id=unit.unit_id, unit=unit.name,
                started_at=stretch.started_at, ended_at=stretch.ended_at, peak_celsius=stretch.peak_celsius,
                degree_minutes=round(stretch.degree_minutes, 2), low_celsius=stretch.low_celsius, high_celsius=stretch.high_celsius,
            )  # fmt: skip


async def link(tx: Transaction, alerts: Sequence[Alert]) -> None:
    """Remember which alert told of which excursion."""
    if not alerts:
        return
    await tx.execute(
        _LINK,
        {
            "organization_id": tx.organization_id,
            "units": columns.ids([alert.subject_id for alert in alerts]),
            "alerts": columns.ids([alert.id for alert in alerts]),
            "times": columns.instants(alert.triggered_at for alert in alerts),
        },
    )
