"""Eight cold rooms and cases, each with its compressor's rhythm, its defrosting, its door and now and then a fault."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data.cold_chain.values import UnitType
from jobs.demonstration.weather import DAY_S, Numbers, chance, drift, hour_of_day, noise, outdoor_celsius

OPENING_SLOT_S = 600.0


@dataclass(frozen=True, slots=True)
class Fault:
    """It grows warmer by up to `rise_celsius` for a while, then the cold takes over again. Seconds since 1970."""

    starts_s: float
    lasts_s: float
    rise_celsius: float


@dataclass(frozen=True, slots=True)
class ColdRoom:
    """A unit as physics: °C and seconds. `openings_an_hour` holds in the busy hours; at night hardly anybody comes."""

    name: str
    unit_type: UnitType
    area: str
    device_eui: str
    setpoint_celsius: float
    swing_celsius: float
    cycle_s: float
    defrosts_a_day: int
    defrost_rise_celsius: float
    openings_an_hour: float
    door_rise_celsius: float
    humidity_percent: float | None
    decoder: str
    delay_minutes: int | None = None
    faults_a_day: float = 0.0
    has_door_sensor: bool = False

    @property
    def seed(self) -> int:
        return int(self.device_eui, 16) & 0xFFFFFF


ROOMS: Sequence[ColdRoom] = (
    ColdRoom("Walk-in cooler 1 · បន្ទប់ត្រជាក់ ១", UnitType.WALK_IN_COOLER, "Cold room hall · សាលបន្ទប់ត្រជាក់", "A84041000181C061",
             2.6, 0.7, 1500, 2, 1.0, 3.0, 0.7, 82, "lht65", has_door_sensor=True),
    ColdRoom("Walk-in freezer · បន្ទប់កក", UnitType.WALK_IN_FREEZER, "Cold room hall · សាលបន្ទប់ត្រជាក់", "A84041000181C062",
             -20.7, 0.6, 1150, 4, 2.3, 1.2, 0.4, None, "lht65", delay_minutes=30),
    ColdRoom("Blast chiller · ម៉ាស៊ីនបង្កកលឿន", UnitType.BLAST_CHILLER, "Packing room · បន្ទប់វេចខ្ចប់", "A84041000181C063",
             -31.0, 1.3, 900, 2, 4.5, 0.5, 1.5, None, "lht65", delay_minutes=30),
    ColdRoom("Vegetable fridge · ទូទឹកកកបន្លែ", UnitType.FRIDGE, "Packing room · បន្ទប់វេចខ្ចប់", "A84041000181C064",
             2.8, 0.6, 1320, 2, 0.8, 4.0, 0.6, 88, "em300"),
    ColdRoom("Egg fridge · ទូទឹកកកស៊ុត", UnitType.FRIDGE, "Packing room · បន្ទប់វេចខ្ចប់", "24E124136B319001",
             3.1, 0.5, 1260, 2, 0.6, 2.0, 0.5, 74, "em300"),
    ColdRoom("Meat freezer · ទូកកសាច់", UnitType.FREEZER, "Loading dock · កន្លែងដាក់ទំនិញ", "24E124136B319002",
             -20.5, 0.5, 1080, 3, 2.2, 1.5, 0.4, None, "normalized", delay_minutes=30),
    ColdRoom("Dock fridge · ទូទឹកកកច្រកចូល", UnitType.FRIDGE, "Loading dock · កន្លែងដាក់ទំនិញ", "24E124136B319003",
             3.0, 0.6, 1400, 2, 0.7, 2.5, 0.4, 79, "normalized", delay_minutes=2, faults_a_day=0.4),
    ColdRoom("Display case · ទូតាំងបង្ហាញ", UnitType.DISPLAY_CASE, "Shop front · ហាងខាងមុខ", "24E124136B319004",
             2.9, 0.5, 1020, 3, 0.8, 5.0, 0.4, 70, "em300"),
)  # fmt: skip

WARM = next(room for room in ROOMS if room.faults_a_day)
"""The one that gets too warm now and then."""


def celsius(room: ColdRoom, at: ArrayLike, faults: Sequence[Fault] = ()) -> Numbers:
    """The temperature that the sensor in this room sees at each instant."""
    times = np.asarray(at, dtype=np.float64)
    ambient = outdoor_celsius(times) - 27.4
    warmth = room.setpoint_celsius + 0.06 * ambient + 0.25 * drift(room.seed, times, every_s=4 * 3600)
    warmth = warmth + room.swing_celsius * _compressor(room, times) + _defrost(room, times) + _doors(room, times)
    for fault in faults:
        warmth = warmth + _fault(fault, times)
    return np.asarray(np.round(warmth + 0.05 * noise(room.seed, times), 2))


def humidity(room: ColdRoom, at: ArrayLike) -> Numbers:
    """The air's moisture in %; only for rooms whose sensor tells it."""
    times = np.asarray(at, dtype=np.float64)
    assert room.humidity_percent is not None
    moist = room.humidity_percent + 4 * drift(room.seed + 5, times, every_s=3600) - 3 * _compressor(room, times) + 5 * _doors(room, times)
    return np.asarray(np.round(np.clip(moist + 0.3 * noise(room.seed + 9, times), 30, 99), 1))


def door_is_open(room: ColdRoom, at: float) -> bool:
    """Whether somebody stands in the door now."""
    slot, since = divmod(at, OPENING_SLOT_S)
    is_opened, starts, lasts = _opening(room, np.asarray([slot]))
    return bool(is_opened[0]) and starts[0] <= since < starts[0] + lasts[0]


def openings(room: ColdRoom, start_s: float, end_s: float) -> list[tuple[float, float]]:
    """When the door was opened in a stretch of time, and for how long each time (seconds), one after the other."""
    slots = np.arange(start_s // OPENING_SLOT_S + 1, end_s // OPENING_SLOT_S, dtype=np.float64)
    is_opened, starts, lasts = _opening(room, slots)
    return list(zip((slots * OPENING_SLOT_S + starts)[is_opened].tolist(), lasts[is_opened].tolist(), strict=True))


def past_faults(room: ColdRoom, start_s: float, end_s: float) -> list[Fault]:
    """The faults of a stretch of time: now and then one in the busy afternoon, most of them short."""
    found = []
    for day in range(int(start_s // DAY_S), int(end_s // DAY_S) + 1):
        luck = chance(room.seed + 40, np.arange(day * 8, day * 8 + 8))
        if luck[0] < room.faults_a_day:
            starts = day * DAY_S + 2.5 * 3600 + luck[1] * 9 * 3600  # 9:30 to 18:30 local
            fault = Fault(starts, 900 + 2700 * float(luck[2]) ** 2, 3.5 + 4 * float(luck[3]))
            if start_s < fault.starts_s and fault.starts_s + 3 * fault.lasts_s < end_s:
                found.append(fault)
    return found


def _compressor(room: ColdRoom, at: Numbers) -> Numbers:
    """-1 to 1: warming slowly, then cooled down in a third of the time. Its period breathes a little."""
    phase = (at / room.cycle_s + 0.35 * drift(room.seed + 1, at, every_s=7200) + (room.seed % 97) / 97) % 1.0
    return np.asarray(np.where(phase < 0.68, -1 + 2 * phase / 0.68, 1 - 2 * (phase - 0.68) / 0.32))


def _defrost(room: ColdRoom, at: Numbers) -> Numbers:
    """A peak some times a day: up within a quarter of an hour, down in half an hour."""
    every = DAY_S / room.defrosts_a_day
    since = (at + (room.seed % 23) * 1000) % every
    up, down = 840.0, 700.0
    return np.asarray(
        room.defrost_rise_celsius * np.where(since < up, since / up, np.exp(-np.maximum(since - up, 0) / down))
    )


def _opening(room: ColdRoom, slot: Numbers) -> tuple[NDArray[np.bool_], Numbers, Numbers]:
    """For slots of ten minutes: whether the door is opened in it, when (s), for how long (s)."""
    hours = hour_of_day(slot * OPENING_SLOT_S)
    busy = np.where((hours >= 5.5) & (hours < 19), 1.0, 0.06)
    is_opened = chance(room.seed + 20, slot) < room.openings_an_hour / 6 * busy
    return is_opened, 420 * chance(room.seed + 21, slot), 15 + 110 * chance(room.seed + 22, slot) ** 2


def _doors(room: ColdRoom, at: Numbers) -> Numbers:
    """What the last few openings let in, fading within minutes."""
    slot = np.floor(at / OPENING_SLOT_S)
    total = np.zeros_like(at)
    for back in range(3):
        is_opened, starts, lasts = _opening(room, slot - back)
        since = at - (slot - back) * OPENING_SLOT_S - starts
        risen = room.door_rise_celsius * lasts / 60
        warm = np.where(since < lasts, since / lasts, np.exp(-np.maximum(since - lasts, 0) / 380))
        total = total + np.where(is_opened & (since > 0), risen * warm, 0.0)
    return total


def _fault(fault: Fault, at: Numbers) -> Numbers:
    since = at - fault.starts_s
    grown = 1 - np.exp(-np.clip(since, 0, fault.lasts_s) / (fault.lasts_s / 2.5))
    fading = np.exp(-np.maximum(since - fault.lasts_s, 0) / (fault.lasts_s / 3))
    return np.asarray(np.where(since > 0, fault.rise_celsius * grown * fading, 0.0))
