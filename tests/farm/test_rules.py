from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.farm.rules import (
    NOT_SWITCHED,
    OFFLINE,
    OUT_OF_USE,
    Daily,
    DeviceState,
    Warmth,
    as_daily,
    cron_of,
    heard,
    next_runs,
    refusal_to_switch,
    topic_of,
    warmth,
)
from data.farm.values import Presence, SensorValue, StateReport

PHNOM_PENH, BERLIN = ZoneInfo("Asia/Phnom_Penh"), ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("celsius", "word"),
    [
        (41, Warmth.SCORCHING), (35, Warmth.SCORCHING), (34.9, Warmth.HOT), (32, Warmth.HOT), (31.9, Warmth.WARM),
        (28, Warmth.WARM), (27.9, Warmth.NEUTRAL), (24, Warmth.NEUTRAL), (23.9, Warmth.COOL), (20, Warmth.COOL),
        (19.9, Warmth.COLD), (-5, Warmth.COLD),
    ],
)  # fmt: skip
def test_a_temperature_has_a_word(celsius: float, word: Warmth) -> None:
    assert warmth(celsius) is word


@pytest.mark.parametrize(
    ("is_switched", "is_active", "is_online", "refusal"),
    [
        (True, True, True, None),
        (False, True, True, NOT_SWITCHED),
        (True, False, True, OUT_OF_USE),
        (True, True, False, OFFLINE),
    ],
)
def test_only_a_relay_that_is_there_can_be_switched(is_switched: bool, is_active: bool, is_online: bool, refusal: str | None) -> None:
    assert refusal_to_switch(is_switched=is_switched, is_active=is_active, is_online=is_online) == refusal


@pytest.mark.parametrize("topic", ["fan", "Fan_2", "0a-b", "x" * 50])
def test_a_topic_is_one_word(topic: str) -> None:
    assert topic_of(f" {topic} ") == topic


@pytest.mark.parametrize("topic", ["", "farm/fan", "+", "#", "fan#", "$steading", "-fan", "ផ្ទះ", "x" * 51, "tasmotas", "a b", "fan\n1"])
def test_a_topic_that_others_would_hear_is_refused(topic: str) -> None:
    with pytest.raises(Invalid) as refusal:
        topic_of(topic)
    assert refusal.value.field == "topic"


def on(at: datetime, *, output: int = 1, is_on: bool = True) -> StateReport:
    return StateReport("fan", output, is_on, at)


def test_a_device_is_as_it_says() -> None:
    state = heard(DeviceState(output=1), on(NOON))
    assert (state.is_on, state.state_reported_at, state.is_online, state.last_heartbeat_at) == (True, NOON, True, NOON)
    assert heard(state, on(NOON + SECOND, is_on=False)).is_on is False


def test_a_late_report_moves_nothing_back() -> None:
    state = heard(DeviceState(output=1), on(NOON))
    assert heard(state, on(NOON - SECOND, is_on=False)) == state
    assert heard(state, Presence("fan", False, NOON - SECOND)) == state
    warm = heard(state, SensorValue("fan", "temperature", 30, "°C", NOON))
    assert heard(warm, SensorValue("fan", "temperature", 10, "°C", NOON - SECOND)).latest["temperature"]["value"] == 30


def test_another_output_of_the_board_is_not_this_device() -> None:
    assert heard(DeviceState(output=1), on(NOON, output=2)).is_on is None


def test_presence_comes_and_goes_and_leaves_the_state_alone() -> None:
    state = heard(DeviceState(output=1), on(NOON))
    gone = heard(state, Presence("fan", False, NOON + SECOND))
    assert (gone.is_online, gone.is_on) == (False, True)
    assert heard(gone, Presence("fan", False, NOON + 9 * SECOND)) == gone  # being away is no sign of life
    assert heard(gone, Presence("fan", True, NOON + 2 * SECOND)).is_online
    assert heard(gone, SensorValue("fan", "humidity", 50, "%", NOON + 2 * SECOND)).is_online


@given(st.permutations(range(6)))
def test_the_order_of_arrival_does_not_matter(order: list[int]) -> None:
    reports = [on(NOON + n * SECOND, is_on=n % 2 == 0) for n in range(6)]
    state = DeviceState(output=1)
    for n in order:
        state = heard(state, reports[n])
    last = NOON + 5 * SECOND  # how long it was on is another matter: what comes out of order is not counted
    assert (state.is_on, state.state_reported_at, state.is_online, state.last_heartbeat_at) == (False, last, True, last)


@pytest.mark.parametrize("text", ["0 6 * * *", " */5  * * * * ", "30 5 1,15 * MON-FRI", "0 0 29 2 *", "0 6 * * 7"])
def test_a_cron_expression_has_five_fields(text: str) -> None:
    assert cron_of(text) == " ".join(text.split())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "There are 0"), ("0 6 * *", "There are 4"), ("0 0 6 * * *", "There are 6"), ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"), ("0 0 31 2 *", "day of the month"), ("0 0 * 13 *", "month"), ("0 0 * * 8", "weekday"),
        ("six * * * *", "minute"), ("*/0 * * * *", "minute"), ("0 0 30 2 *", "day of the month"),
    ],
)  # fmt: skip
def test_what_is_no_cron_expression_is_told_by_its_field(text: str, says: str) -> None:
    with pytest.raises(Invalid) as refusal:
        cron_of(text)
    assert refusal.value.field == "cron_expression" and says in str(refusal.value)


def local(*runs: datetime, zone: ZoneInfo) -> list[str]:
    return [f"{run.astimezone(zone):%m-%d %H:%M %Z}" for run in runs]


def test_a_schedule_runs_by_the_clock_of_its_farm() -> None:
    assert next_runs("0 6 * * *", PHNOM_PENH, after=NOON) == [datetime(2026, 11, 20, 23, tzinfo=UTC)]
    assert next_runs("0 19 * * *", PHNOM_PENH, after=NOON) == [datetime(2026, 11, 21, 12, tzinfo=UTC)]  # 19:00 there is noon: not again


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("30 2 * * *", datetime(2026, 3, 28, 20, tzinfo=UTC), ["03-29 03:00 CEST", "03-30 02:30 CEST"]),
        ("0 3 * * *", datetime(2026, 3, 28, 20, tzinfo=UTC), ["03-29 03:00 CEST", "03-30 03:00 CEST"]),
        ("0,30 2 * * *", datetime(2026, 3, 28, 20, tzinfo=UTC), ["03-29 03:00 CEST", "03-30 02:00 CEST"]),
        ("*/30 * * * *", datetime(2026, 3, 29, 0, 40, tzinfo=UTC), ["03-29 03:00 CEST", "03-29 03:30 CEST"]),
        ("30 2 * * *", datetime(2026, 10, 24, 20, tzinfo=UTC), ["10-25 02:30 CEST", "10-26 02:30 CET"]),
        ("30 2 * * *", datetime(2026, 10, 25, 0, 40, tzinfo=UTC), ["10-26 02:30 CET", "10-27 02:30 CET"]),
        ("30 2 * * *", datetime(2026, 10, 25, 1, 10, tzinfo=UTC), ["10-26 02:30 CET", "10-27 02:30 CET"]),
        ("30 * * * *", datetime(2026, 10, 25, 0, 10, tzinfo=UTC), ["10-25 02:30 CEST", "10-25 02:30 CET"]),
        ("0 */2 * * *", datetime(2026, 10, 24, 23, 0, tzinfo=UTC), ["10-25 02:00 CEST", "10-25 02:00 CET"]),
    ],
)
def test_when_the_clocks_change_a_fixed_time_runs_once_and_what_repeats_goes_on(cron: str, after: datetime, expected: list[str]) -> None:
    assert local(*next_runs(cron, BERLIN, after=after, count=2), zone=BERLIN) == expected


@given(st.integers(0, 60 * 24 * 400), st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 */3 * * *", "15 1-3 * * *", "0 0 * * SUN"]))
def test_the_next_run_is_always_ahead(minutes: int, cron: str) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    runs = next_runs(cron, BERLIN, after=after, count=3)
    assert after < runs[0] < runs[1] < runs[2]


@pytest.mark.parametrize(
    ("daily", "cron"),
    [
        (Daily(time(6, 0)), "0 6 * * *"),
        (Daily(time(17, 45), frozenset({1, 7})), "45 17 * * 1,7"),
        (Daily(time(0, 5), frozenset({3})), "5 0 * * 3"),
    ],
)
def test_a_time_on_some_days_is_a_cron_expression_and_back(daily: Daily, cron: str) -> None:
    assert daily.cron == cron == cron_of(cron) and as_daily(cron) == daily


def test_sunday_has_two_numbers() -> None:
    assert as_daily("0 6 * * 0") == as_daily("0 6 * * 7") == Daily(time(6), frozenset({7}))


@pytest.mark.parametrize("cron", ["*/5 * * * *", "0 6-18/2 * * *", "0 6,12 * * *", "0 6 1 * *", "0 6 * * MON", "0 24 * * *"])
def test_what_is_not_that_simple_stays_a_cron_expression(cron: str) -> None:
    assert as_daily(cron) is None
