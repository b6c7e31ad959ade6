"""What may be asked, what answers it, and how long it waits: values in, verdict out."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.farm.rules import (
    COMMANDS,
    NEXT,
    RETRIES_S,
    Contradiction,
    DeviceState,
    Limits,
    answers,
    calibrated,
    energizes,
    has_restarted,
    heard,
    is_battery_low,
    is_vital,
    resolved,
    retry_after,
    uncalibrated,
    value_asked,
    verdicts,
)
from data.farm.tables import CommandStatus, CommandType, DeviceType
from data.farm.values import FULL, Calibration, Health, Outgoing, Presence, StateReport

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_every_kind_of_device_and_of_command_is_known() -> None:
    assert set(COMMANDS) == set(DeviceType) and set().union(*COMMANDS.values()) == set(CommandType)
    assert set(NEXT) | set().union(*NEXT.values()) == set(CommandStatus)


@pytest.mark.parametrize(
    ("command", "value", "limits", "found"),
    [
        ("on", None, None, None), ("set_value", 255, None, Decimal(255)), ("set_speed", 33.333, None, Decimal("33.33")),
        ("set_speed", 0, Limits(Decimal(20), Decimal(80)), Decimal(0)), ("set_angle", 180, None, Decimal(180)),
        ("set_speed", 20, Limits(Decimal(20), None), Decimal(20)),
    ],
)  # fmt: skip
def test_a_value_within_its_range_is_kept(command: str, value: float | None, limits: Limits | None, found: Decimal | None) -> None:
    assert value_asked(command, value, limits) == found


@pytest.mark.parametrize(
    ("command", "value", "limits"),
    [
        ("on", 1, None), ("set_value", None, None), ("set_value", True, None), ("set_value", 255.5, None), ("set_angle", -1, None),
        ("set_angle", float("inf"), None), ("set_speed", 19, Limits(Decimal(20), None)), ("set_angle", 0, Limits(Decimal(10), None)),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_names_its_field(command: str, value: Any, limits: Limits | None) -> None:
    with pytest.raises(Invalid) as refusal:
        value_asked(command, value, limits)
    assert refusal.value.field == "value"


@pytest.mark.parametrize(
    ("command", "value", "is_on", "reported", "is_answer"),
    [
        ("on", None, True, None, True), ("on", None, False, None, False), ("off", None, False, None, True), ("off", None, True, None, False),
        ("set_value", 128, True, 128, True), ("set_value", 128, True, 130, True), ("set_value", 128, True, 140, False),
        ("set_value", 128, True, None, False), ("set_value", 128, False, 128, False), ("set_speed", 0, False, None, True),
        ("set_speed", 0, True, 0, False), ("set_angle", 0, False, None, False), ("set_angle", 90, False, 90.5, True),
    ],
)  # fmt: skip
def test_only_what_was_asked_is_an_answer(command: str, value: float | None, is_on: bool, reported: float | None, is_answer: bool) -> None:
    assert answers(command, value, is_on=is_on, reported=reported) is is_answer


@pytest.mark.parametrize(
    ("command", "value", "runs"),
    [("on", None, True), ("toggle", None, True), ("off", None, False), ("set_speed", 0, False), ("set_value", 1, True), ("set_angle", 0, True)],
)
def test_what_runs_because_of_it_is_not_allowed_while_a_farm_is_stopped(command: str, value: float | None, runs: bool) -> None:
    assert energizes(command, value) is runs


def test_a_toggle_becomes_what_the_device_is_not() -> None:
    assert [resolved("toggle", is_on=is_on) for is_on in (True, False, None)] == ["off", "on", None]
    assert resolved("set_speed", is_on=None) == "set_speed"


def test_each_further_attempt_waits_longer_until_there_is_none() -> None:
    waits = [retry_after(attempts) for attempts in range(len(RETRIES_S) + 2)]
    assert waits == [None, *(timedelta(seconds=s) for s in (1, 2, 4, 8, 16)), None]


@given(st.decimals(-500, 500, places=2), st.decimals(-50, 50, places=3), st.decimals("0.1", 10, places=3))
def test_what_is_brought_in_tune_can_be_brought_back(value: Decimal, offset: Decimal, scale: Decimal) -> None:
    by = Calibration(offset, scale)
    assert abs(uncalibrated(calibrated(value, by), by) - value) < Decimal("0.000001")


def test_a_wish_says_in_general_terms_what_it_leaves_behind() -> None:
    def out(command: str, value: float | None = None) -> Outgoing:
        return Outgoing(*[None] * 2, "fan", 1, command, value)  # type: ignore[arg-type]

    assert [out(c).is_on for c in ("on", "off")] == [True, False] and out("on").share is None
    assert [(one.is_on, one.share) for one in (out("set_speed", 0), *(out(c, full) for c, full in FULL.items()))] == [(False, 0)] + [(True, 1)] * 3


@pytest.mark.parametrize(("uptime_s", "has"), [(5, True), (58, True), (59.5, False), (3600, False), (None, False)])
def test_a_device_has_restarted_if_it_began_after_it_was_last_heard(uptime_s: float | None, has: bool) -> None:
    known = DeviceState(output=1, last_heartbeat_at=NOON)
    assert has_restarted(known, Health("fan", NOON + 60 * SECOND, uptime_s=uptime_s)) is has
    assert has_restarted(DeviceState(output=1), Health("fan", NOON, uptime_s=uptime_s)) is False


def says(is_on: bool, seconds: float, source: str) -> StateReport:
    return StateReport("fan", 1, is_on, NOON + timedelta(seconds=seconds), source=source)


@pytest.mark.parametrize(
    ("words", "contradicted_by"),
    [
        ([says(True, 0, "result"), says(False, 5, "heartbeat")], Contradiction.WORDS),
        ([says(True, 0, "result"), says(False, 5, "result")], None),
        ([says(True, 0, "result"), says(False, 11, "heartbeat")], None),
        ([says(True, 0, "result"), says(False, 5, "heartbeat"), says(False, 300, "heartbeat")], Contradiction.WORDS),
        ([says(True, 0, "result"), says(False, 5, "heartbeat"), says(False, 6, "result")], None),
    ],
)
def test_two_words_at_the_same_time_cannot_both_be_true(words: list[StateReport], contradicted_by: str | None) -> None:
    known = DeviceState(output=1)
    for word in words:
        known = heard(known, word)
    assert known.contradicted_by == contradicted_by and known.is_on is words[-1].is_on


def test_a_broker_that_is_contradicted_is_believed_again_when_the_device_speaks_or_the_broker_agrees() -> None:
    silent = DeviceState(output=1, last_heartbeat_at=NOON, contradicted_by=Contradiction.PRESENCE, contradicted_at=NOON)
    assert heard(silent, says(True, 1, "state")).contradicted_by is None
    assert heard(silent, Presence("fan", False, NOON + SECOND)).contradicted_by is None
    assert heard(silent, Presence("fan", True, NOON + SECOND)).contradicted_by == Contradiction.PRESENCE


@pytest.mark.parametrize(("icon", "configured", "vital"), [("air", None, True), ("lightbulb", None, False), ("air", False, False), (None, True, True)])
def test_fans_and_heaters_are_vital_unless_somebody_says_otherwise(icon: str | None, configured: object, vital: bool) -> None:
    assert is_vital(icon, configured) is vital


@pytest.mark.parametrize(
    ("celsius", "beyond", "deadly"), [(36, True, False), (35, None, False), (34.6, None, False), (34.5, False, False), (38.1, True, True)]
)
def test_a_limit_is_left_only_well_inside(celsius: float, beyond: bool | None, deadly: bool) -> None:
    latest = {"temperature": {"value": celsius, "unit": "°C", "at": NOON.isoformat()}}
    (found,) = verdicts(latest, {"temp_threshold_high": 35, "co2_threshold_high": 2000}, at=NOON)
    assert (found.is_beyond, found.is_deadly, found.values) == (beyond, deadly, {"value_celsius": celsius, "limit_celsius": 35.0})
    assert list(verdicts(latest, {"temp_threshold_high": 35}, at=NOON + timedelta(hours=1))) == []


def test_a_battery_is_low_good_or_in_between() -> None:
    assert [is_battery_low(percent, {}) for percent in (19, 20, 24, 25)] == [True, None, None, False]
    assert is_battery_low(30, {"battery_threshold_low": 40}) is True
