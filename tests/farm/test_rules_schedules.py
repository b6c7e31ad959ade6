from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.farm.rules import (
    BROKEN_OFF,
    Plan,
    Step,
    between,
    due,
    first,
    holding,
)
from data.farm.rules.moments import wall
from data.farm.rules.runs import RECONCILE, RUN_LATE, SKIP
from data.farm.rules.sun import sun_at

PHNOM_PENH, BERLIN = ZoneInfo("Asia/Phnom_Penh"), ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def told(plan: Plan, since: datetime, until: datetime) -> list[str]:
    return [f"{m.at.astimezone(plan.zone):%m-%d %H:%M:%S} {m.action}" for m in between(plan, since, until)]


@pytest.mark.parametrize(
    ("event", "day", "latitude", "longitude", "expected"),
    [
        ("sunrise", date(2026, 6, 21), 51.5074, -0.1278, datetime(2026, 6, 21, 3, 43, tzinfo=UTC)),  # London, as printed in almanacs
        ("sunset", date(2026, 6, 21), 51.5074, -0.1278, datetime(2026, 6, 21, 20, 21, tzinfo=UTC)),
        ("sunrise", date(2026, 12, 21), 40.7128, -74.0060, datetime(2026, 12, 21, 12, 17, tzinfo=UTC)),  # New York
        ("sunset", date(2026, 12, 21), 40.7128, -74.0060, datetime(2026, 12, 21, 21, 32, tzinfo=UTC)),
        ("sunrise", date(2026, 6, 21), 69.65, 18.96, None),  # Tromsø: it does not set, so it does not rise
        ("sunset", date(2026, 12, 21), 69.65, 18.96, None),
    ],
)
def test_the_sun_rises_and_sets_within_two_minutes_of_the_almanac(
    event: str, day: date, latitude: float, longitude: float, expected: datetime | None
) -> None:
    found = sun_at(event, day, latitude, longitude)
    assert (found is None) is (expected is None)
    assert found is None or expected is None or abs(found - expected) <= 2 * MINUTE


def test_east_of_the_date_line_the_sun_of_a_day_rises_on_that_day() -> None:
    auckland = ZoneInfo("Pacific/Auckland")
    at = sun_at("sunrise", date(2026, 12, 21), -36.85, 174.76)
    assert at and at.astimezone(auckland).date() == date(2026, 12, 21) and at.astimezone(auckland).hour == 5


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, tzinfo=UTC)),  # is left out: as the next hour begins
        (date(2026, 3, 29), time(3, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice: the first
        (date(2026, 7, 1), time(6), datetime(2026, 7, 1, 4, tzinfo=UTC)),
    ],
)
def test_a_time_on_the_wall_is_one_instant_also_when_the_clocks_change(day: date, clock: time, expected: datetime) -> None:
    assert wall(day, clock, BERLIN) == expected


def test_a_light_from_evening_to_morning_is_on_for_the_hours_that_there_are() -> None:
    plan = Plan("time_based", BERLIN, start_time=time(22), end_time=time(6))
    assert told(plan, datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC)) == ["03-28 22:00:00 on", "03-29 06:00:00 off"]
    on, off = between(plan, datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))
    assert off.at - on.at == 7 * HOUR  # the night in which an hour is left out
    on, off = between(plan, datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert off.at - on.at == 9 * HOUR


def test_only_on_its_days_and_between_its_dates() -> None:
    plan = Plan("time_based", PHNOM_PENH, start_time=time(6), weekdays=frozenset({1, 5}), start_date=date(2026, 11, 23), end_date=date(2026, 11, 30))
    found = told(plan, NOON, NOON + 30 * DAY)
    assert found == ["11-23 06:00:00 on", "11-27 06:00:00 on", "11-30 06:00:00 on"]
    cron = Plan("time_based", PHNOM_PENH, cron="0 6 * * *", weekdays=frozenset({1, 5}), start_date=date(2026, 11, 23), end_date=date(2026, 11, 30))
    assert told(cron, NOON, NOON + 30 * DAY) == found
    assert first(plan, after=NOON + 60 * DAY) is None


def test_from_half_an_hour_before_sunrise_for_an_hour() -> None:
    plan = Plan("time_based", PHNOM_PENH, sun_event="sunrise", sun_offset_minutes=-30, latitude=11.55, longitude=104.92, action_duration_s=3600)
    on, off = between(plan, NOON, NOON + DAY)
    rise = sun_at("sunrise", date(2026, 11, 21), 11.55, 104.92)
    assert rise and (on.at, off.at - on.at) == (rise - 30 * MINUTE, HOUR)


BERLIN_SUN = {"sun_event": "sunrise", "latitude": 52.5, "longitude": 13.4}


def test_a_cycle_begins_with_the_sun_and_keeps_its_rhythm_to_its_end() -> None:
    by_count = Plan("duration_based", BERLIN, sun_offset_minutes=-30, on_s=600, off_s=1200, repeat_count=3, **BERLIN_SUN)  # type: ignore[arg-type]
    rise = sun_at("sunrise", date(2026, 6, 21), 52.5, 13.4)
    assert rise
    found = between(by_count, rise - 2 * HOUR, rise + 10 * HOUR)
    assert [(one.at - rise, one.action) for one in found] == [
        (n * MINUTE, action) for start in (-30, 0, 30) for n, action in ((start, "on"), (start + 10, "off"))
    ]
    until = Plan("duration_based", BERLIN, end_time=time(18), on_s=600, off_s=1200, **BERLIN_SUN)  # type: ignore[arg-type]
    day = between(until, rise - HOUR, rise + DAY - 2 * HOUR)
    assert day[0].at == rise and rise.astimezone(BERLIN).hour == 4
    assert day[-1].is_end and wall(date(2026, 6, 21), time(18), BERLIN) - 30 * MINUTE < day[-1].at <= wall(date(2026, 6, 21), time(18), BERLIN)


@pytest.mark.parametrize(
    ("day", "rises", "turns"),
    [
        (date(2026, 3, 28), "05:50", 13),  # the day before the clocks go forward
        (date(2026, 3, 29), "06:48", 11),  # the wall says an hour more; the sun does not
        (date(2026, 10, 24), "07:47", 9),
        (date(2026, 10, 25), "06:49", 11),
    ],
)
def test_where_the_clocks_change_the_sun_begins_a_cycle_and_the_wall_ends_it(day: date, rises: str, turns: int) -> None:
    plan = Plan("duration_based", BERLIN, end_time=time(12), on_s=600, off_s=1200, **BERLIN_SUN)  # type: ignore[arg-type]
    found = told(plan, wall(day, time(0), BERLIN), wall(day, time(23), BERLIN))
    assert found[0][6:].startswith(rises) and len([one for one in found if one.endswith("on")]) == turns
    last = max(one.at for one in between(plan, wall(day, time(0), BERLIN), wall(day, time(23), BERLIN)))
    assert last <= wall(day, time(12), BERLIN)


def test_what_begins_the_evening_before_a_sunrise_ends_at_the_next_such_time() -> None:
    plan = Plan("time_based", BERLIN, sun_offset_minutes=-600, end_time=time(23), **BERLIN_SUN)  # type: ignore[arg-type]
    on, off = between(plan, datetime(2026, 6, 20, 12, tzinfo=UTC), datetime(2026, 6, 21, 12, tzinfo=UTC))
    assert on.at.astimezone(BERLIN).hour == 18 and off.at == wall(date(2026, 6, 20), time(23), BERLIN)


def test_in_a_polar_night_no_cycle_begins_by_the_sun() -> None:
    plan = Plan("duration_based", ZoneInfo("Europe/Oslo"), sun_event="sunrise", latitude=69.65, longitude=18.96, on_s=60, off_s=60, repeat_count=2)
    found = first(plan, after=datetime(2026, 12, 1, tzinfo=UTC))
    assert found and found.at.date() > date(2027, 1, 10)


def test_in_a_polar_night_nothing_starts_by_the_sun() -> None:
    plan = Plan("time_based", ZoneInfo("Europe/Oslo"), sun_event="sunrise", latitude=69.65, longitude=18.96)
    found = first(plan, after=datetime(2026, 12, 1, tzinfo=UTC))
    assert found and date(2027, 1, 10) < found.at.date() < date(2027, 1, 20)


def test_what_lasts_ends_by_itself() -> None:
    plan = Plan("time_based", PHNOM_PENH, cron="0 6,12 * * *", action_duration_s=900)
    assert told(plan, NOON, NOON + DAY) == ["11-21 06:00:00 on", "11-21 06:15:00 off", "11-21 12:00:00 on", "11-21 12:15:00 off"]
    turned = Plan("time_based", PHNOM_PENH, cron="0 6 * * *", action="off", action_duration_s=60)
    assert told(turned, NOON, NOON + DAY) == ["11-21 06:00:00 off", "11-21 06:01:00 on"]


PULSE = (Step("on", 30), Step("off", 10), Step("on", 30), Step("off", 10))


def test_a_sequence_goes_from_step_to_step_and_leaves_the_device_off() -> None:
    plan = Plan("time_based", PHNOM_PENH, cron="0 6 * * *", steps=PULSE)
    assert told(plan, NOON, NOON + DAY) == ["11-21 06:00:00 on", "11-21 06:00:30 off", "11-21 06:00:40 on", "11-21 06:01:10 off"]
    ends_on = Plan("time_based", PHNOM_PENH, cron="0 6 * * *", steps=(Step("off", 5), Step("on", 5)))
    assert told(ends_on, NOON, NOON + DAY) == ["11-21 06:00:00 off", "11-21 06:00:05 on", "11-21 06:00:10 off"]


def test_a_new_start_breaks_off_the_sequence_that_still_runs() -> None:
    plan = Plan("time_based", PHNOM_PENH, cron="* * * * *", steps=(Step("on", 45), Step("off", 30), Step("on", 30)))
    assert told(plan, NOON, NOON + 2 * MINUTE) == [
        "11-20 19:00:00 on", "11-20 19:00:45 off", "11-20 19:01:00 on", "11-20 19:01:45 off", "11-20 19:02:00 on",
    ]  # fmt: skip


def test_the_pump_of_the_requirements_runs_five_minutes_every_two_hours_by_day_only() -> None:
    plan = Plan("duration_based", PHNOM_PENH, start_time=time(6), end_time=time(18), on_s=300, off_s=7200)
    day = told(plan, NOON, NOON + DAY)
    assert day[:4] == ["11-21 06:00:00 on", "11-21 06:05:00 off", "11-21 08:05:00 on", "11-21 08:10:00 off"]
    assert len(day) == 12 and day[-1] == "11-21 16:30:00 off"


def test_a_window_that_ends_ends_the_turn_too() -> None:
    plan = Plan("duration_based", PHNOM_PENH, start_time=time(6), end_time=time(6, 10), on_s=400, off_s=100)
    assert told(plan, NOON, NOON + DAY) == ["11-21 06:00:00 on", "11-21 06:06:40 off", "11-21 06:08:20 on", "11-21 06:10:00 off"]


def test_a_cycle_is_repeated_as_often_as_was_said() -> None:
    plan = Plan("duration_based", PHNOM_PENH, on_s=10, off_s=20, repeat_count=2, anchor=NOON)
    assert told(plan, NOON, NOON + HOUR) == ["11-20 19:00:00 on", "11-20 19:00:10 off", "11-20 19:00:30 on", "11-20 19:00:40 off"]
    assert first(plan, after=NOON + HOUR) is None
    assert first(Plan("duration_based", PHNOM_PENH, on_s=10, off_s=20), after=NOON) is None  # it never began


def test_an_endless_cycle_is_where_it_should_be_after_a_year() -> None:
    plan = Plan("duration_based", BERLIN, on_s=600, off_s=900, anchor=NOON)
    found = first(plan, after=NOON + 365 * DAY)
    assert found and (found.at - NOON) % timedelta(seconds=1500) in (timedelta(0), timedelta(seconds=600))


PLANS = [
    Plan("time_based", BERLIN, cron="*/7 * * * *", action_duration_s=200),
    Plan("time_based", BERLIN, cron="30 2 * * *", steps=PULSE),
    Plan("time_based", BERLIN, start_time=time(2, 30), end_time=time(1, 15)),
    Plan("time_based", BERLIN, start_time=time(22), end_time=time(6), weekdays=frozenset({6, 7})),
    Plan("time_based", BERLIN, sun_event="sunset", sun_offset_minutes=45, latitude=52.5, longitude=13.4, end_time=time(23)),
    Plan("duration_based", BERLIN, start_time=time(1), end_time=time(4), on_s=700, off_s=300),
    Plan("duration_based", BERLIN, sun_event="sunset", sun_offset_minutes=-60, latitude=52.5, longitude=13.4, end_time=time(3), on_s=700, off_s=300),
    Plan("time_based", BERLIN, sun_event="sunrise", sun_offset_minutes=-700, latitude=52.5, longitude=13.4, end_time=time(23)),
    Plan("duration_based", BERLIN, on_s=3000, off_s=4000, anchor=datetime(2026, 1, 1, tzinfo=UTC)),
]


@given(st.sampled_from(PLANS), st.integers(0, 60 * 24 * 400))
@settings(max_examples=150)
def test_moments_are_in_order_and_the_same_wherever_one_begins_to_look(plan: Plan, minutes: int) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE
    found = between(plan, since, since + 3 * DAY)
    assert all(one.at < two.at for one, two in pairwise(found))
    for one, two in pairwise(found[:6]):
        assert first(plan, after=one.at) == two
        if one.until:
            assert one.until == two.at and holding(plan, one.at) == one == holding(plan, two.at - SECOND)


HOURLY = Plan("time_based", PHNOM_PENH, cron="0 * * * *")
FED = Plan("time_based", PHNOM_PENH, cron="0 * * * *", action_duration_s=900)
LIT = Plan("time_based", PHNOM_PENH, start_time=time(19), end_time=time(22))


def ledger(plan: Plan, since: datetime, now: datetime, policy: str = SKIP) -> tuple[list[str], datetime | None]:
    todo = due(plan, next_run_at=since, now=now, policy=policy)
    return [f"{(entry.at - NOON) // MINUTE} {entry.action}" for entry in todo.entries], todo.next


def test_a_run_that_is_due_happens_and_the_next_one_is_known() -> None:
    todo = due(HOURLY, next_run_at=NOON, now=NOON + SECOND)
    assert [(e.at, e.action, e.is_late) for e in todo.entries] == [(NOON, "on", False)] and todo.next == NOON + HOUR
    assert due(HOURLY, next_run_at=NOON, now=NOON - SECOND).entries == ()


def test_after_an_outage_every_missed_run_is_named_and_the_latest_is_done_if_it_is_not_too_late() -> None:
    assert ledger(HOURLY, NOON, NOON + 2 * HOUR + 30 * SECOND) == (["0 None", "60 None", "120 on"], NOON + 3 * HOUR)
    assert ledger(HOURLY, NOON, NOON + 2 * HOUR + 61 * SECOND) == (["0 None", "60 None", "120 None"], NOON + 3 * HOUR)


@pytest.mark.parametrize(
    ("policy", "minutes", "expected", "upcoming"),
    [
        (SKIP, 5, ["0 None"], 60),  # what was not begun needs no end
        (SKIP, 30, ["0 None", "15 None"], 60),
        (RUN_LATE, 5, ["0 on"], 15),  # its end still lies ahead
        (RUN_LATE, 30, ["0 on", "15 None"], 45),  # for as long as it should have been
        (RUN_LATE, 70, ["0 None", "15 None", "60 on"], 75),
        (RECONCILE, 5, ["0 on"], 15),
        (RECONCILE, 30, ["0 None", "15 off"], 60),
    ],
)
def test_what_fell_into_an_outage_is_done_by_its_policy(policy: str, minutes: int, expected: list[str], upcoming: int) -> None:
    todo = due(FED, next_run_at=NOON, now=NOON + minutes * MINUTE + SECOND, policy=policy)
    assert [f"{(e.at - NOON) // MINUTE} {e.action}" for e in todo.entries] == expected
    assert todo.next and abs(todo.next - NOON - upcoming * MINUTE) <= SECOND
    assert all(entry.policy == (RECONCILE if entry.action and policy == RECONCILE else policy) for entry in todo.entries)
    assert all(entry.reason for entry in todo.entries)


@pytest.mark.parametrize("policy", [SKIP, RUN_LATE, RECONCILE])
def test_what_was_under_way_when_the_outage_began_is_ended_whatever_the_policy(policy: str) -> None:
    todo = due(FED, next_run_at=NOON + 15 * MINUTE, now=NOON + 40 * MINUTE, policy=policy)
    assert [(e.action, e.is_late) for e in todo.entries] == [("off", True)] and todo.next == NOON + HOUR


def test_a_run_that_is_made_up_for_ends_after_its_time() -> None:
    now = NOON + 30 * MINUTE
    todo = due(FED, next_run_at=NOON, now=now, policy=RUN_LATE)
    assert todo.anchor == now and todo.next == now + 15 * MINUTE
    later = due(Plan("time_based", PHNOM_PENH, cron="0 * * * *", action_duration_s=900, anchor=now), next_run_at=todo.next, now=todo.next)
    assert [(e.action, e.is_end) for e in later.entries] == [("off", True)] and later.next == NOON + HOUR


def test_a_light_comes_back_on_in_the_middle_of_its_evening() -> None:
    assert ledger(LIT, NOON, NOON + HOUR, RECONCILE) == (["0 on"], NOON + 3 * HOUR)
    assert ledger(LIT, NOON, NOON + 4 * HOUR, RECONCILE) == (["0 None", "180 off"], NOON + DAY)
    assert ledger(LIT, NOON, NOON + HOUR, SKIP) == (["0 None"], NOON + DAY)


@pytest.mark.parametrize("policy", [SKIP, RUN_LATE, RECONCILE])
def test_a_restart_in_the_middle_of_a_sequence_breaks_it_off_and_leaves_the_device_off(policy: str) -> None:
    plan = Plan("time_based", PHNOM_PENH, cron="0 * * * *", steps=PULSE)
    on_time = due(plan, next_run_at=NOON + 30 * SECOND, now=NOON + 31 * SECOND, policy=policy)
    assert [e.action for e in on_time.entries] == ["off"] and on_time.next == NOON + 40 * SECOND
    todo = due(plan, next_run_at=NOON + 30 * SECOND, now=NOON + 48 * SECOND, policy=policy)
    assert [(e.action, e.reason) for e in todo.entries[-1:]] == [("off", BROKEN_OFF)] and todo.next == NOON + HOUR


def test_a_very_long_outage_is_worked_off_in_parts_and_nothing_is_left_out() -> None:
    plan, now, at = Plan("time_based", PHNOM_PENH, cron="* * * * *"), NOON + 250 * MINUTE, NOON
    seen: list[datetime] = []
    for _ in range(4):
        todo = due(plan, next_run_at=at, now=now, most=100)
        seen += [entry.at for entry in todo.entries]
        if todo.act:
            break
        assert todo.next
        at = todo.next
    assert seen == [NOON + n * MINUTE for n in range(251)]


@given(st.sampled_from(PLANS[:6]), st.integers(0, 60 * 24 * 300), st.integers(0, 5_000), st.sampled_from([SKIP, RUN_LATE, RECONCILE]))
@settings(max_examples=150)
def test_every_run_up_to_now_is_in_the_ledger_once_and_at_most_one_acts(plan: Plan, minutes: int, later: int, policy: str) -> None:
    begun = first(plan, after=datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE)
    assert begun
    now = begun.at + later * SECOND
    todo = due(plan, next_run_at=begun.at, now=now, policy=policy)
    assert {e.at for e in todo.entries} == {m.at for m in between(plan, begun.at, now)} and len(todo.entries) == len({e.at for e in todo.entries})
    assert sum(e.action is not None for e in todo.entries) <= 1
    assert todo.next is None or todo.next > now
