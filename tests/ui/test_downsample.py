"""Thinned lines look the same: extremes stay, gaps stay, and no more points than asked for."""
from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.downsample import downsample

MINUTE = 60_000


def line(count: int) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(count, dtype=np.int64) * MINUTE
    return times, np.sin(times / 1e7)


def test_few_points_pass_untouched() -> None:
    times, values = line(100)
    (piece,) = downsample(times, values, None)
    assert (piece.times_ms == times).all() and (piece.values == values).all()


def test_a_single_spike_survives() -> None:
    times, values = line(500_000)
    values[123_456] = 99.0
    (piece,) = downsample(times, values, None, 2000)
    assert piece.values.max() == 99.0
    assert piece.times_ms[piece.values.argmax()] == times[123_456]
    assert piece.times_ms.size <= 2004


def test_a_silence_becomes_two_pieces() -> None:
    times, values = line(10_000)
    times[5_000:] += 3 * 60 * MINUTE
    first, second = downsample(times, values, 10 * MINUTE, 500)
    assert first.times_ms[-1] == times[4_999] and second.times_ms[0] == times[5_000]


def test_missing_values_are_a_gap_and_never_drawn() -> None:
    times, values = line(1_000)
    values[400:500] = np.nan
    pieces = downsample(times, values, None)
    assert [piece.times_ms.size for piece in pieces] == [400, 500]
    assert all(np.isfinite(piece.values).all() for piece in pieces)


def test_one_missing_value_within_the_allowed_silence_is_still_a_gap() -> None:
    times, values = line(10)
    values[5] = np.nan
    assert len(downsample(times, values, 10 * MINUTE)) == 2


def test_late_messages_are_put_in_order() -> None:
    (piece,) = downsample(np.array([3, 1, 2]) * MINUTE, np.array([3.0, 1.0, 2.0]), None)
    assert piece.values.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize('values', [[], [np.nan, np.nan]])
def test_nothing_measured_is_nothing_drawn(values: list[float]) -> None:
    assert downsample(np.arange(len(values)), np.array(values), 5.0) == []


def test_unequal_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match='equally long'):
        downsample(np.arange(3), np.arange(2.0), None)


@given(st.lists(st.tuples(st.integers(0, 10**12), st.floats(-100, 100)), min_size=1, max_size=400), st.integers(1, 10**10))
def test_no_piece_bridges_a_silence(points: list[tuple[int, float]], gap_ms: int) -> None:
    times = np.array([at for at, _value in points], dtype=np.int64)
    pieces = downsample(times, np.array([value for _at, value in points]), gap_ms, 50_000)
    assert sum(piece.times_ms.size for piece in pieces) == len(points)
    for piece in pieces:
        assert (np.diff(piece.times_ms) <= gap_ms).all()
    for before, after in zip(pieces, pieces[1:], strict=False):
        assert after.times_ms[0] - before.times_ms[-1] > gap_ms
