"""What others may want to hear about a farm."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class FarmChanged(Event):
    """A farm was made, edited or taken away."""

    farm_id: UUID


@dataclass(frozen=True)
class DeviceRegistered(Event):
    """Which devices there are has changed: one came, went, or has another topic."""

    device_id: UUID


@dataclass(frozen=True)
class LoginChanged(Event):
    """What a device signs in to the broker with was made, made anew, or taken away."""

    device_id: UUID
    farm_id: UUID


@dataclass(frozen=True)
class GatewayChanged(Event):
    """A gateway came, spoke, fell silent or went, or told of a device that nobody has taken in."""

    gateway_id: UUID
    farm_id: UUID


@dataclass(frozen=True)
class DeviceChanged(Event):
    """What is known of a device has changed: its state, its presence, its values, or what is asked of it."""

    device_id: UUID
    farm_id: UUID


@dataclass(frozen=True)
class DeviceAnnounced(Event):
    """A device that is none of ours announced itself, took that back, or somebody has decided about it."""

    discovery_id: UUID
    farm_id: UUID


@dataclass(frozen=True)
class CommandQueued(Event):
    """Something waits to be handed to the broker."""

    device_id: UUID


@dataclass(frozen=True)
class DeviceSettingsWanted(Event):
    """A device is to be told what it should know by itself (see `queries.settings_of`)."""

    device_id: UUID


@dataclass(frozen=True)
class FirmwareWanted(Event):
    """A device is to be told of its new firmware, now or later."""

    device_id: UUID


@dataclass(frozen=True)
class FirmwareChanged(Event):
    """A release came on the list or went off it."""

    release_id: UUID


@dataclass(frozen=True)
class StateWanted(Event):
    """A device is to be asked for its state (see `queries.questions_of`)."""

    device_id: UUID


@dataclass(frozen=True)
class ScheduleChanged(Event):
    """A schedule was made, edited, taken away, or has run."""

    schedule_id: UUID
    farm_id: UUID


@dataclass(frozen=True)
class FlockChanged(Event):
    """A flock came or left, or something was written down of it."""

    batch_id: UUID
    farm_id: UUID
