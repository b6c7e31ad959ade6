"""What counts as trouble in a unit, who changed that, and each stretch of time in which there was trouble."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Numeric, UniqueConstraint, text
from sqlmodel import Field

from data.cold_chain.tables._shape import SCHEMA, Edited, small
from data.cold_chain.values import Direction, ExcursionCause
from data.core.table import Stamped, Tenant, belongs_to, celsius, document, instant, tenant_args, text_column, word


class AlertRule(Tenant, Stamped, Edited, table=True):
    """What counts as trouble: one row for a unit, a site, or (with neither) all. An empty field is inherited.

    Who changed what from what to what is in `alert_rules_history`, and in the event log.
    """

    __tablename__ = "alert_rules"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("site_id", "cold_chain.sites", on_delete="CASCADE"),
        belongs_to("unit_id", "cold_chain.units", on_delete="CASCADE"),
        CheckConstraint("num_nonnulls(site_id, unit_id) <= 1", name="one_scope"),
        CheckConstraint("temperature_min_celsius < temperature_max_celsius", name="low_is_below_high"),
        UniqueConstraint(
            "organization_id", "site_id", "unit_id", name="uq_alert_rules_scope", postgresql_nulls_not_distinct=True
        ),
        Index("ix_alert_rules_unit_id", "organization_id", "unit_id"),
    )

    site_id: UUID | None = None
    unit_id: UUID | None = None
    temperature_min_celsius: Decimal | None = celsius()
    temperature_max_celsius: Decimal | None = celsius()
    hysteresis_celsius: Decimal | None = celsius()
    delay_minutes: int | None = None
    delay_door_open_minutes: int | None = None
    door_grace_minutes: int | None = None
    expected_reading_interval_s: int | None = None
    offline_warning_missed_checkins: int | None = None
    offline_critical_missed_checkins: int | None = None
    manual_interval_minutes: int | None = None
    manual_grace_minutes: int | None = None
    manual_log_missed_checkins_threshold: int | None = None
    door_open_warning_minutes: int | None = None
    door_open_critical_minutes: int | None = None
    max_excursion_minutes: int | None = None
    offline_trigger_multiplier: Decimal | None = Field(default=None, sa_type=Numeric(5, 2))
    offline_trigger_additional_minutes: int | None = None
    door_open_max_mask_minutes_per_day: int | None = None
    rise_celsius_per_hour: Decimal | None = celsius()
    drift_celsius_per_hour: Decimal | None = celsius()
    danger_minutes: int | None = None
    rising_together_units: int | None = None
    sensors_apart_celsius: Decimal | None = celsius()
    low_battery_percent: int | None = small()


class AlertRuleHistory(Tenant, table=True):
    """One change of one rule: each field's value before and after. The rule may be gone, so its scope is kept here."""

    __tablename__ = "alert_rules_history"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("alert_rule_id", "cold_chain.alert_rules", on_delete="SET NULL"),
        Index("ix_alert_rules_history_changed_at", "organization_id", "changed_at"),
    )
    audited: ClassVar[bool] = False

    alert_rule_id: UUID | None = None
    site_id: UUID | None = None
    unit_id: UUID | None = None
    changed_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    change_type: str = text_column(nullable=False)
    old_values: dict[str, Any] = document()
    new_values: dict[str, Any] = document()
    changed_at: datetime = instant(default_now=True)


class Excursion(Tenant, Stamped, table=True):
    """A unit was outside its limits from `started_at` (the first reading outside) to `ended_at` (the first well inside again).

    `degree_minutes` is the area between the temperature and the limit it broke (°C·min), summed over the readings so far.
    `confirmed_at` is when it had lasted longer than the rule excuses. `low_celsius` and `high_celsius` are the limits then.
    """

    __tablename__ = "excursions"
    __table_args__ = tenant_args(
        SCHEMA,
        belongs_to("unit_id", "cold_chain.units", on_delete="CASCADE"),
        belongs_to("alert_id", "alerts.alerts", on_delete="SET NULL"),
        CheckConstraint("ended_at >= started_at", name="ends_after"),
        Index("uq_excursions_open", "organization_id", "unit_id", unique=True, postgresql_where=text("ended_at is null")),
        Index("ix_excursions_unit_id", "organization_id", "unit_id", "started_at"),
        Index("ix_excursions_started_at", "organization_id", "started_at"),
    )
    quiet: ClassVar[frozenset[str]] = frozenset(
        {"peak_celsius", "peak_at", "degree_minutes", "reading_count", "last_reading_at", "last_celsius"}
    )

    unit_id: UUID
    alert_id: UUID | None = None
    direction: Direction = word(Direction, "direction", SCHEMA)
    low_celsius: Decimal | None = celsius()
    high_celsius: Decimal | None = celsius()
    started_at: datetime = instant()
    confirmed_at: datetime | None = instant(nullable=True)
    ended_at: datetime | None = instant(nullable=True)
    peak_celsius: Decimal = celsius(nullable=False)
    peak_at: datetime = instant()
    degree_minutes: Decimal = Field(default=Decimal(0), sa_type=Numeric(12, 2), nullable=False)
    reading_count: int = 0
    last_reading_at: datetime = instant()
    last_celsius: Decimal = celsius(nullable=False)
    was_door_open: bool = False
    cause: ExcursionCause = word(ExcursionCause, "excursion_cause", SCHEMA, default=ExcursionCause.UNKNOWN)
    cause_note: str | None = text_column(nullable=True)
    cause_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    cause_at: datetime | None = instant(nullable=True)
