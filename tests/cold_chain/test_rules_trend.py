"""Where a unit is heading, and how sure that is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from data.cold_chain.rules import settle
from data.cold_chain.rules.trend import Trend, is_rapid, outlook, trend, window
from data.cold_chain.values import UnitType

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
FREEZER = settle({"temperature_min_celsius": -25, "temperature_max_celsius": -18}, UnitType.FREEZER)


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def line(slope: float, *, noise: tuple[float, ...] = (0.0,), count: int = 31, start: float = -21.0) -> list[tuple[float, float]]:
    return [(n / 60, start + slope * n / 60 + noise[n % len(noise)]) for n in range(count)]


def test_a_trend_is_a_line_through_at_least_six_readings() -> None:
    assert trend(line(3, count=5)) is None and trend([(0.0, -20.0)] * 8) is None
    found = trend(line(3, noise=(0.1, -0.1)))
    assert found and found.celsius_per_hour == pytest.approx(3, abs=0.1) and 0.05 < found.error < 0.4


def test_the_rhythm_of_a_compressor_is_no_trend() -> None:
    for phase in range(24):
        wave = [(n / 60, -20 + 0.6 * abs((n + phase) % 24 - 12) / 12) for n in range(30)]
        found = trend(wave)
        assert found and abs(found.celsius_per_hour) < found.error


def test_minutes_until_out_of_limits_come_with_how_sure_that_is() -> None:
    there = outlook(FREEZER, -20, Trend(4.0, 1.0))
    assert there and there.limit_celsius == -18
    assert (there.likely, there.earliest, there.latest) == (timedelta(minutes=30), timedelta(minutes=24), timedelta(minutes=40))
    cold = outlook(FREEZER, -20, Trend(-4.0, 1.0))
    assert cold and cold.limit_celsius == -25 and cold.likely == timedelta(minutes=75)


@pytest.mark.parametrize(
    ("celsius", "found"),
    [(-20, None), (-20, Trend(0.5, 0.6)), (-20, Trend(0.1, 0.05)), (-17, Trend(4, 1)), (-26, Trend(-4, 1))],
)
def test_nothing_is_foretold_that_is_not_sure_not_soon_or_already_so(celsius: float, found: Trend | None) -> None:
    assert outlook(FREEZER, celsius, found) is None


def test_an_open_end_is_never_reached() -> None:
    assert outlook(replace(FREEZER, high_celsius=None), -20, Trend(4, 1)) is None


def test_the_latest_moment_is_open_where_it_may_take_for_ever() -> None:
    there = outlook(FREEZER, -20, Trend(0.4, 0.39))
    assert there and there.latest is None and there.likely == timedelta(hours=5)


@pytest.mark.parametrize(("pace", "error", "rapid"), [(4, 0.9, True), (4, 1.0, False), (4, 2, False), (-9, 0.1, False)])
def test_only_what_surely_warms_too_fast_does(pace: float, error: float, rapid: bool) -> None:
    assert is_rapid(replace(FREEZER, rise_celsius_per_hour=3.0), Trend(pace, error)) is rapid
    assert is_rapid(FREEZER, Trend(pace, error)) is False


@pytest.mark.parametrize(("interval", "back"), [(1, 30), (4, 30), (5, 37.5), (15, 112.5), (60, 180)])
def test_one_looks_back_half_an_hour_or_as_long_as_six_readings_take(interval: float, back: float) -> None:
    assert window(timedelta(minutes=interval)) == timedelta(minutes=back)
