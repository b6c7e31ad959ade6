"""An open door excuses warm air for a while, and in one day of its site for so long altogether and no longer."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from data.cold_chain.rules.judging import EXCURSION, OK, State
from data.cold_chain.rules.settling import Rule


class Mask(NamedTuple):
    """For how many seconds of that day, by the site's own clock, a door was the excuse."""

    day: date | None = None
    seconds: int = 0


class DoorOpen(StrEnum):
    """How bad an open door is by now."""

    FINE = "fine"
    WARNING = "warning"
    CRITICAL = "critical"


def excusing_since(mask: Mask, rule: Rule, door_open_since: datetime | None, at: datetime, zone: str) -> datetime | None:
    """Since when the door has been open, if that is still an excuse; None where it is shut, or the day's share is used up."""
    if door_open_since is None or used(mask, at, zone) >= rule.door_mask:
        return None
    return door_open_since


def used(mask: Mask, at: datetime, zone: str) -> timedelta:
    """How much of its day's share a door has used."""
    return timedelta(seconds=mask.seconds) if mask.day == at.astimezone(ZoneInfo(zone)).date() else timedelta()


def excuse(mask: Mask, state: State, rule: Rule, open_since: datetime, start: datetime, end: datetime, zone: str) -> Mask:
    """The share after a door, open since then, excused a unit known to be outside its limits from `start` to `end`.

    Only what falls on the last of those days counts: yesterday's share is nobody's concern any more.
    """
    if state.status is OK:
        end = min(end, open_since + rule.door_grace)
    elif state.status is EXCURSION and state.out_since_at is not None:
        end = min(end, state.out_since_at + rule.delay_door_open)
    else:
        return mask
    day = end.astimezone(ZoneInfo(zone)).date()
    start = max(start, open_since, _begins(day, zone))
    if end <= start:
        return mask
    seconds = (mask.seconds if mask.day == day else 0) + round((end - start).total_seconds())
    return Mask(day, min(seconds, int(rule.door_mask.total_seconds())))


def door_open_for(rule: Rule, open_since: datetime, at: datetime) -> DoorOpen:
    """Whether a door has been open for longer than it may."""
    if at - open_since >= rule.door_critical:
        return DoorOpen.CRITICAL
    return DoorOpen.WARNING if at - open_since >= rule.door_warning else DoorOpen.FINE


def _begins(day: date, zone: str) -> datetime:
    """The first instant of a day there; where clocks skip midnight, the instant they skip it at."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
