"""What a Tasmota device publishes becomes reports, and what it shall do becomes a topic and a payload."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.farm.rules import answers
from data.farm.values import FirmwareAnswer, FirmwareOrder, Health, Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs.tasmota import angle_of, ask_state, command, instruction, pulse_time, reports, update, vocabulary
from tests.codecs.payloads import payload

NOW = datetime(2026, 2, 16, 3, 13, 52, tzinfo=UTC)


def on(output: int, source: str = "stat", value: float | None = None, of: str = "") -> StateReport:
    return StateReport("fan", output, True, NOW, value, source, of)


def off(output: int, source: str = "stat", value: float | None = None, of: str = "") -> StateReport:
    return StateReport("fan", output, False, NOW, value, source, of)


@pytest.mark.parametrize(
    ("topic", "sent", "expected"),
    [
        ("stat/fan/RESULT", b'{"POWER":"ON"}', [on(1)]),
        ("stat/fan/RESULT", b'{"POWER2":"OFF"}', [off(2)]),
        ("stat/fan/RESULT", b'{"POWER1":"ON","POWER2":"OFF"}', [on(1), off(2)]),
        ("stat/fan/RESULT", b'{"PulseTime2":{"Set":160,"Remaining":0}}', [Health("fan", NOW, max_on_s=60, output=2)]),
        ("stat/fan/RESULT", b'{"PulseTime1":{"Set":11,"Remaining":0}}', [Health("fan", NOW, max_on_s=1.1, output=1)]),
        ("stat/fan/RESULT", b'{"POWER":"ON","Dimmer":30,"Color":"4D","Channel":[30]}', [on(1, value=30, of="set_speed")]),
        ("stat/fan/RESULT", b'{"POWER":"OFF","Dimmer":30}', [off(1, value=0, of="set_speed")]),
        ("stat/fan/RESULT", b'{"POWER1":"OFF","POWER2":"ON","Dimmer":40}', [off(1), on(2, value=40, of="set_speed")]),
        ("stat/fan/RESULT", b'{"POWER2":"ON","Channel2":75,"Color":"00BF"}', [on(2, value=75, of="set_speed")]),
        ("stat/fan/RESULT", b'{"PWM":{"PWM1":1023,"PWM2":0}}', [on(1, value=255, of="set_value"), off(2, value=0, of="set_value")]),
        ("stat/fan/RESULT", b'{"FanSpeed":2}', [on(2, value=66.7, of="set_speed")]),
        ("stat/fan/UPGRADE", b'{"Upgrade":"Successful. Restarting"}', [FirmwareAnswer("fan", NOW, is_installed=True)]),
        ("stat/fan/UPGRADE", b'{"Upgrade":"Failed HTTP error: 404"}', [FirmwareAnswer("fan", NOW, is_installed=False, error="HTTP error: 404")]),
        ("stat/fan/UPGRADE", b'{"Upgrade":"Version 14.2.0 from https://files.example/a.bin"}', []),
        ("tele/fan/INFO1", b'{"Info1":{"Module":"Sonoff Basic","Version":"14.3.0(release-tasmota)"}}', [Health("fan", NOW, firmware_version="14.3.0(release-tasmota)")]),
        ("stat/fan/RESULT", b'{"Command":"Unknown"}', []),
        ("stat/fan/RESULT", b"", []),
        ("stat/fan/POWER", b"ON", [on(1)]),
        ("stat/fan/POWER3", b"OFF", [off(3)]),
        ("stat/fan/POWER", b'{"POWER":"OFF"}', [off(1)]),
        ("stat/fan/POWER", b"", []),
        ("tele/fan/LWT", b"Online", [Presence("fan", True, NOW)]),
        ("tele/fan/LWT", b"Offline", [Presence("fan", False, NOW)]),
        ("tele/fan/LWT", b"", []),
        ("stat/farm1/house2/fan/POWER", b"ON", [StateReport("farm1/house2/fan", 1, True, NOW, source="stat")]),
    ],
)
def test_a_device_says_what_it_does(topic: str, sent: bytes, expected: list[Report]) -> None:
    assert reports(topic, sent, now=NOW) == expected


def test_a_state_message_tells_every_output() -> None:
    fares = Health("fan", NOW, signal_dbm=-63, uptime_s=98_525)
    assert reports("tele/fan/STATE", payload("tasmota_state.json"), now=NOW) == [on(1, "tele"), off(2, "tele"), fares]


def test_a_meter_tells_what_flows_and_a_tank_what_its_counter_says() -> None:
    sent = json.dumps({"ENERGY": {"Total": 3.1, "Power": 42, "Voltage": 229}, "ANALOG": {"A0": 512}}).encode()
    assert reports("tele/fan/SENSOR", sent, now=NOW) == [
        SensorValue("fan", "active_power", 42.0, "W", NOW), SensorValue("fan", "analog", 512.0, "", NOW),
    ]  # fmt: skip


def test_a_sensor_message_tells_every_probe_that_has_a_value() -> None:
    assert reports("tele/house1/SENSOR", payload("tasmota_sensor.json"), now=NOW) == [
        SensorValue("house1", "temperature", 20.6, "°C", NOW),
        SensorValue("house1", "temperature", 21.4, "°C", NOW),
        SensorValue("house1", "humidity", 48.2, "%", NOW),
        SensorValue("house1", "active_power", 12.0, "W", NOW),
    ]


def test_fahrenheit_becomes_celsius() -> None:
    sent = json.dumps({"DS18B20": {"Temperature": 212}, "TempUnit": "F"}).encode()
    assert reports("tele/house1/SENSOR", sent, now=NOW) == [SensorValue("house1", "temperature", 100.0, "°C", NOW)]


@pytest.mark.parametrize(
    "topic",
    ["", "stat", "stat/POWER", "stat//POWER", "stat/fan/STATUS", "tele/fan/INFO2", "cmnd/fan/POWER", "stat/fan/POWER0"],
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
        ("stat/fan/RESULT", b'{"POWER":"ON","Dimmer":101}', "Dimmer"),
        ("stat/fan/RESULT", b'{"PWM":{"PWM1":1024}}', "PWM.PWM1"),
        ("tele/fan/STATE", b'{"Wifi":{"Signal":"good"}}', "Wifi.Signal"),
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
    assert ask_state("fan", 2, "pwm") == ("cmnd/fan/State", "")


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


LIGHT, CHANNELS, PINS, IFAN = frozenset({"Dimmer"}), frozenset({"Channel"}), frozenset({"PWM"}), frozenset({"FanSpeed"})


@pytest.mark.parametrize(
    ("asked", "value", "kind", "knows", "said"),
    [
        ("on", None, "relay", frozenset(), ("cmnd/fan/POWER2", "ON")), ("off", None, "relay", frozenset(), ("cmnd/fan/POWER2", "OFF")),
        ("on", None, "relay", PINS, ("cmnd/fan/POWER2", "ON")),
        ("set_speed", 30.0, "pwm", frozenset(), ("cmnd/fan/Dimmer", "30")), ("set_value", 128.0, "pwm", LIGHT, ("cmnd/fan/Dimmer", "50")),
        ("set_speed", 0.3, "pwm", LIGHT, ("cmnd/fan/Dimmer", "1")), ("set_speed", 0.0, "pwm", LIGHT, ("cmnd/fan/POWER2", "OFF")),
        ("set_speed", 30.0, "pwm", CHANNELS, ("cmnd/fan/Channel2", "30")), ("off", None, "pwm", CHANNELS, ("cmnd/fan/POWER2", "OFF")),
        ("set_value", 255.0, "pwm", PINS, ("cmnd/fan/PWM2", "1023")), ("set_speed", 50.0, "pwm", PINS, ("cmnd/fan/PWM2", "512")),
        ("on", None, "pwm", PINS, ("cmnd/fan/PWM2", "1023")), ("off", None, "pwm", PINS, ("cmnd/fan/PWM2", "0")),
        ("set_speed", 67.0, "pwm", IFAN, ("cmnd/fan/FanSpeed", "2")), ("off", None, "pwm", IFAN, ("cmnd/fan/FanSpeed", "0")),
        ("set_angle", 0.0, "servo", PINS, ("cmnd/fan/PWM2", "26")), ("set_angle", 180.0, "servo", PINS, ("cmnd/fan/PWM2", "128")),
        ("set_angle", 90.0, "servo", PINS, ("cmnd/fan/PWM2", "77")),
    ],
)  # fmt: skip
def test_a_setting_is_spelled_as_the_device_was_set_up(asked: str, value: float | None, kind: str, knows: frozenset[str], said: tuple[str, str]) -> None:
    assert instruction(Outgoing(uuid4(), uuid4(), "fan", 2, asked, value, device_type=kind), knows) == said


def test_a_fan_of_three_speeds_is_not_told_a_fourth() -> None:
    with pytest.raises(Invalid, match="three speeds"):
        instruction(Outgoing(uuid4(), uuid4(), "fan", 2, "set_speed", 50.0, device_type="pwm"), IFAN)


@pytest.mark.parametrize("angle", [0.0, 37.0, 90.0, 180.0])
def test_a_servo_says_in_degrees_where_it_was_told_to_stand(angle: float) -> None:
    _topic, raw = instruction(Outgoing(uuid4(), uuid4(), "fan", 1, "set_angle", angle, device_type="servo"))
    [told] = reports("stat/fan/RESULT", json.dumps({"PWM": {"PWM1": int(raw)}}).encode(), now=NOW)
    assert isinstance(told, StateReport)
    told = angle_of(told)
    assert told.of == "set_angle" and told.value is not None and answers("set_angle", angle, is_on=told.is_on, reported=told.value)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b'{"POWER":"ON","Dimmer":30,"Channel":[30]}', LIGHT), (b'{"POWER1":"ON","Channel1":30,"POWER2":"OFF","Channel2":0}', CHANNELS),
        (b'{"PWM":{"PWM1":512}}', PINS), (b'{"POWER1":"ON","FanSpeed":0}', IFAN), (b'{"POWER":"ON"}', frozenset()),
    ],
)  # fmt: skip
def test_by_which_words_a_device_is_set_shows_in_what_it_says(sent: bytes, words: frozenset[str]) -> None:
    assert vocabulary(sent) == words


def test_a_device_is_told_where_its_firmware_lies_and_then_to_fetch_it() -> None:
    order = FirmwareOrder(uuid4(), uuid4(), uuid4(), "fan", "tasmota", "14.3.0", "https://files.example/a.bin")
    assert update(order) == [("cmnd/fan/OtaUrl", "https://files.example/a.bin"), ("cmnd/fan/Upgrade", "1")]
