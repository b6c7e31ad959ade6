"""Parcels are brought by drivers, whose phones say where they are."""

from data.deliveries.tables.drivers import Driver, DriverDevice, DriverSession, Vehicle
from data.deliveries.tables.positions import ActiveDriverLocation, DriverLocationEvent
from data.deliveries.tables.shipments import DeliveryAddress, DriverAssignment, Order, Shipment
from data.deliveries.values import (
    AssignmentStatus,
    Channel,
    EmploymentStatus,
    OrderStatus,
    PhoneApp,
    Platform,
    PositionSource,
    ShipmentStatus,
)  # fmt: skip

__all__ = [
    "ActiveDriverLocation", "AssignmentStatus", "Channel", "DeliveryAddress", "Driver", "DriverAssignment",
    "DriverDevice", "DriverLocationEvent", "DriverSession", "EmploymentStatus", "Order", "OrderStatus", "PhoneApp",
    "Platform", "PositionSource", "Shipment", "ShipmentStatus", "Vehicle",
]  # fmt: skip
