"""Drivers are taken on and given phones; shipments are ordered, given to drivers, and brought step by step."""

from data.deliveries.commands.drivers import (
    create_driver,
    dismiss_driver,
    register_device,
    remove_device,
    renew_token,
)
from data.deliveries.commands.positions import end_silent_sessions, record_fixes
from data.deliveries.commands.shipments import assign, cancel_shipment, create_shipment, step

__all__ = [
    "assign",
    "cancel_shipment",
    "create_driver",
    "create_shipment",
    "dismiss_driver",
    "end_silent_sessions",
    "record_fixes",
    "register_device",
    "remove_device",
    "renew_token",
    "step",
]
