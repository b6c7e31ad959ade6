"""What gateways in chicken houses write, and what cannot be meant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from data.core.errors import Invalid, Refusal, TooLarge
from data.farm.rules.gateways import (
    CODE_LETTERS,
    State,
    command_word,
    hardware_of,
    identifier,
    key_of,
    new_code,
    written_code,
)
from jobs.codecs import gateway
from tests.networks.test_any_body import STRANGE, places, with_value

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "typed",
    ["K7P-4ND", "k7p4nd", " k7p 4nd ", "K7P–4ND", "k7p_4nd", "K 7 P 4 N D", "Ｋ7Ｐ－4ＮＤ", "k៧p-៤nd", "K7P.4ND", "k7p\u200b-4nd"],
)
def test_a_code_is_read_as_people_type_it(typed: str) -> None:
    assert written_code(typed) == "K7P-4ND"


def test_signs_that_look_alike_are_one_and_never_both_are_used() -> None:
    assert written_code("oil-zsb") == "011-258" and written_code("Q0U") == "" and written_code("quq-uqu") == "0V0-V0V"
    assert not set("OQILZSBU") & set(CODE_LETTERS)
    codes = {new_code() for _ in range(200)}
    assert len(codes) > 190 and all(written_code(code.lower()) == code and len(code) == 7 for code in codes)


@pytest.mark.parametrize("typed", ["", "K7P-4N", "K7P-4NDX", "K7P-4N!", "K7P-4N'", "' or 1=1", "កខគឃងច"])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert written_code(typed) == ""


def test_names_and_numbers_are_made_plain_or_refused() -> None:
    assert key_of(" Cooling  Fan ", "x") == "cooling_fan" and identifier(hardware_of("PI_10000000a"), "fan") == "PI_10000000a/fan"
    for wrong in ("", "a" * 65, "a/b", "a b", "-a", "កង្ហារ"):
        with pytest.raises(Invalid):
            hardware_of(wrong)
    for wrong in ("", "a/b", "a\x00b", "x" * 65):
        with pytest.raises(Invalid):
            key_of(wrong, "device_id")


@pytest.mark.parametrize(
    ("model", "command", "word"),
    [("fan", "on", "fan_on"), ("feeder_motor", "off", "feeder_off"), ("conveyor_belt", "on", "conveyor_on"), ("vent", "off", "vent_off"),
     ("fan", "set_speed", "set_speed")],
)  # fmt: skip
def test_a_command_is_told_in_the_word_that_gateways_know(model: str, command: str, word: str) -> None:
    assert command_word(model, command) == word


def test_telemetry_is_values_in_our_units() -> None:
    (read,) = gateway.telemetry(
        {"hardware_id": "PI_1", "timestamp": "2026-11-21T12:30:00+07:00", "sensors": {"temperature_c": 31.5, "humidity_pct": 70, "water_level_raw": 1500.0}},
        now=NOW,
    )
    assert not isinstance(read, Exception)
    assert read.values == (("temperature", 31.5, "°C"), ("humidity", 70.0, "%"), ("water_level_raw", 1500.0, "raw"))
    assert (read.at, read.hardware_id) == (NOW - timedelta(minutes=30), "PI_1")
    (plain,) = gateway.telemetry({"sensors": {"temperature_c": 20, "humidity_pct": None}, "states": {"Cooling fan": True}}, now=NOW)
    assert not isinstance(plain, Exception)
    assert (plain.at, plain.hardware_id, plain.states) == (NOW, None, {"cooling_fan": State(True)})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], None), ({}, "sensors"), ({"sensors": {}}, "sensors"), ({"sensors": {"temperature_c": "hot"}}, "sensors.temperature_c"),
        ({"sensors": {"temperature_c": 500}}, "sensors.temperature_c"), ({"sensors": {"humidity_pct": True}}, "sensors.humidity_pct"),
        ({"sensors": [1]}, "sensors"), ({"sensors": {"temperature_c": 1}, "timestamp": "yesterday"}, "timestamp"),
        ({"sensors": {"temperature_c": 1}, "timestamp": "2026-11-21T06:00:00"}, "timestamp"),
        ({"sensors": {"temperature_c": 1}, "timestamp": "2026-11-21T07:00:00Z"}, "timestamp"),
        ({"sensors": {"temperature_c": 1}, "timestamp": "2026-09-01T06:00:00Z"}, "timestamp"),
        ({"sensors": {"temperature_c": 1}, "hardware_id": "a b"}, "hardware_id"), ({"sensors": {"temperature_c": 1}, "hardware_id": 7}, "hardware_id"),
        ({"states": {"fan": "maybe"}}, "states.fan"), ({"states": {"a/b": "on"}}, "states.a/b"),
        ({"states": {"fan": {"state": "on", "value": 256}}}, "states.fan"), ("text", "body"),
    ],
)  # fmt: skip
def test_telemetry_that_cannot_be_names_its_field(body: Any, field: str | None) -> None:
    if field is None:
        assert gateway.telemetry(body, now=NOW) == []
        return
    with pytest.raises(Invalid) as refusal:
        gateway.telemetry(body, now=NOW)
    assert refusal.value.field == field


def test_of_a_list_each_entry_stands_for_itself_and_there_are_not_too_many() -> None:
    one: dict[str, Any] = {"sensors": {"temperature_c": 30}}
    read = gateway.telemetry([one, {"sensors": {"temperature_c": 500}}, 7], now=NOW)
    assert [getattr(entry, "field", None) for entry in read] == [None, "[1].sensors.temperature_c", "[2]"]
    with pytest.raises(TooLarge):
        gateway.telemetry([one] * 101, now=NOW)


def test_a_list_of_devices_is_read_with_what_is_usual_for_each() -> None:
    told = gateway.report(
        {"hardware_id": "PI_1", "devices": [
            {"type": "relay", "model": "fan", "name": "Cooling Fan", "state": "on"}, {"model": "temp_humidity"},
            {"type": "RELAY", "model": "Fan", "device_id": "Fan 2", "active": False, "firmware_version": "1.1"},
            {"type": "pwm", "model": "vent", "state": True, "value": 30},
        ]}, now=NOW,
    )  # fmt: skip
    assert [(one.key, one.device_type, one.name, one.is_active, one.state) for one in told.devices] == [
        ("fan", "relay", "Cooling Fan", True, State(True)), ("temp_humidity", "sensor", "Temp humidity", True, None),
        ("fan_2", "relay", "Fan", False, None), ("vent", "pwm", "Vent", True, State(True, 30.0)),
    ]  # fmt: skip
    assert told.devices[2].firmware_version == "1.1" and told.hardware_id == "PI_1" and told.at == NOW


@pytest.mark.parametrize(
    ("devices", "field"),
    [
        (None, "devices"), ({}, "devices"), ([7], "devices[0]"), ([{}], "devices[0].model"), ([{"model": "fan", "type": "rocket"}], "devices[0].type"),
        ([{"model": "fan"}, {"model": "fan"}], "devices[1].model"), ([{"model": "fan", "active": "yes"}], "devices[0].active"),
        ([{"model": "fan", "state": 2}], "devices[0].state"), ([{"model": "a/b"}], "devices[0].model"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_names_its_field(devices: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        gateway.report({"devices": devices}, now=NOW)
    assert refusal.value.field == field


def test_a_list_is_not_longer_than_a_farm_has_devices() -> None:
    with pytest.raises(TooLarge):
        gateway.report({"devices": [{"model": f"fan {n}"} for n in range(101)]}, now=NOW)


@pytest.mark.parametrize(
    ("said", "status", "state", "error"),
    [
        ({"status": "executed", "response": "Fan switched"}, "completed", None, None), ({"status": "SUCCESS"}, "completed", None, None),
        ({"status": "executed", "response": '{"state": true, "value": 30}'}, "completed", State(True, 30.0), None),
        ({"status": "executed", "response": {"state": "off"}}, "completed", State(False), None),
        ({"status": "executed", "response": {"state": "perhaps"}}, "completed", None, None),
        ({"status": "failed", "response": "ESP32 Error"}, "failed", None, "ESP32 Error"), ({"status": "error"}, "failed", None, "error"),
        ({"status": "executing"}, "executing", None, None), ({"status": "received"}, None, None, None),
    ],
)  # fmt: skip
def test_gateways_words_for_what_became_of_a_command_are_ours(said: dict[str, Any], status: str | None, state: State | None, error: str | None) -> None:
    read = gateway.answer(said, now=NOW)
    assert (read.status, read.state, read.error, read.is_dated, read.at) == (status, state, error, False, NOW)
    assert gateway.answer(said | {"timestamp": "2026-11-21T05:59:00Z"}, now=NOW).is_dated


@pytest.mark.parametrize(("said", "field"), [({}, "status"), ({"status": ""}, "status"), ({"status": "frobnicated"}, "status"), ({"status": 1}, "status")])
def test_a_word_that_nobody_knows_is_refused(said: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        gateway.answer(said, now=NOW)
    assert refusal.value.field == field


def test_a_heartbeat_tells_how_the_box_fares() -> None:
    beat = gateway.heartbeat(
        {"status": "Online", "response": "ok\x00", "uptime_seconds": 60, "signal_strength": -61, "firmware_version": "1.2", "states": {"fan": 1}}, now=NOW
    )
    assert (beat.is_there, beat.facts, beat.firmware_version) == (True, {"status": "online", "response": "ok", "uptime_s": 60.0}, "1.2")
    assert beat.states == {"fan": State(True)} and not gateway.heartbeat({"status": "offline"}, now=NOW).is_there
    for said, field in (({"uptime_seconds": -1}, "uptime_seconds"), ({"signal_strength": "x"}, "signal_strength"), ({"status": 5}, "status")):
        with pytest.raises(Invalid) as refusal:
            gateway.heartbeat(said, now=NOW)
        assert refusal.value.field == field


def test_a_box_says_its_number_when_it_asks_for_a_code() -> None:
    assert gateway.asking({"hardware_id": "PI_1", "model": "Raspberry Pi 4", "firmware_version": None}) == ("PI_1", {"model": "Raspberry Pi 4"})
    for said in ({}, {"hardware_id": ""}, {"hardware_id": "a b"}, {"hardware_id": 5}):
        with pytest.raises(Invalid) as refusal:
            gateway.asking(said)
        assert refusal.value.field == "hardware_id"


@pytest.mark.parametrize(
    ("read", "body"),
    [
        (partial(gateway.telemetry, now=NOW), {"hardware_id": "PI_1", "timestamp": "2026-11-21T05:00:00Z", "sensors": {"temperature_c": 31.5}, "states": {"fan": {"state": "on", "value": 3}}}),
        (partial(gateway.telemetry, now=NOW), [{"sensors": {"humidity_pct": 31.5}}]),
        (partial(gateway.report, now=NOW), {"devices": [{"type": "relay", "model": "fan", "name": "Fan", "active": True, "device_id": "x", "state": "on"}]}),
        (partial(gateway.heartbeat, now=NOW), {"status": "online", "response": {"a": []}, "uptime_seconds": 5, "signal_strength": -60, "states": {"fan": "on"}}),
        (partial(gateway.answer, now=NOW), {"status": "executed", "response": {"state": True, "value": 30}, "timestamp": "2026-11-21T05:00:00Z"}),
        (gateway.asking, {"hardware_id": "PI_1", "model": "x", "firmware_version": "1"}),
    ],
)  # fmt: skip
def test_any_one_thing_wrong_in_a_good_body_is_named_and_no_fault_of_ours(read: Callable[[Any], Any], body: Any) -> None:
    read(body)
    for place in places(body)[1:]:
        for strange in (*STRANGE, "[" * 100_000, {"\ud800": "on"}, {"a" * 70: "on"}):
            try:
                read(with_value(body, place, strange))
            except Refusal as refusal:
                assert getattr(refusal, "field", "body"), (place, strange)
