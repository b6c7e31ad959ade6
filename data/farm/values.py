"""What a farm's device says of itself, free of any dialect's spelling."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StateReport:
    """An output says whether it is on. `output` counts from 1 where a device has several."""

    topic: str
    output: int
    is_on: bool
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Presence:
    """A device came on line, or its broker says that it has gone."""

    topic: str
    is_online: bool
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class SensorValue:
    """A probe's value in its own unit: `temperature` in °C, `humidity` in %, others as named by `unit`."""

    topic: str
    sensor_type: str
    value: float
    unit: str
    reported_at: datetime


Report = StateReport | Presence | SensorValue


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """A report, and which of our devices it comes from."""

    device_id: UUID
    report: Report


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A wish that is to be handed to the broker: which output of which topic, and how."""

    command_id: UUID
    organization_id: UUID
    topic: str
    output: int
    is_on: bool
