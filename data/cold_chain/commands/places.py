"""People say where food is kept, in what, under which rules, and which sensor watches it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from data.cold_chain.commands import sensors
from data.cold_chain.events import PlacesChanged, UnitChanged
from data.cold_chain.queries import units as queries
from data.cold_chain.rules import DEFAULTS
from data.cold_chain.tables import AlertRule, Area, Device, Site, Unit
from data.cold_chain.values import COLDEST_CELSIUS, HOTTEST_CELSIUS, UnitType
from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction
from data.core.time import zone

EDIT = "cold_chain.edit"
LONGEST_NAME = 100
LIMITS = ("temperature_min_celsius", "temperature_max_celsius")
RANGES: Mapping[str, tuple[float, float]] = {
    "temperature_min_celsius": (COLDEST_CELSIUS, HOTTEST_CELSIUS),
    "temperature_max_celsius": (COLDEST_CELSIUS, HOTTEST_CELSIUS),
    "hysteresis_celsius": (0, 10),
    "delay_minutes": (0, 24 * 60),
    "delay_door_open_minutes": (0, 24 * 60),
    "door_grace_minutes": (0, 24 * 60),
    "expected_reading_interval_s": (10, 24 * 3600),
    "offline_warning_missed_checkins": (1, 100),
    "offline_critical_missed_checkins": (1, 1000),
}
"""What each field of a rule may be; those that are not here cannot be set yet."""


async def create_site(
    tx: Transaction, *, name: str, time_zone: str, address: str | None = None, city: str | None = None,
    country: str | None = None, latitude: float | None = None, longitude: float | None = None,
) -> Site:  # fmt: skip
    """A new site. Forbidden for those whose right is limited to certain sites."""
    tx.actor.require(EDIT)
    if tx.actor.scopes(EDIT) is not None:
        raise Forbidden("You do not have the right to do this.")
    name = _named(name)
    if await _exists(tx, Site, name):
        raise Conflict("There is already a site called {name}.", name=name)
    made = Site(
        name=name, time_zone=zone(time_zone).key, address=address or None, city=city or None, country=country or None,
        latitude=latitude, longitude=longitude,
    )  # fmt: skip
    tx.add(made)
    await tx.flush()
    tx.emit(PlacesChanged(site_id=made.id))
    return made


async def create_area(tx: Transaction, site_id: UUID, *, name: str, description: str | None = None) -> Area:
    """A new part of a site."""
    tx.actor.require(EDIT, site_id)
    site = await queries.site(tx, site_id)
    name = _named(name)
    if await _exists(tx, Area, name, col(Area.site_id) == site.id):
        raise Conflict("There is already an area called {name} in {site}.", name=name, site=site.name)
    made = Area(site_id=site.id, name=name, description=description or None)
    tx.add(made)
    await tx.flush()
    tx.emit(PlacesChanged(site_id=site.id))
    return made


async def create_unit(tx: Transaction, area_id: UUID, *, name: str, unit_type: UnitType) -> Unit:
    """A new fridge or freezer. It begins with the limits of its site or organization, else with those of its type."""
    area = await queries.area(tx, area_id)
    tx.actor.require(EDIT, area.site_id)
    name = _named(name)
    if await _exists(tx, Unit, name, col(Unit.area_id) == area.id):
        raise Conflict("There is already a unit called {name} in {area}.", name=name, area=area.name)
    made = Unit(area_id=area.id, name=name, unit_type=unit_type)
    tx.add(made)
    await tx.flush()
    tx.emit(UnitChanged(unit_id=made.id))
    return made


async def create_sensor(tx: Transaction, unit_id: UUID, *, device_eui: str, name: str | None = None) -> Device:
    """A sensor that watches a unit; the first one speaks for its temperature. Conflict when it watches something already."""
    return await sensors.create(tx, unit_id, device_eui=device_eui, name=name)


async def set_limits(
    tx: Transaction, unit_id: UUID, *, low_celsius: float | None, high_celsius: float | None, delay_minutes: int | None
) -> None:
    """Say what this unit may be and for how long it may be otherwise; None lets it inherit."""
    await set_rule(
        tx, unit_id=unit_id,
        changes={
            "temperature_min_celsius": low_celsius, "temperature_max_celsius": high_celsius, "delay_minutes": delay_minutes
        },
    )  # fmt: skip


async def set_rule(
    tx: Transaction, *, changes: Mapping[str, float | None], unit_id: UUID | None = None, site_id: UUID | None = None
) -> AlertRule:
    """Change fields of the rule of a unit, of a site, or (with neither) of all; None lets a field be inherited again."""
    unit = await queries.unit(tx, unit_id) if unit_id else None
    site = await queries.site(tx, site_id) if site_id else None
    where = unit.site_id if unit else site.id if site else None
    tx.actor.require(EDIT, where)
    if where is None and tx.actor.scopes(EDIT) is not None:
        raise Forbidden("You do not have the right to do this.")
    _check(changes)
    statement = select(AlertRule).where(AlertRule.unit_id == unit_id, AlertRule.site_id == site_id).with_for_update()
    rule = (await tx.exec(statement)).one_or_none() or AlertRule(unit_id=unit_id, site_id=site_id)
    for name, value in changes.items():
        setattr(rule, name, None if value is None else _kept(name, value))
    _check_order(rule.temperature_min_celsius, rule.temperature_max_celsius)
    tx.add(rule)
    await tx.flush()
    if unit:  # together with what it inherits
        settled = (await queries.unit(tx, unit.id)).rule
        _check_order(settled.low_celsius, settled.high_celsius)
    for changed in [unit.id] if unit else await _units_under(tx, site_id):
        tx.emit(UnitChanged(unit_id=changed))
    return rule


def _check(changes: Mapping[str, float | None]) -> None:
    for name, value in changes.items():
        if name not in RANGES:
            raise Invalid(name, "This cannot be set.")
        least, most = RANGES[name]
        if value is not None and not least <= value <= most:
            raise Invalid(name, "{value} is not between {low} and {high}.", value=value, low=least, high=most)
        if value is not None and name in DEFAULTS and name != "hysteresis_celsius" and value != int(value):
            raise Invalid(name, "This must be a whole number.")


def _kept(name: str, value: float) -> Decimal | int:
    return round(Decimal(str(value)), 2) if name.endswith("_celsius") else int(value)


def _check_order(low: Decimal | float | None, high: Decimal | float | None) -> None:
    if low is not None and high is not None and low >= high:
        raise Invalid("temperature_max_celsius", "The upper limit must be above the lower one.")


async def _units_under(tx: Transaction, site_id: UUID | None) -> list[UUID]:
    statement = select(Unit.id).join(Area).where(col(Unit.deleted_at).is_(None))
    return list(await tx.exec(statement.where(Area.site_id == site_id) if site_id else statement))


def _named(name: str) -> str:
    name = name.strip()
    if not name:
        raise Invalid("name", "Give it a name.")
    if len(name) > LONGEST_NAME:
        raise Invalid("name", "A name has at most {most} characters.", most=LONGEST_NAME)
    return name


async def _exists(tx: Transaction, kind: type[Site] | type[Area] | type[Unit], name: str, *where: Any) -> bool:
    statement = select(kind.id).where(func.lower(kind.name) == name.lower(), col(kind.deleted_at).is_(None), *where)
    return (await tx.exec(statement)).first() is not None
