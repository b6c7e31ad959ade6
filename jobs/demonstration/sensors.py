"""LoRaWAN sensors in the cold rooms, as The Things Stack tells of them: one decoder's words for each maker."""

import base64
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from jobs.demonstration.cold_rooms import ColdRoom, Fault, celsius, door_is_open, humidity

GATEWAYS = (("angkor-fresh-roof", "58A0CBFFFE802A11"), ("tuol-kork-tower", "58A0CBFFFE802B57"))


class Sensor:
    """One sensor: it counts its frames, its battery empties slowly, and two gateways hear it more or less well."""

    def __init__(self, room: ColdRoom, *, first_frame: int = 1) -> None:
        self.room = room
        self._frame = first_frame
        self._chance = Random(room.seed)

    def uplink(self, at: datetime, faults: tuple[Fault, ...] = ()) -> dict[str, Any]:
        """What it measures now, as The Things Stack v3 posts it."""
        seconds = at.timestamp()
        warmth = float(celsius(self.room, [seconds], faults)[0])
        moist = None if self.room.humidity_percent is None else float(humidity(self.room, [seconds])[0])
        is_open = door_is_open(self.room, seconds) if self.room.has_door_sensor else None
        self._frame += 1
        heard_at = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        uplink: dict[str, Any] = {
            "f_port": 2, "f_cnt": self._frame, "frm_payload": base64.b64encode(struct.pack(">hH", round(warmth * 100), self._frame & 0xFFFF)).decode(),
            "rx_metadata": [self._reception(*gateway, heard_at) for gateway in GATEWAYS],
            "settings": {"data_rate": {"lora": {"bandwidth": 125000, "spreading_factor": 8}}, "frequency": "923200000"},
            "received_at": heard_at, "consumed_airtime": "0.102912s",
        }  # fmt: skip
        uplink |= DECODERS[self.room.decoder](warmth, moist, is_open, self._battery_v())
        return {
            "end_device_ids": {
                "device_id": f"angkor-{self.room.device_eui[-4:].lower()}", "dev_eui": self.room.device_eui,
                "application_ids": {"application_id": "angkor-fresh"}, "join_eui": "A840410000000101",
            },
            "correlation_ids": [f"as:up:{self.room.device_eui[-4:]}{self._frame:06X}"],
            "received_at": heard_at,
            "uplink_message": uplink,
        }  # fmt: skip

    def _battery_v(self) -> float:
        return 3.62 - 0.04 * (self.room.seed % 9) - 0.01 * self._chance.random()

    def _reception(self, gateway: str, eui: str, heard_at: str) -> dict[str, Any]:
        rssi = -62 - self.room.seed % 37 - round(self._chance.expovariate(0.3))
        return {
            "gateway_ids": {"gateway_id": gateway, "eui": eui}, "time": heard_at, "rssi": rssi, "channel_rssi": rssi,
            "snr": round(self._chance.uniform(4, 10), 1),
        }  # fmt: skip


def _lht65(warmth: float, moist: float | None, is_open: bool | None, battery_v: float) -> dict[str, Any]:
    decoded: dict[str, Any] = {"TempC_SHT": warmth, "BatV": round(battery_v, 3), "Ext_sensor": "Temperature Sensor"}
    if moist is not None:
        decoded["Hum_SHT"] = moist
    if is_open is not None:
        decoded["door_status"] = "open" if is_open else "closed"
    return {"decoded_payload": decoded}


def _em300(warmth: float, moist: float | None, is_open: bool | None, battery_v: float) -> dict[str, Any]:
    decoded: dict[str, Any] = {"temperature": warmth, "battery_level": round(min(100, (battery_v - 2.6) * 100))}
    return {"decoded_payload": decoded if moist is None else decoded | {"humidity": moist}}


def _normalized(warmth: float, moist: float | None, is_open: bool | None, battery_v: float) -> dict[str, Any]:
    air = {"temperature": warmth} if moist is None else {"temperature": warmth, "relativeHumidity": moist}
    return {"normalized_payload": [{"air": air, "battery": round(battery_v, 2)}]}


DECODERS: Mapping[str, Callable[[float, float | None, bool | None, float], dict[str, Any]]] = {
    "lht65": _lht65, "em300": _em300, "normalized": _normalized,
}  # fmt: skip
