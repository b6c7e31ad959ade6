from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain import kinetic

WARMTH = st.floats(-60, 60, allow_nan=False)


@pytest.mark.parametrize(
    ("celsius", "expected"),
    [
        ([25.0], 25.00),
        ([4.0] * 7, 4.00),
        ([20.0, 30.0], 26.26),  # 10000 / (34.1122 − ln 2.0407) K
        ([2.0, 8.0], 5.54),
        ([-20.0, -18.0, -16.0], -17.81),
    ],
)
def test_examples_worked_by_hand(celsius: list[float], expected: float) -> None:
    by_hand = 10_000 / -log(sum(exp(-10_000 / (one + 273.15)) for one in celsius) / len(celsius)) - 273.15
    assert kinetic.mean_kinetic_celsius(celsius) == pytest.approx(by_hand, abs=1e-9)
    assert kinetic.mean_kinetic_celsius(celsius) == pytest.approx(expected, abs=0.01)


def test_the_activation_is_the_one_that_pharmacopoeias_take() -> None:
    assert pytest.approx(83_144 / 8.3144) == kinetic.ACTIVATION_K


def test_one_warm_hour_of_a_day_counts_for_more_than_its_length() -> None:
    day = kinetic.mean_kinetic_celsius([4.0, 24.0], [23, 1])
    assert day is not None and (23 * 4 + 24) / 24 < day < 8


def test_of_nothing_there_is_no_mean() -> None:
    assert kinetic.mean_kinetic_celsius([]) is None and kinetic.mean_kinetic_celsius([5.0], [0]) is None and kinetic.mean_of_sum(0, 0) is None


@given(st.lists(WARMTH, min_size=1, max_size=50))
def test_it_lies_between_the_average_and_the_warmest(celsius: list[float]) -> None:
    found = kinetic.mean_kinetic_celsius(celsius)
    assert found is not None and np.mean(celsius) - 1e-6 <= found <= max(celsius) + 1e-6


@given(st.lists(st.tuples(WARMTH, st.integers(1, 90)), min_size=1, max_size=30))
def test_a_weight_is_the_same_as_so_many_equal_readings(held: list[tuple[float, int]]) -> None:
    one_by_one = [celsius for celsius, times in held for _ in range(times)]
    together = kinetic.mean_kinetic_celsius([celsius for celsius, _ in held], [times for _, times in held])
    assert together == pytest.approx(kinetic.mean_kinetic_celsius(one_by_one), abs=1e-6)


@given(st.lists(WARMTH, min_size=1, max_size=20), st.lists(WARMTH, min_size=1, max_size=20))
def test_sums_that_were_kept_may_be_added_up(one: list[float], other: list[float]) -> None:
    kept = sum(kinetic.rate(c) for c in one) + sum(kinetic.rate(c) for c in other)
    assert kinetic.mean_of_sum(kept, len(one) + len(other)) == pytest.approx(kinetic.mean_kinetic_celsius(one + other), abs=1e-6)
