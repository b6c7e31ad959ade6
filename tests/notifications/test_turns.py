from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from data.notifications.policy import BUILT_IN, EVERY_DAY, Settled, Step, quiet_end
from data.notifications.turns import Act, Told, Turn, by_hand, take_turn, wake

AT = datetime(2026, 11, 20, 8, 0, 10, tzinfo=UTC)
CRITICAL, WARNING = BUILT_IN["critical"], BUILT_IN["warning"]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def after(turn: Turn, told: Told, at: datetime) -> Told:
    """What is known once that turn is taken."""
    last = at if turn.act in (Act.TELL, Act.ESCALATE, Act.REMIND) else told.last_told_at
    return Told(told.severity, told.triggered_at, turn.ladder_from_at or told.ladder_from_at, turn.level, last)


def minute_by_minute(severity: str, policy: Settled, length: int) -> list[tuple[int, str, int]]:
    """(minute, act, level) of everything that is done about an alert nobody answers, by a job that looks each minute."""
    told, done, due = Told(severity, AT), [], AT
    for minute in range(length):
        at = AT + minutes(minute)
        if due and due <= at:
            turn = take_turn(told, policy, zone="UTC", at=at)
            told, due = after(turn, told, at), turn.next_at  # type: ignore[assignment]
            if turn.act is not Act.WAIT:
                done.append((minute, turn.act.value, turn.level))
    return done


def test_a_critical_alert_nobody_answers_calls_more_people_every_15_minutes_up_to_the_third_step() -> None:
    assert minute_by_minute("critical", CRITICAL, 300) == [(0, "tell", 0), (15, "escalate", 1), (30, "escalate", 2), (45, "escalate", 3)]


def test_a_warning_calls_more_people_every_30_minutes_up_to_the_second_step() -> None:
    assert minute_by_minute("warning", WARNING, 300) == [(0, "tell", 0), (30, "escalate", 1), (60, "escalate", 2)]


def test_information_stays_in_the_inbox() -> None:
    assert minute_by_minute("info", BUILT_IN["info"], 300) == [(0, "inbox_only", 0)]


def test_the_last_step_is_repeated_where_the_policy_says_so() -> None:
    policy = Settled(steps=(Step(5, ("sms",), 0), Step(10, ("sms",), None, repeat=True)))
    assert [m for m, _, _ in minute_by_minute("critical", policy, 50)] == [0, 5, 15, 25, 35, 45]


def test_those_who_know_are_reminded_between_the_steps_and_after_the_last() -> None:
    policy = Settled(steps=(Step(25, ("sms",), 0),), are_reminders_enabled=True, reminder_minutes=10)
    assert minute_by_minute("warning", policy, 60) == [
        (0, "tell", 0), (10, "remind", 0), (20, "remind", 0), (25, "escalate", 1), (35, "remind", 1), (45, "remind", 1), (55, "remind", 1),
    ]  # fmt: skip


def test_where_an_answer_is_required_the_first_step_comes_no_later_than_its_deadline() -> None:
    late = Settled(steps=(Step(60, ("sms",), 0),), is_acknowledgement_required=True, acknowledgement_deadline_minutes=10)
    assert minute_by_minute("warning", late, 100) == [(0, "tell", 0), (10, "escalate", 1)]
    stepless = Settled(is_acknowledgement_required=True, acknowledgement_deadline_minutes=10)
    assert minute_by_minute("warning", stepless, 100) == [(0, "tell", 0), (10, "escalate", 1)]


def test_after_an_outage_the_missed_steps_are_done_as_one_and_the_others_keep_their_distance() -> None:
    policy = Settled(steps=(Step(15, ("email",), 0), Step(15, ("sms",), 1), Step(15, ("push",), None), Step(15, ("sms",), None)))
    told = Told("critical", AT, AT, 0, AT)
    turn = take_turn(told, policy, zone="UTC", at=AT + minutes(40))
    assert (turn.act, turn.level, turn.values) == (Act.ESCALATE, 2, {"minutes": 40, "first": 1, "level": 2})
    assert turn.step == Step(15, ("email", "sms"), 1)
    assert turn.next_at == AT + minutes(55)
    for minute in range(40, 55):
        assert take_turn(after(turn, told, AT + minutes(40)), policy, zone="UTC", at=AT + minutes(minute)).act is Act.WAIT


def test_an_alert_that_is_heard_of_late_counts_its_steps_from_when_people_were_told() -> None:
    turn = take_turn(Told("critical", AT - timedelta(hours=5)), CRITICAL, zone="UTC", at=AT)
    assert (turn.act, turn.next_at) == (Act.TELL, AT + minutes(15))


@pytest.mark.parametrize("clock", [time(22, 0), time(22, 30), time(23, 59), time(0, 0), time(5, 59)])
def test_quiet_hours_through_midnight_hold_a_warning_back_and_let_a_critical_alert_pass(clock: time) -> None:
    policy = Settled(quiet_from=time(22), quiet_until=time(6), steps=WARNING.steps)
    zone = ZoneInfo("Asia/Phnom_Penh")
    day = 20 if clock >= time(22) else 21
    at = datetime.combine(datetime(2026, 11, day).date(), clock, zone).astimezone(UTC)
    turn = take_turn(Told("warning", at), policy, zone="Asia/Phnom_Penh", at=at)
    assert (turn.act, turn.next_at) == (Act.WAIT, datetime(2026, 11, 21, 6, tzinfo=zone))
    assert take_turn(Told("critical", at), policy, zone="Asia/Phnom_Penh", at=at).act is Act.TELL
    assert take_turn(Told("warning", at), policy, zone="Asia/Phnom_Penh", at=turn.next_at or at).act is Act.TELL


def test_a_step_that_falls_into_quiet_hours_is_done_when_they_end() -> None:
    policy = Settled(quiet_from=time(8, 20), quiet_until=time(9), steps=WARNING.steps)
    told = Told("warning", AT, AT, 0, AT)
    turn = take_turn(told, policy, zone="UTC", at=AT + minutes(30))
    assert (turn.act, turn.level, turn.next_at) == (Act.WAIT, 0, datetime(2026, 11, 20, 9, tzinfo=UTC))
    later = take_turn(after(turn, told, AT), policy, zone="UTC", at=turn.next_at or AT)
    assert (later.act, later.level, later.next_at) == (Act.ESCALATE, 1, datetime(2026, 11, 20, 9, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("local", "quiet", "end"),
    [
        # clocks go forward on 29 March 2026: 02:30 is not there, and what ends then ends when 03:30 is shown
        (datetime(2026, 3, 29, 1, 30), (time(22), time(2, 30)), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, 0), (time(22), time(6)), datetime(2026, 3, 29, 4, 0, tzinfo=UTC)),
        # clocks go back on 25 October 2026: the night is an hour longer
        (datetime(2026, 10, 24, 23, 0), (time(22), time(6)), datetime(2026, 10, 25, 5, 0, tzinfo=UTC)),
        (datetime(2026, 10, 25, 2, 15), (time(22), time(2, 30)), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 2, 15, fold=1), (time(22), time(2, 30)), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_quiet_hours_follow_the_clocks_of_the_place_when_these_change(local: datetime, quiet: tuple[time, time], end: datetime) -> None:
    at = local.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert quiet_end(Settled(quiet_from=quiet[0], quiet_until=quiet[1]), "Europe/Berlin", at) == end


def test_on_days_that_the_schedule_leaves_out_it_is_quiet_all_day() -> None:
    weekdays = Settled(days=(1, 2, 3, 4, 5), quiet_from=time(22), quiet_until=time(6))
    friday_night = datetime(2026, 11, 20, 23, tzinfo=UTC)
    assert quiet_end(weekdays, "UTC", friday_night) == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert quiet_end(weekdays, "UTC", datetime(2026, 11, 23, 6, tzinfo=UTC)) is None
    assert quiet_end(Settled(days=EVERY_DAY), "UTC", friday_night) is None


def test_quiet_hours_that_begin_and_end_together_are_none() -> None:
    assert quiet_end(Settled(quiet_from=time(0), quiet_until=time(0)), "UTC", AT) is None


def test_what_is_below_the_least_severity_stays_in_the_inbox_and_what_is_switched_off_is_told_to_nobody() -> None:
    strict = Settled(least_severity="critical")
    assert take_turn(Told("warning", AT), strict, zone="UTC", at=AT).act is Act.INBOX_ONLY
    assert take_turn(Told("critical", AT), strict, zone="UTC", at=AT).act is Act.TELL
    assert take_turn(Told("critical", AT), Settled(is_enabled=False), zone="UTC", at=AT).act is Act.NOBODY


def test_after_a_pause_those_who_knew_are_told_and_the_next_step_is_as_far_away_as_it_was() -> None:
    told = Told("critical", AT, AT, 1, AT + minutes(15))
    turn = wake(told, CRITICAL, zone="UTC", at=AT + minutes(70))
    assert (turn.act, turn.level, turn.next_at) == (Act.REMIND, 1, AT + minutes(85))


def test_by_hand_the_next_step_is_taken_at_once_and_those_after_it_follow_at_their_distance() -> None:
    turn = by_hand(Told("critical", AT, AT, 0, AT), CRITICAL, at=AT + minutes(3))
    assert (turn.act, turn.level, turn.next_at) == (Act.ESCALATE, 1, AT + minutes(18))
    last = by_hand(Told("critical", AT, AT, 3, AT), CRITICAL, at=AT + minutes(60))
    assert (last.level, last.step and last.step.priority, last.next_at) == (4, None, None)


def test_a_repeated_step_without_a_distance_is_done_once_a_minute_and_no_oftener() -> None:
    policy = Settled(steps=(Step(0, ("sms",), repeat=True),))
    turn = take_turn(Told("critical", AT, AT, 1, AT), policy, zone="UTC", at=AT + minutes(3))
    assert (turn.act, turn.level, turn.next_at) == (Act.ESCALATE, 4, AT + minutes(4))
