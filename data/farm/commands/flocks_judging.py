"""Flocks are judged by the day and their houses by the minute: trouble is told to those who look after the farm."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import Trouble, raise_alerts, resolve_all_open
from data.alerts.tables import Alert, AlertStatus, Severity
from data.core import columns
from data.core.session import Transaction
from data.core.time import zone
from data.farm.flocks import (
    WEIGHED_WITHIN_DAYS,
    Day,
    Figures,
    Finding,
    Flock,
    drinking,
    figures,
    growing,
    house,
    is_whole,
    mortality,
)
from data.farm.queries_flocks import flock_of, houses
from data.farm.tables import Farm, FlockBatch
from data.notifications.commands import tell

DRINKING_ALERT, MORTALITY_ALERT, HOUSE_ALERT = "flock_drinking_less", "flock_mortality", "house_temperature"
GROWTH_ALERT = "flock_growing_less"
OF_A_DAY = (DRINKING_ALERT, MORTALITY_ALERT, GROWTH_ALERT)
FLOCK_ALERTS = (*OF_A_DAY, HOUSE_ALERT)
ENDINGS = {
    DRINKING_ALERT: "The birds drink as they should again.",
    MORTALITY_ALERT: "No more birds die than usual.",
    GROWTH_ALERT: "The birds grow as they should again.",
    HOUSE_ALERT: "The house is as warm as it should be.",
}
LEFT = "The flock is not there any more."
LOOKED_BACK = timedelta(days=8)
WEIGHINGS_BACK = timedelta(days=2 * WEIGHED_WITHIN_DAYS)

_RECENT = text("""
    select batch_id, day, dead, culled, cast(feed_kg as double precision), cast(water_l as double precision),
      cast(weight_g as double precision), dead_before, culled_before
    from (
      select r.*, sum(dead) over w - dead as dead_before, sum(culled) over w - culled as culled_before
      from farm.flock_records r
      where organization_id = :organization_id and batch_id = any(:ids) and deleted_at is null
      window w as (partition by batch_id order by day)) days
    where day >= :since order by batch_id, day""")


@dataclass(slots=True)
class _Judged:
    """One flock with its last days, and how warm its house is now, where that is known."""

    batch: FlockBatch
    farm: Farm
    flock: Flock
    found: list[Figures] = field(default_factory=list)
    celsius: float | None = None

    def until_now(self, day: date) -> list[Figures]:
        """The days up to this one, also where this one is not written yet."""
        return [one for one in self.found if one.day.day <= day]

    def until(self, day: date) -> list[Figures]:
        """The days up to this one, nothing where this one is not written."""
        there = [one for one in self.found if one.day.day <= day]
        return there if there and there[-1].day.day == day else []


async def organizations_with_flocks(tx: Transaction) -> Sequence[UUID]:
    """Across tenants: who has birds."""
    return (await tx.exec(select(FlockBatch.organization_id).where(*_THERE).distinct())).all()


async def judge_flocks(tx: Transaction, *, at: datetime, batch_id: UUID | None = None, ends: bool = True) -> Sequence[Alert]:
    """Judge all flocks that are there (or one): a few statements however many. What was raised.

    Without `ends` nothing is said to be over: that is left to the clock, so that it does not bear the name of who wrote a line.
    """
    judged = await _judged(tx, batch_id, at)
    if not judged:
        return []
    answered = await _answered(tx, judged, at)
    troubles: list[tuple[Trouble, datetime]] = []
    over: dict[str, dict[UUID, datetime]] = defaultdict(dict)
    for one in judged:
        for kind, finding in _findings(one, at):
            if finding.is_bad and (one.batch.id, kind, (finding.values or {}).get("day")) not in answered:
                troubles.append((_trouble(one, kind, finding), at))
            elif not finding.is_bad:
                over[kind][one.batch.id] = at
    raised = await raise_alerts(tx, troubles)
    if raised:
        await tell(tx, *raised, at=at)
    if ends:
        for kind, subjects in over.items():
            await resolve_all_open(tx, subjects, kind, because=ENDINGS[kind])
    return raised


async def leave(tx: Transaction, batch_id: UUID, *, at: datetime) -> None:
    """What was wrong with a flock that is gone is over."""
    await resolve_all_open(tx, {batch_id: at}, *FLOCK_ALERTS, because=LEFT)


_THERE = col(FlockBatch.closed_on).is_(None), col(FlockBatch.deleted_at).is_(None)


async def _judged(tx: Transaction, batch_id: UUID | None, at: datetime) -> list[_Judged]:
    statement = select(FlockBatch, Farm).join(Farm, col(Farm.id) == FlockBatch.farm_id).where(*_THERE, col(Farm.deleted_at).is_(None))
    if batch_id:
        statement = statement.where(FlockBatch.id == batch_id)
    judged = {batch.id: _Judged(batch, farm, flock_of(batch)) for batch, farm in await tx.exec(statement)}
    if not judged:
        return []
    asked = {"organization_id": tx.organization_id, "ids": columns.ids(list(judged)), "since": (at - WEIGHINGS_BACK).date()}
    rows: dict[UUID, list[Any]] = defaultdict(list)
    for row in await tx.execute(_RECENT, asked):
        rows[row[0]].append(row)
    for whose, lines in rows.items():
        gone = int(lines[0].dead_before), int(lines[0].culled_before)
        judged[whose].found = figures(judged[whose].flock, [Day(*line[1:7]) for line in lines], gone_before=gone)
    warm = await houses(tx, {one.farm.id for one in judged.values()}, at=at)
    for one in judged.values():
        one.celsius = warm.get((one.farm.id, one.batch.house.lower()))
    return list(judged.values())


async def _answered(tx: Transaction, judged: Sequence[_Judged], at: datetime) -> set[tuple[UUID, str, str | None]]:
    """(flock, kind, day) that somebody has closed by hand: they know, and are not called for that day again."""
    statement = select(Alert.subject_id, Alert.alert_type, Alert.message_values["day"].astext).where(
        col(Alert.subject_id).in_([one.batch.id for one in judged]), col(Alert.alert_type).in_(OF_A_DAY),
        Alert.status == AlertStatus.RESOLVED, col(Alert.resolved_by).is_not(None), col(Alert.resolved_at) > at - LOOKED_BACK,
    )  # fmt: skip
    return {(subject, kind, day) for subject, kind, day in await tx.execute(statement)}


def _findings(one: _Judged, at: datetime) -> Iterator[tuple[str, Finding]]:
    clock = zone(one.farm.time_zone)
    today = at.astimezone(clock).date()
    yesterday = today - timedelta(days=1)
    now_dead, then_dead = mortality(one.until(today)), mortality(one.until(yesterday))
    if now_dead and now_dead.is_bad:
        yield MORTALITY_ALERT, now_dead
    elif then_dead:
        yield MORTALITY_ALERT, then_dead
    if is_whole(yesterday, at, clock) and (drunk := drinking(one.flock, one.until(yesterday))):
        yield DRINKING_ALERT, drunk
    if weighed := growing(one.flock, one.until_now(today)):
        yield GROWTH_ALERT, weighed
    if one.celsius is not None and (warm := house(one.flock, one.celsius, today)).is_bad is not None:
        right = warm.target
        limit = right.high if one.celsius > right.celsius else right.low
        values = {"value_celsius": round(one.celsius, 1), "target_celsius": round(right.celsius, 1), "age": warm.age}
        yield HOUSE_ALERT, Finding(warm.is_bad or False, warm.message, values, round(limit, 2), round(one.celsius, 2), warm.is_critical)


def _trouble(one: _Judged, kind: str, finding: Finding) -> Trouble:
    batch = one.batch
    return Trouble(
        subject_kind="farm.flock_batches", subject_id=batch.id, subject_name=batch.name, alert_type=kind,
        severity=Severity.CRITICAL if finding.is_critical else Severity.WARNING, message=finding.message,
        values={"name": batch.name, **(finding.values or {})}, permission="farm.view", scope_id=batch.farm_id,
        href=f"/farm/flocks/{batch.id}", time_zone=one.farm.time_zone, threshold_value=finding.limit, actual_value=finding.actual,
    )  # fmt: skip
