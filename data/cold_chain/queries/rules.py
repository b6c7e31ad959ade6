"""What counts as trouble, where each value of that comes from, what would hold without it, and who changed it when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import and_, func, or_
from sqlmodel import col, select

from data.cold_chain.queries import units
from data.cold_chain.queries.units import visible_sites
from data.cold_chain.queries.watch import said, with_rules
from data.cold_chain.rules import DEFAULTS, INHERITED, LIMITS, STARTING_LIMITS
from data.cold_chain.rules.settling import limits
from data.cold_chain.tables import AlertRule, AlertRuleHistory, Area, Site, Unit
from data.cold_chain.values import UnitType
from data.core.session import Transaction
from data.identity.tables import User

VIEW = "cold_chain.view"
EDIT_LIMITS, EDIT_RULES = "cold_chain.edit", "cold_chain.rules"
LIMITS_OF_MANAGERS = frozenset({*LIMITS, "delay_minutes"})
"""Of a unit's own; what else there is to say is for those who may edit rules."""

Source = Literal["unit", "unit_itself", "site", "site_itself", "organization", "type", "default"]
"""Who says it: a rule of the three; the unit's or the site's own settings (how often to measure by hand); its kind; nobody."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule is of: a unit, a site, or with neither everything. `scope_id` is the site that rights are limited by."""

    unit_id: UUID | None = None
    site_id: UUID | None = None
    name: str = ""
    scope_id: UUID | None = None
    unit_type: UnitType | None = None
    site_name: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: what this place itself says (`own`), what holds, who says so, and what would hold if it said nothing."""

    name: str
    own: float | None
    holds: float | None
    source: Source
    inherited: float | None
    inherited_from: Source


@dataclass(frozen=True, slots=True)
class Change:
    """Somebody changed a rule: each field from what to what. `place` is the name of its unit or site, empty for everything."""

    changed_at: datetime
    who: str | None
    unit_id: UUID | None
    site_id: UUID | None
    place: str
    fields: Sequence[tuple[str, float | None, float | None]]


@dataclass(frozen=True, slots=True)
class Deviation:
    """A unit or a site that says something itself, and how many fields."""

    unit_id: UUID | None
    site_id: UUID
    name: str
    site_name: str
    fields: Sequence[str]
    updated_at: datetime


async def place(tx: Transaction, *, unit_id: UUID | None = None, site_id: UUID | None = None) -> Place:
    """The place of a rule; NotFound where there is none for this actor."""
    if unit_id:
        unit = await units.unit(tx, unit_id)
        return Place(unit.id, None, unit.name, unit.site_id, unit.unit_type, unit.site_name)
    if site_id:
        site = await units.site(tx, site_id)
        return Place(None, site.id, site.name, site.id, None, site.name)
    tx.actor.require(VIEW)
    return Place()


async def fields(tx: Transaction, place: Place) -> Sequence[Field]:
    """Every field of the rule of a place, with where its value comes from."""
    said_by = await _said_by(tx, place)
    found = [_field(name, said_by, place) for name in INHERITED]
    if place.unit_type is None:
        return found
    own, inherited = (_settled(found[:2], place.unit_type, key) for key in ("holds", "inherited"))
    return [
        *(
            Field(one.name, one.own, now, one.source, then, one.inherited_from)
            for one, now, then in zip(found[:2], own, inherited, strict=True)
        ),
        *found[2:],
    ]


def _settled(found: Sequence[Field], unit_type: UnitType, key: str) -> tuple[float | None, float | None]:
    """Limits of which at least one is said, as they hold together with the kind's own."""
    low, high = (getattr(one, key) if getattr(one, "source" if key == "holds" else "inherited_from") != "type" else None for one in found)
    return limits(low, high, unit_type)


def _field(name: str, said_by: Sequence[tuple[Source, dict[str, float | None]]], place: Place) -> Field:
    fallback: tuple[Source, float | None] = ("default", DEFAULTS.get(name))
    if name in LIMITS:
        fallback = ("type", STARTING_LIMITS[place.unit_type][LIMITS.index(name)] if place.unit_type else None)
    told = [(source, values[name]) for source, values in said_by if values.get(name) is not None]
    own_source: Source = "unit" if place.unit_id else "site" if place.site_id else "organization"
    own = next((value for source, value in told if source == own_source), None)
    source, holds = told[0] if told else fallback
    others = [one for one in told if one[0] != own_source]
    inherited_from, inherited = others[0] if others else fallback
    return Field(name, own, holds, source, inherited, inherited_from)


async def _said_by(tx: Transaction, place: Place) -> Sequence[tuple[Source, dict[str, float | None]]]:
    """What each level says, the nearest first."""
    no_scope = and_(col(AlertRule.unit_id).is_(None), col(AlertRule.site_id).is_(None))
    reaches = [no_scope]
    if place.scope_id:
        reaches.append(col(AlertRule.site_id) == place.scope_id)
    if place.unit_id:
        reaches.append(col(AlertRule.unit_id) == place.unit_id)
    levels: dict[Source, dict[str, float | None]] = {}
    for rule in (await tx.exec(select(AlertRule).where(or_(*reaches)))).all():
        level: Source = "unit" if rule.unit_id else "site" if rule.site_id else "organization"
        levels[level] = {name: None if (value := getattr(rule, name)) is None else float(value) for name in INHERITED}
    own = await _own_cadence(tx, place)
    order: tuple[tuple[Source, dict[str, float | None]], ...] = (
        ("unit_itself", own[0]), ("unit", levels.get("unit", {})), ("site", levels.get("site", {})), ("site_itself", own[1]),
        ("organization", levels.get("organization", {})),
    )  # fmt: skip
    return order


async def _own_cadence(tx: Transaction, place: Place) -> tuple[dict[str, float | None], dict[str, float | None]]:
    """How often to measure by hand, as the unit and the site say it without a rule."""
    name = "manual_interval_minutes"
    of_unit: float | None = None
    if place.unit_id:
        of_unit = (await tx.exec(select(Unit.manual_monitoring_interval_minutes).where(Unit.id == place.unit_id))).one()
    of_site: float | None = None
    if place.scope_id:
        seconds = (await tx.exec(select(Site.manual_log_cadence_s).where(Site.id == place.scope_id))).one()
        of_site = None if seconds is None else seconds // 60
    return {name: of_unit}, {name: of_site}


async def contradicted(tx: Transaction, site_id: UUID | None) -> str | None:
    """The name of a unit (of that site, or any) whose lower limit is above its upper one by what is said now; None where all is well."""
    low, high = said(LIMITS[0]), said(LIMITS[1])
    statement = with_rules(select(Unit.name).select_from(Unit)).where(col(Unit.deleted_at).is_(None), low >= high).limit(1)
    return (await tx.execute(statement.where(col(Site.id) == site_id) if site_id else statement)).scalar_one_or_none()


async def history(tx: Transaction, place: Place | None = None, *, limit: int = 20) -> Sequence[Change]:
    """The last changes (at most 100) of one place's rule, or of all that the actor may see, the newest first."""
    tx.actor.require(VIEW)
    statement = (
        select(AlertRuleHistory, User.name, func.coalesce(Unit.name, Site.name))
        .outerjoin(User, col(User.id) == AlertRuleHistory.changed_by)
        .outerjoin(Unit, col(Unit.id) == AlertRuleHistory.unit_id)
        .outerjoin(Area, col(Area.id) == Unit.area_id)
        .outerjoin(Site, or_(col(Site.id) == AlertRuleHistory.site_id, col(Site.id) == Area.site_id))
        .order_by(col(AlertRuleHistory.changed_at).desc(), col(AlertRuleHistory.id).desc())
        .limit(min(limit, 100))
    )
    if place is not None:
        statement = statement.where(AlertRuleHistory.unit_id == place.unit_id, AlertRuleHistory.site_id == place.site_id)
    if tx.actor.scopes(VIEW) is not None:
        statement = statement.where(or_(visible_sites(tx), col(Site.id).is_(None)))
    return [
        Change(
            one.changed_at, who, one.unit_id, one.site_id, name or "",
            [(field, one.old_values.get(field), one.new_values.get(field)) for field in INHERITED if field in {**one.old_values, **one.new_values}],
        )
        for one, who, name in await tx.exec(statement)
    ]  # fmt: skip


async def deviations(tx: Transaction) -> Sequence[Deviation]:
    """Which sites and units say something themselves, by site and name; those whose rule is empty say nothing."""
    statement: Any = (
        select(AlertRule, Site.id, Site.name, Unit.name)
        .outerjoin(Unit, and_(col(Unit.id) == AlertRule.unit_id, col(Unit.deleted_at).is_(None)))
        .outerjoin(Area, col(Area.id) == Unit.area_id)
        .join(Site, and_(or_(col(Site.id) == AlertRule.site_id, col(Site.id) == Area.site_id), col(Site.deleted_at).is_(None)))
        .where(visible_sites(tx))
        .order_by(col(Site.name), col(Unit.name).nulls_first())
    )
    found = []
    for rule, site_id, site_name, unit_name in await tx.exec(statement):
        told = [name for name in INHERITED if getattr(rule, name) is not None]
        if told:
            found.append(Deviation(rule.unit_id, site_id, unit_name or site_name, site_name, told, rule.updated_at))
    return found
