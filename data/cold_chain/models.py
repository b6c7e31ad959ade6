"""Sensors are bought by model: each has its cells, and some have a door switch or a probe on a cable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from data.cold_chain.values import BatteryChemistry

_LITHIUM_AA, _ALKALINE = BatteryChemistry.LIFES2_2AA, BatteryChemistry.ALKALINE_2AA
_CR17450, _LI_SOCL2 = BatteryChemistry.CR17450, BatteryChemistry.LI_SOCL2


@dataclass(frozen=True, slots=True)
class SensorModel:
    """What is known of a model. `chemistry` is of the cells it is usually sold with, `tells_door` whether it has a switch;
    one that does not `tells_temperature` is there for the door alone."""

    name: str
    maker: str
    chemistry: BatteryChemistry | None
    tells_temperature: bool = True
    tells_door: bool = False
    may_have_probe: bool = False


MODELS: Mapping[str, SensorModel] = {
    "lht65n": SensorModel("LHT65N", "Dragino", _CR17450, may_have_probe=True),
    "lht52": SensorModel("LHT52", "Dragino", _ALKALINE, may_have_probe=True),
    "lds02": SensorModel("LDS02", "Dragino", _ALKALINE, tells_temperature=False, tells_door=True),
    "d2x": SensorModel("D20, D22, D23", "Dragino", _LI_SOCL2),
    "em300-th": SensorModel("EM300-TH", "Milesight", _LI_SOCL2),
    "em300-mcs": SensorModel("EM300-MCS", "Milesight", _LI_SOCL2, tells_door=True),
    "em320-th": SensorModel("EM320-TH", "Milesight", _LI_SOCL2),
    "ws301": SensorModel("WS301", "Milesight", _LI_SOCL2, tells_temperature=False, tells_door=True),
    "ers": SensorModel("ERS", "Elsys", _LI_SOCL2),
    "elt-2": SensorModel("ELT-2", "Elsys", _LI_SOCL2, may_have_probe=True),
}
"""By the key that a sensor is registered with; `…-probe` is the same one whose probe speaks for the temperature."""

PROBE = "-probe"
_ALSO: Mapping[str, str] = {
    "d20": "d2x", "d20s": "d2x", "d22": "d2x", "d23": "d2x", "lsn50v2-d20": "d2x", "lsn50v2-d22": "d2x", "lsn50v2-d23": "d2x",
    "lht65": "lht65n", "lds01": "lds02", "elt2": "elt-2", "elsys-ers": "ers", "ers-lite": "ers", "ers-co2": "ers",
    "ers-sound": "ers", "ers-voc": "ers", "em300-th-868m": "em300-th", "em300-th-915m": "em300-th",
}  # fmt: skip
_SUFFIX = re.compile(r"-(lb|ls|lorawan|eu868|us915|as923|au915|in865|kr920|cn470|868m|915m)$")
_DRAGINO_PROBE = re.compile(r"^(lht65n?|lht52)-e\d+[a-z]*$")


@dataclass(frozen=True, slots=True)
class Known:
    """A model as somebody wrote it, recognised. `reads_probe`: its probe speaks for the temperature."""

    key: str
    model: SensorModel
    reads_probe: bool = False


@lru_cache(maxsize=1024)
def known(written: str | None) -> Known | None:
    """The model that somebody (a person, a network) means: `LHT65N`, `dragino/lht65n`, `LHT65N-E3`, `d2x-lb`; None if unknown."""
    if not written:
        return None
    name = re.sub(r"[\s_]+", "-", written.strip().lower().rpartition("/")[2])
    name = re.sub(r"^(dragino|milesight|elsys)-", "", name)
    reads_probe = name.endswith(PROBE)
    name = name.removesuffix(PROBE)
    if _DRAGINO_PROBE.match(name):
        name, reads_probe = name.partition("-")[0], True
    name = _SUFFIX.sub("", name)
    key = name if name in MODELS else _ALSO.get(name)
    if key is None:
        return None
    return Known(key, MODELS[key], reads_probe and MODELS[key].may_have_probe)
