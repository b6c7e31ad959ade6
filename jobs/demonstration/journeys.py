"""Tagged goods on their way: from the factory by lorry to a warehouse and on to a shop, heard by phones that pass.

A journey is decided when it begins, so that where a tag is and who heard it follow from the clock alone.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import cos, radians, sin, tau
from random import Random

import numpy as np

from data.tracking.rules import PlaceKind
from jobs.demonstration.city import CORNERS, M_PER_DEGREE, Point, metres, route
from jobs.demonstration.weather import chance, hour_of_day

HOUR_S, DAY_S = 3600.0, 86_400.0
LORRY_MPS = 3.4
"""12 km/h: lorries in the city stop at every second corner, and at every second shop."""
SLOT_S = 240.0


@dataclass(frozen=True, slots=True)
class Stop:
    """A place of a run: its circle, the corner of the city nearest to it, and how many phones pass there an hour by day."""

    name: str
    kind: PlaceKind | None
    latitude: float
    longitude: float
    geofence_size_m: int
    corner: str
    phones_an_hour: float

    @property
    def point(self) -> Point:
        return self.latitude, self.longitude


FACTORY = Stop("Factory in the special economic zone · រោងចក្រក្នុងតំបន់សេដ្ឋកិច្ចពិសេស", None, 11.5236, 104.7712, 300, "chom_chau", 0.7)
DANGKOR = Stop("Dangkao warehouse · ឃ្លាំងដង្កោ", PlaceKind.STORAGE, 11.5116, 104.8702, 180, "veng_sreng", 0.8)
TUOL_KORK = Stop("Tuol Kork cold store · ឃ្លាំងត្រជាក់ទួលគោក", PlaceKind.STORAGE, 11.5792, 104.9003, 150, "tuol_kork", 1.1)
SHOPS: Sequence[Stop] = (
    Stop("Central Market shop · ហាងផ្សារធំថ្មី", PlaceKind.DELIVERY, 11.5697, 104.9212, 120, "central_market", 3.4),
    Stop("Russian Market shop · ហាងផ្សារទួលទំពូង", PlaceKind.DELIVERY, 11.5407, 104.9152, 120, "russian_market", 2.6),
    Stop("Boeung Keng Kang shop · ហាងបឹងកេងកង", PlaceKind.DELIVERY, 11.5507, 104.9247, 100, "monivong_360", 2.9),
    Stop("Riverside shop · ហាងមាត់ទន្លេ", PlaceKind.DELIVERY, 11.5709, 104.9297, 100, "quay_130", 3.0),
    Stop("Chbar Ampov shop · ហាងច្បារអំពៅ", PlaceKind.DELIVERY, 11.5283, 104.9393, 120, "chbar_ampov", 1.6),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stay:
    """At a stop from one instant to another."""

    stop: Stop
    from_s: float
    until_s: float


@dataclass(slots=True)
class Journey:
    """One tag's way as its stays; between two of them it is on the road. It may go on for ever, so it is made when needed."""

    seed: int
    coming: Iterator[Stay]
    stays: list[Stay] = field(default_factory=list)

    def _until(self, at_s: float) -> int:
        """The number of the stay that at `at_s` lies in or follows, made if it must be."""
        while not self.stays or self.stays[-1].until_s <= at_s:
            following = next(self.coming, None)
            if following is None:
                break
            self.stays.append(following)
        return max(bisect_right(self.stays, at_s, key=lambda stay: stay.from_s) - 1, 0)

    def where(self, at_s: float) -> tuple[Point, Stop | None]:
        """Its place, and the stop it is at (None on the road). The last stop is where it stays."""
        number = self._until(at_s)
        stay = self.stays[number]
        if at_s < stay.until_s or number + 1 == len(self.stays):
            return _beside(stay.stop.point, self.seed), stay.stop
        following = self.stays[number + 1]
        return _along(stay.stop, following.stop, (at_s - stay.until_s) / (following.from_s - stay.until_s)), None

    @property
    def begins_s(self) -> float:
        self._until(0)
        return self.stays[0].from_s


@dataclass(frozen=True, slots=True)
class Heard:
    """A phone heard a tag: seconds since 1970, a place with its accuracy, Apple's confidence, the battery's state."""

    at_s: float
    latitude: float
    longitude: float
    accuracy_m: int
    confidence: int
    battery: int


def heard(journey: Journey, since_s: float, until_s: float) -> Iterator[Heard]:
    """Who heard it in that time, oldest first: often in a busy street by day, hardly ever in a warehouse at night."""
    slots = np.arange(since_s // SLOT_S, until_s // SLOT_S + 1)
    luck, when, vague, way = (chance(journey.seed + n, slots) for n in range(4))
    hours = hour_of_day(slots * SLOT_S)
    awake = np.where((hours > 5.5) & (hours < 22), 1.0, 0.18)
    most = max(9.0, *(stop.phones_an_hour for stop in (FACTORY, DANGKOR, TUOL_KORK, *SHOPS))) * SLOT_S / HOUR_S
    begins_s = journey.begins_s
    for number in np.flatnonzero(luck < most):
        at_s = float(slots[number] * SLOT_S + np.floor(when[number] * SLOT_S))
        if not since_s <= at_s < until_s or at_s < begins_s:
            continue
        point, stop = journey.where(at_s)
        an_hour = 9.0 * max(awake[number], 0.5) if stop is None else stop.phones_an_hour * awake[number]
        if luck[number] < an_hour * SLOT_S / HOUR_S:
            yield _heard(at_s, point, float(vague[number]), float(way[number]) * tau, at_s - begins_s)


def _heard(at_s: float, point: Point, vague: float, direction: float, age_s: float) -> Heard:
    accuracy = 8 + 60 * vague**3
    latitude, longitude = point
    north, east = accuracy * 0.6 * cos(direction), accuracy * 0.6 * sin(direction)
    return Heard(
        at_s,
        round(latitude + north / M_PER_DEGREE, 7),
        round(longitude + east / M_PER_DEGREE / cos(radians(latitude)), 7),
        round(accuracy),
        3 if vague < 0.6 else 2 if vague < 0.93 else 1,
        0 if age_s < 25 * DAY_S else 1,
    )


def displays(seed: int, number: int, starts_s: float) -> Journey:
    """A display goes one way: the factory, some days in Dangkao, then a shop, where it stays."""
    chance = Random(seed * 31 + number)

    def stays() -> Iterator[Stay]:
        leaves = starts_s + HOUR_S * (20 + 5 * number + chance.uniform(0, 3))
        yield Stay(FACTORY, starts_s, leaves)
        arrives = leaves + _travel_s(FACTORY, DANGKOR)
        # Two a day leave the warehouse, so that some still wait there and some are on the road on any day of the month.
        leaves = max(arrives + DAY_S, starts_s + DAY_S * (7 + 1.6 * number) + chance.uniform(6, 10) * HOUR_S)
        yield Stay(DANGKOR, arrives, leaves)
        shop = SHOPS[number % len(SHOPS)]
        yield Stay(shop, leaves + _travel_s(DANGKOR, shop), float("inf"))

    return Journey(seed * 7919 + number * 104_729, stays())


def cold_boxes(seed: int, number: int, starts_s: float) -> Journey:
    """A box comes from the factory once, and then goes to and fro between the cold store and the shops."""
    chance = Random(seed * 37 + number)

    def stays() -> Iterator[Stay]:
        leaves = starts_s + HOUR_S * (8 + 2 * number + chance.uniform(0, 2))
        yield Stay(FACTORY, starts_s, leaves)
        here, arrives = FACTORY, leaves
        while True:
            there = TUOL_KORK if here is not TUOL_KORK else chance.choice(SHOPS)
            arrives += _travel_s(here, there)
            leaves = arrives + HOUR_S * (chance.uniform(2, 10) if there is TUOL_KORK else chance.uniform(2, 7))
            yield Stay(there, arrives, leaves)
            here, arrives = there, leaves

    return Journey(seed * 6007 + number * 15_485_863, stays())


@cache
def _path(start: Stop, end: Stop) -> Sequence[tuple[Point, Point, float]]:
    """The stretches of the way, each with its metres."""
    way = route(start.corner, end.corner)
    points = [start.point, CORNERS[start.corner], *(CORNERS[leg.end] for leg in way), end.point]
    return [(one, other, metres(one, other)) for one, other in zip(points, points[1:], strict=False)]


def _travel_s(start: Stop, end: Stop) -> float:
    return sum(length for _, _, length in _path(start, end)) / LORRY_MPS


def _along(start: Stop, end: Stop, share: float) -> Point:
    left = share * sum(length for _, _, length in _path(start, end))
    for one, other, length in _path(start, end):
        if left <= length and length:
            part = left / length
            return one[0] + (other[0] - one[0]) * part, one[1] + (other[1] - one[1]) * part
        left -= length
    return end.point


@cache
def _beside(point: Point, seed: int) -> Point:
    """Its own corner of the hall, so that thirty tags do not lie on one point."""
    chance = Random(seed)
    return point[0] + chance.gauss(0, 18) / M_PER_DEGREE, point[1] + chance.gauss(0, 18) / M_PER_DEGREE


@dataclass(frozen=True, slots=True)
class Run:
    """A production run of the demonstration: whose it is, when it began, where it goes, and its tags' names."""

    client: str
    brand: str
    description: str
    began_days_ago: float
    stops: Sequence[Stop]
    prefix: str


DISPLAYS = Run(
    "Mekong Dairy · ទឹកដោះគោមេគង្គ", "Lotus Yoghurt · យ៉ាអួតផ្កាឈូក",
    "Chilled displays, dry season · ទូតាំងត្រជាក់ រដូវប្រាំង", 26, (DANGKOR, *SHOPS), "LD",
)  # fmt: skip
BOXES = Run(
    "Angkor Fresh Retail · អង្គរហ្វ្រេសលក់រាយ", "Morning Harvest · ផលព្រឹក",
    "Returnable cold boxes · ប្រអប់ត្រជាក់ប្រើវិញ", 14, (TUOL_KORK, *SHOPS), "CB",
)  # fmt: skip
RUNS: Sequence[Run] = (DISPLAYS, BOXES)
TAGS_A_RUN = 15


def journeys(began_s: float) -> Mapping[str, Journey]:
    """The journey of each tag by its name, for a world that first saw the light at `began_s`."""
    found: dict[str, Journey] = {}
    for run, make in ((DISPLAYS, displays), (BOXES, cold_boxes)):
        for number in range(TAGS_A_RUN):
            found[f"{run.prefix}-{number + 1:02}"] = make(len(found) // TAGS_A_RUN + 5, number, began_s - run.began_days_ago * DAY_S)
    return found
