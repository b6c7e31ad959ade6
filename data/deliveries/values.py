"""The words that deliveries are told in, and what phones and dispatchers say, free of any app's spelling."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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


class Availability(StrEnum):
    """Whether a driver can be given something: their phone is silent, they are free, or they carry something."""

    OFFLINE = "offline"
    AVAILABLE = "available"
    ON_DELIVERY = "on_delivery"


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


@dataclass(frozen=True, slots=True)
class Fix:
    """One position of one phone. Speed in m/s, heading in degrees from north, accuracy and altitude in metres.

    `recorded_at` is the time of the fix, not of the message. Absent quantities are None.
    """

    device_identifier: str
    recorded_at: datetime
    latitude: float
    longitude: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    battery_percent: float | None = None
    source: str = "background"


@dataclass(frozen=True, slots=True)
class Report:
    """A fix as it came in through the door of a registered device (`device_id` is its row's id)."""

    device_id: UUID
    fix: Fix
    received_at: datetime


class Kept(StrEnum):
    """What became of a report."""

    STORED = "stored"
    REPEATED = "repeated"
    UNKNOWN_DEVICE = "unknown_device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to fetch or bring something: words for a person, and degrees for the map where they are known."""

    line1: str
    city: str | None = None
    contact_name: str | None = None
    contact_phone: str | None = None
    instructions: str | None = None
    latitude: float | None = None
    longitude: float | None = None
