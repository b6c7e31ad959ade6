"""The words that deliveries are told in: each set is an enum of the database."""

from enum import StrEnum


class OrderStatus(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    READY_FOR_DISPATCH = "ready_for_dispatch"
    IN_TRANSIT = "in_transit"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class Channel(StrEnum):
    """Where an order came from."""

    WEB = "web"
    MOBILE = "mobile"
    WECHAT = "wechat"
    SYSTEM = "system"


class ShipmentStatus(StrEnum):
    PENDING = "pending"
    READY = "ready"
    ASSIGNED = "assigned"
    IN_TRANSIT = "in_transit"
    DELIVERED = "delivered"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class AssignmentStatus(StrEnum):
    """How far a driver is with a shipment; the last four are ends."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    DELIVERED = "delivered"
    HANDED_OFF = "handed_off"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class EmploymentStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DISABLED = "disabled"


class Platform(StrEnum):
    """What a driver's device runs."""

    IOS = "ios"
    ANDROID = "android"
    WEB = "web"
    TRACKER = "tracker"


class PhoneApp(StrEnum):
    """What reports a position; the value is the network of the door that it knocks at."""

    OWNTRACKS = "owntracks"
    OSMAND = "osmand"


class PositionSource(StrEnum):
    FOREGROUND = "foreground"
    BACKGROUND = "background"
    MANUAL = "manual"
    EXTERNAL = "external"
