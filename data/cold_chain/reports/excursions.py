"""Seen from afterwards, an excursion begins with the first reading outside the limits of its time and ends with the first well
inside again: late readings count, and so does what nobody was told of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.cold_chain.reports.minutes import Instants

Celsius = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What held for each reading: limits (infinite where open), and how far inside is well inside."""

    low: Celsius
    high: Celsius
    margin: Celsius

    def beyond(self, celsius: Celsius) -> Celsius:
        """How far outside the limits (°C); negative is inside."""
        return np.asarray(np.maximum(celsius - self.high, self.low - celsius))


@dataclass(frozen=True, slots=True)
class Spell:
    """A stretch outside the limits. Seconds since 1970; None where it had not ended. °C, and °C·min for `degree_minutes`."""

    started_s: int
    ended_s: int | None
    is_above: bool
    peak_celsius: float
    peak_s: int
    limit_celsius: float
    degree_minutes: float
    outside_minutes: float
    readings: int


def outside(celsius: Celsius, bounds: Bounds) -> NDArray[np.bool_]:
    """Which readings are outside; the limits themselves are inside."""
    return bounds.beyond(celsius) > 0


def spells(
    taken_s: Instants, celsius: Celsius, bounds: Bounds, lasting_s: NDArray[np.float64], apart_s: NDArray[np.float64]
) -> Sequence[Spell]:
    """The excursions of readings in the order of time; `lasting_s` is how long each reading stands for, `apart_s` how far from the
    next one it may be while the temperature between the two is taken for a straight line."""
    if not taken_s.size:
        return []
    beyond = bounds.beyond(celsius)
    is_out, is_well = beyond > 0, beyond <= -bounds.margin
    marks = np.where(is_out, 1, np.where(is_well, -1, 0))
    last = np.maximum.accumulate(np.where(marks != 0, np.arange(marks.size), 0))
    within = np.concatenate([[False], marks[last] > 0, [False]])
    edges = np.flatnonzero(within[1:] != within[:-1])
    areas = _areas(taken_s, beyond, apart_s)
    pairs = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [_spell(taken_s, celsius, bounds, beyond, lasting_s, areas, first, behind) for first, behind in pairs]


def _areas(taken_s: Instants, beyond: Celsius, apart_s: NDArray[np.float64]) -> Celsius:
    """Degree-minutes outside the limits between each reading and the next."""
    before, after, lasted = beyond[:-1], beyond[1:], np.diff(taken_s)
    top, bottom = np.maximum(before, after), np.minimum(before, after)
    crossing = np.divide(top * top, top - bottom, out=np.zeros_like(top), where=top > bottom) / 2
    height = np.where(bottom >= 0, (before + after) / 2, np.where(top <= 0, 0, crossing))
    return np.asarray(np.where(lasted <= apart_s[:-1], height * lasted / 60, 0))


def _spell(
    taken_s: Instants, celsius: Celsius, bounds: Bounds, beyond: Celsius, lasting_s: NDArray[np.float64], areas: Celsius,
    first: int, behind: int,
) -> Spell:  # fmt: skip
    part = slice(first, behind)
    peak = first + int(np.argmax(beyond[part]))
    is_above = bool(celsius[peak] > bounds.high[peak])
    return Spell(
        started_s=int(taken_s[first]), ended_s=int(taken_s[behind]) if behind < taken_s.size else None, is_above=is_above,
        peak_celsius=float(celsius[peak]), peak_s=int(taken_s[peak]),
        limit_celsius=float(bounds.high[peak] if is_above else bounds.low[peak]),
        degree_minutes=float(areas[part].sum()), outside_minutes=float(lasting_s[part][beyond[part] > 0].sum() / 60),
        readings=behind - first,
    )  # fmt: skip
