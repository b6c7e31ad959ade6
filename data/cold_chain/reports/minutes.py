"""Every minute of a unit's time was measured, told late, written down by hand, or is unknown; the four are the whole.

    measured   a reading of the unit's own sensor was taken in this minute, or before it and no longer ago than the sensor may
               take until the next (`reach`), and it arrived while it could still alarm somebody
    late       the same, but each such reading arrived more than LATE_AFTER after it was taken
    manual     neither, and somebody wrote a temperature down no longer ago than the interval at which that is asked
    unknown    none of these
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1.5
"""A sensor that speaks every 5 minutes may take 7½ until the next word before a minute counts as unmeasured…"""
SLACK = timedelta(seconds=30)
"""…and this much more, for networks are not punctual."""
LATE_AFTER = timedelta(minutes=15)

Instants = NDArray[np.int64]
"""Seconds since 1970."""
Kinds = NDArray[np.uint8]


class Kind(IntEnum):
    """How a minute is known; where several hold, the highest counts."""

    UNKNOWN = 0
    MANUAL = 1
    LATE = 2
    MEASURED = 3


@dataclass(frozen=True, slots=True)
class Shares:
    """How many minutes are of which kind."""

    measured: int = 0
    late: int = 0
    manual: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        return self.measured + self.late + self.manual + self.unknown

    def __add__(self, other: "Shares") -> "Shares":
        return Shares(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Run:
    """Minutes in a row without a sensor, of which `manual_minutes` were covered by hand."""

    starts_at_s: int
    minutes: int
    manual_minutes: int


def reach_s(interval_s: float) -> float:
    """For how long a reading speaks for its unit."""
    return interval_s * TOLERANCE + SLACK.total_seconds()


def minutes_between(start: datetime, end: datetime) -> int:
    """How many minutes there are, across any change of the clocks: instants know none."""
    return max(0, int((end - start).total_seconds() // 60))


def covered(start_s: int, count: int, taken_s: Instants, reaches_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of `count` minutes from `start_s` hold, or begin within the reach of, something taken at those instants."""
    first = np.clip((taken_s - start_s) // 60, 0, count)
    behind = np.clip(np.ceil((taken_s + reaches_s - start_s) / 60).astype(np.int64), 0, count)
    edges = np.zeros(count + 1, dtype=np.int32)
    reaches = behind > first
    np.add.at(edges, first[reaches], 1)
    np.add.at(edges, behind[reaches], -1)
    return np.asarray(np.cumsum(edges[:-1]) > 0)


def classify(
    start_s: int, count: int, taken_s: Instants, received_s: Instants, reaches_s: NDArray[np.float64], logged_s: Instants,
    log_reaches_s: NDArray[np.float64],
) -> Kinds:  # fmt: skip
    """The kind of each of `count` minutes from `start_s`, which is the beginning of a minute."""
    in_time = received_s - taken_s <= LATE_AFTER.total_seconds()
    kinds = np.full(count, Kind.UNKNOWN, dtype=np.uint8)
    for kind, taken, reaches in (
        (Kind.MANUAL, logged_s, log_reaches_s),
        (Kind.LATE, taken_s[~in_time], reaches_s[~in_time]),
        (Kind.MEASURED, taken_s[in_time], reaches_s[in_time]),
    ):
        kinds[covered(start_s, count, taken, reaches)] = kind
    return kinds


def shares(kinds: Kinds) -> Shares:
    """How many of each; together as many as there are."""
    counts = np.bincount(kinds, minlength=4)
    return Shares(*(int(counts[kind]) for kind in (Kind.MEASURED, Kind.LATE, Kind.MANUAL, Kind.UNKNOWN)))


def silent_runs(start_s: int, kinds: Kinds) -> Sequence[Run]:
    """Where the sensor said nothing, in the order of time."""
    is_silent = np.concatenate([[False], kinds <= Kind.MANUAL, [False]])
    edges = np.flatnonzero(is_silent[1:] != is_silent[:-1])
    by_hand = np.concatenate([[0], np.cumsum(kinds == Kind.MANUAL)])
    return [
        Run(start_s + int(first) * 60, int(behind - first), int(by_hand[behind] - by_hand[first]))
        for first, behind in zip(edges[::2], edges[1::2], strict=True)
    ]


def lasting_s(taken_s: Instants, reaches_s: NDArray[np.float64], start_s: int, end_s: int) -> NDArray[np.float64]:
    """How many seconds within the stretch each reading stands for: until the next one, or as far as it reaches."""
    if not taken_s.size:
        return np.zeros(0)
    until = np.minimum(taken_s + reaches_s, np.append(taken_s[1:], np.iinfo(np.int64).max).astype(np.float64))
    return np.asarray(np.clip(np.minimum(until, end_s) - np.maximum(taken_s, start_s), 0, None))
