"""What a Tasmota device publishes becomes reports, and what it shall do becomes a topic and a payload."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.farm.values import Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs.tasmota import ask_state, command, instruction, pulse_time, reports
from tests.codecs.payloads import payload

NOW = datetime(2026, 2, 16, 3, 13, 52, tzinfo=UTC)


def on(output: int) -> StateReport:
    return StateReport("fan", output, True, NOW)


def off(output: int) -> StateReport:
    return StateReport("fan", output, False, NOW)


@pytest.mark.parametrize(
    ("topic", "sent", "expected"),
    [
        ("stat/fan/RESULT", b'{"POWER":"ON"}', [on(1)]),
        ("stat/fan/RESULT", b'{"POWER2":"OFF"}', [off(2)]),
        ("stat/fan/RESULT", b'{"POWER1":"ON","POWER2":"OFF"}', [on(1), off(2)]),
        ("stat/fan/RESULT", b'{"PulseTime1":{"Set":160,"Remaining":0}}', []),
        ("stat/fan/RESULT", b'{"Command":"Unknown"}', []),
        ("stat/fan/RESULT", b"", []),
        ("stat/fan/POWER", b"ON", [on(1)]),
        ("stat/fan/POWER3", b"OFF", [off(3)]),
        ("stat/fan/POWER", b'{"POWER":"OFF"}', [off(1)]),
        ("stat/fan/POWER", b"", []),
        ("tele/fan/LWT", b"Online", [Presence("fan", True, NOW)]),
        ("tele/fan/LWT", b"Offline", [Presence("fan", False, NOW)]),
        ("tele/fan/LWT", b"", []),
        ("stat/farm1/house2/fan/POWER", b"ON", [StateReport("farm1/house2/fan", 1, True, NOW)]),
    ],
)
def test_a_device_says_what_it_does(topic: str, sent: bytes, expected: list[Report]) -> None:
    assert reports(topic, sent, now=NOW) == expected


def test_a_state_message_tells_every_output() -> None:
    assert reports("tele/fan/STATE", payload("tasmota_state.json"), now=NOW) == [on(1), off(2)]


def test_a_sensor_message_tells_every_probe_that_has_a_value() -> None:
    assert reports("tele/house1/SENSOR", payload("tasmota_sensor.json"), now=NOW) == [
        SensorValue("house1", "temperature", 20.6, "°C", NOW),
        SensorValue("house1", "temperature", 21.4, "°C", NOW),
        SensorValue("house1", "humidity", 48.2, "%", NOW),
    ]


def test_fahrenheit_becomes_celsius() -> None:
    sent = json.dumps({"DS18B20": {"Temperature": 212}, "TempUnit": "F"}).encode()
    assert reports("tele/house1/SENSOR", sent, now=NOW) == [SensorValue("house1", "temperature", 100.0, "°C", NOW)]


@pytest.mark.parametrize(
    "topic",
    ["", "stat", "stat/POWER", "stat//POWER", "stat/fan/STATUS", "tele/fan/INFO1", "cmnd/fan/POWER", "stat/fan/POWER0"],
)
def test_other_topics_say_nothing(topic: str) -> None:
    assert reports(topic, b"\xff{", now=NOW) == []


@pytest.mark.parametrize(
    ("topic", "sent", "field"),
    [
        ("stat/fan/RESULT", b"{", "body"),
        ("stat/fan/RESULT", b"[1]", "body"),
        ("stat/fan/RESULT", b'{"POWER1":"HOLD"}', "POWER1"),
        ("stat/fan/RESULT", b'{"POWER33":"ON"}', "POWER33"),
        ("stat/fan/RESULT", b'{"POWER":1}', "POWER"),
        ("stat/fan/POWER2", b"maybe", "POWER2"),
        ("stat/fan/POWER", b"\xff", "body"),
        ("tele/fan/LWT", b"Gone", "body"),
        ("tele/fan/SENSOR", b'{"DS18B20":{"Temperature":NaN}}', "body"),
        ("tele/fan/SENSOR", b'{"DS18B20":{"Temperature":"warm"}}', "DS18B20.Temperature"),
        ("tele/fan/SENSOR", b'{"DS18B20":{"Temperature":-127}}', "DS18B20.Temperature"),
        ("tele/fan/SENSOR", b'{"AM2301":{"Humidity":100.1}}', "AM2301.Humidity"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(topic: str, sent: bytes, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        reports(topic, sent, now=NOW)
    assert refusal.value.field == field


def test_an_output_is_switched_and_asked_on_its_own_topic() -> None:
    assert command("fan", 1, on=True) == ("cmnd/fan/POWER1", "ON")
    assert command("farm1/fan", 2, on=False) == ("cmnd/farm1/fan/POWER2", "OFF")
    assert ask_state("fan") == ("cmnd/fan/POWER1", "")


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [(0, "0"), (0.05, "1"), (1.1, "11"), (11.1, "111"), (11.2, "112"), (12, "112"), (60, "160"), (64_800, "64900")],
)
def test_a_pulse_counts_tenths_first_and_seconds_later(seconds: float, ticks: str) -> None:
    assert pulse_time("fan", 1, seconds) == ("cmnd/fan/PulseTime1", ticks)


@pytest.mark.parametrize("device", ["", "+", "farm/#", "/fan", "fan/", "fan\x00"])
def test_a_command_goes_to_one_device_only(device: str) -> None:
    with pytest.raises(Invalid) as refusal:
        command(device, 1, on=True)
    assert refusal.value.field == "topic"


def test_outputs_and_pulses_have_limits() -> None:
    for output in (0, 33):
        with pytest.raises(Invalid):
            command("fan", output, on=True)
    for seconds in (-1, 64_801, float("nan")):
        with pytest.raises(Invalid):
            pulse_time("fan", 1, seconds)


@given(
    st.sampled_from(["stat/fan/RESULT", "stat/fan/POWER", "tele/fan/STATE", "tele/fan/SENSOR", "tele/fan/LWT"]),
    st.binary(max_size=60) | st.dictionaries(st.text(), st.floats()).map(lambda fields: json.dumps(fields).encode()),
)
def test_any_bytes_are_read_or_refused(topic: str, sent: bytes) -> None:
    with suppress(Invalid):
        reports(topic, sent, now=NOW)


@pytest.mark.parametrize(
    ("asked", "value", "dialect", "said"),
    [
        ("on", None, "tasmota", ("cmnd/fan/POWER2", "ON")), ("off", None, "tasmota", ("cmnd/fan/POWER2", "OFF")),
        ("set_speed", 30.0, "tasmota", None), ("set_value", 255.0, "tasmota", None), ("set_angle", 90.0, "tasmota", None),
        ("on", None, "esphome", None),
    ],
)  # fmt: skip
def test_a_setting_or_another_dialect_never_becomes_a_plain_on(asked: str, value: float | None, dialect: str, said: tuple[str, str] | None) -> None:
    assert instruction(Outgoing(uuid4(), uuid4(), "fan", 2, asked, value, dialect)) == said
