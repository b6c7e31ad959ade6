"""Deliveries in the reader's language."""

from data.deliveries.values import AssignmentStatus, Availability, PhoneApp, Platform, ShipmentStatus
from ui.badge import State
from ui.words import _, n_, noop

SHIPMENT_WORDS: dict[ShipmentStatus, str] = {
    ShipmentStatus.PENDING: noop("Being prepared"),
    ShipmentStatus.READY: noop("Waits for a driver"),
    ShipmentStatus.ASSIGNED: noop("Has a driver"),
    ShipmentStatus.IN_TRANSIT: noop("On its way"),
    ShipmentStatus.DELIVERED: noop("Delivered"),
    ShipmentStatus.RETURNED: noop("Returned"),
    ShipmentStatus.CANCELLED: noop("Called off"),
}
SHIPMENT_STATE: dict[ShipmentStatus, State] = {
    ShipmentStatus.PENDING: "neutral",
    ShipmentStatus.READY: "warning",
    ShipmentStatus.ASSIGNED: "waiting",
    ShipmentStatus.IN_TRANSIT: "ok",
    ShipmentStatus.DELIVERED: "ok",
    ShipmentStatus.RETURNED: "offline",
    ShipmentStatus.CANCELLED: "offline",
}
ASSIGNMENT_WORDS: dict[AssignmentStatus, str] = {
    AssignmentStatus.PENDING: noop("Asked"),
    AssignmentStatus.ACCEPTED: noop("Accepted"),
    AssignmentStatus.EN_ROUTE: noop("On the way"),
    AssignmentStatus.ARRIVED: noop("Arrived"),
    AssignmentStatus.DELIVERED: noop("Delivered"),
    AssignmentStatus.HANDED_OFF: noop("Handed on"),
    AssignmentStatus.REJECTED: noop("Refused"),
    AssignmentStatus.CANCELLED: noop("Taken back"),
}
STEP_WORDS: dict[AssignmentStatus, str] = {
    AssignmentStatus.ACCEPTED: noop("The driver accepts"),
    AssignmentStatus.REJECTED: noop("The driver refuses"),
    AssignmentStatus.EN_ROUTE: noop("The driver sets off"),
    AssignmentStatus.ARRIVED: noop("The driver is there"),
    AssignmentStatus.DELIVERED: noop("It is delivered"),
    AssignmentStatus.CANCELLED: noop("Take it back"),
}
AVAILABILITY_WORDS: dict[Availability, str] = {
    Availability.OFFLINE: noop("Off the road"),
    Availability.AVAILABLE: noop("Free"),
    Availability.ON_DELIVERY: noop("Delivering"),
}
AVAILABILITY_STATE: dict[Availability, State] = {
    Availability.OFFLINE: "offline",
    Availability.AVAILABLE: "waiting",
    Availability.ON_DELIVERY: "ok",
}
APP_WORDS: dict[PhoneApp, str] = {PhoneApp.OWNTRACKS: "OwnTracks", PhoneApp.OSMAND: "Traccar Client, OsmAnd"}
PLATFORM_WORDS: dict[Platform, str] = {
    Platform.ANDROID: "Android",
    Platform.IOS: "iPhone",
    Platform.TRACKER: noop("Built-in tracker"),
}


def load(count: int) -> str:
    """What a driver carries, in words."""
    return n_("{n} shipment", "{n} shipments", count) if count else _("Carries nothing")
