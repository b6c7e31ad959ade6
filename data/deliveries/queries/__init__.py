"""Who delivers, where they are, and what is on its way."""

from data.deliveries.queries.drivers import (
    Carried,
    DeviceSeen,
    DriverSeen,
    device,
    devices,
    driver,
    driver_seen,
    drivers,
    last_positions,
    nearest_drivers,
)
from data.deliveries.queries.places import Places, places
from data.deliveries.queries.shipments import OPEN, ShipmentSeen, assignment, shipment, shipments, unassigned

__all__ = [
    "OPEN",
    "Carried",
    "DeviceSeen",
    "DriverSeen",
    "Places",
    "ShipmentSeen",
    "assignment",
    "device",
    "devices",
    "driver",
    "driver_seen",
    "drivers",
    "last_positions",
    "nearest_drivers",
    "places",
    "shipment",
    "shipments",
    "unassigned",
]
