"""What phones heard becomes a tag's history, its place on the map and its status, in one go for many tags."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from data.core.session import Transaction
from data.core.table import uuid7
from data.tracking import queries
from data.tracking.events import TrackerChanged, TrackerMoved
from data.tracking.rules import MAINLAND_CHINA, Area, Heard, Limits, Place, PlaceKind, Standing, follow
from data.tracking.tables import StatusHistory, TrackerStatus
from data.tracking.values import Sighting

OLDEST = timedelta(days=7)
ANNOUNCED_SINGLY = 100

LOCK = text("""
    select id, production_run_id, current_status, coalesce(storage_location_id, delivery_location_id) as place_id,
           current_state_start_at, total_transit_time, total_storage_time, last_status_check_at, positioned_at
    from tracking.trackers where id = any(cast(:ids as uuid[])) and deleted_at is null order by id for update
""")
STORE = text("""
    insert into tracking.location_reports
        (organization_id, tracker_id, recorded_at, hashed_advertisement_key, latitude, longitude,
         horizontal_accuracy_m, confidence, battery, nearest_city)
    select :organization_id, n.* from unnest(
        cast(:tracker_id as uuid[]), cast(:recorded_at as timestamptz[]), cast(:hashed_advertisement_key as text[]),
        cast(:latitude as float8[]), cast(:longitude as float8[]), cast(:horizontal_accuracy_m as float8[]),
        cast(:confidence as int2[]), cast(:battery as int2[]), cast(:nearest_city as text[])) n
    on conflict do nothing
    returning tracker_id, recorded_at
""")
HEARD = text("""
    update tracking.trackers t set
        last_report_received_at = greatest(t.last_report_received_at, n.received_at)
    from unnest(cast(:tracker_id as uuid[]), cast(:received_at as timestamptz[])) as n (tracker_id, received_at)
    where t.id = n.tracker_id
""")
MOVE = text("""
    update tracking.trackers t set
        positioned_at = n.recorded_at, latitude = n.latitude, longitude = n.longitude,
        horizontal_accuracy_m = n.horizontal_accuracy_m, confidence = n.confidence, battery = n.battery,
        nearest_city = n.nearest_city
    from unnest(
        cast(:tracker_id as uuid[]), cast(:recorded_at as timestamptz[]), cast(:latitude as float8[]),
        cast(:longitude as float8[]), cast(:horizontal_accuracy_m as float8[]), cast(:confidence as int2[]),
        cast(:battery as int2[]), cast(:nearest_city as text[]))
        as n (tracker_id, recorded_at, latitude, longitude, horizontal_accuracy_m, confidence, battery, nearest_city)
    where t.id = n.tracker_id
""")
STAND = text("""
    update tracking.trackers t set
        current_status = cast(n.status as tracking.tracker_status), current_state_start_at = n.since,
        storage_location_id = n.storage_location_id, delivery_location_id = n.delivery_location_id,
        total_transit_time = n.in_transit, total_storage_time = n.in_storage, last_status_check_at = n.judged_until
    from unnest(
        cast(:tracker_id as uuid[]), cast(:status as text[]), cast(:since as timestamptz[]),
        cast(:storage_location_id as uuid[]), cast(:delivery_location_id as uuid[]),
        cast(:in_transit as interval[]), cast(:in_storage as interval[]), cast(:judged_until as timestamptz[]))
        as n (tracker_id, status, since, storage_location_id, delivery_location_id, in_transit, in_storage, judged_until)
    where t.id = n.tracker_id
""")


@dataclass(frozen=True, slots=True)
class Found:
    """One opened report: of which tag, and near which city."""

    tracker_id: UUID
    sighting: Sighting
    nearest_city: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation leaves out, and which reports it lets decide."""

    excluded: Sequence[Area] = (MAINLAND_CHINA,)
    oldest: timedelta = OLDEST
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch, in reports, and how many statuses changed because of it."""

    stored: int
    skipped: int
    duplicates: int
    changes: int


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag as it was before this batch."""

    run_id: UUID | None
    standing: Standing
    positioned_at: datetime | None


async def record(tx: Transaction, found: Sequence[Found], *, at: datetime, policy: Policy = Policy()) -> Recorded:
    """Store a batch and let it move its tags, reports of excluded areas and of long ago left out, repeated ones ignored.

    Tags are locked in one order, so two batches about the same tag come one after the other.
    """
    tx.actor.require("tracking.edit")
    wanted = [each for each in found if _is_wanted(each.sighting, at, policy)]
    tags = await _lock(tx, {each.tracker_id for each in wanted})
    ours = {(each.tracker_id, each.sighting.recorded_at): each for each in reversed(wanted) if each.tracker_id in tags}
    fresh = [ours[key] for key in await _store(tx, list(ours.values()))]
    await _note_heard(tx, fresh)
    moved = await _move(tx, tags, fresh, policy.limits)
    changed = await _judge(tx, tags, fresh, policy.limits)
    _announce(tx, moved, {change["tracker_id"] for change in changed})
    skipped = len(found) - len(wanted)
    return Recorded(len(fresh), skipped, len(wanted) - len(fresh), len(changed))


def _is_wanted(sighting: Sighting, at: datetime, policy: Policy) -> bool:
    if sighting.recorded_at < at - policy.oldest:
        return False
    return not any(area.holds(sighting.latitude, sighting.longitude) for area in policy.excluded)


async def _lock(tx: Transaction, ids: set[UUID]) -> dict[UUID, _Tag]:
    if not ids:
        return {}
    return {
        row.id: _Tag(
            row.production_run_id,
            Standing(
                TrackerStatus(row.current_status), row.place_id, row.current_state_start_at,
                row.total_transit_time, row.total_storage_time, row.last_status_check_at,
            ),
            row.positioned_at,
        )
        for row in await tx.execute(LOCK, {"ids": sorted(ids)})
    }  # fmt: skip


async def _store(tx: Transaction, found: Sequence[Found]) -> Sequence[tuple[UUID, datetime]]:
    """Insert them; the keys of those that are new."""
    if not found:
        return []
    columns = _columns(found, "hashed_advertisement_key")
    rows = await tx.execute(STORE, columns | {"organization_id": tx.organization_id})
    return [(row.tracker_id, row.recorded_at) for row in rows]


def _columns(found: Sequence[Found], *more: str) -> dict[str, Any]:
    """Reports as one list a column, as `unnest` takes them."""
    fields = ("recorded_at", "latitude", "longitude", "horizontal_accuracy_m", "confidence", "battery", *more)
    return {name: [getattr(each.sighting, name) for each in found] for name in fields} | {
        "tracker_id": [each.tracker_id for each in found],
        "nearest_city": [each.nearest_city for each in found],
    }


def _newest(found: Sequence[Found]) -> dict[UUID, Found]:
    return {each.tracker_id: each for each in sorted(found, key=lambda each: each.sighting.recorded_at)}


async def _note_heard(tx: Transaction, fresh: Sequence[Found]) -> None:
    if newest := _newest(fresh):
        times = [each.sighting.recorded_at for each in newest.values()]
        await tx.execute(HEARD, {"tracker_id": list(newest), "received_at": times})


async def _move(tx: Transaction, tags: Mapping[UUID, _Tag], fresh: Sequence[Found], limits: Limits) -> set[UUID]:
    """Put each tag where it was heard last and surely enough; those that moved."""
    newest = _newest([each for each in fresh if each.sighting.confidence >= limits.least_confidence])
    ahead = [each for id, each in newest.items() if _is_after(each.sighting.recorded_at, tags[id].positioned_at)]
    if ahead:
        await tx.execute(MOVE, _columns(ahead))
    return {each.tracker_id for each in ahead}


def _is_after(at: datetime, before: datetime | None) -> bool:
    return before is None or at > before


async def _judge(
    tx: Transaction, tags: Mapping[UUID, _Tag], fresh: Sequence[Found], limits: Limits
) -> Sequence[dict[str, Any]]:
    """Follow each tag through its new reports; write where it stands, and the row of history for each change."""
    heard: dict[UUID, list[Heard]] = defaultdict(list)
    for each in fresh:
        its = each.sighting
        heard[each.tracker_id].append(
            Heard(its.recorded_at, its.latitude, its.longitude, its.horizontal_accuracy_m, its.confidence)
        )
    places = await _places(tx, {run_id for id in heard if (run_id := tags[id].run_id)})
    kinds = {place.id: place.kind for its_places in places.values() for place in its_places}
    standings, changes = {}, []
    for id, reports in heard.items():
        before = tags[id].standing
        after, steps = follow(before, reports, places.get(tags[id].run_id, ()), limits)
        if after != before:
            standings[id] = after
        changes += [_history_row(tx, id, step, kinds) for step in steps]
    await _write_standings(tx, standings, kinds)
    if changes:
        await tx.execute(insert(StatusHistory).on_conflict_do_nothing(), changes)
    return changes


async def _places(tx: Transaction, run_ids: set[UUID]) -> dict[UUID | None, list[Place]]:
    by_run: dict[UUID | None, list[Place]] = defaultdict(list)
    for each in await queries.places_of(tx, *run_ids):
        by_run[each.run_id].append(each.place)
    return by_run


def _place_columns(place_id: UUID | None, kinds: Mapping[UUID, PlaceKind]) -> dict[str, UUID | None]:
    kind = kinds.get(place_id) if place_id else None
    return {
        "storage_location_id": place_id if kind is PlaceKind.STORAGE else None,
        "delivery_location_id": place_id if kind is PlaceKind.DELIVERY else None,
    }


def _history_row(tx: Transaction, id: UUID, step: Standing, kinds: Mapping[UUID, PlaceKind]) -> dict[str, Any]:
    return {
        "id": uuid7(), "organization_id": tx.organization_id, "tracker_id": id, "recorded_at": step.since, "status": step.status,
    } | _place_columns(step.place_id, kinds)  # fmt: skip


async def _write_standings(tx: Transaction, standings: Mapping[UUID, Standing], kinds: Mapping[UUID, PlaceKind]) -> None:
    if not standings:
        return
    places = [_place_columns(each.place_id, kinds) for each in standings.values()]
    await tx.execute(STAND, {
        "tracker_id": list(standings),
        "status": [each.status.value for each in standings.values()],
        "since": [each.since for each in standings.values()],
        "storage_location_id": [each["storage_location_id"] for each in places],
        "delivery_location_id": [each["delivery_location_id"] for each in places],
        "in_transit": [each.total_transit_time for each in standings.values()],
        "in_storage": [each.total_storage_time for each in standings.values()],
        "judged_until": [each.judged_until for each in standings.values()],
    })  # fmt: skip


def _announce(tx: Transaction, moved: set[UUID], changed: set[UUID]) -> None:
    """One event a tag, or one for all where there are many: whoever looks at one asks again either way."""
    for event, ids in ((TrackerMoved, moved), (TrackerChanged, changed)):
        for id in ids if len(ids) <= ANNOUNCED_SINGLY else {None}:
            tx.emit(event(id))
