"""A LoRaWAN sensor is heard by several gateways, and The Things Stack v3 posts what it said, in its decoder's words."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from data.cold_chain.values import COLDEST_CELSIUS, HOTTEST_CELSIUS, Measurement, normalise_eui
from data.core.errors import Invalid
from jobs.codecs.fields import Document, believable, document, instant, items, mapping, number, text

TEMPERATURE = ("temperature", "TempC_SHT", "TempC_DS", "temperature_c", "temp_c", "temp")
FAHRENHEIT = ("temperature_f",)
HUMIDITY = ("humidity", "Hum_SHT", "humidity_pct", "relative_humidity", "rh")
BATTERY = ("battery", "battery_level", "batt")
VOLTAGE = ("BatV", "BAT_V", "bat_v", "battery_v", "vbat", "batteryVoltage", "battery_voltage")
DOOR = ("door_open", "door_status", "open_close", "DOOR_OPEN_STATUS", "door")

DOOR_WORDS = {"open": True, "opened": True, "true": True, "1": True}
DOOR_WORDS |= {"closed": False, "close": False, "false": False, "0": False}

MOST_VOLTS = 10.0
BATTERY_UNKNOWN = 255  # LoRaWAN's own word for a battery that could not be measured
OLDEST = timedelta(days=365)

Found = tuple[str, object]


def measurement(body: bytes | str | Document, *, now: datetime) -> Measurement | None:
    """One uplink as The Things Stack posts it (JSON text, or already parsed); None for any other event.

    The decoder's fields come first, then the network's `normalized_payload`. Nothing measured is not refused:
    such a message still says that the sensor lives. An absent `f_cnt` stays None, since the network omits zeros
    and so a first frame and a hand-made one look alike. Raises Invalid with the field's path as it was sent.
    """
    message = document(body)
    kind = next((name for name in ("uplink_message", "uplink_normalized") if message.get(name) is not None), None)
    if kind is None:
        return None
    uplink = mapping(message[kind], kind)
    device = mapping(message.get("end_device_ids"), "end_device_ids")
    decoded = _Fields(mapping(uplink.get("decoded_payload"), f"{kind}.decoded_payload"), f"{kind}.decoded_payload")
    normalized = items(uplink.get("normalized_payload"), f"{kind}.normalized_payload")
    listed = isinstance(uplink.get("normalized_payload"), list)
    vendor = [
        _Fields(entry, f"{kind}.normalized_payload" + (f"[{index}]" if listed else ""))
        for index, entry in enumerate(normalized)
    ]
    received_at, recorded_at = _times(message, uplink, kind, vendor, now)
    percent, volts = _battery(decoded, vendor)
    return Measurement(
        device_eui=normalise_eui(device.get("dev_eui"), "end_device_ids.dev_eui"),
        recorded_at=recorded_at,
        received_at=received_at,
        temperature_celsius=_temperature(decoded, vendor),
        humidity_percent=_humidity(decoded, vendor),
        battery_percent=percent,
        battery_v=volts,
        door_is_open=_door(decoded, vendor),
        signal_dbm=_best_signal(items(uplink.get("rx_metadata"), f"{kind}.rx_metadata"), f"{kind}.rx_metadata"),
        counter=_counter(uplink.get("f_cnt"), f"{kind}.f_cnt"),
        device_name=text(device.get("device_id"), "end_device_ids.device_id"),
        raw_payload=text(uplink.get("frm_payload"), f"{kind}.frm_payload"),
        simulated=message.get("simulated") is True or uplink.get("simulated") is True,
    )


class _Fields:
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
        return _Fields(mapping(self.values.get(group), path), path).find((name,))


def _times(
    message: Document, uplink: Document, kind: str, vendor: list[_Fields], now: datetime
) -> tuple[datetime, datetime]:
    """When the network passed it on, and when the sensor spoke: its own clock if told, else the first server's."""

    def at(value: object, field: str, otherwise: datetime) -> datetime:
        if value is None:
            return otherwise
        return believable(instant(value, field), field, now=now, oldest=now - OLDEST)

    received = at(message.get("received_at"), "received_at", now)
    recorded = at(uplink.get("received_at"), f"{kind}.received_at", received)
    told = next((found for fields in vendor if (found := fields.find(("time",)))), None)
    return received, at(told[1], told[0], recorded) if told else recorded


def _first(decoded: _Fields, names: Iterable[str], vendor: list[_Fields], group: str, name: str) -> Found | None:
    found = decoded.find(names)
    return found or next((got for fields in vendor if (got := fields.inside(group, name))), None)


def _temperature(decoded: _Fields, vendor: list[_Fields]) -> float | None:
    if found := decoded.find(TEMPERATURE):
        return number(found[1], found[0], COLDEST_CELSIUS, HOTTEST_CELSIUS)
    if found := decoded.find(FAHRENHEIT):
        fahrenheit = number(found[1], found[0], COLDEST_CELSIUS * 1.8 + 32, HOTTEST_CELSIUS * 1.8 + 32)
        return round((fahrenheit - 32) / 1.8, 4)
    found = _first(decoded, (), vendor, "air", "temperature")
    return number(found[1], found[0], COLDEST_CELSIUS, HOTTEST_CELSIUS) if found else None


def _humidity(decoded: _Fields, vendor: list[_Fields]) -> float | None:
    found = _first(decoded, HUMIDITY, vendor, "air", "relativeHumidity")
    return number(found[1], found[0], 0, 100) if found else None


def _door(decoded: _Fields, vendor: list[_Fields]) -> bool | None:
    found = _first(decoded, DOOR, vendor, "action", "contactState")
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


def _battery(decoded: _Fields, vendor: list[_Fields]) -> tuple[float | None, float | None]:
    """(percent, volts). A field that names no unit is percent up to 100 and millivolts from 1,000.

    Up to 10 it is volts where it has a fraction, or where the network itself tells volts; a whole number is percent,
    since taking an empty battery for a full one is the worse mistake.
    """
    told = decoded.find(VOLTAGE) or next((got for fields in vendor if (got := fields.find(("battery",)))), None)
    volts = _volts(number(told[1], told[0], 0), told[0]) if told else None
    found = decoded.find(BATTERY)
    if found is None:
        return None, volts
    field, value = found[0], number(found[1], found[0], 0)
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


def _same(value: float, volts: float | None) -> bool:
    return volts is not None and math.isclose(value, volts, abs_tol=0.05)


def _volts(value: float, field: str) -> float:
    volts = value / 1000 if value > MOST_VOLTS else value
    return number(volts, field, 0, MOST_VOLTS)


def _best_signal(gateways: list[Document], path: str) -> int | None:
    heard = []
    for index, gateway in enumerate(gateways):
        name = "rssi" if gateway.get("rssi") is not None else "channel_rssi"
        if gateway.get(name) is not None:
            heard.append(round(number(gateway[name], f"{path}[{index}].{name}", -200, 100)))
    return max(heard, default=None)


def _counter(value: object, field: str) -> int | None:
    return None if value is None else int(number(value, field, 0, 2**32 - 1))
