"""What a farm's device says of itself and is asked, free of any dialect's spelling."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StateReport:
    """An output says whether it is on. `output` counts from 1 where a device has several.

    `value` is what a pwm or servo says it is set to, in the unit of the setting that `of` names (set_value 0–255, set_speed %,
    set_angle °), or, where that is empty, of what it was asked. `source` names which of the device's own words this is ("result",
    "state", "heartbeat"): where two of them say different things, that is shown.
    `reported_at` is the device's own time where it can be trusted, else when it was heard.
    """

    topic: str
    output: int
    is_on: bool
    reported_at: datetime
    value: float | None = None
    source: str = "state"
    of: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """A device came on line, or its broker says that it has gone."""

    topic: str
    is_online: bool
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class SensorValue:
    """A probe's value in its own unit: `temperature` in °C, `humidity` in %, others as named by `unit`.

    `raw` is what the probe itself said, where a calibration corrected it.
    """

    topic: str
    sensor_type: str
    value: float
    unit: str
    reported_at: datetime
    raw: float | None = None


@dataclass(frozen=True, slots=True)
class Health:
    """How a device fares; what it does not tell is None. `uptime_s` tells that it has started anew since it was last heard.

    `max_on_s` is after how long it says that it ends each "on" by itself; 0 where it lets it run for ever. `output` is which of its
    outputs that is about, where it is about one.
    """

    topic: str
    reported_at: datetime
    signal_dbm: float | None = None
    battery_percent: float | None = None
    firmware_version: str | None = None
    firmware_available: str | None = None
    uptime_s: float | None = None
    max_on_s: float | None = None
    output: int | None = None


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """A device that knows commands by their ids says what became of one: `executing`, `completed` or `failed`.

    `is_on` is the state that it says it is in now, if it does; `error` its own words for what went wrong.
    """

    topic: str
    command_id: UUID
    status: str
    reported_at: datetime
    is_on: bool | None = None
    value: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class FirmwareAnswer:
    """A device says that it has installed the firmware it was told of and starts anew, or in its own words why it has not."""

    topic: str
    reported_at: datetime
    is_installed: bool
    error: str | None = None


Report = StateReport | Presence | SensorValue | Health | CommandAnswer | FirmwareAnswer


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """A report, and which of our devices it comes from."""

    device_id: UUID
    report: Report


FULL = {"set_value": 255.0, "set_speed": 100.0, "set_angle": 180.0}
"""The largest that may be asked of each kind of setting; the smallest is 0."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A wish that is to be handed over: which device and output, by which dialect, and what, in general terms.

    `command` is on, off, set_value, set_speed or set_angle (a toggle was made an on or an off before); `value` belongs to the
    last three: 0–255, 0–100 %, 0–180 °, already calibrated. `requested_at` and `command_id` are for dialects that carry them, and
    so is `max_on_s`, how long it may be on at a stretch.
    """

    command_id: UUID
    organization_id: UUID
    topic: str
    output: int
    command: str
    value: float | None = None
    dialect: str = "tasmota"
    device_type: str = "relay"
    farm_id: UUID | None = None
    device_id: UUID | None = None
    hardware_id: str | None = None
    requested_at: datetime | None = None
    priority: int = 0
    max_on_s: int | None = None

    @property
    def is_on(self) -> bool:
        """Whether the output is on when this is done."""
        return self.command == "on" if self.value is None else self.value > 0

    @property
    def share(self) -> float | None:
        """The value as a part of its whole, 0 to 1; None for on and off."""
        return None if self.value is None else self.value / FULL[self.command]


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What a device should know by itself, so that it keeps to it when nobody can reach it.

    `startup` is "on", "off", or None for as it was; `max_on_s` ends each "on" after so many seconds (None: never);
    `configs` are its other settings, {parameter_name: value}.
    """

    device_id: UUID
    organization_id: UUID
    topic: str
    output: int
    dialect: str
    device_type: str
    startup: str | None
    max_on_s: int | None
    configs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FirmwareOrder:
    """A device is to be told where its new firmware lies. `size_bytes` and `sha256` are there for dialects that carry them."""

    update_id: UUID
    organization_id: UUID
    farm_id: UUID
    topic: str
    dialect: str
    version: str
    url: str
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A device that is to be asked for its state."""

    device_id: UUID
    organization_id: UUID
    topic: str
    output: int
    dialect: str
    device_type: str = "relay"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is measured or set, times `scale`, plus `offset`, is what is true."""

    offset: Decimal = Decimal(0)
    scale: Decimal = Decimal(1)
