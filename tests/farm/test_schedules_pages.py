"""What people type about a schedule is what is meant, and what is meant is said back to them."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from data.core.errors import Invalid
from data.farm.ledger import Only
from data.farm.rules import TEMPLATES, Moment, Plan, Timing, between, clock_changes
from data.farm.tables import MissedPolicy, Schedule, ScheduleExecution, ScheduleType, SwitchAction
from pages.farm._schedule_parts import Group, Row, meant, rows, typed
from pages.farm._schedule_preview import change_words
from pages.farm._schedule_typed import kind_of, times_of, times_words
from pages.farm._schedule_week import held
from pages.farm._schedule_words import condition_words, does, done_words, hours_of, lines, said
from pages.farm.ledger import Filter, read
from ui.words import Reader, reading_as

PROBE = UUID(int=1)


def schedule(**values: Any) -> Schedule:
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
        (Timing("duration_based", sun_event="sunset"), "cycle"), (Timing(sun_event="sunrise", steps=TEMPLATES["feeder_pulse"][1].steps), "steps"),
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
        (schedule(schedule_type=ScheduleType.DURATION, sun_event="sunrise", end_time=time(18), on_duration_s=600, off_duration_s=900),
         "From sunrise to 18:00 · 10 minutes on, 15 minutes off"),
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


def test_what_is_switched_on_is_on_until_another_schedule_switches_it_off() -> None:
    begin = datetime(2026, 11, 21, tzinfo=UTC)
    hours = [(6, "on"), (7, "on"), (9, "off"), (20, "on")]
    found = held([Moment(begin + timedelta(hours=hour), action, begin) for hour, action in hours])
    assert [one.until and one.until.hour for one in found] == [9, 9, None, None]


A, B = f"{PROBE} temperature", f"{UUID(int=9)} humidity"
HOT = {"device_id": str(PROBE), "sensor_type": "temperature", "operator": ">", "value": 30.0, "until": 28.0}
DAMP = {"device_id": str(UUID(int=9)), "sensor_type": "humidity", "operator": ">=", "value": 80.0}


@pytest.mark.parametrize(
    "condition",
    [
        HOT, {"not": HOT}, {"and": [HOT, DAMP]}, {"or": [HOT, {"not": DAMP}]}, {"and": [HOT, {"or": [DAMP, {"not": HOT}]}]},
        {"or": [{"not": {"and": [HOT, DAMP]}}, DAMP]}, {"not": {"or": [HOT, DAMP]}},
    ],
)  # fmt: skip
def test_a_condition_that_was_kept_is_shown_in_the_form_and_comes_out_of_it_as_it_was(condition: dict[str, object]) -> None:
    shown = typed(condition)
    assert shown and meant(shown) == condition
    with reading_as(Reader(temperature_unit="f")):
        shown = typed(condition)
        assert shown and meant(shown) == condition
        assert all(row.value == 86 for row in rows(shown) if row.source == A)  # 30 °C


@pytest.mark.parametrize("condition", [{"and": [HOT, {"or": [DAMP, {"and": [HOT, DAMP]}]}]}, {"not": {"not": HOT}}, {"and": [{"not": {"not": HOT}}]}])
def test_a_condition_for_which_the_form_has_no_place_is_kept_as_it_is(condition: dict[str, object]) -> None:
    assert typed(condition) is None


@pytest.mark.parametrize(
    ("root", "field"),
    [
        (Group(parts=[Row(A, ">", None)]), "condition.0"), (Group(parts=[Row(None, ">", 5)]), "condition.0"),
        (Group(parts=[Row(A, ">", 5), Group("or", [Row(B, ">", 5), Row(B, ">", 5, until=6)])]), "condition.1.1"),
        (Group(parts=[Row(A, ">", 5), Group("or", [])]), "condition.1"), (Group(parts=[]), "condition"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_condition_is_said_at_its_row(root: Group, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        meant(root)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"and": [HOT, {"or": [DAMP, {"not": DAMP}]}]},
         "Temperature of Probe is above 30.0 °C, until 28.0 °C and (Humidity of ? is at least 80 or not: Humidity of ? is at least 80)"),
        ({"not": {"or": [HOT, DAMP]}}, "not: (Temperature of Probe is above 30.0 °C, until 28.0 °C or Humidity of ? is at least 80)"),
    ],
)  # fmt: skip
def test_groups_are_said_in_brackets(condition: dict[str, object], words: str) -> None:
    assert condition_words(condition, {PROBE: "Probe"}) == words


@pytest.mark.parametrize(
    ("hours", "expected"),
    [("6", [6]), ("6,12", [6, 12]), ("6-18/4", [6, 10, 14, 18]), ("*/6", [0, 6, 12, 18]), ("*", []), ("6-18", []), ("a", []), ("22/1", [22, 23])],
)
def test_hours_of_a_cron_expression_are_said_one_by_one_where_they_are_few(hours: str, expected: list[int]) -> None:
    assert hours_of(hours) == expected


def test_what_the_change_of_clocks_means_is_said() -> None:
    spring, autumn = clock_changes(ZoneInfo("Europe/Berlin"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    assert "forward from 02:00 to 03:00" in change_words(spring, "Europe/Berlin") and "Sun, 29 Mar 2026" in change_words(spring, "Europe/Berlin")
    assert "back from 03:00 to 02:00" in change_words(autumn, "Europe/Berlin")


def test_what_was_done_in_an_outage_is_said() -> None:
    def run(policy: MissedPolicy | None, *, is_late: bool) -> ScheduleExecution:
        return ScheduleExecution(schedule_id=PROBE, device_id=PROBE, missed_policy=policy, is_late=is_late)

    assert [done_words(run(policy, is_late=True)) for policy in MissedPolicy] == ["Left out", "Done late", "Brought to where it should be"]
    assert [done_words(run(policy, is_late=False)) for policy in MissedPolicy] == ["Left out", *["What came later was done instead"] * 2]
    assert done_words(run(None, is_late=False)) == ""


def test_what_an_address_of_the_ledger_says_is_read_and_nonsense_left_out() -> None:
    chosen = read({"farm": str(PROBE), "only": "outage", "since": "2026-11-20", "until": "9999-12-31", "schedule": "x"})
    assert chosen == Filter(farm=PROBE, only=Only.OUTAGE, since=date(2026, 11, 20)) and read({}).address() == "/farm/ledger"
    assert read(dict(parse_qsl(urlsplit(chosen.address()).query))) == chosen
    assert chosen.wanted("Asia/Phnom_Penh").since == datetime(2026, 11, 19, 17, tzinfo=UTC)
