"""What others may want to hear about deliveries."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class DriverMoved(Event):
    """A driver's position is another one, or its quality is. Without an id: several drivers moved at once."""

    driver_id: UUID | None = None


@dataclass(frozen=True)
class DriverChanged(Event):
    """A driver was taken on, renamed or let go, or has other phones."""

    driver_id: UUID


@dataclass(frozen=True)
class ShipmentChanged(Event):
    """A shipment was ordered, given to somebody, came a step further or was called off."""

    shipment_id: UUID
