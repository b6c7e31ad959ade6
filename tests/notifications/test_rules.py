from datetime import UTC, date, datetime, time, timedelta

import pytest

from data.notifications.rules import (
    BACKOFF_S,
    Wishes,
    by_frequency,
    by_wishes,
    counts_as_sent,
    digest_due,
    pause_after,
    quiet_until,
    rest_after,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NIGHT = {"quiet_from": time(22), "quiet_until": time(6, 30)}


@pytest.mark.parametrize(
    ("wishes", "channel", "purpose", "severity", "is_sent"),
    [
        (Wishes(), "email", "alert", "warning", True),
        (Wishes(), "email", "alert", "info", False),
        (Wishes(), "sms", "alert", "critical", False),
        (Wishes(off=frozenset()), "sms", "alert", "critical", True),
        (Wishes("critical"), "push", "escalation", "warning", False),
        (Wishes("critical"), "in_app", "alert", "info", True),
        (Wishes("critical"), "email", "digest", "info", True),
        (Wishes(off=frozenset({"email"})), "email", "digest", "info", False),
        (Wishes("critical", off=frozenset({"email"})), "email", "test", "info", True),
        (Wishes(), "sms", "code", "info", True),
    ],
)
def test_people_are_told_of_what_they_want_by_the_ways_they_want(
    wishes: Wishes, channel: str, purpose: str, severity: str, is_sent: bool
) -> None:
    assert by_wishes(wishes, channel=channel, purpose=purpose, severity=severity, at=NOON).is_suppressed is not is_sent


@pytest.mark.parametrize(
    ("zone", "at", "until"),
    [
        ("UTC", "2026-11-20T21:59:59", None),
        ("UTC", "2026-11-20T22:00:00", "2026-11-21T06:30:00"),
        ("UTC", "2026-11-21T06:29:59", "2026-11-21T06:30:00"),
        ("UTC", "2026-11-21T06:30:00", None),
        ("Asia/Phnom_Penh", "2026-11-20T15:00:00", "2026-11-20T23:30:00"),
        ("Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29T04:30:00"),  # an hour is missing this night
        ("Europe/Berlin", "2026-10-24T21:00:00", "2026-10-25T05:30:00"),  # and here one comes twice
    ],
)
def test_quiet_hours_are_by_the_persons_own_wall_clock(zone: str, at: str, until: str | None) -> None:
    expected = datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None
    assert quiet_until(Wishes(zone=zone, **NIGHT), datetime.fromisoformat(at).replace(tzinfo=UTC)) == expected  # type: ignore[arg-type]


def test_a_nap_at_noon_and_no_quiet_hours_at_all() -> None:
    nap = Wishes(quiet_from=time(11, 30), quiet_until=time(13))
    assert quiet_until(nap, NOON) == NOON + timedelta(hours=1) and quiet_until(nap, NOON + timedelta(hours=1)) is None
    assert quiet_until(Wishes(quiet_from=time(7), quiet_until=time(7)), NOON) is None and quiet_until(Wishes(), NOON) is None


def test_what_is_critical_passes_quiet_hours_and_the_rest_waits_for_their_end() -> None:
    asleep = Wishes(quiet_from=time(0), quiet_until=time(18))
    assert not by_wishes(asleep, channel="push", purpose="alert", severity="critical", at=NOON).why
    waits = by_wishes(asleep, channel="push", purpose="alert", severity="warning", at=NOON)
    assert waits.not_before == NOON.replace(hour=18) and not waits.is_suppressed
    assert not by_wishes(asleep, channel="in_app", purpose="alert", severity="warning", at=NOON).why


@pytest.mark.parametrize(
    ("severity", "told_before", "sent", "purpose", "is_sent"),
    [
        ("warning", None, 0, "alert", True), ("warning", "warning", 1, "alert", False), ("critical", "warning", 1, "escalation", True),
        ("warning", "critical", 1, "resolved", False), ("critical", None, 49, "alert", True), ("critical", None, 50, "alert", False),
        ("info", "critical", 1, "code", True), ("info", None, 50, "code", False),
    ],
)  # fmt: skip
def test_text_messages_are_few(severity: str, told_before: str | None, sent: int, purpose: str, is_sent: bool) -> None:
    verdict = by_frequency(severity, told_before=told_before, sent_this_hour=sent, most_an_hour=50, purpose=purpose)
    assert verdict.is_suppressed is not is_sent


@pytest.mark.parametrize(
    ("channel", "pauses"), [("sms", [2, 4, 8, 16, None]), ("email", [30, 60, None]), ("telegram", [5, 10, 20, 40, None])]
)
def test_each_channel_is_tried_so_often_with_pauses_that_double(channel: str, pauses: list[float | None]) -> None:
    found = [pause_after(channel, tries, None) for tries in range(1, len(pauses) + 1)]
    assert [p and p.total_seconds() for p in found] == pauses


def test_a_pause_is_as_long_as_the_other_side_asks_within_reason() -> None:
    assert pause_after("sms", 1, 60) == timedelta(seconds=60)
    assert pause_after("sms", 1, 10**9) == timedelta(hours=6)
    assert all(pause_after(channel, 1, None) for channel in BACKOFF_S)


@pytest.mark.parametrize(("failures", "rest_s"), [(0, None), (4, None), (5, 30), (6, 60), (9, 480), (10, 900), (5000, 900)])
def test_a_channel_rests_longer_the_longer_it_fails(failures: int, rest_s: float | None) -> None:
    rest = rest_after(failures)
    assert (rest and rest.total_seconds()) == rest_s


@pytest.mark.parametrize(
    ("zone", "at", "daily_sent_on", "expected"),
    [
        ("UTC", "2026-11-20T08:59:59", "2026-11-19", []),
        ("UTC", "2026-11-20T09:00:00", "2026-11-19", [(1, "2026-11-20")]),
        ("UTC", "2026-11-20T09:01:00", "2026-11-20", []),
        ("UTC", "2026-11-23T08:59:00", "2026-11-22", []),
        ("UTC", "2026-11-23T09:00:00", "2026-11-22", [(1, "2026-11-23"), (7, "2026-11-23")]),
        ("UTC", "2026-11-24T01:00:00", "2026-11-23", [(7, "2026-11-23")]),  # nobody was there on Monday
        ("Asia/Phnom_Penh", "2026-11-23T02:00:00", "2026-11-22", [(1, "2026-11-23"), (7, "2026-11-23")]),
        ("America/Los_Angeles", "2026-11-23T16:59:00", "2026-11-22", []),
        ("Pacific/Kiritimati", "2026-11-22T19:00:00", "2026-11-22", [(1, "2026-11-23"), (7, "2026-11-23")]),
    ],
)
def test_a_digest_is_due_at_its_readers_hour(zone: str, at: str, daily_sent_on: str, expected: list[tuple[int, str]]) -> None:
    found = digest_due(
        daily=True, weekly=True, at_time=time(9), zone=zone, daily_sent_on=date.fromisoformat(daily_sent_on),
        weekly_sent_on=date(2026, 11, 16), at=datetime.fromisoformat(at).replace(tzinfo=UTC),
    )  # fmt: skip
    assert [(due.days, due.day.isoformat()) for due in found] == expected


@pytest.mark.parametrize(("zone", "night"), [("Europe/Berlin", date(2026, 3, 29)), ("Europe/Berlin", date(2026, 10, 25)), ("America/New_York", date(2026, 11, 1))])
def test_a_night_whose_clocks_change_has_one_digest_all_the_same(zone: str, night: date) -> None:
    """Asked every minute, at an hour that this night has twice or not at all."""
    sent, made = night - timedelta(days=1), []
    at = datetime(night.year, night.month, night.day, tzinfo=UTC) - timedelta(hours=6)
    for _ in range(36 * 60):
        for due in digest_due(daily=True, weekly=False, at_time=time(2, 30), zone=zone, daily_sent_on=sent, weekly_sent_on=None, at=at):
            made.append(due.day)
            sent = due.day
        at += timedelta(minutes=1)
    assert made.count(night) == 1 and len(made) == len(set(made))


def test_who_asks_in_the_afternoon_gets_the_first_digest_tomorrow() -> None:
    friday = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
    assert counts_as_sent(time(9), "UTC", friday) == (date(2026, 11, 20), date(2026, 11, 16))
    assert counts_as_sent(time(16), "UTC", friday) == (date(2026, 11, 19), date(2026, 11, 16))
    assert counts_as_sent(time(9), "UTC", datetime(2026, 11, 16, 8, 0, tzinfo=UTC)) == (date(2026, 11, 15), date(2026, 11, 9))
