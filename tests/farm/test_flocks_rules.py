"""Flocks by hand: each figure here was worked out on paper."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from data.farm.flocks import (
    DRINK_LESS,
    RISING_DEATHS,
    TOO_MANY_DEAD,
    Day,
    Flock,
    drinking,
    figures,
    house,
    is_whole,
    mortality,
    summary,
    target,
)

FIRST = date(2026, 10, 1)
BROILERS = Flock("broiler", FIRST, 1000, placed_g=40)


def on(number: int, **written: float | int | None) -> Day:
    return Day(FIRST + timedelta(days=number), **written)  # type: ignore[arg-type]


def test_a_day_is_divided_by_the_birds_of_its_morning() -> None:
    one, two = figures(BROILERS, [on(2, dead=9, feed_kg=40, water_l=80), on(1, dead=5, culled=95, feed_kg=45)])
    assert (one.age, one.alive, one.mortality_percent, one.feed_g, one.water_ml, one.water_to_feed) == (1, 900, 0.5, 45, None, None)
    assert (two.age, two.alive, two.mortality_percent, two.water_to_feed) == (2, 891, 1.0, 2.0)
    assert two.water_ml == pytest.approx(88.889, abs=0.001)
    assert (two.total_mortality_percent, two.total_culled_percent) == pytest.approx((1.4, 9.5))


def test_figures_may_begin_in_the_middle() -> None:
    (only,) = figures(BROILERS, [on(30, dead=9)], gone_before=(60, 40))
    assert (only.alive, only.mortality_percent, only.total_mortality_percent, only.total_culled_percent) == pytest.approx((891, 1.0, 6.9, 4.0))


def test_conversion_gain_and_efficiency_are_as_on_paper() -> None:
    """960 birds of 2,500 g less 1,000 of 40 g is 2,360 kg gained; 3,776 kg of feed is 1.6; 96 % × 2.5 ÷ (42 × 1.6) × 100 = 357."""
    days = [on(n, feed_kg=88) for n in range(42)] + [on(42, dead=30, culled=10, feed_kg=80, weight_g=2500)]
    found = summary(BROILERS, days)
    assert (found.alive, found.dead, found.culled, found.mortality_percent, found.feed_kg) == (960, 30, 10, 3.0, 3776)
    assert (found.weight_g, found.weighed_on, found.unfed_days) == (2500, FIRST + timedelta(days=42), 0)
    assert found.feed_conversion == pytest.approx(1.6)
    assert found.daily_gain_g == pytest.approx(58.571, abs=0.001)
    assert found.efficiency == pytest.approx(357.143, abs=0.001)


def test_the_end_of_a_flock_counts_more_than_its_last_weighing() -> None:
    closed = Flock("broiler", FIRST, 1000, placed_g=50, closed_on=FIRST + timedelta(days=40), closed_count=950, closed_g=2000)
    found = summary(closed, [on(0, feed_kg=2775), on(35, weight_g=1900, dead=20)])
    assert (found.weight_g, found.feed_conversion, found.daily_gain_g) == (2000, 1.5, 48.75)
    assert found.efficiency == pytest.approx(95 * 2 / (40 * 1.5) * 100)
    assert found.unfed_days == 39


def test_nothing_is_made_up_where_something_is_missing() -> None:
    assert summary(BROILERS, []).feed_conversion is None
    assert summary(BROILERS, [on(7, feed_kg=10)]).weight_g is None
    pullets = Flock("layer", FIRST, 100, placed_age_days=112)
    found = summary(pullets, [on(7, feed_kg=70, weight_g=1300)])
    assert (found.weight_g, found.daily_gain_g, found.feed_conversion, found.efficiency) == (1300, None, None, None)
    assert (pullets.age(FIRST), Flock("duck", FIRST, 10).start_g) == (112, 55)
    assert figures(Flock("duck", FIRST, 10), [on(1, dead=10), on(2, feed_kg=1)])[1].feed_g is None


@pytest.mark.parametrize(
    ("kind", "age", "celsius", "within"),
    [
        ("broiler", 0, 33, 2), ("broiler", 1, 33 - 3 / 7, 2), ("broiler", 7, 30, 2), ("broiler", 24.5, 22.5, 4), ("broiler", 60, 20, 6),
        ("layer", 0, 34, 2), ("layer", 3.5, 32.5, 2), ("duck", 0, 31, 2), ("duck", 17.5, 23, 4), ("duck", 99, 18, 8),
    ],
)  # fmt: skip
def test_the_right_temperature_lies_on_straight_lines_between_the_ages(kind: str, age: float, celsius: float, within: float) -> None:
    found = target(Flock(kind, FIRST, 10), age)
    assert (found.celsius, found.within) == pytest.approx((celsius, within))


def test_a_flock_may_have_temperatures_of_its_own() -> None:
    own = Flock("duck", FIRST, 10, targets=[{"day": 10, "celsius": 20, "within": 1}, {"day": 0, "celsius": 30}])
    assert [target(own, age).celsius for age in (-1, 0, 5, 10, 11)] == [30, 30, 25, 20, 20]
    assert (target(own, 5).within, target(own, 10).low, target(own, 10).high) == (1.5, 19, 21)


@pytest.mark.parametrize(
    ("age", "celsius", "is_bad", "is_critical"),
    [
        (0, 33, False, False), (0, 35, None, False), (0, 34.8, None, False), (0, 34.5, False, False), (0, 35.1, True, False),
        (0, 30.9, True, False), (0, 27.9, True, True), (0, 38.1, True, True), (14, 33, True, False), (28, 26.5, True, False),
        (28, 25, False, False),
    ],
)  # fmt: skip
def test_a_house_is_judged_by_the_age_of_its_birds(age: int, celsius: float, is_bad: bool | None, is_critical: bool) -> None:
    found = house(BROILERS, celsius, FIRST + timedelta(days=age))
    assert (found.is_bad, found.is_critical, found.age) == (is_bad, is_critical, age)


def drank(*ml: float | None, flock: Flock = BROILERS, first: int = 7) -> list[Day]:
    """Of a thousand birds, litres and millilitres are the same number."""
    return [on(first + n, water_l=each) for n, each in enumerate(ml)]


@pytest.mark.parametrize(
    ("ml", "is_bad"),
    [
        ((65, 72.857, 80.714, 88.571), False),  # exactly as birds of that age do: 65 + 55/7 a day
        ((65, 72.857, 80.714, 70.9), False),  # 80 % of 88.571 is 70.857
        ((65, 72.857, 80.714, 70.8), True),
        ((130, 145.714, 161.428, 141.8), False),  # a flock in the heat drinks twice as much: 80 % of 177.14 is 141.71
        ((130, 145.714, 161.428, 141.6), True),
        ((65, None, 80.714, 70.8), True),
        ((None, None, 80.714, 40), None),
        ((65, 72.857, 80.714, None), None),
        ((80,), None),
    ],
)  # fmt: skip
def test_birds_that_drink_less_than_those_days_promise_are_noticed(ml: tuple[float | None, ...], is_bad: bool | None) -> None:
    found = drinking(BROILERS, figures(BROILERS, drank(*ml)))
    assert (found.is_bad if found else None) is is_bad


def test_why_they_are_said_to_drink_less_can_be_read() -> None:
    found = drinking(BROILERS, figures(BROILERS, drank(65, 72.857, 80.714, 60)))
    assert found and (found.message, found.values) == (DRINK_LESS, {"ml": 60, "expected_ml": 89, "day": "2026-10-11"})
    assert (found.limit, found.actual) == (70.9, 60)


def test_days_longer_ago_than_three_say_nothing() -> None:
    days = [on(7, water_l=500), on(8, water_l=73), on(9, water_l=81), on(11, water_l=88)]
    found = drinking(BROILERS, figures(BROILERS, days))
    assert found and found.is_bad is False


@pytest.mark.parametrize(
    ("dead", "message"),
    [
        ((5,), None), ((6,), TOO_MANY_DEAD), ((1, 2, 3), RISING_DEATHS), ((1, 3, 3), None), ((3, 2, 1), None), ((0, 0, 1), None),
        ((2, 3), None), ((4, 1, 2, 3), RISING_DEATHS),
    ],
)  # fmt: skip
def test_too_many_deaths_and_rising_ones_are_noticed(dead: tuple[int, ...], message: str | None) -> None:
    found = mortality(figures(BROILERS, [on(n, dead=count) for n, count in enumerate(dead)]))
    assert found and (found.message if found.is_bad else None) == message


def test_deaths_rise_only_on_days_in_a_row_and_not_by_chance() -> None:
    apart = mortality(figures(BROILERS, [on(0, dead=1), on(1, dead=2), on(3, dead=3)]))
    many = Flock("broiler", FIRST, 10_000)
    chance = mortality(figures(many, [on(0, dead=1), on(1, dead=2), on(2, dead=3)]))
    assert apart and chance and not apart.is_bad and not chance.is_bad
    assert mortality([]) is None


def test_a_day_is_whole_on_the_morning_after_by_the_farms_clock() -> None:
    khmer = ZoneInfo("Asia/Phnom_Penh")
    assert not is_whole(FIRST, datetime(2026, 10, 1, 22, 59, tzinfo=UTC), khmer)
    assert is_whole(FIRST, datetime(2026, 10, 1, 23, tzinfo=UTC), khmer)
