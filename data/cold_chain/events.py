"""What others may want to hear about sites, units and sensors."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class UnitChanged(Event):
    """A unit has a new reading, another state, other limits, or another sensor."""

    unit_id: UUID


@dataclass(frozen=True)
class PlacesChanged(Event):
    """A site or an area was made or renamed."""

    site_id: UUID
