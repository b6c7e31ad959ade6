"""Whether somebody is told by one way now, later or not at all: by what they asked for, and by how often they were told."""

from collections.abc import Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from data.notifications.values import SEND, Verdict

URGENCY = {"info": 0, "warning": 1, "critical": 2}
ASKED_FOR = ("test", "code")
"""Somebody has asked for it this moment: wishes about alerts do not count, only whether the address may be used."""
SAME_KIND_AGAIN = timedelta(minutes=15)
BACKOFF_S: dict[str, tuple[float, int]] = {"sms": (2, 5), "email": (30, 3), "push": (5, 4), "telegram": (5, 5), "webhook": (10, 8)}
"""The first pause in seconds (it doubles) and how often it is tried in all."""
LONGEST_PAUSE_S = 6 * 3600.0
FAILURES_TO_OPEN = 5
SHORTEST_REST_S, LONGEST_REST_S = 30.0, 900.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """How one person wants to be told; quiet hours are in their own zone. `off` are the channels that they turned off."""

    least_severity: str = "warning"
    quiet_from: time | None = None
    quiet_until: time | None = None
    zone: str = "UTC"
    off: Set[str] = field(default_factory=lambda: frozenset({"sms"}))


@dataclass(frozen=True, slots=True)
class KindWish:
    """What one person said of one kind of alert by one way; it goes before their wishes about everything."""

    is_enabled: bool
    quiet_from: time | None = None
    quiet_until: time | None = None


def by_wishes(
    wishes: Wishes, *, channel: str, purpose: str, severity: str, at: datetime, kind: KindWish | None = None
) -> Verdict:
    """What a person's own preferences say. What is critical passes their quiet hours; the inbox has none."""
    if purpose in ASKED_FOR:
        return SEND
    if kind is not None and not kind.is_enabled:
        return Verdict("They do not want to be told of this kind by this way.")
    if channel in wishes.off and kind is None:
        return Verdict("They turned this way of telling them off.")
    if purpose in ("digest", "report") or channel == "in_app":
        return SEND
    if kind is None and URGENCY[severity] < URGENCY[wishes.least_severity]:
        return Verdict("They want to be told of more serious things only.")
    if kind is not None and kind.quiet_from is not None:
        wishes = replace(wishes, quiet_from=kind.quiet_from, quiet_until=kind.quiet_until)
    if severity != "critical" and (end := quiet_until(wishes, at)):
        return Verdict("They have quiet hours.", not_before=end)
    return SEND


def quiet_until(wishes: Wishes, at: datetime) -> datetime | None:
    """When the quiet hours end that `at` lies in, or None. They may span midnight; a change of the clocks moves with the wall."""
    start, end = wishes.quiet_from, wishes.quiet_until
    if start is None or end is None or start == end:
        return None
    zone = ZoneInfo(wishes.zone)
    there = at.astimezone(zone)
    clock = there.time()
    if not (start <= clock < end if start < end else clock >= start or clock < end):
        return None
    day = there.date() + timedelta(days=1 if clock >= end else 0)
    return datetime.combine(day, end, zone).astimezone(at.tzinfo)


def by_frequency(
    severity: str, *, told_before: str | None, sent_this_hour: int, most_an_hour: int, purpose: str
) -> Verdict:
    """What was sent lately by SMS. `told_before`: how severe the latest of this kind to this number was, within 15 minutes."""
    if sent_this_hour >= most_an_hour:
        return Verdict("This organization has sent as many text messages as it may within an hour.")
    if purpose not in ASKED_FOR and told_before is not None and URGENCY[severity] <= URGENCY[told_before]:
        return Verdict("This number was told of the same kind less than 15 minutes ago.")
    return SEND


def pause_after(channel: str, tries: int, retry_after_s: float | None) -> timedelta | None:
    """How long to wait after that many failed tries; None when enough were made."""
    first_s, most = BACKOFF_S[channel]
    if tries >= most:
        return None
    pause_s = first_s * 2.0 ** (tries - 1)
    return timedelta(seconds=min(max(pause_s, retry_after_s or 0.0), LONGEST_PAUSE_S))


def rest_after(consecutive_failures: int) -> timedelta | None:
    """How long a channel rests that failed so often in a row; None while it may go on."""
    over = consecutive_failures - FAILURES_TO_OPEN
    return None if over < 0 else timedelta(seconds=min(SHORTEST_REST_S * 2.0 ** min(over, 10), LONGEST_REST_S))


@dataclass(frozen=True, slots=True)
class Due:
    """A digest that is to be made: of how many days, and the day (of the person's own calendar) that it counts for."""

    days: int
    day: date


def digest_due(
    *, daily: bool, weekly: bool, at_time: time, zone: str, daily_sent_on: date | None, weekly_sent_on: date | None, at: datetime
) -> list[Due]:
    """Which digests a person's wall clock says are due: the daily one, and the weekly one from Monday on, each once.

    The wall clock is compared, so a night whose clocks change has one digest all the same. After an outage the latest is made.
    """
    there = at.astimezone(ZoneInfo(zone))
    today = there.date()
    monday = today - timedelta(days=today.weekday())
    is_time = there.time() >= at_time
    due = []
    if daily and is_time and (daily_sent_on is None or daily_sent_on < today):
        due.append(Due(1, today))
    if weekly and (today > monday or is_time) and (weekly_sent_on is None or weekly_sent_on < monday):
        due.append(Due(7, monday))
    return due


def counts_as_sent(at_time: time, zone: str, at: datetime) -> tuple[date, date]:
    """The days that somebody who asks for digests only now is treated as having had: today's and this week's, once past."""
    there = at.astimezone(ZoneInfo(zone))
    today = there.date()
    monday = today - timedelta(days=today.weekday())
    is_time = there.time() >= at_time
    return (today if is_time else today - timedelta(days=1)), (monday if is_time or today > monday else monday - timedelta(days=7))
