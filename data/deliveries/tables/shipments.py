"""What is to be brought from where to whom, and which driver has it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, Index, Numeric, text
from sqlmodel import Field

from data.core.table import SoftDeleted, Stamped, Tenant, belongs_to, instant, tenant_args, text_column, word
from data.deliveries.values import AssignmentStatus, Channel, OrderStatus, ShipmentStatus

SCHEMA = "deliveries"
PLACE_EXISTS = "latitude between -90 and 90 and longitude between -180 and 180"
ZERO = Decimal(0)


def money() -> Decimal:
    """`numeric(12,2)`, zero unless said otherwise."""
    amount: Decimal = Field(default=ZERO, sa_type=Numeric(12, 2))
    return amount


class DeliveryAddress(Tenant, Stamped, SoftDeleted, table=True):
    """Where somebody is to be found, in words and, where known, on the map."""

    __tablename__ = "delivery_addresses"
    __table_args__ = tenant_args(
        SCHEMA,
        CheckConstraint(PLACE_EXISTS, name="place"),
        CheckConstraint("(latitude is null) = (longitude is null)", name="whole_place"),
    )

    contact_name: str | None = text_column(nullable=True)
    contact_phone: str | None = text_column(nullable=True)
    line1: str = text_column(nullable=False)
    line2: str | None = text_column(nullable=True)
    city: str | None = text_column(nullable=True)
    region: str | None = text_column(nullable=True)
    postal_code: str | None = text_column(nullable=True)
    country_code: str | None = Field(default=None, max_length=2)
    latitude: float | None = Field(default=None, sa_type=Double)
    longitude: float | None = Field(default=None, sa_type=Double)
    instructions: str | None = text_column(nullable=True)


class Order(Tenant, Stamped, SoftDeleted, table=True):
    """What somebody wants. `client_token` makes asking twice the same as asking once."""

    __tablename__ = "orders"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("delivery_address_id", f"{SCHEMA}.delivery_addresses"),
        CheckConstraint("least(subtotal, tax_total, delivery_fee, discount_total, grand_total) >= 0", name="money"),
        Index("ix_orders_status", "organization_id", "status", "created_at"),
        Index(
            "uq_orders_client_token", "organization_id", "client_token",
            unique=True, postgresql_where=text("client_token is not null"),
        ),
    )  # fmt: skip

    delivery_address_id: UUID | None = None
    status: OrderStatus = word(OrderStatus, "order_status", SCHEMA, default=OrderStatus.DRAFT)
    channel: Channel = word(Channel, "channel", SCHEMA, default=Channel.SYSTEM)
    contact_name: str | None = text_column(nullable=True)
    contact_phone: str | None = text_column(nullable=True)
    subtotal: Decimal = money()
    tax_total: Decimal = money()
    delivery_fee: Decimal = money()
    discount_total: Decimal = money()
    grand_total: Decimal = money()
    currency: str = Field(default="USD", max_length=3)
    notes: str | None = text_column(nullable=True)
    client_token: str | None = text_column(nullable=True)
    promised_at: datetime | None = instant(nullable=True)
    placed_at: datetime | None = instant(nullable=True)
    cancelled_at: datetime | None = instant(nullable=True)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")


class Shipment(Tenant, Stamped, table=True):
    """The parcel of one order on its way."""

    __tablename__ = "shipments"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("order_id", f"{SCHEMA}.orders", on_delete="CASCADE"),
        belongs_to("pickup_address_id", f"{SCHEMA}.delivery_addresses"),
        belongs_to("delivery_address_id", f"{SCHEMA}.delivery_addresses"),
        CheckConstraint("weight_kg >= 0", name="weight"),
        Index("uq_shipments_order_id", "organization_id", "order_id", unique=True),
        Index("uq_shipments_tracking_number", "organization_id", "tracking_number", unique=True),
        Index("ix_shipments_status", "organization_id", "status", "promised_arrival_at"),
        Index("ix_shipments_created_at", "organization_id", "created_at"),
    )

    order_id: UUID
    pickup_address_id: UUID
    delivery_address_id: UUID
    tracking_number: str = text_column(nullable=False)
    status: ShipmentStatus = word(ShipmentStatus, "shipment_status", SCHEMA, default=ShipmentStatus.PENDING)
    description: str | None = text_column(nullable=True)
    weight_kg: Decimal | None = Field(default=None, sa_type=Numeric(10, 2))
    courier_notes: str | None = text_column(nullable=True)
    promised_arrival_at: datetime | None = instant(nullable=True)
    estimated_arrival_at: datetime | None = instant(nullable=True)
    dispatched_at: datetime | None = instant(nullable=True)
    delivered_at: datetime | None = instant(nullable=True)
    cancelled_at: datetime | None = instant(nullable=True)


class DriverAssignment(Tenant, Stamped, table=True):
    """One driver has one shipment. At most one is open (`ended_at` empty) for a shipment; ended ones are its history."""

    __tablename__ = "driver_assignments"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("shipment_id", f"{SCHEMA}.shipments", on_delete="CASCADE"),
        belongs_to("driver_id", f"{SCHEMA}.drivers", on_delete="SET NULL"),
        belongs_to("vehicle_id", f"{SCHEMA}.vehicles", on_delete="SET NULL"),
        Index(
            "uq_driver_assignments_open", "organization_id", "shipment_id",
            unique=True, postgresql_where=text("ended_at is null"),
        ),
        Index(
            "ix_driver_assignments_open", "organization_id", "driver_id", "status",
            postgresql_where=text("ended_at is null"),
        ),
        Index("ix_driver_assignments_shipment_id", "organization_id", "shipment_id", "created_at"),
    )  # fmt: skip

    shipment_id: UUID
    driver_id: UUID | None = None
    vehicle_id: UUID | None = None
    status: AssignmentStatus = word(AssignmentStatus, "assignment_status", SCHEMA, default=AssignmentStatus.PENDING)
    schedule_sequence: int | None = None
    assigned_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    accepted_at: datetime | None = instant(nullable=True)
    declined_at: datetime | None = instant(nullable=True)
    en_route_at: datetime | None = instant(nullable=True)
    arrived_at: datetime | None = instant(nullable=True)
    completed_at: datetime | None = instant(nullable=True)
    ended_at: datetime | None = instant(nullable=True)
