"""A circle around a place is entered and left: one report decides at once, and doubt keeps a tag where it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import asin, cos, nan, radians, sin, sqrt
from uuid import UUID

from data.core.errors import Invalid
from data.tracking.values import TrackerStatus

EARTH_RADIUS_M = 6_371_008.8
LONGEST_BACKOFF = 16


class PlaceKind(StrEnum):
    """What being there means."""

    STORAGE = "storage"
    DELIVERY = "delivery"


STATUS_AT = {PlaceKind.STORAGE: TrackerStatus.IN_STORAGE, PlaceKind.DELIVERY: TrackerStatus.DELIVERED}
PRIORITY = {PlaceKind.DELIVERY: 0, PlaceKind.STORAGE: 1}


@dataclass(frozen=True, slots=True)
class Place:
    """A circle that matters to a run."""

    id: UUID
    kind: PlaceKind
    latitude: float
    longitude: float
    geofence_size_m: float


@dataclass(frozen=True, slots=True)
class Heard:
    """One report, as far as deciding goes."""

    recorded_at: datetime
    latitude: float
    longitude: float
    horizontal_accuracy_m: float
    confidence: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Which reports decide, and how far past its circle a tag must be before it has left.

    The buffer is a share of the radius of entry, but never more than `largest_buffer_m`.
    """

    worst_accuracy_m: float = 100
    least_confidence: int = 2
    buffer_share: float = 0.2
    largest_buffer_m: float = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a tag stands: its status and place since when, what it summed up before, and what was judged last."""

    status: TrackerStatus = TrackerStatus.CREATED
    place_id: UUID | None = None
    since: datetime | None = None
    total_transit_time: timedelta = timedelta()
    total_storage_time: timedelta = timedelta()
    judged_until: datetime | None = None


def follow(
    standing: Standing, reports: Iterable[Heard], places: Sequence[Place], limits: Limits = Limits()
) -> tuple[Standing, list[Standing]]:
    """Where these reports leave the tag, and each different standing on the way there, in the order of their time.

    Reports up to `judged_until` are passed over, so what comes late moves nothing back; vague ones decide nothing.
    """
    changes = []
    for report in sorted(reports, key=lambda each: each.recorded_at):
        if standing.judged_until and report.recorded_at <= standing.judged_until or not decides(report, limits):
            continue
        place = where(report, places, standing.place_id, limits)
        status = STATUS_AT[place.kind] if place else TrackerStatus.IN_TRANSIT
        place_id = place.id if place else None
        if (status, place_id) != (standing.status, standing.place_id):
            standing = _moved(standing, status, place_id, report.recorded_at)
            changes.append(standing)
        standing = replace(standing, judged_until=report.recorded_at)
    return standing, changes


def decides(report: Heard, limits: Limits = Limits()) -> bool:
    """Whether a report is sure and sharp enough to decide a status."""
    return report.confidence >= limits.least_confidence and report.horizontal_accuracy_m <= limits.worst_accuracy_m


def where(report: Heard, places: Iterable[Place], present: UUID | None, limits: Limits = Limits()) -> Place | None:
    """The place the tag is at: a delivery place before storage, then the one it is at already, then the nearest.

    A circle is entered within its size plus the report's accuracy. It is left only past a buffer on top of that.
    """
    reached = []
    for place in places:
        away_m = distance_m(report.latitude, report.longitude, place.latitude, place.longitude)
        entry_m = place.geofence_size_m + report.horizontal_accuracy_m
        exit_m = entry_m + min(entry_m * limits.buffer_share, limits.largest_buffer_m)
        if away_m <= (exit_m if place.id == present else entry_m):
            reached.append((PRIORITY[place.kind], place.id != present, away_m, str(place.id), place))
    return min(reached)[-1] if reached else None


def distance_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres over a sphere the size of the Earth."""
    phi, other_phi = radians(latitude), radians(other_latitude)
    half = sin((other_phi - phi) / 2) ** 2
    half += cos(phi) * cos(other_phi) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(half)))


def spent(standing: Standing, at: datetime) -> tuple[timedelta, timedelta]:
    """Time in transit and in storage until `at`: the finished spans and the one that still runs."""
    running = _moved(standing, standing.status, None, at) if standing.since and at > standing.since else standing
    return running.total_transit_time, running.total_storage_time


def wait_before_next_fetch(failures: int, interval: timedelta) -> timedelta:
    """One interval when all is well, then 2, 4, 8 and at most 16 of them while asking fails."""
    return interval * min(1 << min(failures, 10), LONGEST_BACKOFF)


@dataclass(frozen=True, slots=True)
class Area:
    """A box on the map whose reports are not wanted, such as where the factories are."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, latitude: float, longitude: float) -> bool:
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east


MAINLAND_CHINA = Area(73.6, 18.2, 134.8, 53.5)


def areas_of(written: str) -> tuple[Area, ...]:
    """Boxes written as `west,south,east,north`, semicolons between them; nothing for none. Invalid('excluded_areas') otherwise."""
    return tuple(_areas(written))


def _areas(written: str) -> Iterator[Area]:
    for box in filter(str.strip, written.split(";")):
        try:
            west, south, east, north = map(float, box.split(","))
        except ValueError:
            west = south = east = north = nan
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise Invalid("excluded_areas", "An area is west,south,east,north in degrees, not {box}.", box=box.strip())
        yield Area(west, south, east, north)


def _moved(standing: Standing, status: TrackerStatus, place_id: UUID | None, at: datetime) -> Standing:
    """The same tag with another status or place since `at`, the span before it added to its sum."""
    span = max(at - standing.since, timedelta()) if standing.since else timedelta()
    in_transit, in_storage = standing.status is TrackerStatus.IN_TRANSIT, standing.status is TrackerStatus.IN_STORAGE
    return replace(
        standing,
        status=status,
        place_id=place_id,
        since=at,
        total_transit_time=standing.total_transit_time + (span if in_transit else timedelta()),
        total_storage_time=standing.total_storage_time + (span if in_storage else timedelta()),
    )
