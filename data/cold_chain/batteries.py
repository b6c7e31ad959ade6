"""A battery's volts say how much is left in it only to those who know what cells it is made of."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from data.cold_chain.values import BatteryChemistry

Curve = Sequence[tuple[float, float]]

CURVES: Mapping[BatteryChemistry, Curve] = {
    BatteryChemistry.CR17450: ((3.00, 100), (2.95, 80), (2.85, 50), (2.75, 20), (2.60, 5), (2.50, 0)),
    BatteryChemistry.LIFES2_2AA: ((3.6, 100), (3.2, 80), (2.8, 50), (2.4, 20), (2.0, 5), (1.8, 0)),
    BatteryChemistry.ALKALINE_2AA: ((3.2, 100), (2.8, 70), (2.4, 40), (2.0, 15), (1.8, 5), (1.6, 0)),
    BatteryChemistry.CR2032: ((3.0, 100), (2.9, 80), (2.7, 50), (2.5, 20), (2.3, 5), (2.2, 0)),
    BatteryChemistry.LI_SOCL2: ((3.60, 100), (3.50, 75), (3.40, 50), (3.20, 20), (2.80, 5), (2.40, 0)),
}
"""(volts of the whole pack, percent), falling; straight between the points. Thionyl chloride keeps its voltage almost to its
end, so that what it says between is rough."""


@lru_cache(maxsize=8192)
def percent(volts: float, chemistry: BatteryChemistry) -> float:
    """How much is left, 0 to 100."""
    curve = CURVES[chemistry]
    if volts >= curve[0][0]:
        return 100.0
    for (upper_v, upper), (lower_v, lower) in zip(curve, curve[1:], strict=False):
        if volts >= lower_v:
            return round(lower + (upper - lower) * (volts - lower_v) / (upper_v - lower_v), 1)
    return 0.0
