"""What the screens make of what is known."""

from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from data.cold_chain.queries.points import Points
from data.cold_chain.rules import settle
from data.cold_chain.values import UnitType
from pages.cold_chain._words import limits
from pages.cold_chain.unit import excursions
from ui.words import Reader, reading_as

RULE = settle({"temperature_min_celsius": 0, "temperature_max_celsius": 5}, UnitType.FRIDGE)
START_MS = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)


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
    found = excursions(Points(UUID(int=1), times, np.array(celsius, dtype=np.float64)), RULE)
    minutes = [(e.start_ms, e.end_ms) for e in found]
    assert minutes == [(START_MS + a * 60_000, None if b is None else START_MS + b * 60_000) for a, b in stretches]


def test_limits_are_said_in_the_readers_unit() -> None:
    with reading_as(Reader("en", "UTC", "f")):
        assert limits(RULE) == "32.0 °F to 41.0 °F"
    with reading_as(Reader("en", "UTC", "c")):
        assert limits(settle({"temperature_max_celsius": -2}, UnitType.FRIDGE)) == "at most −2.0 °C"
        assert limits(settle({"temperature_min_celsius": 8}, UnitType.FRIDGE)) == "at least 8.0 °C"
