"""Warmth spoils faster the warmer it is: one temperature that would have done as much as all those measured together.

    T_k = (ΔH/R) / −ln( Σ w·exp(−ΔH/(R·T)) / Σ w )        T in kelvin, w how long each temperature lasted

The mean kinetic temperature after Haynes, as pharmacopoeias ask for it: ΔH is 83.144 kJ/mol, so that ΔH/R is 10,000 K.
It is never below the plain average. Without weights each reading counts alike, whatever the time between two.
"""

from math import exp, log

import numpy as np
from numpy.typing import ArrayLike

ACTIVATION_K = 10_000.0
"""ΔH/R."""
ZERO_CELSIUS_K = 273.15


def rate(celsius: float) -> float:
    """How fast things spoil at this temperature; sums of it can be added up."""
    return exp(-ACTIVATION_K / (celsius + ZERO_CELSIUS_K))


def mean_of_sum(kinetic_sum: float, count: float) -> float | None:
    """The mean (°C) from a sum of rates and how many (or the sum of their weights); None where nothing was measured."""
    if not count or kinetic_sum <= 0:
        return None
    return ACTIVATION_K / -log(kinetic_sum / count) - ZERO_CELSIUS_K


def mean_kinetic_celsius(celsius: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """The mean kinetic temperature (°C) of readings, each of which lasted for its weight; None of none."""
    found = np.atleast_1d(np.asarray(celsius, dtype=np.float64))
    lasted = np.ones_like(found) if weights is None else np.asarray(weights, dtype=np.float64)
    rates = np.exp(-ACTIVATION_K / (found + ZERO_CELSIUS_K))
    return mean_of_sum(float(np.dot(rates, lasted)), float(lasted.sum()))
