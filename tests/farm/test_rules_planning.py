"""Who gets a device when several want it, what a condition says of what was measured, and what can be planned at all."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from data.core.errors import Invalid
from data.farm.rules import (
    Claim,
    Limits,
    Measured,
    Plan,
    Step,
    Timing,
    between,
    clashes,
    clock_changes,
    condition_of,
    holds,
    meant,
    outranked,
    phase_after,
    shifted,
    timing_of,
    with_values,
)
from data.farm.rules.planning import TEMPLATES

PHNOM_PENH, BERLIN = ZoneInfo("Asia/Phnom_Penh"), ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_of_two_schedules_of_one_device_the_higher_priority_wins() -> None:
    low, high, other = (
        Claim(UUID(int=n), UUID(int=device), priority, name) for n, device, priority, name in ((1, 9, 0, "low"), (2, 9, 5, "high"), (3, 8, 0, "other"))
    )
    assert outranked([low, high, other]) == {low.schedule_id: "high"}
    holder = Claim(UUID(int=4), UUID(int=8), 3, "holder")
    assert outranked([low, high, other], {holder.device_id: holder}) == {low.schedule_id: "high", other.schedule_id: "holder"}


def found_clashes(mine: Plan, other: Plan, *, priority: int = 0, other_priority: int = 0, is_first: bool = False) -> list[str]:
    spans = between(mine, NOON, NOON + DAY), between(other, NOON, NOON + DAY)
    made = clashes(*spans, name="mine", other="other", priority=priority, other_priority=other_priority, is_first=is_first)
    return [f"{one.at.astimezone(PHNOM_PENH):%H:%M}-{one.until.astimezone(PHNOM_PENH):%H:%M} {one.wins}" for one in made]


DAWN = Plan("time_based", PHNOM_PENH, start_time=time(6), end_time=time(7))


@pytest.mark.parametrize(
    ("other", "priorities", "expected"),
    [
        (Plan("time_based", PHNOM_PENH, "off", start_time=time(6, 30), end_time=time(6, 45)), (7, 5), ["06:30-06:45 mine"]),
        (Plan("time_based", PHNOM_PENH, "off", start_time=time(6, 30), end_time=time(6, 45)), (5, 7), ["06:30-06:45 other"]),
        # Of the same priority whoever begins later takes over; at the same instant the one that was there first.
        (Plan("time_based", PHNOM_PENH, "off", start_time=time(6, 30), end_time=time(8)), (5, 5), ["06:30-07:00 other"]),
        (Plan("time_based", PHNOM_PENH, "off", start_time=time(5), end_time=time(6, 30)), (5, 5), ["06:00-06:30 mine"]),
        (Plan("time_based", PHNOM_PENH, "off", start_time=time(6), end_time=time(6, 30)), (5, 5), ["06:00-06:30 other"]),
        # What merely ends gives way to whoever still wants the device, whatever the priorities.
        (Plan("time_based", PHNOM_PENH, start_time=time(6, 30), end_time=time(8)), (7, 5), ["07:00-07:00 other"]),
        (Plan("time_based", PHNOM_PENH, start_time=time(7), end_time=time(8)), (5, 5), []),
        (Plan("time_based", PHNOM_PENH, start_time=time(20), end_time=time(21)), (0, 0), []),
    ],
)  # fmt: skip
def test_two_schedules_clash_where_they_want_different_things_at_one_time(other: Plan, priorities: tuple[int, int], expected: list[str]) -> None:
    assert found_clashes(DAWN, other, priority=priorities[0], other_priority=priorities[1]) == expected


def test_of_two_that_begin_together_the_one_that_was_there_first_keeps_the_device() -> None:
    off = Plan("time_based", PHNOM_PENH, "off", start_time=time(6), end_time=time(6, 30))
    assert found_clashes(DAWN, off, is_first=True) == ["06:00-06:30 mine"]


def test_clocks_are_put_forward_and_back_and_where_they_are_not_nothing_is_said() -> None:
    spring, autumn = clock_changes(BERLIN, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert (spring.at, spring.by, autumn.at, autumn.by) == (datetime(2026, 3, 29, 1, tzinfo=UTC), HOUR, datetime(2026, 10, 25, 1, tzinfo=UTC), -HOUR)
    assert [f"{at:%H:%M}" for at in (*spring.shown(BERLIN), *autumn.shown(BERLIN))] == ["02:00", "03:00", "03:00", "02:00"]
    half = clock_changes(ZoneInfo("Australia/Lord_Howe"), datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 10, tzinfo=UTC))
    assert [one.by for one in half] == [-HOUR / 2]  # by half an hour only
    assert clock_changes(PHNOM_PENH, NOON, NOON + 400 * DAY) == []


@pytest.mark.parametrize(
    ("timing", "minutes", "expected"),
    [
        (Timing(start_time=time(6)), 15, Timing(start_time=time(6, 15))),
        (Timing(start_time=time(23, 50), end_time=time(0, 10), weekdays=(7,)), 20, Timing(start_time=time(0, 10), end_time=time(0, 30), weekdays=(1,))),
        (Timing(start_time=time(0, 10), weekdays=(1, 3)), -20, Timing(start_time=time(23, 50), weekdays=(2, 7))),
        (Timing(cron_expression="0 6,12 * * *"), -30, Timing(cron_expression="30 5,11 * * *")),
        (Timing(cron_expression="50 23 * * 1,7"), 20, Timing(cron_expression="10 0 * * 1,2")),
        (Timing(cron_expression="0 6,12 * * *", weekdays=(1,)), 60, Timing(cron_expression="0 7,13 * * *", weekdays=(1,))),
        (Timing(sun_event="sunset", sun_offset_minutes=-10, end_time=time(22)), 30, Timing(sun_event="sunset", sun_offset_minutes=20, end_time=time(22, 30))),
        (Timing("duration_based", on_duration_s=5, off_duration_s=5), 30, Timing("duration_based", on_duration_s=5, off_duration_s=5)),
    ],
)  # fmt: skip
def test_times_are_moved_and_the_days_with_them(timing: Timing, minutes: int, expected: Timing) -> None:
    assert shifted(timing, minutes) == expected


@pytest.mark.parametrize(
    ("timing", "minutes"),
    [
        (Timing(cron_expression="*/5 * * * *"), 5), (Timing(cron_expression="0 0,12 * * 1"), -5), (Timing(cron_expression="0 0,12 * * *", weekdays=(1,)), -5),
        (Timing(start_time=time(6)), 721),
    ],
)  # fmt: skip
def test_what_cannot_be_moved_says_so(timing: Timing, minutes: int) -> None:
    with pytest.raises(Invalid) as refusal:
        shifted(timing, minutes)
    assert refusal.value.field == "minutes"


@pytest.mark.parametrize(
    ("kind", "timing", "action", "field"),
    [
        ("sensor", Timing(), "on", "device_id"), ("relay", Timing(value=Decimal(5)), "on", "value"), ("pwm", Timing(value=Decimal(101)), "on", "value"),
        ("pwm", Timing(value=Decimal(50), off_value=Decimal(101)), "on", "off_value"), ("pwm", Timing(value=Decimal(5), value_command="set_angle"), "on", "value_command"),
        ("pwm", Timing(value=Decimal(5)), "toggle", "action"), ("pwm", Timing(value=Decimal("5.5"), value_command="set_value"), "on", "value"),
        ("pwm", Timing(value=Decimal(10)), "on", "value"), ("servo", Timing(), "on", "value"), ("servo", Timing(value=Decimal(90)), "off", "action"),
        ("servo", Timing(value=Decimal(90), action_duration_s=5), "on", "off_value"), ("servo", Timing(value=Decimal(181)), "on", "value"),
    ],
)  # fmt: skip
def test_a_value_that_a_device_cannot_be_set_to_names_its_field(kind: str, timing: Timing, action: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        with_values(timing, device_type=kind, action=action, limits={"set_speed": Limits(low=Decimal(20))})
    assert refusal.value.field == field


def said(timing: Timing, action: str) -> tuple[str, float | None]:
    command, value = meant(action, value=timing.value, off_value=timing.off_value, value_command=timing.value_command)
    return command, None if value is None else float(value)


def test_on_and_off_are_what_the_schedule_means_by_them() -> None:
    vents = with_values(Timing("condition_based", value=Decimal(90), off_value=Decimal(10)), device_type="servo", action="on")
    assert [said(vents, one) for one in ("on", "off")] == [("set_angle", 90), ("set_angle", 10)]
    fan = with_values(Timing(off_value=Decimal(30)), device_type="pwm", action="on")
    assert [said(fan, one) for one in ("on", "off", "toggle")] == [("on", None), ("set_speed", 30), ("toggle", None)]


A, B = UUID(int=1), UUID(int=2)


def leaf(sign: str, value: float, *, device: UUID = A, kind: str = "temperature", until: float | None = None) -> dict[str, object]:
    return {"device_id": str(device), "sensor_type": kind, "operator": sign, "value": value} | ({} if until is None else {"until": until})


@pytest.mark.parametrize(
    ("condition", "a", "b", "expected"),
    [
        (leaf(">", 30), 31, None, True), (leaf(">", 30), 30, None, False), (leaf(">=", 30), 30, None, True),
        (leaf("<", 20), 19, None, True), (leaf("<=", 20), 20, None, True), (leaf("==", 1), 1, None, True),
        ({"and": [leaf(">", 30), leaf(">", 80, device=B)]}, 31, 81, True),
        ({"and": [leaf(">", 30), leaf(">", 80, device=B)]}, 31, None, None),  # the silent one would decide
        ({"and": [leaf(">", 30), leaf(">", 80, device=B)]}, 29, None, False),  # it would not
        ({"or": [leaf(">", 30), leaf(">", 80, device=B)]}, 31, None, True),
        ({"or": [leaf(">", 30), leaf(">", 80, device=B)]}, 29, None, None),
        ({"or": [leaf(">", 30), leaf(">", 80, device=B)]}, 29, 79, False),
        ({"not": leaf(">", 30)}, 29, None, True), ({"not": leaf(">", 30)}, None, None, None),
        ({"and": [leaf(">", 30), {"not": {"or": [leaf(">", 80, device=B), leaf("<", 10, device=B)]}}]}, 31, 50, True),
    ],
)  # fmt: skip
def test_conditions_are_put_together_and_silence_is_neither_true_nor_false(
    condition: dict[str, object], a: float | None, b: float | None, expected: bool | None
) -> None:
    kinds = {(A, "temperature"): a, (B, "temperature"): b}
    measured = {source: Measured(value, NOON) for source, value in kinds.items() if value is not None}
    assert holds(condition_of(condition), measured, at=NOON + MINUTE) is expected


@pytest.mark.parametrize(
    ("value", "was", "expected"), [(31, False, True), (29, False, False), (29, True, True), (28, True, False), (27, True, False), (30, True, True)]
)
def test_once_it_holds_it_holds_until_the_second_threshold(value: float, was: bool, expected: bool) -> None:
    measured = {(A, "temperature"): Measured(value, NOON)}
    assert holds(leaf(">", 30, until=28), measured, at=NOON, was=was) is expected
    assert holds({"not": leaf(">", 30, until=28)}, measured, at=NOON, was=not was) is not expected


def test_a_value_that_is_too_old_is_silence() -> None:
    measured = {(A, "temperature"): Measured(31, NOON)}
    assert holds(leaf(">", 30), measured, at=NOON + 60 * SECOND, silent_after_s=60) is True
    assert holds(leaf(">", 30), measured, at=NOON + 61 * SECOND, silent_after_s=60) is None


@pytest.mark.parametrize(
    ("held", "phase", "seconds", "expected"),
    [
        (True, None, 0, "met"), (False, None, 0, "not_met"), (True, "met", 119, "met"), (True, "met", 120, "rests"), (False, "met", 120, "not_met"),
        (True, "rests", 29, "rests"), (True, "rests", 30, "met"), (False, "rests", 1, "not_met"), (None, "rests", 1, "fail_safe"), (False, "met", 59, "met"), (False, "met", 60, "not_met"),
        (True, "not_met", 29, "not_met"), (True, "not_met", 30, "met"), (None, "met", 0, "fail_safe"), (True, "fail_safe", 0, "met"),
    ],
)  # fmt: skip
def test_a_device_stays_as_it_is_for_the_shortest_time_but_silence_does_not_wait(held: bool | None, phase: str | None, seconds: int, expected: str) -> None:
    at = NOON + seconds * SECOND
    assert phase_after(held, phase, NOON, at=at, action="on", minimum_on_s=60, minimum_off_s=30, longest_run_s=120) == expected


@pytest.mark.parametrize(
    ("timing", "field"),
    [
        (Timing(), "start_time"), (Timing(start_time=time(6), cron_expression="0 6 * * *"), "start_time"),
        (Timing(start_time=time(6), end_time=time(6)), "end_time"), (Timing(start_time=time(6), weekdays=()), "weekdays"),
        (Timing(start_time=time(6), weekdays=(8,)), "weekdays"), (Timing(cron_expression="0 6 * *"), "cron_expression"),
        (Timing(start_time=time(6), start_date=date(2026, 2, 1), end_date=date(2026, 1, 1)), "end_date"),
        (Timing(sun_event="noon"), "sun_event"), (Timing(start_time=time(6), action_duration_s=3601), "action_duration_s"),
        (Timing(start_time=time(6), steps=tuple(Step("on", 1) for _ in range(21))), "steps"),
        (Timing(start_time=time(6), steps=(Step("on", 0),)), "steps"), (Timing(start_time=time(6), steps=(Step("toggle", 5),)), "steps"),
        (Timing("duration_based", on_duration_s=0, off_duration_s=5), "on_duration_s"), (Timing("duration_based", on_duration_s=5), "off_duration_s"),
        (Timing("duration_based", on_duration_s=5, off_duration_s=5, start_time=time(6)), "end_time"),
        (Timing("condition_based"), "condition"), (Timing("condition_based", condition={"and": []}), "condition"),
        (Timing("condition_based", condition=leaf(">", 30, until=31)), "condition"), (Timing("condition_based", condition=leaf("~", 30)), "condition"),
        (Timing("condition_based", condition=leaf(">", 30), silent_after_s=1), "silent_after_s"),
        (Timing("condition_based", condition=leaf(">", 30), longest_run_s=30), "longest_run_s"),
        (Timing("condition_based", condition=leaf(">", 30), start_time=time(6)), "end_time"),
        (Timing("condition_based", condition=leaf(">", 30), sun_event="sunset"), "start_time"),
        (Timing("duration_based", on_duration_s=3601, off_duration_s=5), "on_duration_s"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_names_its_field(timing: Timing, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        timing_of(timing, action="on", has_place=True)
    assert refusal.value.field == field


def test_without_a_place_nobody_knows_when_the_sun_rises() -> None:
    with pytest.raises(Invalid, match="where the farm is"):
        timing_of(Timing(sun_event="sunrise"), action="on", has_place=False)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_templates_are_what_they_promise(name: str) -> None:
    priority, timing = TEMPLATES[name]
    checked = timing_of(timing, action="on", has_place=False)
    plan = checked.plan(PHNOM_PENH, action="on", anchor=NOON if name == "conveyor_cycle" else None)
    on_s = sum((one.until - one.at).total_seconds() for one in between(plan, NOON, NOON + DAY - SECOND) if one.action == "on" and one.until)
    assert (priority, on_s) == {
        "conveyor_cycle": (5, 600 * 58), "conveyor_times": (7, 4 * 1800), "feeder_times": (10, 3 * 900), "feeder_pulse": (10, 3 * 60),
    }[name]  # fmt: skip
