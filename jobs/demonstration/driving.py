"""A delivery through the city: a way along real streets, slower in turns, waiting at red lights, with a phone that errs a little."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from jobs.demonstration.city import CORNERS, M_PER_DEGREE, Leg, Point, heading, route

ACCELERATION = 1.6
TURN_MPS = 4.0
BRAKE_FROM_M = 30.0
RED_SHARE, RED_S = 0.3, (6, 32)


class Fix(NamedTuple):
    """Where a phone believes it is: metres a second, degrees from north, metres."""

    latitude: float
    longitude: float
    speed_mps: float
    heading_deg: float
    accuracy_m: float


@dataclass(frozen=True, slots=True)
class _Moment:
    """`along_m` from the start of the leg number `leg`, `at_s` after the departure."""

    at_s: float
    leg: int
    along_m: float
    speed_mps: float


class Drive:
    """One way from corner to corner, planned before it starts. Times are seconds since the departure.

    The same `seed` drives the same. `step_s` is how finely it is planned; between the steps it is interpolated.
    """

    def __init__(self, start: str, end: str, *, seed: int, step_s: float = 1.0) -> None:
        self.start, self.end = start, end
        self.legs: Sequence[Leg] = route(start, end)
        self._moments = list(_planned(self.legs, Random(seed), step_s))
        self._times = [moment.at_s for moment in self._moments]

    @property
    def duration_s(self) -> float:
        return self._times[-1] if self._times else 0.0

    def at(self, seconds: float) -> tuple[Point, float, float]:
        """(place, speed, heading): before the departure at the start, after the arrival at the end."""
        if not self._moments:
            return CORNERS[self.start], 0.0, 0.0
        index = bisect_right(self._times, seconds) - 1
        now = self._moments[max(index, 0)]
        following = self._moments[min(max(index, 0) + 1, len(self._moments) - 1)]
        along = now.along_m
        if following.leg == now.leg and following.at_s > now.at_s:
            share = min(max((seconds - now.at_s) / (following.at_s - now.at_s), 0.0), 1.0)
            along += (following.along_m - now.along_m) * share
        leg = self.legs[now.leg]
        one, other = CORNERS[leg.start], CORNERS[leg.end]
        share = min(along / leg.length_m, 1.0)
        place = (one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share)
        return place, now.speed_mps if 0 <= seconds < self.duration_s else 0.0, heading(one, other)


def _planned(legs: Sequence[Leg], chance: Random, step_s: float) -> Iterator[_Moment]:
    at_s, speed = 0.0, 0.0
    for number, leg in enumerate(legs):
        along, length = 0.0, leg.length_m
        calm = leg.street.kmh / 3.6 * chance.uniform(0.72, 1.08)
        yield _Moment(at_s, number, 0.0, speed)
        while along < length:
            wanted = TURN_MPS if length - along < BRAKE_FROM_M else calm
            change = ACCELERATION * step_s
            speed = min(speed + change, wanted) if speed < wanted else max(speed - 1.5 * change, wanted)
            along = min(along + max(speed, 0.5) * step_s, length)
            at_s += step_s
            yield _Moment(at_s, number, along, speed)
        if number + 1 == len(legs):
            yield _Moment(at_s, number, length, 0.0)
        elif chance.random() < RED_SHARE:
            speed = 0.0
            yield _Moment(at_s, number, length, 0.0)
            at_s += chance.uniform(*RED_S)


class Receiver:
    """A phone's satellite receiver: it errs by a few metres, and the error wanders instead of jumping."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self._north_m = self._east_m = 0.0

    def fix(self, place: Point, speed_mps: float, heading_deg: float) -> Fix:
        self._north_m = 0.85 * self._north_m + self._chance.gauss(0, 1.4)
        self._east_m = 0.85 * self._east_m + self._chance.gauss(0, 1.4)
        latitude, longitude = place
        return Fix(
            round(latitude + self._north_m / M_PER_DEGREE, 6),
            round(longitude + self._east_m / M_PER_DEGREE / 0.98, 6),  # cos 11.5°
            round(speed_mps, 2),
            round(heading_deg, 1),
            round(4 + abs(self._chance.gauss(0, 3)), 1),
        )


def rounds(seed: int, depot: str, shops: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Endless drives of one driver: from the depot to two to four shops and back, as (from, to)."""
    chance = Random(seed)
    while True:
        here = depot
        for shop in chance.sample(list(shops), k=chance.randint(2, min(4, len(shops)))):
            if shop != here:
                yield here, shop
                here = shop
        yield here, depot


def day_on_the_road(
    seed: int, depot: str, shops: Sequence[str], *, seconds: float, every_s: float = 30.0, standing_every_s: float = 300.0
) -> Iterator[tuple[float, Fix]]:
    """A shift as a phone would have told it: (seconds since its beginning, fix), thinned, and seldom while parked."""
    chance, receiver, clock = Random(seed), Receiver(seed), 0.0
    for start, end in rounds(seed, depot, shops):
        drive = Drive(start, end, seed=chance.randrange(1 << 30), step_s=5.0)
        told = 0.0
        while told < drive.duration_s and clock + told < seconds:
            yield clock + told, receiver.fix(*drive.at(told))
            told += every_s
        clock += drive.duration_s
        parked = chance.uniform(300, 840)
        for waited in range(0, int(parked), int(standing_every_s)):
            if clock + waited < seconds:
                yield clock + waited, receiver.fix(CORNERS[end], 0.0, 0.0)
        clock += parked
        if clock >= seconds:
            return
