"""People say what counts as trouble in a unit, a site or everywhere, and every change of that is remembered."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from data.cold_chain.events import RulesChanged, UnitChanged
from data.cold_chain.queries import rules as queries
from data.cold_chain.queries import units as unit_queries
from data.cold_chain.queries.rules import EDIT_LIMITS, EDIT_RULES, LIMITS_OF_MANAGERS, Place
from data.cold_chain.rules.ranges import IN_ORDER, OF_SITES, RANGES, WITH_FRACTIONS
from data.cold_chain.tables import AlertRule, AlertRuleHistory, Area, Unit
from data.core.errors import Conflict, Forbidden, Invalid
from data.core.session import Transaction

Changes = Mapping[str, float | None]


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
    tx: Transaction, *, changes: Changes, unit_id: UUID | None = None, site_id: UUID | None = None
) -> AlertRule:
    """Change fields of the rule of a unit, of a site, or (with neither) of all; None lets a field be inherited again.

    Managers may say a unit's own limits; everything else is for those who may edit rules there.
    """
    place = await queries.place(tx, unit_id=unit_id, site_id=site_id)
    _require(tx, place, changes)
    _check(changes)
    if place.unit_id and (name := next((one for one, said in changes.items() if one in OF_SITES and said is not None), None)):
        raise Invalid(name, "This is said of a site or of everything, not of one unit.")
    rule = await _rule(tx, place)
    old = {name: _plain(getattr(rule, name)) for name in changes}
    for name, value in changes.items():
        setattr(rule, name, None if value is None else _kept(name, value))
    new = {name: _plain(getattr(rule, name)) for name in changes}
    differs = [name for name in changes if old[name] != new[name]]
    if not differs:
        return rule
    _check_order(rule.temperature_min_celsius, rule.temperature_max_celsius)
    kind = "updated" if rule.created_at else "created"
    tx.add(rule)
    await tx.flush()
    await _check_whole(tx, place, differs)
    tx.add(
        AlertRuleHistory(
            alert_rule_id=rule.id, unit_id=place.unit_id, site_id=place.site_id, changed_by=tx.actor.user_id, change_type=kind,
            old_values={name: old[name] for name in differs}, new_values={name: new[name] for name in differs},
        )
    )  # fmt: skip
    for changed in [place.unit_id] if place.unit_id else await _units_under(tx, place.site_id):
        tx.emit(UnitChanged(unit_id=changed))
    tx.emit(RulesChanged(rule_id=rule.id))
    return rule


async def clear(tx: Transaction, name: str, *, unit_id: UUID | None = None, site_id: UUID | None = None) -> None:
    """Let one field be inherited again."""
    await set_rule(tx, changes={name: None}, unit_id=unit_id, site_id=site_id)


def _require(tx: Transaction, place: Place, changes: Changes) -> None:
    permission = EDIT_LIMITS if place.unit_id and LIMITS_OF_MANAGERS.issuperset(changes) else EDIT_RULES
    tx.actor.require(permission, place.scope_id)
    if place.scope_id is None and tx.actor.scopes(permission) is not None:
        raise Forbidden("You do not have the right to do this.")


async def _rule(tx: Transaction, place: Place) -> AlertRule:
    statement = select(AlertRule).where(AlertRule.unit_id == place.unit_id, AlertRule.site_id == place.site_id)
    found = (await tx.exec(statement.with_for_update())).one_or_none()
    return found or AlertRule(unit_id=place.unit_id, site_id=place.site_id)


def _check(changes: Changes) -> None:
    for name, value in changes.items():
        if name not in RANGES:
            raise Invalid(name, "This cannot be set.")
        least, most = RANGES[name]
        if value is not None and not least <= value <= most:
            raise Invalid(name, "{value} is not between {low} and {high}.", value=value, low=least, high=most)
        if value is not None and name not in WITH_FRACTIONS and value != int(value):
            raise Invalid(name, "This must be a whole number.")


def _kept(name: str, value: float) -> Decimal | int:
    return round(Decimal(str(value)), 2) if name in WITH_FRACTIONS else int(value)


def _plain(value: Any) -> float | int | None:
    return float(value) if isinstance(value, Decimal) else value


def _check_order(low: Decimal | float | None, high: Decimal | float | None) -> None:
    if low is not None and high is not None and low >= high:
        raise Invalid("temperature_max_celsius", "The upper limit must be above the lower one.")


async def _check_whole(tx: Transaction, place: Place, changed: list[str]) -> None:
    """Together with what is inherited, and with what the units beneath say themselves, it must still make sense."""
    fields = {one.name: one.holds for one in await queries.fields(tx, place)}
    for milder, worse in IN_ORDER:
        least, most = fields[milder], fields[worse]
        if (milder in changed or worse in changed) and least is not None and most is not None and least > most:
            raise Invalid(worse if worse in changed else milder, "What is critical must not come before the warning.")
    if place.unit_id:
        settled = (await unit_queries.unit(tx, place.unit_id)).rule
        _check_order(settled.low_celsius, settled.high_celsius)
    elif name := await queries.contradicted(tx, place.site_id):
        raise Conflict("With this, the lower limit of {unit} would be above its upper one. Change the unit first.", unit=name)


async def _units_under(tx: Transaction, site_id: UUID | None) -> list[UUID]:
    statement = select(Unit.id).join(Area).where(col(Unit.deleted_at).is_(None))
    return list(await tx.exec(statement.where(Area.site_id == site_id) if site_id else statement))
