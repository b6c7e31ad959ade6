"""When something is due by a place's own clock, also where clocks change, and which days it is about."""

from datetime import UTC, date, datetime, time

import pytest

from data.platform.rhythm import Rhythm
from data.platform.values import Every

BERLIN, PHNOM_PENH, NEW_YORK = "Europe/Berlin", "Asia/Phnom_Penh", "America/New_York"
SEVEN = time(7)


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("rhythm", "zone", "at", "latest", "following"),
    [
        (Rhythm(Every.DAY, SEVEN), PHNOM_PENH, utc(2026, 11, 20, 0), utc(2026, 11, 20, 0), utc(2026, 11, 21, 0)),
        (Rhythm(Every.DAY, SEVEN), PHNOM_PENH, utc(2026, 11, 19, 23, 59), utc(2026, 11, 19, 0), utc(2026, 11, 20, 0)),
        (Rhythm(Every.WEEK, SEVEN, 0), PHNOM_PENH, utc(2026, 11, 20, 12), utc(2026, 11, 16, 0), utc(2026, 11, 23, 0)),
        (Rhythm(Every.WEEK, time(23, 30), 6), NEW_YORK, utc(2026, 11, 20, 12), utc(2026, 11, 16, 4, 30), utc(2026, 11, 23, 4, 30)),
        (Rhythm(Every.MONTH, SEVEN, 1), PHNOM_PENH, utc(2026, 12, 31, 23, 59), utc(2026, 12, 1, 0), utc(2027, 1, 1, 0)),
        (Rhythm(Every.MONTH, SEVEN, 28), PHNOM_PENH, utc(2027, 2, 28, 0), utc(2027, 2, 28, 0), utc(2027, 3, 28, 0)),
        # clocks go forward at 02:00 on 29 March: 07:00 comes an hour sooner
        (Rhythm(Every.DAY, SEVEN), BERLIN, utc(2026, 3, 29, 5), utc(2026, 3, 29, 5), utc(2026, 3, 30, 5)),
        (Rhythm(Every.DAY, SEVEN), BERLIN, utc(2026, 3, 29, 4, 59), utc(2026, 3, 28, 6), utc(2026, 3, 29, 5)),
        # 02:30 does not exist on that day, and is due when the clocks show half past three
        (Rhythm(Every.DAY, time(2, 30)), BERLIN, utc(2026, 3, 29, 1), utc(2026, 3, 28, 1, 30), utc(2026, 3, 29, 1, 30)),
        (Rhythm(Every.DAY, time(2, 30)), BERLIN, utc(2026, 3, 29, 2), utc(2026, 3, 29, 1, 30), utc(2026, 3, 30, 0, 30)),
        # and twice on 25 October, of which the first counts
        (Rhythm(Every.DAY, time(2, 30)), BERLIN, utc(2026, 10, 25, 1, 45), utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)),
    ],
)
def test_it_is_due_by_the_clock_of_the_place(rhythm: Rhythm, zone: str, at: datetime, latest: datetime, following: datetime) -> None:
    assert (rhythm.latest(at, zone), rhythm.following(at, zone)) == (latest, following)


@pytest.mark.parametrize(
    ("rhythm", "due", "first", "last"),
    [
        (Rhythm(Every.DAY, SEVEN), utc(2026, 11, 20, 0), date(2026, 11, 19), date(2026, 11, 19)),
        (Rhythm(Every.DAY, time(0)), utc(2026, 11, 19, 17), date(2026, 11, 19), date(2026, 11, 19)),
        (Rhythm(Every.WEEK, SEVEN, 0), utc(2026, 11, 23, 0), date(2026, 11, 16), date(2026, 11, 22)),
        (Rhythm(Every.WEEK, SEVEN, 3), utc(2026, 11, 26, 0), date(2026, 11, 16), date(2026, 11, 22)),
        (Rhythm(Every.WEEK, SEVEN, 6), utc(2026, 11, 29, 0), date(2026, 11, 16), date(2026, 11, 22)),
        (Rhythm(Every.MONTH, SEVEN, 1), utc(2027, 1, 1, 0), date(2026, 12, 1), date(2026, 12, 31)),
        (Rhythm(Every.MONTH, SEVEN, 15), utc(2028, 3, 15, 0), date(2028, 2, 1), date(2028, 2, 29)),
    ],
)
def test_it_is_about_the_whole_days_that_have_just_ended(rhythm: Rhythm, due: datetime, first: date, last: date) -> None:
    assert rhythm.about(due, PHNOM_PENH) == (first, last)


@pytest.mark.parametrize(("zone", "passed"), [(PHNOM_PENH, 3), (BERLIN, 3)])
def test_what_was_passed_over_is_counted(zone: str, passed: int) -> None:
    rhythm = Rhythm(Every.DAY, SEVEN)
    first = rhythm.latest(utc(2026, 3, 27, 12), zone)
    assert rhythm.between(first, rhythm.latest(utc(2026, 3, 30, 12), zone), zone) == passed


def test_a_year_of_days_is_due_once_each_whatever_the_clocks_do() -> None:
    rhythm, at, days = Rhythm(Every.DAY, time(2, 30)), utc(2025, 12, 31, 12), []
    for _ in range(365):
        at = rhythm.following(at, BERLIN)
        assert rhythm.latest(at, BERLIN) == at
        days.append(rhythm.about(at, BERLIN)[0].toordinal())
    assert days == list(range(date(2025, 12, 31).toordinal(), date(2026, 12, 31).toordinal()))
