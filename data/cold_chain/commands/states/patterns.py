"""Patterns over time become alerts where somebody watches for them, and end when the world is in order or a person says so."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from data.alerts.commands import Trouble, join, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain.commands.states import words
from data.cold_chain.commands.states.following import Due, tell_people, trouble
from data.cold_chain.queries import patterns as queries
from data.cold_chain.queries import watch
from data.cold_chain.queries.patterns import Warming
from data.cold_chain.rules import SILENT, patterns
from data.cold_chain.rules.patterns import DANGER_HIGH_CELSIUS, DANGER_LOW_CELSIUS
from data.cold_chain.rules.trend import trend
from data.core.session import Transaction


async def drift(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    """Units that slowly but surely warm; what was told ends once the line leads up no longer."""
    courses = await queries.courses(tx, unit_ids, at)
    units = await watch.locked_units(tx, unit_ids)
    troubles: list[Due] = []
    over: dict[UUID, datetime] = {}
    for unit_id, unit in units.items():
        most, points = unit.rule.drift_celsius_per_hour, courses.get(unit_id, ())
        if most is not None and unit.state.status in SILENT:
            continue
        if most is not None and (found := patterns.drift(unit.rule, points)):
            values = {"pace_celsius_difference": round(found.celsius_per_hour, 2), "most_celsius_difference": most}
            troubles.append((trouble(unit, words.DRIFT, Severity.WARNING, words.DRIFTS, values, most, round(found.celsius_per_hour, 2)), at))
        elif most is None or ((line := trend(points)) is not None and line.celsius_per_hour < most):
            over[unit_id] = at
    await resolve_all_open(tx, over, words.DRIFT, because=words.DRIFTS_NO_MORE)
    return await _raised(tx, troubles)


async def danger(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    """Units that were too long in the danger zone. What became of the food, a person says: only that ends it."""
    days = await queries.day_of(tx, unit_ids, at, words.DANGER)
    units = await watch.locked_units(tx, unit_ids)
    troubles: list[Due] = []
    for unit_id, unit in units.items():
        most = unit.rule.danger
        spent = patterns.time_in_danger(days.get(unit_id, ()), unit.rule.interval)
        if most is not None and spent >= most:
            minutes, allowed = int(spent.total_seconds() // 60), int(most.total_seconds() // 60)
            values = {"low_celsius": DANGER_LOW_CELSIUS, "high_celsius": DANGER_HIGH_CELSIUS, "minutes": minutes, "most": allowed}
            troubles.append((trouble(unit, words.DANGER, Severity.CRITICAL, words.IN_DANGER, values, allowed, minutes), at))
    return await _raised(tx, troubles)


async def sensors_apart(tx: Transaction, unit_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    """Units whose sensors disagree, and those whose sensors agree again."""
    means = await queries.means(tx, unit_ids, at)
    units = await watch.locked_units(tx, unit_ids)
    troubles: list[Due] = []
    over: dict[UUID, datetime] = {}
    for unit_id, unit in units.items():
        found = means.get(unit_id, ())
        if by := patterns.apart(unit.rule, found):
            most = unit.rule.sensors_apart_celsius
            values = {"apart_celsius_difference": round(by, 1), "most_celsius_difference": most}
            troubles.append((trouble(unit, words.APART, Severity.WARNING, words.DISAGREE, values, most, round(by, 1)), at))
        elif patterns.agree(unit.rule, found):
            over[unit_id] = at
    await resolve_all_open(tx, over, words.APART, because=words.AGREE)
    return await _raised(tx, troubles)


async def together(tx: Transaction, site_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    """Sites whose units warm together are told as one: what was told of single units' pace becomes a part of it."""
    sites = await queries.warming(tx, site_ids)
    warm = [site for site in sites if site.least is not None and len(site.unit_ids) >= site.least]
    calm = {site.site_id: at for site in sites if site not in warm}
    await resolve_all_open(tx, calm, words.TOGETHER, because=words.NOT_TOGETHER)
    raised = await raise_alerts(tx, [(_of_site(site), at) for site in warm])
    open_ones = await tx.exec(
        select(Alert).where(
            col(Alert.subject_id).in_([site.site_id for site in warm]), Alert.alert_type == words.TOGETHER, Alert.status != AlertStatus.RESOLVED
        )
    )
    by_site = {alert.subject_id: alert for alert in open_ones}
    for site in warm:
        await _join(tx, site, by_site[site.site_id], at)
    await tell_people(tx, raised)
    return raised


async def _join(tx: Transaction, site: Warming, whole: Alert, at: datetime) -> None:
    parts = await tx.exec(
        select(Alert).where(
            col(Alert.subject_id).in_(site.unit_ids), col(Alert.alert_type).in_((words.RISE, words.DRIFT)),
            Alert.status != AlertStatus.RESOLVED, col(Alert.parent_id).is_(None),
        )
    )  # fmt: skip
    if some := parts.all():
        await join(tx, some, whole, at=at)


def _of_site(site: Warming) -> Trouble:
    return Trouble(
        subject_kind="cold_chain.sites", subject_id=site.site_id, subject_name=site.name, alert_type=words.TOGETHER,
        severity=Severity.WARNING, message=words.WARM_TOGETHER, permission="cold_chain.view",
        values={"site": site.name, "count": len(site.unit_ids)}, href=f"/cold-chain?site={site.site_id}", scope_id=site.site_id,
        time_zone=site.zone,
    )  # fmt: skip


async def _raised(tx: Transaction, troubles: Sequence[Due]) -> Sequence[Alert]:
    alerts = await raise_alerts(tx, troubles)
    await tell_people(tx, alerts)
    return alerts
