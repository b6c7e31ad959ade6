"""What people type about a schedule is what is meant, and what is meant is said back to them."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from data.core.errors import Invalid
from data.farm.rules import TEMPLATES, Plan, Timing, between
from data.farm.tables import Schedule, ScheduleType, SwitchAction
from pages.farm._schedule_typed import kind_of, times_of, times_words
from pages.farm._schedule_words import condition_words, does, lines, said
from ui.words import Reader, reading_as

PROBE = UUID(int=1)


def schedule(**values: object) -> Schedule:
    kind = values.pop("schedule_type", ScheduleType.TIME)
    return Schedule(farm_id=UUID(int=2), device_id=UUID(int=3), name="Plan", schedule_type=kind, action=SwitchAction.ON, **values)


@pytest.mark.parametrize(
    ("text", "timing"),
    [
        ("06:00", {"start_time": time(6)}), (" 6:30 ", {"start_time": time(6, 30)}),
        ("18:00, 06:00,12:00", {"cron_expression": "0 6,12,18 * * *"}), ("06:15; 7:15", {"cron_expression": "15 6,7 * * *"}),
    ],
)  # fmt: skip
def test_times_are_written_as_people_write_them(text: str, timing: dict[str, object]) -> None:
    assert times_of(text) == timing
    assert times_of(times_words(Timing(**timing))) == timing  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "six", "25:00", "06:00, 06:30", "06"])
def test_what_is_no_time_is_said_at_the_field(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        times_of(text)
    assert refusal.value.field == "times"


@pytest.mark.parametrize(
    ("timing", "kind"),
    [
        (Timing(start_time=time(6)), "times"), (Timing(cron_expression="0 6,12 * * *"), "times"), (Timing(cron_expression="0 6 * * 1,2"), "times"),
        (Timing(cron_expression="*/5 * * * *"), "cron"), (Timing(cron_expression="0 6 1 * *"), "cron"), (Timing(cron_expression="0 6 * * MON"), "cron"),
        (Timing(start_time=time(6), end_time=time(7)), "between"), (Timing(sun_event="sunset"), "sun"),
        (TEMPLATES["conveyor_cycle"][1], "cycle"), (TEMPLATES["feeder_pulse"][1], "steps"), (Timing("condition_based"), "condition"),
    ],
)  # fmt: skip
def test_the_form_opens_with_the_simplest_words_for_what_is_there(timing: Timing, kind: str) -> None:
    assert kind_of(timing) == kind


LEAF = {"device_id": str(PROBE), "sensor_type": "temperature", "operator": ">", "value": 30, "until": 28}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (schedule(start_time=time(6)), "Every day at 06:00"),
        (schedule(start_time=time(6), end_time=time(7), weekdays=[1, 7]), "From 06:00 to 07:00 · Monday, Sunday"),
        (schedule(sun_event="sunset", sun_offset_minutes=-30, action_duration_s=3600), "Every day at 30 minutes before sunset · for 60 minutes"),
        (schedule(cron_expression="0 6 * * *", steps=[{"action": "on", "duration_s": 30}, {"action": "off", "duration_s": 10}]),
         "Every day at 06:00 · on 30 seconds → off 10 seconds"),
        (schedule(schedule_type=ScheduleType.DURATION, on_duration_s=600, off_duration_s=900, repeat_count=3), "10 minutes on, 15 minutes off · 3 times"),
        (schedule(schedule_type=ScheduleType.CONDITION, condition={"and": [LEAF, {"not": LEAF | {"operator": "<"}}]}),
         "While Temperature of Probe is above 30.0 °C, until 28.0 °C and not: Temperature of Probe is below 30.0 °C, until 28.0 °C"),
    ],
)  # fmt: skip
def test_a_schedule_is_said_in_one_sentence(row: Schedule, words: str) -> None:
    with reading_as(Reader(language="en")):
        assert said(row, {PROBE: "Probe"}) == words
        assert does(row) in ("Switch on", "In steps", "In cycles")


def test_a_condition_of_a_probe_that_is_gone_can_still_be_said() -> None:
    assert "?" in condition_words(LEAF, {})


def test_the_week_has_a_bar_for_each_time_that_it_is_on_also_across_midnight() -> None:
    zone = ZoneInfo("Asia/Phnom_Penh")
    plan = Plan("time_based", zone, start_time=time(18), end_time=time(6))
    begin = datetime(2026, 11, 20, 17, tzinfo=UTC)
    days = [begin + timedelta(days=n) for n in range(3)]
    found = lines(between(plan, begin, days[-1]), plan, days)
    assert [[(round(a, 2), round(b, 2)) for a, b in day.bars] for day in found] == [[(0.75, 1.0)], [(0.0, 0.25), (0.75, 1.0)]]
