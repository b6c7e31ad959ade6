"""Who delivers, where they are, and what is on its way."""

from data.deliveries.queries.drivers import (
    Carried,
    DeviceSeen,
    DriverSeen,
    count_drivers,
    device,
    devices,
    driver,
    driver_seen,
    drivers,
    last_positions,
    nearest_drivers,
)
from data.deliveries.queries.places import Places, places
from data.deliveries.queries.shipments import (
    OPEN,
    WAITING,
    ShipmentSeen,
    assignment,
    late,
    shipment,
    shipments,
    unassigned,
)

__all__ = [
    "OPEN",
    "Carried",
    "DeviceSeen",
    "DriverSeen",
    "Places",
    "ShipmentSeen",
    "WAITING",
    "assignment",
    "count_drivers",
    "device",
    "devices",
    "driver",
    "driver_seen",
    "drivers",
    "last_positions",
    "late",
    "nearest_drivers",
    "places",
    "shipment",
    "shipments",
    "unassigned",
]
