"""Every maker's decoder has its own names for the same few things: how warm, how damp, how full the battery, is the door open."""

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from data.cold_chain.frames import Fault, believed
from data.core.errors import Invalid
from jobs.codecs.fields import Document, mapping, number

TEMPERATURE = (
    "temperature", "TempC_SHT", "TempC_DS", "temperature_c", "temp_c", "temp", "TempC1", "Temp_C1", "Temp_Red", "TempC",
)  # fmt: skip
"""In this order: of a sensor with a probe on a cable, its built-in one speaks, unless it is registered as `…-probe`."""
PROBE = ("TempC_DS", "TempC_TMP117", "Ext_TempC_SHT", "externalTemperature", "external_temperature", "probe_temperature")
FAHRENHEIT = ("temperature_f",)
HUMIDITY = ("humidity", "Hum_SHT", "humidity_pct", "relative_humidity", "rh")
BATTERY = ("battery", "battery_level", "batt")
VOLTAGE = ("BatV", "BAT_V", "bat_v", "battery_v", "vbat", "batteryVoltage", "battery_voltage", "vdd", "Bat_mV", "BAT")
DOOR = ("door_open", "door_status", "open_close", "DOOR_OPEN_STATUS", "door", "magnet_status", "door_state")
OPENINGS = ("DOOR_OPEN_TIMES", "open_times", "open_count")
OPEN_MINUTES = ("LAST_DOOR_OPEN_DURATION", "last_open_duration", "open_duration")
OPEN_SECONDS = ("last_door_open_duration_s", "last_open_duration_s", "open_duration_s")
MODEL = ("Node_type", "Sensor_Model", "SENSOR_MODEL")
GIVEN_AWAY_BY = {"DOOR_OPEN_STATUS": "lds02", "TempC1": "d2x", "Temp_C1": "d2x", "Bat_status": "lht65n"}
"""Names that only one model's decoder uses, after what says the model outright."""

DOOR_WORDS = {"open": True, "opened": True, "true": True, "1": True}
DOOR_WORDS |= {"closed": False, "close": False, "false": False, "0": False}
NOTHING_WORDS = frozenset({"null", "nc", "n/a", "none", "sensor no connection"})
UNPLUGGED = (327.67, 3276.7)
"""0x7FFF, in hundredths and in tenths."""

MOST_VOLTS = 10.0
BATTERY_UNKNOWN = 255  # LoRaWAN's own word for a battery that could not be measured
MOST = 2**31 - 1

Found = tuple[str, object]
Heat = tuple[float | None, Fault | None]


class Fields:
    """One payload's fields, found by any of their names in any case, remembered by the path they were sent under."""

    def __init__(self, values: Document, path: str) -> None:
        self.values = values
        self.path = path
        self._spelled = {name.lower(): name for name in reversed(list(values))}

    def find(self, names: Iterable[str]) -> Found | None:
        """The first of `names` that holds something, as (path, value)."""
        for name in names:
            spelled = name if name in self.values else self._spelled.get(name.lower(), name)
            value = self.values.get(spelled)
            if value is not None and value != "":
                return f"{self.path}.{spelled}", value
        return None

    def inside(self, group: str, name: str) -> Found | None:
        path = f"{self.path}.{group}"
        return Fields(mapping(self.values.get(group), path), path).find((name,))


@dataclass(frozen=True, slots=True)
class Told:
    """A decoder's fields, and (by The Things Stack alone) the same in the network's own spelling."""

    decoded: Fields
    normalized: tuple[Fields, ...] = ()

    def first(self, names: Iterable[str], group: str, name: str) -> Found | None:
        found = self.decoded.find(names)
        return found or next((got for fields in self.normalized if (got := fields.inside(group, name))), None)

    def temperature(self) -> Heat:
        """What speaks for the temperature, or why nothing does. A number that no food is ever at is a broken sensor's."""
        if not self.decoded.find(TEMPERATURE) and (found := self.decoded.find(FAHRENHEIT)):
            return believed(round((_number(found) - 32) / 1.8, 4))
        return _heat(self.first(TEMPERATURE, "air", "temperature"))

    def probe(self) -> Heat:
        """The same of a probe on a cable."""
        if self.decoded.find(("No_connect",)):
            return None, Fault.DISCONNECTED
        return _heat(self.decoded.find(PROBE))

    def humidity(self) -> float | None:
        found = self.first(HUMIDITY, "air", "relativeHumidity")
        return _number(found, 0, 100) if found else None

    def door(self) -> bool | None:
        found = self.first(DOOR, "action", "contactState")
        if found is None:
            return None
        field, value = found
        if isinstance(value, bool):
            return value
        if isinstance(value, float) and value in (0, 1):
            return value == 1
        word = str(value).strip().lower() if isinstance(value, str | int) else ""
        if word not in DOOR_WORDS:
            raise Invalid(field, "This must say open or closed.")
        return DOOR_WORDS[word]

    def openings(self) -> int | None:
        """How often the door was opened since the sensor was made."""
        found = self.decoded.find(OPENINGS)
        return int(_number(found, 0, MOST)) if found else None

    def last_open_s(self) -> int | None:
        """For how long it was open last: minutes, unless the name ends with _s."""
        if found := self.decoded.find(OPEN_SECONDS):
            return round(_number(found, 0, MOST))
        found = self.decoded.find(OPEN_MINUTES)
        return round(_number(found, 0, MOST // 60) * 60) if found else None

    def battery(self) -> tuple[float | None, float | None]:
        """(percent, volts). A field that names no unit is percent up to 100 and millivolts from 1,000.

        Up to 10 it is volts where it has a fraction, or where the network itself tells volts; a whole number is percent,
        since taking an empty battery for a full one is the worse mistake.
        """
        told = self.decoded.find(VOLTAGE)
        told = told or next((got for fields in self.normalized if (got := fields.find(("battery",)))), None)
        volts = _volts(_number(told, 0), told[0]) if told else None
        found = self.decoded.find(BATTERY)
        if found is None:
            return None, volts
        field, value = found[0], _number(found, 0)
        if value == BATTERY_UNKNOWN:
            return None, volts
        if value >= 1000:
            return None, volts if volts is not None else _volts(value, field)
        if value > 100:
            raise Invalid(field, "{value} is neither percent nor volts nor millivolts.", value=value)
        level_is_named = field.lower().endswith("level")
        if value <= MOST_VOLTS and not level_is_named and (not value.is_integer() or _same(value, volts)):
            return None, volts if volts is not None else value
        return value, volts

    def model(self) -> str | None:
        """Which model's decoder this was, where its own fields give it away."""
        found = self.decoded.find(MODEL)
        if found and isinstance(found[1], str):
            return found[1][:100]
        return next((model for name, model in GIVEN_AWAY_BY.items() if name in self.decoded.values), None)


def _heat(found: Found | None) -> Heat:
    if found is None:
        return None, None
    if isinstance(found[1], str) and found[1].strip().lower() in NOTHING_WORDS:
        return None, Fault.DISCONNECTED
    celsius = _number(found)
    return (None, Fault.DISCONNECTED) if celsius in UNPLUGGED else believed(celsius)


def _number(found: Found, low: float = -math.inf, high: float = math.inf) -> float:
    """A number, also as text: some makers' decoders round by writing it out."""
    field, value = found
    if isinstance(value, str) and len(value) <= 30:
        with suppress(ValueError):
            value = float(value)
    return number(value, field, low, high)


def _same(value: float, volts: float | None) -> bool:
    return volts is not None and math.isclose(value, volts, abs_tol=0.05)


def _volts(value: float, field: str) -> float:
    volts = value / 1000 if value > MOST_VOLTS else value
    return number(volts, field, 0, MOST_VOLTS)
