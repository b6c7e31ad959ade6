"""Sensors say how warm it is; gateways and hubs carry that to us over networks we are connected to."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, Index, LargeBinary, Numeric, UniqueConstraint, text
from sqlmodel import Field

from data.cold_chain.tables._shape import LIVING, SCHEMA, Edited, flag, small
from data.cold_chain.values import (
    BatteryChemistry,
    DecodeMode,
    DeviceStatus,
    GatewayStatus,
    PairingStatus,
    ProvisioningStatus,
)
from data.core.table import (
    SoftDeleted,
    Stamped,
    Tenant,
    belongs_to,
    celsius,
    document,
    instant,
    tenant_args,
    text_column,
    word,
)


class Device(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """A sensor. The primary one of a unit speaks for its temperature; others are recorded beside it.

    `device_eui` is how its network calls it: a LoRaWAN device EUI, or the MAC address of a BLE sensor behind a hub.
    """

    __tablename__ = "devices"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("unit_id", "cold_chain.units", on_delete="SET NULL"),
        belongs_to("hub_id", "cold_chain.hubs", on_delete="SET NULL"),
        Index("uq_devices_device_eui", "organization_id", "device_eui", unique=True, postgresql_where=LIVING),
        Index(
            "uq_devices_primary", "organization_id", "unit_id",
            unique=True, postgresql_where=text("is_primary and deleted_at is null"),
        ),
        Index("ix_devices_unit_id", "organization_id", "unit_id"),
        CheckConstraint("uplink_interval_s between 60 and 86400", name="uplink_interval_s"),
    )  # fmt: skip
    quiet: ClassVar[frozenset[str]] = frozenset({"battery_percent", "battery_v", "signal_dbm", "last_seen_at"})

    unit_id: UUID | None = None
    hub_id: UUID | None = None
    device_eui: str = text_column(nullable=False)
    name: str | None = text_column(nullable=True)
    device_type: str = text_column(nullable=False, default="lora")
    model: str | None = text_column(nullable=True)
    battery_chemistry: BatteryChemistry | None = word(
        BatteryChemistry, "battery_chemistry", SCHEMA, nullable=True
    )
    decode_mode: DecodeMode = word(DecodeMode, "decode_mode", SCHEMA, default=DecodeMode.NETWORK)
    is_primary: bool = flag(False)
    status: DeviceStatus = word(DeviceStatus, "device_status", SCHEMA, default=DeviceStatus.INACTIVE)
    battery_percent: int | None = small()
    battery_v: Decimal | None = Field(default=None, sa_type=Numeric(5, 3))
    signal_dbm: int | None = small()
    firmware_version: str | None = text_column(nullable=True)
    fault: str | None = text_column(nullable=True)
    uplink_interval_s: int | None = None
    notes: str | None = text_column(nullable=True)
    last_seen_at: datetime | None = instant(nullable=True)
    is_active: bool = flag(True)


class LoraSensor(Tenant, Stamped, Edited, table=True):
    """What a LoRaWAN network must know of a sensor to let it join. The application key is sealed."""

    __tablename__ = "lora_sensors"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("device_id", "cold_chain.devices", on_delete="CASCADE"),
        UniqueConstraint("organization_id", "device_id"),
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"app_key_encrypted"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_join_at"})

    device_id: UUID
    app_eui: str | None = text_column(nullable=True)
    join_eui: str | None = text_column(nullable=True)
    app_key_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    app_key_last_four: str | None = Field(default=None, max_length=4)
    lorawan_version: str = text_column(nullable=False, default="1.0.3")
    network_server_id: str | None = text_column(nullable=True)
    activation_type: str = text_column(nullable=False, default="OTAA")
    last_join_at: datetime | None = instant(nullable=True)


class CalibrationRecord(Tenant, Stamped, Edited, table=True):
    """A sensor was compared with a reference. The offset is added to what it says until the next record; `expires_at` is when
    it must be compared again."""

    __tablename__ = "calibration_records"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("device_id", "cold_chain.devices", on_delete="CASCADE"),
        belongs_to("certificate_file_id", "platform.files"),
        CheckConstraint("expires_at > calibrated_at", name="expires_after"),
        Index("ix_calibration_records_device_id", "organization_id", "device_id", "calibrated_at"),
    )

    device_id: UUID
    calibrated_at: datetime = instant()
    calibrated_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    calibrated_by_name: str | None = text_column(nullable=True)
    temperature_offset_celsius: Decimal = Field(default=Decimal(0), sa_type=Numeric(7, 2), nullable=False)
    humidity_offset_percent: Decimal = Field(default=Decimal(0), sa_type=Numeric(5, 2), nullable=False)
    reference_temperature_celsius: Decimal | None = celsius()
    certificate_file_id: UUID | None = None
    notes: str | None = text_column(nullable=True)
    expires_at: datetime | None = instant(nullable=True)
    deleted_at: datetime | None = instant(nullable=True)


class PairingSession(Tenant, Stamped, Edited, table=True):
    """Somebody stands before a new sensor: until `expires_at` the first one that is heard with this code may be taken in."""

    __tablename__ = "pairing_sessions"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("device_id", "cold_chain.devices", on_delete="CASCADE"),
        belongs_to("unit_id", "cold_chain.units", on_delete="CASCADE"),
        Index(
            "uq_pairing_sessions_code", "organization_id", "pairing_code",
            unique=True, postgresql_where=text("status = 'pending'"),
        ),
    )  # fmt: skip

    device_id: UUID | None = None
    unit_id: UUID | None = None
    status: PairingStatus = word(PairingStatus, "pairing_status", SCHEMA, default=PairingStatus.PENDING)
    pairing_code: str = text_column(nullable=False)
    started_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    started_at: datetime = instant(default_now=True)
    completed_at: datetime | None = instant(nullable=True)
    expires_at: datetime = instant()
    details: dict[str, Any] = document()


class TtnConnection(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """The organization's application at The Things Stack: its keys (sealed; last four shown), and how far setting it up came."""

    __tablename__ = "ttn_connections"
    __table_args__ = tenant_args(
        SCHEMA,
        Index("uq_ttn_connections_application", "organization_id", "ttn_application_id", unique=True, postgresql_where=LIVING),
    )
    secrets: ClassVar[frozenset[str]] = frozenset(
        {"ttn_api_key_encrypted", "ttn_org_api_key_encrypted", "ttn_webhook_secret_encrypted", "last_http_body"}
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"last_used_at", "last_http_status"})

    ttn_application_id: str = text_column(nullable=False)
    ttn_region: str = text_column(nullable=False, default="eu1")
    server_url: str | None = text_column(nullable=True)
    frequency_plan_id: str | None = text_column(nullable=True)
    is_enabled: bool = flag(True)
    is_active: bool = flag(False)
    last_used_at: datetime | None = instant(nullable=True)
    ttn_api_key_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    ttn_api_key_last_four: str | None = Field(default=None, max_length=4)
    ttn_org_api_key_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    ttn_org_api_key_last_four: str | None = Field(default=None, max_length=4)
    ttn_webhook_url: str | None = text_column(nullable=True)
    ttn_webhook_secret_encrypted: bytes | None = Field(default=None, sa_type=LargeBinary)
    ttn_webhook_secret_last_four: str | None = Field(default=None, max_length=4)
    feed_token_id: UUID | None = None
    provisioning_status: ProvisioningStatus = word(
        ProvisioningStatus, "provisioning_status", SCHEMA, default=ProvisioningStatus.NOT_STARTED
    )
    provisioning_step: str | None = text_column(nullable=True)
    provisioning_step_details: dict[str, Any] = document()
    provisioning_error: str | None = text_column(nullable=True)
    provisioning_attempt_count: int = 0
    app_rights_check_status: str | None = text_column(nullable=True)
    last_http_status: int | None = None
    last_http_body: str | None = text_column(nullable=True)
    last_ttn_correlation_id: str | None = text_column(nullable=True)
    last_ttn_error_name: str | None = text_column(nullable=True)
    credentials_last_rotated_at: datetime | None = instant(nullable=True)


class Gateway(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """Hears sensors over the air and hands on what they say."""

    __tablename__ = "gateways"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("ttn_connection_id", "cold_chain.ttn_connections", on_delete="SET NULL"),
        belongs_to("site_id", "cold_chain.sites", on_delete="SET NULL"),
        CheckConstraint("latitude between -90 and 90", name="latitude"),
        CheckConstraint("longitude between -180 and 180", name="longitude"),
        Index("uq_gateways_gateway_id", "organization_id", "gateway_id", unique=True, postgresql_where=LIVING),
        Index("uq_gateways_gateway_eui", "organization_id", "gateway_eui", unique=True, postgresql_where=LIVING),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"last_seen_at", "signal_dbm"})

    ttn_connection_id: UUID | None = None
    site_id: UUID | None = None
    gateway_id: str = text_column(nullable=False)
    gateway_eui: str | None = text_column(nullable=True)
    name: str | None = text_column(nullable=True)
    description: str | None = text_column(nullable=True)
    frequency_plan_id: str | None = text_column(nullable=True)
    status: GatewayStatus = word(GatewayStatus, "gateway_status", SCHEMA, default=GatewayStatus.UNKNOWN)
    latitude: float | None = Field(default=None, sa_type=Double)
    longitude: float | None = Field(default=None, sa_type=Double)
    altitude_m: int | None = None
    signal_dbm: int | None = small()
    last_seen_at: datetime | None = instant(nullable=True)
    is_active: bool = flag(True)


class Hub(Tenant, Stamped, Edited, SoftDeleted, table=True):
    """Stands in a site and collects what BLE sensors around it say."""

    __tablename__ = "hubs"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("site_id", "cold_chain.sites"),
        Index("uq_hubs_mac_address", "organization_id", "mac_address", unique=True, postgresql_where=LIVING),
    )
    quiet: ClassVar[frozenset[str]] = frozenset({"last_seen_at", "firmware_version"})

    site_id: UUID
    name: str = text_column(nullable=False)
    mac_address: str = text_column(nullable=False)
    firmware_version: str | None = text_column(nullable=True)
    last_seen_at: datetime | None = instant(nullable=True)
    is_online: bool = flag(False)
    is_active: bool = flag(True)
