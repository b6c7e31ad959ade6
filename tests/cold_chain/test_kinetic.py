"""The mean kinetic temperature with ΔH/R of 10,000 K."""

import pytest

from data.cold_chain.kinetic import mean_kinetic_celsius, mean_of_sum, rate


def test_a_steady_temperature_is_its_own_mean() -> None:
    for celsius in (-80.0, -20.0, 0.0, 5.0, 25.0, 60.0):
        assert mean_kinetic_celsius([celsius] * 7) == pytest.approx(celsius, abs=1e-9)


def test_nothing_has_no_mean() -> None:
    assert mean_kinetic_celsius([]) is None and mean_of_sum(0.0, 0) is None


def test_warm_hours_weigh_more_than_cold_ones() -> None:
    mean = mean_kinetic_celsius([20.0, 30.0])
    assert mean is not None and 25.0 < mean < 30.0


@pytest.mark.parametrize(
    ("celsius", "mean"),
    [
        ([15, 25], 21.3004),
        ([20, 20, 20, 40], 29.6279),
        ([2, 8], 5.5364),
    ],
)
def test_means_are_those_that_the_definition_gives_with_fifty_digits(celsius: list[float], mean: float) -> None:
    assert mean_kinetic_celsius(celsius) == pytest.approx(mean, abs=1e-4)


def test_sums_of_rates_add_up_to_the_same_mean() -> None:
    first, second = [3.0, 4.5, 9.0], [21.0, -2.0]
    added = sum(map(rate, first)) + sum(map(rate, second))
    assert mean_of_sum(added, 5) == pytest.approx(mean_kinetic_celsius([*first, *second]))
