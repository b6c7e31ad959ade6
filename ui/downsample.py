"""Fewer points, same picture: extremes are kept, and a gap in the measurements stays a gap."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

Times = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """Points without a gap between them: epoch milliseconds (int64, rising) and values (float64, finite)."""

    times_ms: Times
    values: Values


def downsample(times_ms: Times, values: Values, gap_ms: float | None, max_points: int = 2000) -> list[Segment]:
    """Cut at gaps, then thin each piece in proportion to its length, to about `max_points` together.

    A gap is a missing value (NaN) or more than `gap_ms` between two neighbours (None: only NaN). Times need not be sorted.
    First, last and extreme points of each piece survive. Raises ValueError when the arrays differ in length.
    """
    times = np.asarray(times_ms, dtype=np.int64)
    numbers = np.asarray(values, dtype=np.float64)
    if times.shape != numbers.shape or times.ndim != 1:
        raise ValueError('times and values must be one-dimensional and equally long')
    if times.size == 0:
        return []
    if times.size > 1 and np.any(np.diff(times) < 0):
        order = np.argsort(times, kind='stable')
        times, numbers = times[order], numbers[order]
    pieces = _pieces(times, numbers, gap_ms)
    total = sum(piece.times_ms.size for piece in pieces)
    if total <= max_points:
        return pieces
    return [_thin(piece, max(4, round(max_points * piece.times_ms.size / total))) for piece in pieces]


def _pieces(times: Times, values: Values, gap_ms: float | None) -> list[Segment]:
    known = np.isfinite(values)
    breaks = np.zeros(times.size, dtype=bool)
    breaks[1:] = known[1:] != known[:-1]
    index = np.flatnonzero(known)
    if gap_ms is not None and index.size > 1:
        late = np.diff(times[index]) > gap_ms
        breaks[index[1:][late]] = True
    edges = [0, *np.flatnonzero(breaks).tolist(), times.size]
    return [Segment(np.ascontiguousarray(times[a:b]), np.ascontiguousarray(values[a:b]))
            for a, b in zip(edges[:-1], edges[1:], strict=True) if b > a and known[a]]


def _thin(piece: Segment, points: int) -> Segment:
    if piece.times_ms.size <= points:
        return piece
    thin = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]
    keep = np.unique(thin.downsample(piece.times_ms, piece.values, n_out=points))
    extremes = (0, piece.times_ms.size - 1, int(piece.values.argmin()), int(piece.values.argmax()))
    keep = np.union1d(keep, extremes).astype(np.intp)
    return Segment(np.ascontiguousarray(piece.times_ms[keep]), np.ascontiguousarray(piece.values[keep]))
