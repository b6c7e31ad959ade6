"""A gateway is made somebody's by a code on its screen; what stands behind it is known by the gateway's number and a name there."""

import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from data.core.errors import Invalid

CODE_LIFE = timedelta(minutes=30)
"""How long a code waits for somebody to type it."""
OFFLINE_AFTER = timedelta(minutes=5)
"""Gateways speak every half minute; one that has not for this long is away, and so is all that stands behind it."""
TOLD_AFTER = timedelta(minutes=30)
"""After this those who look after the farm are told."""
OLDEST = timedelta(days=30)
"""How long single values are kept; what is older when it is sent at last is refused."""
MOST_WAITING = 200
"""Devices behind one gateway, taken in or not."""

CODE_LETTERS = "0123456789ACDEFGHJKMNPRTVWXY"
_READ_AS = str.maketrans("OQILZSBU", "0011258V")
_BETWEEN = frozenset(" \t\u00a0\u200b-\u2010\u2011\u2012\u2013\u2014\u2212_.·")
_HARDWARE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_KEY = re.compile(r"[^/\x00-\x1f\x7f\ud800-\udfff]{1,64}")


def new_code() -> str:
    """XXX-XXX; 481 million of them. Of letters and digits that look alike only one is ever used."""
    made = "".join(secrets.choice(CODE_LETTERS) for _n in range(6))
    return f"{made[:3]}-{made[3:]}"


def written_code(text: str) -> str:
    """A code as somebody read and typed it: small letters, Khmer digits, spaces and dashes, O for 0 or S for 5 do not matter.

    '' for what cannot be one.
    """
    signs = [sign for sign in unicodedata.normalize("NFKC", text).strip() if sign not in _BETWEEN]
    plain = "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in signs).upper().translate(_READ_AS)
    return f"{plain[:3]}-{plain[3:]}" if len(plain) == 6 and all(sign in CODE_LETTERS for sign in plain) else ""


def hardware_of(text: str, field: str = "hardware_id") -> str:
    """A gateway's own number; Invalid(field) for what is none."""
    if not _HARDWARE.fullmatch(text):
        raise Invalid(field, "A hardware id has 1 to 64 letters, digits, dots, colons, hyphens and underscores.")
    return text


def key_of(text: str, field: str) -> str:
    """What a device is called behind its gateway, the same however it is written; Invalid(field)."""
    key = re.sub(r"\s+", "_", text.strip().lower())
    if not _KEY.fullmatch(key):
        raise Invalid(field, "A device's name has 1 to 64 signs and no slash.")
    return key


def identifier(hardware_id: str, key: str) -> str:
    """What a device behind a gateway is known by."""
    return f"{hardware_id}/{key}"


@dataclass(frozen=True, slots=True)
class Model:
    """What a kind of thing is, which picture it gets, and what it is called in commands (`feeder` in `feeder_on`)."""

    device_type: str = "relay"
    icon: str | None = None
    word: str | None = None


GATEWAY = "gateway"
"""Whose word a state is: a gateway knows one state of a device, however it tells it, and so cannot contradict itself."""
CLIMATE, WATER = "temp_humidity", "water_level"
"""What the probes at the gateway itself are called."""
MODELS: Mapping[str, Model] = MappingProxyType({
    "fan": Model(icon="air", word="fan"),
    "heater": Model(icon="local_fire_department", word="heater"),
    "feeder_motor": Model(icon="rice_bowl", word="feeder"),
    "conveyor_belt": Model(icon="power_settings_new", word="conveyor"),
    "light": Model(icon="lightbulb"),
    "lights": Model(icon="lightbulb", word="light"),
    "pump": Model(icon="water_drop"),
    "water_pump": Model(icon="water_drop", word="pump"),
    CLIMATE: Model("sensor", "device_thermostat"),
    WATER: Model("sensor", "water_drop"),
})  # fmt: skip


def model_of(name: str) -> Model:
    """What is known of a kind; a relay where nothing is."""
    return MODELS.get(name, Model())


def command_word(model: str, command: str) -> str:
    """`fan_on` as gateways know it; a setting keeps its general word."""
    return f"{model_of(model).word or model}_{command}" if command in ("on", "off") else command


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway says that it stands, as it was told when it was claimed."""

    farm_id: UUID
    coop_id: UUID


@dataclass(frozen=True, slots=True)
class State:
    """What an output behind a gateway says of itself."""

    is_on: bool
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """A gateway, or a device behind it (`hardware_id`), is there; or says that it is not."""

    at: datetime
    hardware_id: str | None = None
    is_there: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)
    firmware_version: str | None = None
    signal_dbm: float | None = None
    states: Mapping[str, State] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the probes of one box measured at once: (sensor_type, value, unit). `hardware_id` None is the gateway itself."""

    at: datetime
    hardware_id: str | None
    values: tuple[tuple[str, float, str], ...]
    states: Mapping[str, State] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """One device on a gateway's list."""

    key: str
    device_type: str
    model: str
    name: str
    is_active: bool = True
    firmware_version: str | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that stands behind a gateway; what is not on it any more is out of use."""

    at: datetime
    hardware_id: str | None
    devices: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A gateway's message: from which one it is, where it says that it stands, and when it came."""

    gateway_id: UUID
    word: Beat | Measured | Inventory
    received_at: datetime
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway says became of a command: `executing`, `completed`, `failed`, or None where it only has it.

    `is_dated` tells whether `at` is the gateway's own time.
    """

    status: str | None
    at: datetime
    is_dated: bool = False
    state: State | None = None
    error: str | None = None
