"""What a sensor says about the air around it, and what is kept of it, free of any network's spelling."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from data.cold_chain.frames import Fault
from data.core.errors import Invalid

NO_DEVICE = UUID(int=0)
"""Stands for the sensor in a reading that came over the bulk interface and names none."""

COLDEST_CELSIUS, HOTTEST_CELSIUS = -100.0, 200.0
"""Nothing that anybody stores food in is outside of these; a reading that is comes from a broken sensor."""


class UnitType(StrEnum):
    FRIDGE = "fridge"
    FREEZER = "freezer"
    DISPLAY_CASE = "display_case"
    WALK_IN_COOLER = "walk_in_cooler"
    WALK_IN_FREEZER = "walk_in_freezer"
    BLAST_CHILLER = "blast_chiller"


class UnitStatus(StrEnum):
    """How a unit is; see rules.py for what leads from one to the other."""

    OK = "ok"
    EXCURSION = "excursion"
    ALARM_ACTIVE = "alarm_active"
    MONITORING_INTERRUPTED = "monitoring_interrupted"
    MANUAL_REQUIRED = "manual_required"
    RESTORING = "restoring"
    OFFLINE = "offline"


class DeviceStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    PAIRING = "pairing"
    ERROR = "error"


class ComplianceMode(StrEnum):
    STANDARD = "standard"
    HACCP = "haccp"


class ReadingSource(StrEnum):
    """Through which door a reading came."""

    TTN = "ttn"
    API = "api"
    MANUAL = "manual"
    CHIRPSTACK = "chirpstack"
    HUB = "hub"


class BatteryChemistry(StrEnum):
    """What cells a sensor runs on, and how many in a row: that decides what a voltage means."""

    CR17450 = "cr17450"
    LIFES2_2AA = "lifes2_2aa"
    ALKALINE_2AA = "alkaline_2aa"
    CR2032 = "cr2032"
    LI_SOCL2 = "li_socl2"


class DecodeMode(StrEnum):
    """Whose decoder is believed: the network's, the network's if ours agrees, or ours."""

    NETWORK = "network"
    TRUST = "trust"
    APP = "app"


class PairingStatus(StrEnum):
    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"


class GatewayStatus(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    DISCONNECTED = "disconnected"
    UNKNOWN = "unknown"


class ProvisioningStatus(StrEnum):
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    FAILED = "failed"


class Granularity(StrEnum):
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Direction(StrEnum):
    """On which side of its limits a unit was."""

    ABOVE = "above"
    BELOW = "below"


class ExcursionCause(StrEnum):
    UNKNOWN = "unknown"
    DOOR = "door"
    DELIVERY = "delivery"
    DEFROST = "defrost"
    POWER = "power"
    EQUIPMENT = "equipment"
    CLEANING = "cleaning"
    SENSOR = "sensor"
    OTHER = "other"


class ReportKind(StrEnum):
    DAILY = "daily"
    EXCEPTIONS = "exceptions"
    MANUAL = "manual"
    COMPLIANCE = "compliance"


class GatewayHeard(NamedTuple):
    """A gateway that heard a sensor; `gateway_id` is its network's name for it (its EUI where it has no other)."""

    gateway_id: str
    eui: str | None = None
    signal_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One moment as one sensor saw it. Absent quantities are None, never zero.

    `device_eui` is 16 upper-case hex digits (or a BLE sensor's MAC address). `battery_percent` is 0–100; a sensor that tells
    volts only fills `battery_v`, because the percent depends on its cells' chemistry. `counter` is the network's frame counter.
    `fault` is why `temperature_celsius` is absent, `probe_*` what a probe on a cable says beside the built-in one.
    `raw_payload` (base64) came on `port`, and `model` is what the network calls the sensor's model.
    """

    device_eui: str
    recorded_at: datetime
    received_at: datetime
    temperature_celsius: float | None = None
    humidity_percent: float | None = None
    battery_percent: float | None = None
    battery_v: float | None = None
    door_is_open: bool | None = None
    signal_dbm: int | None = None
    counter: int | None = None
    device_name: str | None = None
    raw_payload: str | None = None
    simulated: bool = False
    fault: Fault | None = None
    probe_celsius: float | None = None
    probe_fault: Fault | None = None
    door_open_count: int | None = None
    door_open_s: int | None = None
    port: int | None = None
    model: str | None = None
    gateways: tuple[GatewayHeard, ...] = ()
    has_joined: bool = False


@dataclass(frozen=True, slots=True)
class UnitMeasurement:
    """One moment in one unit, told by a system that knows our units by their ids, and perhaps the sensor too."""

    unit_id: UUID
    recorded_at: datetime
    received_at: datetime
    temperature_celsius: float | None
    device_id: UUID | None = None
    humidity_percent: float | None = None
    battery_percent: float | None = None
    battery_v: float | None = None
    door_is_open: bool | None = None
    signal_dbm: int | None = None
    raw_payload: str | None = None
    fault: Fault | None = None
    door_open_count: int | None = None
    door_open_s: int | None = None


def normalise_eui(value: object, field: str = "dev_eui") -> str:
    """A device EUI however it is written (case, colons, dashes, dots, spaces) as 16 upper-case hex digits."""
    digits = re.sub(r"[-:.\s]", "", value).upper() if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9A-F]{16}", digits):
        raise Invalid(field, "This must be a device EUI of 16 hex digits.")
    return digits


def normalise_mac(value: object, field: str = "mac") -> str:
    """A MAC address however it is written, as AA:BB:CC:DD:EE:FF."""
    digits = re.sub(r"[-:.\s]", "", value).upper() if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        raise Invalid(field, "A MAC address has 12 hex digits.")
    return ":".join(digits[start : start + 2] for start in range(0, 12, 2))
