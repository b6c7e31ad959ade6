"""A unit that is not measured is an alert; a site whose units fall silent together is one alert, not forty."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from data.alerts.commands import Trouble, join, raise_alert, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.cold_chain.commands.states import words
from data.cold_chain.commands.states.following import Due, minutes_between, trouble
from data.cold_chain.queries import sweep
from data.cold_chain.queries.sweep import Neighbour
from data.cold_chain.queries.watch import Watched
from data.cold_chain.rules import missed_check_ins
from data.cold_chain.rules.troubles import Lost, has_missed_enough, is_outage, lost_together
from data.cold_chain.values import UnitStatus
from data.core.session import Transaction

STOPPED = (UnitStatus.MONITORING_INTERRUPTED, UnitStatus.MANUAL_REQUIRED)


async def raise_silence(tx: Transaction, units: Collection[Watched], at: datetime) -> Sequence[Alert]:
    """Open the alerts of units that have just been found silent for too long, below their site's where there is one."""
    fresh = [unit for unit in units if unit.state.status in STOPPED and any(m.after.status in STOPPED for m in unit.moves)]
    if not fresh:
        return []
    by_site: dict[UUID, list[Watched]] = {}
    for unit in fresh:
        by_site.setdefault(unit.site_id, []).append(unit)
    neighbours = await sweep.neighbours(tx, by_site)
    outages = await _open_outages(tx, by_site)
    raised: list[Alert] = []
    alone: list[Watched] = []
    for site_id, some in by_site.items():
        together = _together(neighbours.get(site_id, ()), at)
        lost = [unit for unit in some if unit.unit_id in together]
        alone += [unit for unit in some if unit.unit_id not in together]
        if lost:
            raised += await _raise_outage(tx, neighbours[site_id][0], together, lost, outages.get(site_id), at)
    return [*raised, *await raise_alerts(tx, [due for unit in alone for due in _of_unit(unit, at)])]


def _together(neighbours: Sequence[Neighbour], at: datetime) -> frozenset[UUID]:
    """The units of a site that were lost at once, or none where these are too few to be the site's trouble."""
    lost = [
        Lost(one.unit_id, one.last_reading_at, one.rule.interval)
        for one in neighbours
        if has_missed_enough(missed_check_ins(one.last_reading_at, one.rule, at), one.rule)
    ]
    together = lost_together(lost)
    return together if is_outage(len(together), len(neighbours)) else frozenset()


async def _raise_outage(
    tx: Transaction, site: Neighbour, together: Collection[UUID], lost: Sequence[Watched], known: Alert | None, at: datetime
) -> list[Alert]:
    """The site's alert, the units' own below it, and below it too those that were opened before anybody could know."""
    outage = known or await raise_alert(tx, _of_site(site, len(together)), at=at)
    if outage is None:  # somebody else has just opened it
        outage = (await _open_outages(tx, [site.site_id]))[site.site_id]
    elif known is not None and known.message_values.get("count") != len(together):
        known.message_values = known.message_values | {"count": len(together)}
        tx.add(known)
    below = await raise_alerts(tx, [due for unit in lost for due in _of_unit(unit, at)], parent=outage)
    open_before = await tx.exec(
        select(Alert).where(
            col(Alert.subject_id).in_(together), Alert.status != AlertStatus.RESOLVED, col(Alert.parent_id).is_(None),
            col(Alert.alert_type).in_((words.INTERRUPTED, words.MANUAL)),
        )
    )  # fmt: skip
    if some := open_before.all():
        await join(tx, some, outage, at=at)
    return [*([] if known else [outage]), *below]


async def _open_outages(tx: Transaction, site_ids: Collection[UUID]) -> Mapping[UUID, Alert]:
    found = await tx.exec(
        select(Alert).where(
            col(Alert.subject_id).in_(site_ids), Alert.alert_type == words.OUTAGE, Alert.status != AlertStatus.RESOLVED
        )
    )
    return {alert.subject_id: alert for alert in found}


async def end_outages(tx: Transaction, site_ids: Sequence[UUID], at: datetime) -> Sequence[Alert]:
    """The units of these sites are heard again; what still is silent is told by itself."""
    await resolve_all_open(tx, dict.fromkeys(site_ids, at), words.OUTAGE, because=words.SITE_IS_HEARD)
    return []


def _of_site(site: Neighbour, count: int) -> Trouble:
    return Trouble(
        subject_kind="cold_chain.sites", subject_id=site.site_id, subject_name=site.site_name, alert_type=words.OUTAGE,
        severity=Severity.CRITICAL, message=words.SITE_IS_SILENT, permission="cold_chain.view",
        values={"site": site.site_name, "count": count}, href=f"/cold-chain?site={site.site_id}", scope_id=site.site_id,
        time_zone=site.zone,
    )  # fmt: skip


def _of_unit(unit: Watched, at: datetime) -> list[Due]:
    """A warning; critical once nobody has measured by hand either, which then is demanded."""
    assert unit.last_reading_at, "a unit that never had a reading does not fall silent"
    minutes = {"minutes": minutes_between(unit.last_reading_at, at)}
    if unit.state.status is UnitStatus.MONITORING_INTERRUPTED:
        return [(trouble(unit, words.INTERRUPTED, Severity.WARNING, words.SILENCE, minutes), at)]
    newest = max(filter(None, (unit.last_reading_at, unit.last_manual_log_at)))
    by_hand = {"minutes": minutes_between(newest, at)}
    return [
        (trouble(unit, words.INTERRUPTED, Severity.CRITICAL, words.SILENCE, minutes), at),
        (trouble(unit, words.MANUAL, Severity.WARNING, words.BY_HAND, by_hand), at),
    ]
