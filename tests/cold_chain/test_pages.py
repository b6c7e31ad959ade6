"""What the screens make of what is known."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from data.cold_chain.limits import BEGINNING, END, Span
from data.cold_chain.queries.points import Band, Points
from data.cold_chain.rules import settle
from data.cold_chain.values import UnitType
from pages.cold_chain._drawing import bands, lines, outside
from pages.cold_chain._words import limits
from ui.chart import ChartData
from ui.words import Reader, reading_as

RULE = settle({"temperature_min_celsius": 0, "temperature_max_celsius": 5}, UnitType.FRIDGE)
START = datetime(2026, 11, 20, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


@pytest.mark.parametrize(
    ("celsius", "stretches"),
    [
        ([], []),
        ([1, 2, 5, 0], []),
        ([1, 6, 7, 3], [(1, 3)]),
        ([6, 3, -1, 3], [(0, 1), (2, 3)]),
        ([1, 2, 6], [(2, None)]),
        ([6, 6, 6], [(0, None)]),
        ([6, -1, 3], [(0, 2)]),
    ],
)
def test_stretches_outside_the_limits_are_shaded_and_one_that_lasts_stays_open(
    celsius: list[float], stretches: list[tuple[int, int | None]]
) -> None:
    times = np.arange(len(celsius), dtype=np.int64) * 60_000 + START_MS
    found = outside(Points(UUID(int=1), times, np.array(celsius, dtype=np.float64)), [Span(BEGINNING, END, 0, 5)])
    minutes = [(e.start_ms, e.end_ms) for e in found]
    assert minutes == [(START_MS + a * 60_000, None if b is None else START_MS + b * 60_000) for a, b in stretches]


def test_readings_are_shaded_by_the_limits_of_their_own_time() -> None:
    times = np.arange(6, dtype=np.int64) * 60_000 + START_MS
    changed = START + timedelta(minutes=3)
    spans = [Span(BEGINNING, changed, 0, 5), Span(changed, END, 0, 8)]
    found = outside(Points(UUID(int=1), times, np.array([1, 6, 6, 6, 9, 6], dtype=np.float64)), spans)
    assert [((e.start_ms - START_MS) // 60_000, (e.end_ms or 0) // 60_000 - START_MS // 60_000) for e in found] == [(1, 3), (4, 5)]


def test_a_band_ends_where_the_limits_changed() -> None:
    changed = START + timedelta(minutes=3)
    first, second = bands([Span(BEGINNING, changed, None, 5), Span(changed, END, 0, 8)])
    assert (first.start_ms, first.end_ms, second.start_ms, second.end_ms) == (None, START_MS + 180_000, START_MS + 180_000, None)
    assert (first.low, first.high, first.label) == (None, 5, "")
    (alone,) = bands([Span(BEGINNING, END, 0, 8)])
    assert (alone.start_ms, alone.end_ms, alone.label) == (None, None, "Limits")


def test_pieces_of_time_stay_apart_where_one_is_missing_and_take_their_band_along() -> None:
    hour = 3_600_000
    times = np.array([0, 1, 2, 5, 6], dtype=np.int64) * hour + START_MS
    numbers = np.arange(5, dtype=np.float64)
    one = Points(UUID(int=1), times, numbers, timedelta(hours=1), Band(numbers - 1, numbers + 1))
    (line,) = lines(one, "Probe", RULE.interval)
    drawn = ChartData([line]).packed()["series"][0]
    x, y, low = (np.frombuffer(base64.b64decode(drawn[key]), kind) for key, kind in (("x", "<f8"), ("y", "<f4"), ("low", "<f4")))
    assert x.tolist() == [*times[:3], times[2] + 1, *times[3:]]
    assert np.isnan(y[3]) and np.isnan(low[3]) and y[[0, 1, 2, 4, 5]].tolist() == [0, 1, 2, 3, 4]


def test_limits_are_said_in_the_readers_unit() -> None:
    with reading_as(Reader("en", "UTC", "f")):
        assert limits(RULE) == "32.0 °F to 41.0 °F"
    with reading_as(Reader("en", "UTC", "c")):
        assert limits(settle({"temperature_max_celsius": -2}, UnitType.FRIDGE)) == "at most −2.0 °C"
        assert limits(settle({"temperature_min_celsius": 8}, UnitType.FRIDGE)) == "at least 8.0 °C"
