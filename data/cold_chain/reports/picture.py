"""A unit's time as a picture of lines and areas, everything as a share of the whole width and as °C."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.cold_chain.reports import minutes
from data.cold_chain.reports.facts import UnitFact
from data.cold_chain.reports.unit_time import UnitTime

COLUMNS = 600
Part = tuple[float, float]
"""From here to there, of the width."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`lines` are broken where nothing was measured; `bands` are the limits (None is open) for a part of the time."""

    lines: Sequence[Sequence[tuple[float, float]]]
    bands: Sequence[tuple[Part, float | None, float | None]]
    excursions: Sequence[Part]
    gaps: Sequence[Part]
    logs: Sequence[tuple[float, float, bool]]
    lowest: float
    highest: float


def picture(fact: UnitFact, time: UnitTime) -> Picture:
    """What there is to see of a unit. As many points as a page can show: the coldest and the warmest of each column."""
    width = max(1, time.end_s - time.start_s)

    def share(at: float) -> float:
        return min(1.0, max(0.0, (at - time.start_s) / width))

    lines = _lines(time, width)
    logs = [(share(one.recorded_at.timestamp()), one.celsius, one.is_in_limits) for one in fact.logs if not one.is_corrected]
    starts = [share(one.since.timestamp()) for one in fact.limits]
    bands = [((a, b), one.low_celsius, one.high_celsius) for one, a, b in zip(fact.limits, starts, [*starts[1:], 1.0], strict=True)]
    seen = [celsius for line in lines for _x, celsius in line] + [log[1] for log in logs]
    seen += [limit for _part, low, high in bands for limit in (low, high) if limit is not None]
    return Picture(
        lines=lines, bands=bands, logs=logs,
        excursions=[
            (share(one.started_at.timestamp()), share(one.ended_at.timestamp() if one.ended_at else time.end_s)) for one in fact.confirmed
        ],
        gaps=[
            (share(one.starts_at_s), share(one.starts_at_s + one.minutes * 60)) for one in minutes.silent_runs(time.start_s, time.kinds)
        ],
        lowest=min(seen, default=0.0), highest=max(seen, default=10.0),
    )  # fmt: skip


def _lines(time: UnitTime, width: int) -> Sequence[Sequence[tuple[float, float]]]:
    taken, celsius = time.readings.taken_s[time.within], time.readings.celsius[time.within]
    if not taken.size:
        return []
    reaches = time.reaches[time.within]
    breaks = np.flatnonzero(np.diff(taken) > reaches[:-1]) + 1
    lines = []
    for at, warmth in zip(np.split(taken, breaks), np.split(celsius, breaks), strict=True):
        x, y = _thinned((at - time.start_s) / width, warmth)
        lines.append(list(zip(x.round(5).tolist(), y.round(2).tolist(), strict=True)))
    return lines


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    columns = (x * COLUMNS).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], columns[1:] != columns[:-1]]))
    if y.size <= 2 * starts.size:
        return x, y
    low, high = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts)
    return np.repeat(x[starts], 2), np.column_stack([low, high]).ravel()
