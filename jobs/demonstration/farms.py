"""Two farms with chicken houses: their relays and probes, how warm it is inside, and the schedules that switch the relays."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from data.farm.tables import DeviceType, SwitchAction
from jobs.demonstration.weather import Numbers, drift, noise, outdoor_celsius, outdoor_humidity, sun

ON, OFF = SwitchAction.ON, SwitchAction.OFF
LAG_S = 600.0
"""How slowly the air of a house follows what is switched on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule of a relay by cron, in the farm's own time."""

    name: str
    cron: str
    action: SwitchAction
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """A board with one relay or one probe. `role` is what it does to the air of its house, `is_flaky` loses its Wi-Fi at times."""

    topic: str
    name: str
    location: str
    role: str
    device_type: DeviceType = DeviceType.RELAY
    model: str = "Sonoff Basic R4, Tasmota 14.3"
    plans: tuple[Plan, ...] = ()
    is_flaky: bool = False
    is_unlucky: bool = False

    @property
    def seed(self) -> int:
        return zlib.crc32(self.topic.encode()) % 1_000_003


@dataclass(frozen=True, slots=True)
class Farm:
    name: str
    location: str
    latitude: float
    longitude: float
    description: str
    devices: tuple[Device, ...]


FAN_PLANS = (Plan("Fan in the heat · កង្ហារពេលក្តៅ", "0 9 * * *", ON), Plan("Fan off · បិទកង្ហារ", "30 17 * * *", OFF))
LIGHT_PLANS = (
    Plan("Light before dawn · ភ្លើងមុនថ្ងៃរះ", "30 4 * * *", ON), Plan("Daylight · ពន្លឺថ្ងៃ", "15 6 * * *", OFF),
    Plan("Light in the evening · ភ្លើងពេលល្ងាច", "45 17 * * *", ON), Plan("Night · យប់", "0 21 * * *", OFF),
)  # fmt: skip
PUMP_PLANS = (
    Plan("Water every two hours · ទឹករៀងរាល់ពីរម៉ោង", "0 6-18/2 * * *", ON, 3), Plan("Water off · បិទទឹក", "12 6-18/2 * * *", OFF, 3)
)
FEEDER_PLANS = (
    Plan("Feed three times a day · ចំណីបីដងក្នុងមួយថ្ងៃ", "0 6,12,17 * * *", ON, 10), Plan("Feeder off · បិទចំណី", "15 6,12,17 * * *", OFF, 10)
)
HEATER_PLANS = (Plan("Brooder at night · កំដៅពេលយប់", "0 1 * * *", ON), Plan("Brooder off · បិទកំដៅ", "30 5 * * *", OFF))

HOUSE_1, HOUSE_2, BARN, YARD = "House 1 · ទ្រុងទី១", "House 2 · ទ្រុងទី២", "Duck house · ទ្រុងទា", "Yard · ទីធ្លា"
PROBE = "NodeMCU with DHT22, Tasmota 14.3"

FARMS: Sequence[Farm] = (
    Farm(
        "Ta Khmau farm · កសិដ្ឋានតាខ្មៅ", "Ta Khmau, Kandal · តាខ្មៅ កណ្តាល", 11.4688, 104.9437, "Two chicken houses, 2,400 birds",
        (
            Device("takhmau-fan-1", "Fan · កង្ហារ", HOUSE_1, "fan", plans=FAN_PLANS),
            Device("takhmau-heater-1", "Brooder heater · ឧបករណ៍កំដៅកូនមាន់", HOUSE_1, "heater", plans=HEATER_PLANS),
            Device("takhmau-lights-1", "Lights · ភ្លើង", HOUSE_1, "lights", plans=LIGHT_PLANS),
            Device("takhmau-feeder-1", "Feeder · ម៉ាស៊ីនចំណី", HOUSE_1, "feeder", plans=FEEDER_PLANS, is_unlucky=True),
            Device("takhmau-probe-1", "Climate probe · ឧបករណ៍វាស់អាកាសធាតុ", HOUSE_1, "probe", DeviceType.SENSOR, PROBE),
            Device("takhmau-fan-2", "Fan · កង្ហារ", HOUSE_2, "fan", plans=FAN_PLANS),
            Device("takhmau-probe-2", "Climate probe · ឧបករណ៍វាស់អាកាសធាតុ", HOUSE_2, "probe", DeviceType.SENSOR, PROBE),
            Device("takhmau-pump", "Water pump · ម៉ាស៊ីនបូមទឹក", YARD, "pump", plans=PUMP_PLANS),
        ),
    ),
    Farm(
        "Prek Leap farm · កសិដ្ឋានព្រែកលាប", "Prek Leap, Chroy Changvar · ព្រែកលាប ជ្រោយចង្វារ", 11.6262, 104.9241, "Ducks by the Mekong, 900 birds",
        (
            Device("prekleap-fan", "Fan · កង្ហារ", BARN, "fan", plans=FAN_PLANS),
            Device("prekleap-lights", "Lights · ភ្លើង", BARN, "lights", plans=LIGHT_PLANS, is_flaky=True),
            Device("prekleap-pump", "Pond pump · ម៉ាស៊ីនបូមទឹកស្រះ", YARD, "pump", plans=PUMP_PLANS),
            Device("prekleap-probe", "Climate probe · ឧបករណ៍វាស់អាកាសធាតុ", BARN, "probe", DeviceType.SENSOR, PROBE),
        ),
    ),
)  # fmt: skip

EFFECTS: Mapping[str, tuple[float, float]] = {"fan": (-2.6, -7.0), "heater": (3.4, -6.0), "lights": (0.3, 0.0), "pump": (-0.2, 2.0), "exhaust": (-1.8, -5.0)}
"""What it does to a house in the long run when it is on: °C, % of humidity."""


def house_celsius(seed: int, at: ArrayLike, effect: Numbers | float = 0.0) -> Numbers:
    """Inside: outside, the birds' own warmth, the sun on the roof, and what is switched on."""
    times = np.asarray(at, dtype=np.float64)
    warm = outdoor_celsius(times) + 1.7 + 1.9 * sun(times) + 0.4 * drift(seed, times, every_s=5400)
    return np.asarray(np.round(warm + effect + 0.08 * noise(seed, times), 1))


def house_humidity(seed: int, at: ArrayLike, effect: Numbers | float = 0.0) -> Numbers:
    """Inside: a little moister than outside."""
    times = np.asarray(at, dtype=np.float64)
    moist = outdoor_humidity(times) + 4 + 2 * drift(seed + 3, times, every_s=4200) + effect
    return np.asarray(np.round(np.clip(moist + 0.4 * noise(seed + 7, times), 35, 98), 1))


@dataclass(slots=True)
class House:
    """The air that the boards of one place share: what is on changes it, slowly. Times are seconds since 1970."""

    location: str
    is_on: dict[str, bool] = field(default_factory=dict)
    _effects: tuple[float, float] = (0.0, 0.0)
    _at_s: float = 0.0

    def settle(self) -> None:
        """Take what is on for having been on for long."""
        self._effects = self._wanted()

    def air(self, seed: int, at_s: float) -> tuple[float, float]:
        """(°C, %) now."""
        share = 1 - np.exp(-max(at_s - self._at_s, 0.0) / LAG_S) if self._at_s else 0.0
        wanted = self._wanted()
        self._effects = tuple(e + (w - e) * share for e, w in zip(self._effects, wanted, strict=True))  # type: ignore[assignment]
        self._at_s = at_s
        return float(house_celsius(seed, [at_s], self._effects[0])[0]), float(house_humidity(seed, [at_s], self._effects[1])[0])

    def _wanted(self) -> tuple[float, float]:
        effects = [EFFECTS.get(role, (0.0, 0.0)) for role, is_on in self.is_on.items() if is_on]
        return sum(e[0] for e in effects), sum(e[1] for e in effects)
