"""Warmth spoils faster the warmer it is: one temperature that would have done as much as all those measured together.

The mean kinetic temperature after Haynes, as pharmacopoeias ask for it: ΔH is 83.144 kJ/mol, so that ΔH/R is 10,000 K.
Each reading counts alike, whatever the time between two.
"""

from collections.abc import Sequence
from math import exp, log

import numpy as np
from numpy.typing import NDArray

ACTIVATION_K = 10_000.0
"""ΔH/R."""
ZERO_CELSIUS_K = 273.15


def rate(celsius: float) -> float:
    """How fast things spoil at this temperature; sums of it can be added up."""
    return exp(-ACTIVATION_K / (celsius + ZERO_CELSIUS_K))


def mean_of_sum(kinetic_sum: float, count: int) -> float | None:
    """The mean (°C) from a sum of rates; None where nothing was measured."""
    if not count or kinetic_sum <= 0:
        return None
    return ACTIVATION_K / -log(kinetic_sum / count) - ZERO_CELSIUS_K


def mean_kinetic_celsius(celsius: Sequence[float] | NDArray[np.float64]) -> float | None:
    """The mean kinetic temperature (°C) of readings; None of none."""
    found = np.asarray(celsius, dtype=np.float64)
    return mean_of_sum(float(np.exp(-ACTIVATION_K / (found + ZERO_CELSIUS_K)).sum()), found.size)
