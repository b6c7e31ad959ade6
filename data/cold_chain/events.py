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


@dataclass(frozen=True)
class TemperatureWritten(Event):
    """Somebody wrote a unit's temperature down by hand."""

    unit_id: UUID


@dataclass(frozen=True)
class SensorChanged(Event):
    """A sensor was registered, described, moved, calibrated or taken away."""

    device_id: UUID


@dataclass(frozen=True)
class PairingChanged(Event):
    """A pairing began, found its sensor, was completed, or ended without one."""

    session_id: UUID


@dataclass(frozen=True)
class GatewayChanged(Event):
    """A gateway or a hub was described, came on or went off."""

    gateway_id: UUID


@dataclass(frozen=True)
class ConnectionChanged(Event):
    """The connection to a network was described, or setting it up came further."""

    connection_id: UUID


@dataclass(frozen=True)
class RulesChanged(Event):
    """Somebody changed what counts as trouble in a unit, a site or everywhere."""

    rule_id: UUID


@dataclass(frozen=True)
class ExcursionChanged(Event):
    """An excursion has another cause."""

    excursion_id: UUID


@dataclass(frozen=True)
class FeedbackGiven(Event):
    """Somebody said what a week at a site was like."""

    site_id: UUID
