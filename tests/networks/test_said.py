"""Which of our devices a message is about, and what is believed of what the broker keeps."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from data.farm.announced import Availability, Described, Part
from data.farm.queries_topics import Address, Known
from data.farm.rules.topics import node_of
from data.farm.values import Health, Presence, Report, SensorValue, StateReport
from jobs.networks._said import Said

NOW = datetime(2026, 2, 16, 3, 13, 52, tzinfo=UTC)
WHOSE, FARM = UUID(int=1), UUID(int=2)
PLUG = Part("p", "switch", "relay", state_topic="z/plug", state_path=("state",), command_topic="z/plug/set", output=1)
WATTS = Part("w", "sensor", "active_power", state_topic="z/plug", state_path=("power",), unit="W")
AIR = Part("a", "sensor", "temperature", state_topic="z/plug", state_path=("t",), unit="°C", output=2)
BATTERY = Part("b", "sensor", "battery", state_topic="z/plug", state_path=("battery",), unit="%")


def address(number: int, topic: str, *, dialect: str = "tasmota", kind: str = "relay", output: int = 1) -> Address:
    return Address(WHOSE, UUID(int=number), FARM, dialect, kind, topic, output)


def listening(*devices: Address, **described: Described) -> Said:
    by_topic: dict[str, tuple[Address, ...]] = {}
    by_box: dict[str, tuple[Address, ...]] = {}
    for one in devices:
        by_topic[one.topic] = (*by_topic.get(one.topic, ()), one)
        by_box[node_of(one.topic)] = (*by_box.get(node_of(one.topic), ()), one)
    said = Said()
    said.learn(Known(by_topic, by_box, {topic.replace("_", "/"): one for topic, one in described.items()}, {str(FARM): WHOSE}))
    return said


def heard(said: Said, topic: str, payload: object, *, retained: bool = False) -> list[tuple[int, Report]]:
    sent = payload if isinstance(payload, str) else json.dumps(payload)
    return [(one.device_id.int, report) for one, report in said.read(topic, sent.encode(), now=NOW, is_retained=retained)]


def test_each_output_of_a_board_hears_of_itself_and_its_probe_of_what_is_measured() -> None:
    said = listening(address(1, "board"), address(2, "board", output=2), address(3, "board", kind="sensor", output=3))
    assert heard(said, "stat/board/RESULT", {"POWER2": "ON"}) == [(2, StateReport("board", 2, True, NOW, source="stat"))]
    assert heard(said, "tele/board/SENSOR", {"DHT22": {"Temperature": 31}}) == [(3, SensorValue("board", "temperature", 31, "°C", NOW))]
    assert [number for number, _report in heard(said, "tele/board/LWT", "Online")] == [1, 2, 3]
    assert heard(said, "stat/board/RESULT", {"PulseTime2": {"Set": 160}}) == [(2, Health("board", NOW, max_on_s=60, output=2))]


def test_one_meter_speaks_for_one_output_only() -> None:
    watts = {"ENERGY": {"Power": 40}}
    assert [number for number, _report in heard(listening(address(1, "board")), "tele/board/SENSOR", watts)] == [1]
    assert heard(listening(address(1, "board"), address(2, "board", output=2)), "tele/board/SENSOR", watts) == []
    box = [address(1, "h", dialect="esphome", kind="sensor"), address(2, "h/switch/fan", dialect="esphome")]
    assert [number for number, _report in heard(listening(*box), "h/sensor/fan_power/state", "40")] == [2]


def test_a_servo_tells_its_angle() -> None:
    said = listening(address(1, "flap", kind="servo"))
    [(_number, report)] = heard(said, "stat/flap/RESULT", {"PWM": {"PWM1": 77}})
    assert isinstance(report, StateReport) and report.of == "set_angle" and report.value == pytest.approx(90, abs=1)


def test_nobody_speaks_for_a_device_of_another_dialect_or_farm() -> None:
    said = listening(address(1, "fan", dialect="steading"), address(2, "relay"))
    assert heard(said, "stat/fan/POWER", "ON") == []
    assert heard(said, f"farm/{UUID(int=9)}/devices/fan/status", {"state": "on"}) == []
    assert heard(said, f"farm/{FARM}/devices/relay/status", {"state": "on"}) == []
    assert [number for number, _report in heard(said, f"farm/{FARM}/devices/fan/status", {"state": "on"})] == [1]


def test_what_the_broker_keeps_is_believed_of_outputs_whose_box_is_there() -> None:
    said = listening(address(1, "h", dialect="esphome", kind="sensor"), address(2, "h/switch/fan", dialect="esphome"), address(3, "relay"))
    assert heard(said, "h/switch/fan/state", "ON", retained=True) == []
    assert [number for number, _report in heard(said, "h/status", "online", retained=True)] == [1, 2]
    assert [number for number, _report in heard(said, "h/switch/fan/state", "ON", retained=True)] == [2]
    assert heard(said, "h/sensor/air_temperature/state", "31", retained=True) == []
    assert heard(said, "stat/relay/RESULT", {"POWER": "ON"}, retained=True) == []
    assert heard(said, "h/status", "offline") == [(1, Presence("h", False, NOW)), (2, Presence("h", False, NOW))]
    assert heard(said, "h/switch/fan/state", "ON", retained=True) == []


def test_an_announced_device_is_heard_in_all_its_parts() -> None:
    both = Described((PLUG, WATTS, AIR, BATTERY), (Availability("z/bridge/state"), Availability("z/plug/here")), "all")
    said = listening(address(1, "z/1", dialect="home_assistant"), address(2, "z/1", dialect="home_assistant", kind="sensor", output=2), z_1=both)
    assert heard(said, "z/plug", {"state": "ON", "power": 40, "t": 31, "battery": 80}) == [
        (1, StateReport("z/1", 1, True, NOW)), (1, SensorValue("z/1", "active_power", 40, "W", NOW)), (2, SensorValue("z/1", "temperature", 31, "°C", NOW)),
        (1, Health("z/1", NOW, battery_percent=80)), (2, Health("z/1", NOW, battery_percent=80)),
    ]  # fmt: skip
    assert heard(said, "z/bridge/state", "online") == []  # not all of what must be known is
    assert [report for _number, report in heard(said, "z/plug/here", "online")] == [Presence("z/1", True, NOW)] * 2
    assert [report for _number, report in heard(said, "z/bridge/state", "offline")] == [Presence("z/1", False, NOW)] * 2
    assert heard(said, "z/plug", {"state": "ON"}, retained=True) == []
    assert set(said.filters()) == {"z/plug", "z/plug/here", "z/bridge/state"}


def test_any_of_several_presences_is_enough_where_that_was_announced() -> None:
    told = Described((PLUG,), (Availability("z/a"), Availability("z/b")), "any")
    said = listening(address(1, "z/1", dialect="home_assistant"), z_1=told)
    assert heard(said, "z/a", "offline") == []
    assert heard(said, "z/b", "online") == [(1, Presence("z/1", True, NOW))]
    assert heard(said, "z/b", "offline") == [(1, Presence("z/1", False, NOW))]


def test_a_bridge_is_there_when_it_says_so() -> None:
    said = listening(address(1, "z", dialect="home_assistant", kind="sensor"))
    assert heard(said, "z/bridge/state", {"state": "online"}, retained=True) == [(1, Presence("z", True, NOW))]
    assert heard(said, "z/status", "offline") == [(1, Presence("z", False, NOW))]


def test_only_a_device_that_speaks_for_itself_is_strange() -> None:
    said = listening(address(1, "fan"), replace(address(2, "own"), dialect="steading"))
    strange = {topic: said.is_strange(topic) for topic in ("stat/fan/POWER", "stat/pump/POWER", f"farm/{FARM}/devices/own/status", f"farm/{FARM}/devices/new/status", "z/x")}
    assert list(strange.values()) == [False, True, False, True, False]
