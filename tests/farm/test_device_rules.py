"""What is made of what one device says, and how it is said: no database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from data.core.errors import Invalid
from data.farm.rules import DeviceState, fitting, heard, setting, tuned, verdicts
from data.farm.tables import CommandType, Device, DeviceCommand, DeviceType
from data.farm.values import Health, SensorValue, StateReport
from pages.farm._device_words import (
    asked_words,
    battery_words,
    contradiction_words,
    guard_words,
    setting_value,
    shown,
    signal_words,
    typed,
)
from ui.words import Reader, reading_as

AT = datetime(2026, 11, 20, 5, tzinfo=UTC)


def value(kind: str, number: float, unit: str = "", *, at: datetime = AT) -> SensorValue:
    return SensorValue("probe", kind, number, unit, at)


@pytest.mark.parametrize(
    ("said", "settings", "becomes"),
    [
        (value("temperature", 31.5, "°C"), {}, ("temperature", 31.5, "°C", None)),
        (value("temperature", 31.5, "°C"), {"calibration_temperature": {"offset": -1.5, "scale": 1}}, ("temperature", 30, "°C", 31.5)),
        (value("temperature", 30, "°C"), {"calibration_temperature": {"offset": 1, "scale": 1.1}}, ("temperature", 34, "°C", 30)),
        (value("humidity", 98, "%"), {"calibration_humidity": {"offset": 5}}, ("humidity", 100, "%", 98)),
        (value("temperature", 31.5, "°C"), {"calibration_humidity": {"offset": 5}}, ("temperature", 31.5, "°C", None)),
        (value("water_level_raw", 600), {"calibration_water_level": {"empty": 900, "full": 300}}, ("water_level", 50, "%", 600)),
        (value("analog", 250), {"calibration_water_level": {"empty": 200, "full": 400}}, ("water_level", 25, "%", 250)),
        (value("water_level_raw", 1000), {"calibration_water_level": {"empty": 900, "full": 300}}, ("water_level", 0, "%", 1000)),
        (value("water_level_raw", 600), {}, ("water_level_raw", 600, "", None)),
    ],
)  # fmt: skip
def test_what_a_probe_says_is_corrected_and_what_it_said_itself_is_kept(
    said: SensorValue, settings: dict[str, Any], becomes: tuple[str, float, str, float | None]
) -> None:
    found = tuned(said, settings)
    assert isinstance(found, SensorValue)
    kind, number, unit, raw = becomes
    assert (found.sensor_type, found.unit, found.raw) == (kind, unit, raw) and found.value == pytest.approx(number)


@pytest.mark.parametrize("wrong", [{"empty": 1}, {"empty": 5, "full": 5}, {"empty": "x", "full": 1}, {"offset": 1}, 7])
def test_a_level_needs_two_points_that_differ(wrong: object) -> None:
    with pytest.raises(Invalid) as refusal:
        setting("sensor", "calibration_water_level", wrong)
    assert refusal.value.field == "parameter_value"


def after(is_on: bool, watts: float, *, on_s: float = 60, asked_s: float = 60, contradicted: str | None = None) -> str | None:
    state = DeviceState(
        output=1, is_on=is_on, state_reported_at=AT, is_online=True, contradicted_by=contradicted,
        on_since_at=AT - timedelta(seconds=on_s) if is_on else None, asked_at=AT - timedelta(seconds=asked_s),
    )  # fmt: skip
    return heard(state, value("active_power", watts, "W")).contradicted_by


def test_a_meter_speaks_against_a_switch_when_both_had_time_to_agree() -> None:
    assert after(True, 0) == "meter" and after(False, 40) == "meter"
    assert after(True, 40) is None and after(False, 0.4) is None and after(False, 3) is None
    assert after(True, 0, on_s=10) is None and after(True, 0, asked_s=10) is None, "a motor takes its time"
    assert after(True, 40, contradicted="meter") is None, "they agree again"
    assert after(True, 0, contradicted="words") == "words", "what was doubtful before stays so"
    stuck = DeviceState(output=1, is_on=True, state_reported_at=AT, is_online=True, contradicted_by="meter", on_since_at=AT, asked_at=None)
    assert heard(stuck, StateReport("fan", 1, False, AT + timedelta(minutes=1))).contradicted_by is None, "its meter is asked anew"


def test_when_a_device_started_and_what_it_keeps_to_is_known() -> None:
    state = heard(DeviceState(output=2), Health("fan", AT, uptime_s=600, max_on_s=900, output=2))
    assert (state.started_at, state.own_max_on_s) == (AT - timedelta(minutes=10), 900)
    later = heard(state, Health("fan", AT + timedelta(minutes=5), uptime_s=905, max_on_s=60, output=1))
    assert (later.started_at, later.own_max_on_s) == (state.started_at, 900), "clocks drift; another output's limit is not its own"
    assert heard(later, Health("fan", AT + timedelta(minutes=9), uptime_s=5)).started_at == AT + timedelta(minutes=9, seconds=-5)


@pytest.mark.parametrize(("celsius", "settings", "is_beyond"), [
    (34.0, {}, None), (34.4, {"temp_hysteresis": 0.5}, True), (33.2, {"temp_hysteresis": 2}, None), (31.9, {"temp_hysteresis": 2}, False),
    (33.2, {}, False),
])  # fmt: skip
def test_how_far_inside_a_limit_is_inside_can_be_set(celsius: float, settings: dict[str, float], is_beyond: bool | None) -> None:
    latest = {"temperature": {"value": celsius, "unit": "°C", "at": AT.isoformat()}}
    (found,) = verdicts(latest, {"temp_threshold_high": 34} | settings, at=AT)
    assert found.is_beyond is is_beyond


def test_only_settings_that_mean_something_at_a_device_are_offered() -> None:
    assert "safe_angle" in fitting("servo", ()) and "safe_angle" not in fitting("relay", ())
    assert "temp_threshold_high" in fitting("sensor", ()) and "temp_threshold_high" not in fitting("relay", ())
    assert "temp_threshold_high" in fitting("relay", ("temperature",)), "a relay may have a probe of its own"
    assert "water_level_threshold_low" in fitting("adc", ("water_level",)) and "temp_threshold_low" not in fitting("adc", ("water_level",))
    assert {"set_value", "set_speed"} <= set(fitting("pwm", ())) and "set_angle" in fitting("servo", ())


def test_what_was_asked_is_said_as_a_farmer_thinks_of_it() -> None:
    def asked(kind: CommandType, number: float | None = None) -> str:
        params = {} if number is None else {"value": number}
        return asked_words(DeviceCommand(farm_id=UUID(int=1), device_id=UUID(int=2), command_type=kind, command_params=params))

    assert asked(CommandType.ON) == "Switch on"
    assert asked(CommandType.SET_VALUE, 153) == "Set to 153 (60%)"
    assert asked(CommandType.SET_SPEED, 40) == "Set to 40 %" and asked(CommandType.SET_ANGLE, 90) == "Set to 90°"


def test_settings_are_read_and_typed_in_the_readers_units() -> None:
    with reading_as(Reader("en", "UTC", "f")):
        assert setting_value("temp_threshold_high", 35) == "95.0 °F" and setting_value("temp_hysteresis", 0.5) == "0.9 °F"
        assert typed("temp_threshold_high", 95) == 35 and shown("temp_threshold_high", 35) == 95
        assert typed("temp_hysteresis", 1.8) == 1 and shown("temp_hysteresis", 1) == 1.8
        assert setting_value("calibration_temperature", {"offset": -1, "scale": 1}) == "−1.80 °F"
    assert setting_value("temp_threshold_high", 35) == "35.0 °C" and typed("wait_offline_s", 10) == 600 and shown("wait_offline_s", 600) == 10
    assert setting_value("calibration_water_level", {"empty": 900.0, "full": 300.0}) == "empty at 900, full at 300"


def device(**more: Any) -> Device:
    return Device(farm_id=UUID(int=1), topic="fan", name="Fan", device_type=DeviceType.RELAY, **more)


def test_each_contradiction_says_what_disagrees_and_what_to_do() -> None:
    off = DeviceCommand(farm_id=UUID(int=1), device_id=UUID(int=2), command_type=CommandType.OFF)
    said = {by: contradiction_words(device(contradicted_by=by, is_on=True), off) for by in ("presence", "words", "hand", "meter")}
    assert said["hand"][0] == "It is on, but it was last asked to be off."
    assert said["meter"][0] == "The switch says on, its power meter says that nothing flows."
    assert len({words for pair in said.values() for words in pair}) == 8
    with reading_as(Reader("km", "UTC", "c")):
        assert not {words for by in said for words in contradiction_words(device(contradicted_by=by, is_on=True), off)} & {w for p in said.values() for w in p}


@pytest.mark.parametrize(("own", "face"), [(None, "warning"), (900, "ok"), (901, "ok"), (0, "warning"), (3600, "warning")])
def test_who_ends_what_lasts_too_long_is_said_truthfully(own: int | None, face: str) -> None:
    assert guard_words(device(max_on_s=900, own_max_on_s=own))[0] == face
    assert guard_words(device(own_max_on_s=own))[0] == "neutral"


def test_signal_and_battery_have_words() -> None:
    assert [signal_words(dbm)[1] for dbm in (-55, -72, -90)] == ["Good signal", "Weak signal", "Hardly any signal"]
    assert [battery_words(percent, 20)[0] for percent in (80, 40, 10)] == ["ok", "warning", "critical"]
