"""The air over Phnom Penh in the cool season: a curve of day and night with days of their own, the same for who asks twice.

Everything here is a function of the clock alone, so that the past that is loaded and the present that is lived join.
Times are seconds since 1970 as arrays; temperatures are °C, humidities %.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

DAY_S = 86_400.0
OFFSET_S = 7 * 3600.0
"""Phnom Penh is seven hours ahead of UTC, all year."""


def chance(seed: int, at: ArrayLike) -> Numbers:
    """A number from 0 to 1 for each whole number in `at`, always the same, next to unrelated to its neighbours'."""
    mixed = np.asarray(at).astype(np.int64).astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15) % (1 << 64))
    with np.errstate(over="ignore"):
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return np.asarray((mixed >> np.uint64(11)) / float(1 << 53))


def noise(seed: int, at: Numbers) -> Numbers:
    """Near normal, with a deviation of 1, new every second."""
    whole = np.floor(at)
    return np.asarray(2.0 * (chance(seed, whole) + chance(seed + 1, whole) + chance(seed + 2, whole) - 1.5))


def drift(seed: int, at: Numbers, *, every_s: float) -> Numbers:
    """A number from -1 to 1 that wanders smoothly and has another goal every `every_s`."""
    step = np.floor(at / every_s)
    share = at / every_s - step
    ease = share * share * (3 - 2 * share)
    return np.asarray(2 * (chance(seed, step) * (1 - ease) + chance(seed, step + 1) * ease) - 1)


def hour_of_day(at: Numbers) -> Numbers:
    """Local hours, 0 to 24."""
    return np.asarray(((at + OFFSET_S) % DAY_S) / 3600)


def sun(at: Numbers) -> Numbers:
    """0 at night to 1 at noon, fewer on days with clouds."""
    height = np.clip(np.sin((hour_of_day(at) - 6.0) / 11.6 * np.pi), 0, 1)
    return np.asarray(height * (0.82 + 0.18 * drift(71, at, every_s=5400)))


def outdoor_celsius(at: Numbers) -> Numbers:
    """About 23 before the sun rises, 32 in the afternoon; each day is a little its own."""
    hours = hour_of_day(at)
    # The coolest moment is 5:30, the warmest 14:00: the way up is shorter than the way down.
    since = (hours - 5.5) % 24
    curve = np.where(since < 8.5, -np.cos(since / 8.5 * np.pi), np.cos((since - 8.5) / 15.5 * np.pi))
    return np.asarray(
        27.4
        + (4.1 + 0.9 * drift(11, at, every_s=DAY_S)) * curve
        + 1.1 * drift(12, at, every_s=2 * DAY_S)
        + 0.35 * drift(13, at, every_s=2400)
    )


def outdoor_humidity(at: Numbers) -> Numbers:
    """Moist before dawn, dry when it is hot."""
    return np.asarray(np.clip(150 - 2.75 * outdoor_celsius(at) + 4 * drift(14, at, every_s=9000), 40, 97))
