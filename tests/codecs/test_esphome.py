"""What boxes that run ESPHome publish, as its own source has it, becomes reports; what they shall do becomes topics and payloads."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.farm.values import Health, Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs.esphome import instructions, is_state, reports

NOW = datetime(2026, 2, 16, 3, 13, 52, tzinfo=UTC)
LIGHT = b'{"color_mode":"brightness","state":"ON","brightness":128,"color":{}}'


@pytest.mark.parametrize(
    ("topic", "sent", "expected"),
    [
        ("house1/status", b"online", [Presence("house1", True, NOW)]), ("house1/status", b"offline", [Presence("house1", False, NOW)]),
        ("house1/switch/pump/state", b"ON", [StateReport("house1/switch/pump", 1, True, NOW)]),
        ("house1/fan/exhaust/state", b"OFF", [StateReport("house1/fan/exhaust", 1, False, NOW)]),
        ("house1/light/lamp/state", LIGHT, [StateReport("house1/light/lamp", 1, True, NOW, 128, of="set_value")]),
        ("house1/light/lamp/state", b'{"state":"OFF","brightness":128}', [StateReport("house1/light/lamp", 1, False, NOW, 0, of="set_value")]),
        ("house1/light/lamp/state", b'{"color_mode":"onoff","state":"ON"}', [StateReport("house1/light/lamp", 1, True, NOW)]),
        ("house1/number/flap/state", b"90.000000", [StateReport("house1/number/flap", 1, True, NOW, 90)]),
        ("house1/sensor/coop_temperature/state", b"31.4", [SensorValue("house1/sensor/coop_temperature", "temperature", 31.4, "\u00b0C", NOW)]),
        ("house1/sensor/coop_humidity/state", b"68", [SensorValue("house1/sensor/coop_humidity", "humidity", 68, "%", NOW)]),
        ("house1/sensor/fan_power/state", b"41.5", [SensorValue("house1/sensor/fan_power", "active_power", 41.5, "W", NOW)]),
        ("house1/sensor/wifi_signal/state", b"-61", [Health("house1/sensor/wifi_signal", NOW, signal_dbm=-61)]),
        ("house1/sensor/uptime/state", b"3600", [Health("house1/sensor/uptime", NOW, uptime_s=3600)]),
        ("house1/sensor/coop_temperature/state", b"nan", []), ("house1/sensor/tempo/state", b"7", []), ("house1/sensor/soil_ph/state", b"6", []),
        ("house1/binary_sensor/door/state", b"ON", []), ("house1/debug", b"\xff", []), ("house1/switch/pump/command", b"ON", []),
        ("house1/switch/pump/state", b"", []),
    ],
)  # fmt: skip
def test_a_box_says_what_it_does(topic: str, sent: bytes, expected: list[Report]) -> None:
    assert reports(topic, sent, now=NOW) == expected


def test_a_fans_speed_counts_with_what_it_last_said_of_its_state() -> None:
    topic = "house1/fan/exhaust/speed_level/state"
    assert reports(topic, b"30", now=NOW) == []
    assert reports(topic, b"30", now=NOW, is_on=True) == [StateReport("house1/fan/exhaust", 1, True, NOW, 30, of="set_speed")]
    assert reports(topic, b"30", now=NOW, is_on=False) == [StateReport("house1/fan/exhaust", 1, False, NOW, 0, of="set_speed")]


@pytest.mark.parametrize(
    ("thing", "asked", "value", "said"),
    [
        ("switch/pump", "on", None, [("house1/switch/pump/command", "ON")]), ("fan/exhaust", "off", None, [("house1/fan/exhaust/command", "OFF")]),
        ("fan/exhaust", "set_speed", 30.0, [("house1/fan/exhaust/speed_level/command", "30"), ("house1/fan/exhaust/command", "ON")]),
        ("fan/exhaust", "set_speed", 0.0, [("house1/fan/exhaust/command", "OFF")]),
        ("light/lamp", "on", None, [("house1/light/lamp/command", '{"state": "ON"}')]),
        ("light/lamp", "set_speed", 50.0, [("house1/light/lamp/command", '{"state": "ON", "brightness": 128}')]),
        ("light/lamp", "set_value", 0.0, [("house1/light/lamp/command", '{"state": "OFF"}')]),
        ("number/flap", "set_angle", 45.0, [("house1/number/flap/command", "45")]), ("number/vent", "off", None, [("house1/number/vent/command", "0")]),
        ("number/vent", "set_speed", 33.3, [("house1/number/vent/command", "33.3")]),
    ],
)  # fmt: skip
def test_a_thing_is_told_in_its_own_way(thing: str, asked: str, value: float | None, said: list[tuple[str, str]]) -> None:
    assert instructions(Outgoing(uuid4(), uuid4(), f"house1/{thing}", 1, asked, value, "esphome")) == said


@pytest.mark.parametrize(("thing", "asked", "value"), [("switch/pump", "set_speed", 30.0), ("fan/exhaust", "set_angle", 30.0), ("sensor/x", "on", None)])
def test_a_plain_switch_is_never_just_switched_on_for_a_setting(thing: str, asked: str, value: float | None) -> None:
    with pytest.raises(Invalid, match="cannot be set"):
        instructions(Outgoing(uuid4(), uuid4(), f"house1/{thing}", 1, asked, value, "esphome"))


def test_only_outputs_are_believed_from_the_brokers_memory() -> None:
    assert is_state("house1/switch/pump/state") and is_state("house1/fan/x/speed_level/state")
    assert not is_state("house1/sensor/coop_temperature/state") and not is_state("house1/status")


@pytest.mark.parametrize(
    ("topic", "sent"),
    [
        ("house1/switch/pump/state", b"MAYBE"), ("house1/sensor/coop_temperature/state", b"-127"), ("house1/sensor/coop_temperature/state", b"inf"),
        ("house1/status", b"gone"), ("house1/light/lamp/state", b"ON"), ("house1/switch/pump/state", b"\xff"), ("house1/sensor/wifi_signal/state", b"61"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(topic: str, sent: bytes) -> None:
    with pytest.raises(Invalid):
        reports(topic, sent, now=NOW)


@given(
    st.sampled_from(["house1/status", "house1/switch/a/state", "house1/light/a/state", "house1/number/a/state", "house1/sensor/temperature/state", "house1/fan/a/speed_level/state"]),
    st.binary(max_size=40) | st.dictionaries(st.sampled_from(["state", "brightness"]), st.text() | st.floats()).map(lambda fields: json.dumps(fields).encode()),
)  # fmt: skip
def test_any_bytes_are_read_or_refused(topic: str, sent: bytes) -> None:
    with suppress(Invalid):
        reports(topic, sent, now=NOW, is_on=True)
