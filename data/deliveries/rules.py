"""When a position may be trusted, how far a delivery may go next, and what follows from it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from data.core.errors import Invalid
from data.deliveries.values import Address, AssignmentStatus, Availability, Fix, OrderStatus, Report, ShipmentStatus

INACCURATE_FROM_M = 200.0
FASTEST_MPS = 70.0
"""252 km/h: no delivery drives faster, so a phone that says so has lost its place for a moment."""
STANDS_IN_AFTER = timedelta(minutes=2)
SILENT_AFTER = timedelta(minutes=10)
KEPT_FOR = timedelta(days=30)

A = AssignmentStatus
STEPS: Mapping[AssignmentStatus, frozenset[AssignmentStatus]] = MappingProxyType({
    A.PENDING:  frozenset({A.ACCEPTED, A.REJECTED, A.CANCELLED}),
    A.ACCEPTED: frozenset({A.EN_ROUTE, A.CANCELLED}),
    A.EN_ROUTE: frozenset({A.ARRIVED, A.CANCELLED}),
    A.ARRIVED:  frozenset({A.DELIVERED, A.CANCELLED}),
})  # fmt: skip
"""What may follow what; from every other status nothing does."""

STAMPS: Mapping[AssignmentStatus, str] = MappingProxyType({
    A.ACCEPTED: "accepted_at", A.REJECTED: "declined_at", A.EN_ROUTE: "en_route_at", A.ARRIVED: "arrived_at",
    A.DELIVERED: "completed_at",
})  # fmt: skip
"""The column that remembers when a step was taken."""

SHIPMENT_AFTER: Mapping[AssignmentStatus, tuple[ShipmentStatus, OrderStatus]] = MappingProxyType({
    A.PENDING:   (ShipmentStatus.ASSIGNED, OrderStatus.READY_FOR_DISPATCH),
    A.ACCEPTED:  (ShipmentStatus.ASSIGNED, OrderStatus.READY_FOR_DISPATCH),
    A.EN_ROUTE:  (ShipmentStatus.IN_TRANSIT, OrderStatus.IN_TRANSIT),
    A.ARRIVED:   (ShipmentStatus.IN_TRANSIT, OrderStatus.IN_TRANSIT),
    A.DELIVERED: (ShipmentStatus.DELIVERED, OrderStatus.FULFILLED),
    A.REJECTED:  (ShipmentStatus.READY, OrderStatus.READY_FOR_DISPATCH),
    A.CANCELLED: (ShipmentStatus.READY, OrderStatus.READY_FOR_DISPATCH),
})  # fmt: skip
"""What a step makes of the parcel and of its order: without a driver, both wait again."""


def is_accurate(accuracy_m: float | None) -> bool:
    """Whether a decision may rest on it. A fix that does not say how good it is counts as a bad one."""
    return accuracy_m is not None and accuracy_m < INACCURATE_FROM_M


def believable_speed(speed_mps: float | None) -> float | None:
    """The speed, at most what a vehicle can do."""
    return None if speed_mps is None else min(speed_mps, FASTEST_MPS)


def takes_the_place_of(new: Fix, old: Fix) -> bool:
    """Whether `new` says where the driver is now. A late one never does; a bad one only when the last good one is old."""
    if new.recorded_at <= old.recorded_at:
        return False
    if is_accurate(new.accuracy_m) or not is_accurate(old.accuracy_m):
        return True
    return new.recorded_at - old.recorded_at > STANDS_IN_AFTER


def leading(reports: Iterable[Report]) -> Report:
    """Of one driver's reports, the one that says where they are; as if they had come one by one, the oldest first."""
    leader, *rest = sorted(reports, key=lambda report: report.fix.recorded_at)
    for report in rest:
        if takes_the_place_of(report.fix, leader.fix):
            leader = report
    return leader


def availability(*, is_heard: bool, carries: int) -> Availability:
    """From whether their phone keeps reporting and how many shipments they have."""
    if not is_heard:
        return Availability.OFFLINE
    return Availability.ON_DELIVERY if carries else Availability.AVAILABLE


def is_end(status: AssignmentStatus) -> bool:
    """Whether nothing can follow, so that the shipment is free for another driver or done."""
    return status not in STEPS


def refusal_to_step(status: AssignmentStatus, to: AssignmentStatus) -> str | None:
    """Why a delivery in this status cannot go there next, or None."""
    if is_end(status):
        return "This delivery is already over."
    if to not in STEPS[status]:
        return "One step after the other: first comes the one that is next."
    return None


def refusal_to_assign(status: ShipmentStatus) -> str | None:
    """Why no driver can be given a shipment in this status, or None."""
    if status in (ShipmentStatus.PENDING, ShipmentStatus.READY):
        return None
    if status in (ShipmentStatus.ASSIGNED, ShipmentStatus.IN_TRANSIT):
        return "A driver already has this shipment."
    return "This shipment is already over."


def is_late(promised_at: datetime | None, delivered_at: datetime | None, *, now: datetime) -> bool:
    """Whether the promise is broken, by now or for good."""
    return promised_at is not None and (delivered_at or now) > promised_at


def check_address(address: Address, field: str) -> None:
    """Invalid, naming `field` and the part, where nobody could find it."""
    if not address.line1.strip():
        raise Invalid(f"{field}.line1", "An address needs at least a street or a place.")
    if (address.latitude is None) != (address.longitude is None):
        missing = "latitude" if address.latitude is None else "longitude"
        raise Invalid(f"{field}.{missing}", "A place on the map needs both numbers.")
    for part, value, limit in (("latitude", address.latitude, 90), ("longitude", address.longitude, 180)):
        if value is not None and not -limit <= value <= limit:
            raise Invalid(
                f"{field}.{part}", "{value} is not between {low} and {high}.", value=value, low=-limit, high=limit
            )


ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Nothing that can be taken for something else on a wet label."""


def tracking_number(at: datetime, number: int) -> str:
    """DM-20261120-7KQ2ZM from the day and a number below 32⁶."""
    digits = (ALPHABET[number >> shift & 31] for shift in range(25, -1, -5))
    return f"DM-{at:%Y%m%d}-{''.join(digits)}"
