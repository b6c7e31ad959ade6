"""Devices announce themselves as Home Assistant, Zigbee2MQTT and ESPHome have it; what they tell and are told follows from that."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.farm.announced import Announcement, Availability, Described, Part, as_document, from_document
from data.farm.values import Health, Outgoing, SensorValue, StateReport
from jobs.codecs import announced
from jobs.codecs.home_assistant import announcement, is_announcement, path_in

NOW = datetime(2026, 2, 16, 3, 13, 52, tzinfo=UTC)
PLUG_DEVICE = {"identifiers": ["zigbee2mqtt_0x00158d0001"], "manufacturer": "TuYa", "model": "Smart plug (TS011F)", "name": "Fan 1", "sw_version": "1.0.5"}
PLUG = {
    "availability": [{"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"}], "availability_mode": "all",
    "command_topic": "zigbee2mqtt/Fan 1/set", "device": PLUG_DEVICE, "name": None, "payload_off": "OFF", "payload_on": "ON",
    "state_topic": "zigbee2mqtt/Fan 1", "unique_id": "0x00158d0001_switch_zigbee2mqtt", "value_template": "{{ value_json.state }}",
}  # fmt: skip
"""As Zigbee2MQTT announces a plug."""
SHORT = {
    "~": "house1/fan/exhaust", "name": "Exhaust", "stat_t": "~/state", "cmd_t": "~/command", "pct_cmd_t": "~/speed_level/command",
    "pct_stat_t": "~/speed_level/state", "spd_rng_max": 3, "avty_t": "house1/status", "uniq_id": "ESPfanexhaust",
    "dev": {"ids": "a0b1c2d3e4f5", "name": "house1", "mdl": "esp32dev", "mf": "Espressif", "sw": "2025.4.0", "sa": "House 1"},
}  # fmt: skip
"""As ESPHome announces a fan, shortened."""
WHOLE = {
    "dev": {"ids": "ea33", "name": "House 2"}, "o": {"name": "app"}, "state_topic": "h2/state", "avty_t": "h2/online",
    "cmps": {
        "t1": {"p": "sensor", "device_class": "temperature", "unit_of_measurement": "°F", "value_template": "{{ value_json.t }}", "unique_id": "ea33_t"},
        "relay": {"p": "switch", "cmd_t": "h2/relay/set", "val_tpl": "{{ value_json['relay'] }}", "unique_id": "ea33_r"},
        "gone": {"p": "sensor"},
    },
}  # fmt: skip
"""All at once, as devices may since 2024."""


def heard(topic: str, message: Any) -> Announcement:
    return announcement(topic, json.dumps(message).encode())


def test_a_plug_behind_a_bridge_announces_itself() -> None:
    found = heard("homeassistant/switch/0x00158d0001/switch/config", PLUG)
    path = "homeassistant/switch/0x00158d0001/switch"
    assert found == Announcement(
        path, "zigbee2mqtt/zigbee2mqtt_0x00158d0001", "Fan 1", "TuYa Smart plug (TS011F)", "", "1.0.5",
        (Part(path, "switch", "relay", "", "zigbee2mqtt/Fan 1", ("state",), "zigbee2mqtt/Fan 1/set"),),
        (Availability("zigbee2mqtt/bridge/state", ("state",)),), "all",
    )  # fmt: skip


def test_short_keys_and_a_base_topic_say_the_same() -> None:
    found = heard("farm/f1/homeassistant/fan/house1/exhaust/config", SHORT)
    assert (found.farm_id, found.identifier, found.name, found.area, found.model) == ("f1", "house1/a0b1c2d3e4f5", "house1", "House 1", "Espressif esp32dev")
    [part] = found.parts
    assert (part.state_topic, part.command_topic, part.level_topic, part.level_command) == (
        "house1/fan/exhaust/state", "house1/fan/exhaust/command", "house1/fan/exhaust/speed_level/state", "house1/fan/exhaust/speed_level/command",
    )  # fmt: skip
    assert (part.kind, part.level_low, part.level_high) == ("pwm", 0, 3)
    assert found.availability == (Availability("house1/status"),)


def test_a_device_may_announce_all_of_itself_at_once() -> None:
    found = heard("homeassistant/device/ea33/config", WHOLE)
    assert [(part.id, part.kind, part.state_topic, part.state_path) for part in found.parts] == [
        ("homeassistant/device/ea33 t1", "temperature", "h2/state", ("t",)), ("homeassistant/device/ea33 relay", "relay", "h2/state", ("relay",)),
    ]  # fmt: skip
    assert found.identifier == "h2/ea33" and found.availability == (Availability("h2/online"),)


def test_an_empty_message_takes_it_back() -> None:
    assert announcement("homeassistant/device/ea33/config", b"") == Announcement("homeassistant/device/ea33")
    assert heard("homeassistant/button/h2/restart/config", {"cmd_t": "h2/restart"}).is_gone  # there is nothing in it for a farm


def test_what_is_kept_of_an_announcement_is_read_as_it_was() -> None:
    found = heard("farm/f1/homeassistant/fan/house1/exhaust/config", SHORT)
    described = Described(found.parts, found.availability, found.availability_mode, found.model, found.area, found.firmware, {"x": ["Lamp"]})
    assert from_document(json.loads(json.dumps(as_document(described)))) == described


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("{{ value_json.temperature }}", ("temperature",)), ("{{value_json['a b']}}", ("a b",)), ('{{ value_json["x"].y | float }}', ("x", "y")),
        ("{{ value_json.list[0] | round(1) }}", ("list", "0")), ("{{ value }}", ()), ("{{ value | int }}", ()), (None, ()), ("", ()),
    ],
)  # fmt: skip
def test_a_template_that_names_a_value_is_understood(template: str | None, path: tuple[str, ...]) -> None:
    assert path_in(template) == path


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ("switch", {"cmd_t": "h/set", "stat_t": "h/state", "val_tpl": "{% if value == '1' %}ON{% endif %}"}), ("switch", {"cmd_t": "h/set"}),
        ("switch", {"cmd_t": "h/set", "stat_t": "h", "cmd_tpl": '{"a": "{{ value }}"}'}), ("light", {"cmd_t": "h/set", "stat_t": "h", "schema": "template"}),
        ("number", {"cmd_t": "h/set", "stat_t": "h", "min": 5, "max": 50}),
    ],
)  # fmt: skip
def test_what_is_told_in_another_way_is_left_out_by_its_name(component: str, message: dict[str, Any]) -> None:
    relay = {"p": "switch", "cmd_t": "h/r/set", "stat_t": "h/r"}
    found = heard("homeassistant/device/h/config", {"dev": {"ids": "h"}, "cmps": {"r": relay, "odd": message | {"p": component, "name": "Odd one"}}})
    assert ([part.id for part in found.parts], found.left_out) == (["homeassistant/device/h r"], ("Odd one",))


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ([], "body"), ("nonsense", "body"), (PLUG | {"state_topic": 7}, "state_topic"), (PLUG | {"state_topic": "stat/fan/RESULT"}, "state_topic"),
        (PLUG | {"command_topic": "cmnd/fan/POWER"}, "command_topic"), (PLUG | {"command_topic": "farm/1/devices/fan/command"}, "command_topic"),
        (PLUG | {"state_topic": "#"}, "state_topic"), (PLUG | {"state_topic": "zigbee2mqtt/+"}, "state_topic"), (PLUG | {"state_topic": "$SYS/broker"}, "state_topic"),
        (PLUG | {"command_topic": "other/fan/set"}, "topic"), (PLUG | {"device": {"name": "x" * 300}}, "device.name"), (PLUG | {"device": [1]}, "device"),
        (PLUG | {"name": "a\x00b"}, "name"), (PLUG | {"padding": "x" * 20_000}, "body"), (PLUG | {"state_topic": "z" * 300}, "state_topic"),
        ({"cmps": {str(n): {"p": "switch"} for n in range(61)}}, "components"),
    ],
)  # fmt: skip
def test_a_hostile_announcement_is_refused(message: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        heard("homeassistant/device/x/config" if isinstance(message, dict) and "cmps" in message else "homeassistant/switch/x/config", message)
    assert refusal.value.field == field


@pytest.mark.parametrize("topic", ["homeassistant/status", "homeassistant/switch/config", "homeassistant/switch/a b/config", "homeassistant/a/b/c/d/config", "x/homeassistant/switch/a/config"])
def test_nothing_is_announced_elsewhere(topic: str) -> None:
    assert not is_announcement(topic)


def part(topic: str, message: dict[str, Any], **changed: Any) -> Part:
    return heard(topic, message | changed).parts[0]


SWITCH, FAN = part("homeassistant/switch/x/config", PLUG), part("homeassistant/fan/house1/exhaust/config", SHORT)
BULB = part("homeassistant/light/x/config", {"schema": "json", "cmd_t": "z/lamp/set", "stat_t": "z/lamp", "brightness": True, "bri_scl": 254})
VENT = part("homeassistant/number/x/config", {"cmd_t": "z/vent/set", "stat_t": "z/vent", "min": 0, "max": 255})
FLAP = part("homeassistant/number/x/config", {"cmd_t": "z/flap/set", "stat_t": "z/flap", "min": 0, "max": 180, "unit_of_meas": "°"})
WORDY = part("homeassistant/switch/x/config", {"cmd_t": "w/set", "stat_t": "w", "pl_on": "1", "pl_off": "0", "stat_on": "running", "stat_off": "idle"})


@pytest.mark.parametrize(
    ("one", "topic", "sent", "expected"),
    [
        (SWITCH, "zigbee2mqtt/Fan 1", {"state": "ON", "linkquality": 80}, (True, None, "")), (SWITCH, "zigbee2mqtt/Fan 1", {"linkquality": 80}, None),
        (WORDY, "w", "running", (True, None, "")), (WORDY, "w", "idle", (False, None, "")), (WORDY, "w", "unknown", None),
        (BULB, "z/lamp", {"state": "ON", "brightness": 127}, (True, 50.0, "set_speed")), (BULB, "z/lamp", {"state": "OFF", "brightness": 127}, (False, 0.0, "set_speed")),
        (VENT, "z/vent", "127.5", (True, 50.0, "set_speed")), (VENT, "z/vent", "0", (False, 0.0, "set_speed")), (FLAP, "z/flap", "45", (True, 45.0, "set_angle")),
    ],
)  # fmt: skip
def test_an_output_tells_on_the_topics_that_it_named(one: Part, topic: str, sent: Any, expected: tuple[bool, float | None, str] | None) -> None:
    payload = (sent if isinstance(sent, str) else json.dumps(sent)).encode()
    found = announced.reports("box/x", one, topic, payload, now=NOW)
    assert found == ([] if expected is None else [StateReport("box/x", 0, expected[0], NOW, expected[1], of=expected[2])])
    assert announced.reports("box/x", one, "box/elsewhere", payload, now=NOW) == []


def test_a_fan_of_three_steps_tells_its_step_as_a_part_of_the_whole() -> None:
    told = announced.reports("house1/a0", FAN, "house1/fan/exhaust/speed_level/state", b"2", now=NOW, is_on=True)
    assert told == [StateReport("house1/a0", 0, True, NOW, 66.7, of="set_speed")]


@pytest.mark.parametrize(
    ("one", "asked", "value", "said"),
    [
        (SWITCH, "on", None, [("zigbee2mqtt/Fan 1/set", "ON")]), (WORDY, "off", None, [("w/set", "0")]),
        (FAN, "set_speed", 67.0, [("house1/fan/exhaust/speed_level/command", "2"), ("house1/fan/exhaust/command", "ON")]),
        (FAN, "set_speed", 0.0, [("house1/fan/exhaust/command", "OFF")]), (BULB, "set_speed", 50.0, [("z/lamp/set", '{"state": "ON", "brightness": 127}')]),
        (BULB, "off", None, [("z/lamp/set", '{"state": "OFF"}')]), (VENT, "set_value", 128.0, [("z/vent/set", "128")]), (VENT, "on", None, [("z/vent/set", "255")]),
        (FLAP, "set_angle", 45.0, [("z/flap/set", "45")]),
    ],
)  # fmt: skip
def test_an_output_is_told_in_the_words_that_it_named(one: Part, asked: str, value: float | None, said: list[tuple[str, str]]) -> None:
    assert announced.instructions(Outgoing(uuid4(), uuid4(), "box/x", 1, asked, value, "home_assistant"), one) == said


@pytest.mark.parametrize(("one", "asked", "value"), [(SWITCH, "set_speed", 30.0), (SWITCH, "set_angle", 30.0), (BULB, "set_angle", 30.0), (FAN, "set_speed", 50.0)])
def test_what_cannot_be_said_is_refused_and_never_becomes_a_plain_on(one: Part, asked: str, value: float) -> None:
    with pytest.raises(Invalid):
        announced.instructions(Outgoing(uuid4(), uuid4(), "box/x", 1, asked, value, "home_assistant"), one)


def test_what_is_measured_is_told_in_our_units() -> None:
    warmth = heard("homeassistant/device/ea33/config", WHOLE).parts[0]
    assert announced.reports("h2/ea33", warmth, "h2/state", b'{"t": 95}', now=NOW) == [SensorValue("h2/ea33", "temperature", 35.0, "°C", NOW)]
    battery = part("homeassistant/sensor/x/config", {"stat_t": "z/x", "val_tpl": "{{ value_json.battery }}", "dev_cla": "battery", "unit_of_meas": "%"})
    assert announced.reports("z/x", battery, "z/x", b'{"battery": 81}', now=NOW) == [Health("z/x", NOW, battery_percent=81)]


@given(
    st.sampled_from(["homeassistant/switch/a/config", "homeassistant/device/a/config", "homeassistant/sensor/a/b/config"]),
    st.binary(max_size=60) | st.recursive(
        st.text() | st.floats() | st.none() | st.booleans(),
        lambda inner: st.dictionaries(st.text() | st.sampled_from(["~", "dev", "cmps", "stat_t", "cmd_t", "avty", "ids", "p"]), inner) | st.lists(inner),
    ).map(lambda fields: json.dumps(fields).encode()),
)  # fmt: skip
def test_any_bytes_are_read_or_refused(topic: str, sent: bytes) -> None:
    with suppress(Invalid):
        announcement(topic, sent)
