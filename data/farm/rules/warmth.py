"""How a temperature feels to the animals."""

from decimal import Decimal
from enum import StrEnum


class Warmth(StrEnum):
    """How a temperature feels to the animals, in the words that people use."""

    SCORCHING = "scorching"
    HOT = "hot"
    WARM = "warm"
    NEUTRAL = "neutral"
    COOL = "cool"
    COLD = "cold"


WARMTHS = ((35, Warmth.SCORCHING), (32, Warmth.HOT), (28, Warmth.WARM), (24, Warmth.NEUTRAL), (20, Warmth.COOL))


def warmth(celsius: float | Decimal) -> Warmth:
    """The word for a temperature: scorching from 35 °C, hot from 32, warm from 28, neutral from 24, cool from 20, else cold."""
    return next((word for least, word in WARMTHS if celsius >= least), Warmth.COLD)
