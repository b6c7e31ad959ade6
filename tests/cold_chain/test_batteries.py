"""Volts become percent by what cells they come from, and models are recognised however they are written."""

import pytest

from data.cold_chain.batteries import CURVES, percent
from data.cold_chain.models import known
from data.cold_chain.values import BatteryChemistry


@pytest.mark.parametrize(
    ("chemistry", "volts", "expected"),
    [
        (BatteryChemistry.CR17450, 3.3, 100), (BatteryChemistry.CR17450, 2.95, 80), (BatteryChemistry.CR17450, 2.90, 65),
        (BatteryChemistry.CR17450, 2.60, 5), (BatteryChemistry.CR17450, 2.50, 0), (BatteryChemistry.CR17450, 0.0, 0),
        (BatteryChemistry.LIFES2_2AA, 3.0, 65), (BatteryChemistry.ALKALINE_2AA, 2.2, 27.5), (BatteryChemistry.CR2032, 2.6, 35),
        (BatteryChemistry.LI_SOCL2, 3.6, 100), (BatteryChemistry.LI_SOCL2, 2.4, 0),
    ],
)  # fmt: skip
def test_the_same_volts_mean_different_things_of_different_cells(chemistry: BatteryChemistry, volts: float, expected: float) -> None:
    assert percent(volts, chemistry) == expected


def test_every_chemistry_has_a_curve_that_falls() -> None:
    assert set(CURVES) == set(BatteryChemistry)
    for curve in CURVES.values():
        assert list(curve) == sorted(curve, reverse=True) and (curve[0][1], curve[-1][1]) == (100, 0)


@pytest.mark.parametrize(
    ("written", "key", "reads_probe"),
    [
        ("lht65n", "lht65n", False), ("LHT65N", "lht65n", False), ("dragino/lht65n", "lht65n", False),
        ("Dragino LHT65N", "lht65n", False), ("LHT65N-E3", "lht65n", True), ("lht65n-probe", "lht65n", True),
        ("d2x-lb", "d2x", False), ("D23-LB", "d2x", False), ("lht52-e31f", "lht52", True), ("EM300_TH", "em300-th", False),
        ("milesight-em300-mcs", "em300-mcs", False), ("elsys/elt-2", "elt-2", False), ("em300-th-probe", "em300-th", False),
    ],
)  # fmt: skip
def test_a_model_is_recognised_however_it_is_written(written: str, key: str, reads_probe: bool) -> None:
    found = known(written)
    assert found and (found.key, found.reads_probe) == (key, reads_probe)


@pytest.mark.parametrize("written", [None, "", "thermometer", "lht", "-", "/", "-probe"])
def test_an_unknown_model_is_none(written: str | None) -> None:
    assert known(written) is None
