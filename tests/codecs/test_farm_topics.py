"""Devices that were built for the farm, on its own topics: what they say becomes reports, and old news is refused."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.farm.values import CommandAnswer, FirmwareOrder, Health, Outgoing, Presence, Report, SensorValue, StateReport
from jobs.codecs.farm_topics import instruction, place, reports, update

NOW = datetime(2026, 2, 16, 3, 13, 52, tzinfo=UTC)
SAID_AT = NOW - timedelta(seconds=2)
ID = UUID("018f0000-0000-7000-8000-000000000001")
FARM = UUID("018f0000-0000-7000-8000-0000000000fa")


def told(kind: str, **fields: Any) -> list[Report]:
    return reports(f"farm/{FARM}/devices/fan-1/{kind}", json.dumps({"timestamp": SAID_AT.isoformat()} | fields).encode(), now=NOW)


def test_a_heartbeat_tells_presence_and_how_the_device_fares() -> None:
    assert told("heartbeat", online=True, firmware_version="2.1.0", uptime_seconds=86_400, signal_strength=-61, heap_free=41_000) == [
        Health("fan-1", SAID_AT, signal_dbm=-61, firmware_version="2.1.0", uptime_s=86_400), Presence("fan-1", True, SAID_AT),
    ]  # fmt: skip
    assert told("heartbeat", online=False) == [Presence("fan-1", False, SAID_AT)]


def test_a_status_tells_the_state_with_the_devices_own_time() -> None:
    assert told("status", state="on", previous_state="off", triggered_by="user_command", duration_ms=0) == [
        StateReport("fan-1", 1, True, SAID_AT, source="status")
    ]
    assert told("status", state="OFF", output=2, value=0) == [StateReport("fan-1", 2, False, SAID_AT, 0, "status")]


@pytest.mark.parametrize(
    ("kind", "fields", "status", "is_on", "error"),
    [
        ("response", {"status": "success", "new_state": "on", "error": None}, "completed", True, None),
        ("command/response", {"status": "executed", "new_state": {"state": "off"}}, "completed", False, None),
        ("status", {"status": "failed", "error": "motor blocked"}, "failed", None, "motor blocked"),
        ("response", {"status": "timeout"}, "failed", None, "timeout"), ("response", {"status": "executing"}, "executing", None, None),
    ],
)  # fmt: skip
def test_an_answer_names_the_command(kind: str, fields: dict[str, Any], status: str, is_on: bool | None, error: str | None) -> None:
    *state, answer = told(kind, command_id=str(ID), **fields)
    assert answer == CommandAnswer("fan-1", ID, status, SAID_AT, is_on, None, error)
    assert state == ([] if is_on is None else [StateReport("fan-1", 1, is_on, SAID_AT, source="answer")])


def test_readings_come_by_two_topics_and_may_be_old() -> None:
    old = NOW - timedelta(hours=3)
    sent = {"timestamp": old.isoformat(), "readings": {"temperature": 31.5, "humidity": 68, "door": 1}}
    expected = [SensorValue("probe-1", "temperature", 31.5, "°C", old), SensorValue("probe-1", "humidity", 68, "%", old)]
    for topic in (f"farm/{FARM}/sensors/probe-1/data", f"farm/{FARM}/devices/probe-1/sensor"):
        assert reports(topic, json.dumps(sent).encode(), now=NOW) == expected


@pytest.mark.parametrize("kind", ["status", "heartbeat", "response"])
def test_what_is_older_than_a_minute_is_no_state_any_more(kind: str) -> None:
    fields = {"state": "on", "command_id": str(ID), "status": "success"} if kind == "response" else {"state": "on"}
    assert told(kind, **fields | {"timestamp": (NOW - timedelta(seconds=59)).isoformat()})
    with pytest.raises(Invalid) as refusal:
        told(kind, **fields | {"timestamp": (NOW - timedelta(seconds=61)).isoformat()})
    assert refusal.value.field == "timestamp"


def test_a_clock_that_goes_ahead_or_was_never_set_means_now() -> None:
    for said in ((NOW + timedelta(minutes=5)).isoformat(), "1970-01-01T00:00:12Z", 12, (NOW + timedelta(minutes=1)).timestamp() * 1000):
        assert told("status", state="on", timestamp=said) == [StateReport("fan-1", 1, True, NOW, source="status")]


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("status", {"state": "maybe"}, "state"), ("status", {}, "state"), ("status", {"state": "on", "value": 256}, "value"),
        ("heartbeat", {"online": "yes"}, "online"), ("heartbeat", {"signal_strength": "good"}, "signal_strength"),
        ("response", {"command_id": "7", "status": "success"}, "command_id"), ("response", {"command_id": str(ID), "status": "done"}, "status"),
        ("sensor", {"readings": {"temperature": -127}}, "readings.temperature"), ("status", {"state": "on", "timestamp": "yesterday"}, "timestamp"),
        ("status", {"state": "on", "timestamp": (NOW + timedelta(hours=1)).isoformat()}, "timestamp"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_field(kind: str, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        told(kind, **fields)
    assert refusal.value.field == field


def test_a_wish_goes_to_the_device_with_its_id_and_ends_by_itself() -> None:
    wish = Outgoing(ID, FARM, "fan-1", 1, "on", farm_id=FARM, max_on_s=600)
    assert instruction(wish, now=NOW) == (
        f"farm/{FARM}/devices/fan-1/command",
        json.dumps({"command_id": str(ID), "device_id": "fan-1", "action": "on", "duration_ms": 600_000, "timestamp": "2026-02-16T03:13:52.000Z"}),
    )
    _topic, payload = instruction(Outgoing(ID, FARM, "fan-1", 2, "set_speed", 30.0, farm_id=FARM), now=NOW)
    assert {"action": "set_speed", "value": 30.0, "output": 2}.items() <= json.loads(payload).items()
    assert "duration_ms" not in json.loads(instruction(Outgoing(ID, FARM, "fan-1", 1, "off", farm_id=FARM, max_on_s=600), now=NOW)[1])


@pytest.mark.parametrize("topic", ["farm/1/devices/fan/command", "farm/1/devices/fan/fw_update", "farm/1/devices/a/b/status", "farm/1/homeassistant/x", "farm"])
def test_other_topics_say_nothing(topic: str) -> None:
    assert place(topic) is None
    assert reports(topic, b"\xff{", now=NOW) == []


@given(
    st.sampled_from(["heartbeat", "status", "sensor", "response"]),
    st.binary(max_size=60) | st.dictionaries(st.text() | st.sampled_from(["timestamp", "state", "command_id", "readings"]), st.floats() | st.text()).map(lambda fields: json.dumps(fields).encode()),
)  # fmt: skip
def test_any_bytes_are_read_or_refused(kind: str, sent: bytes) -> None:
    with suppress(Invalid):
        reports(f"farm/1/devices/fan/{kind}", sent, now=NOW)


def test_a_device_is_told_where_its_firmware_lies_how_large_it_is_and_its_digest() -> None:
    order = FirmwareOrder(ID, ID, FARM, "fan-1", "steading", "2.2.0", "https://files.example/a.bin", 412_000, "ab" * 32)
    ((topic, said),) = update(order)
    assert topic == f"farm/{FARM}/devices/fan-1/fw_update"
    assert json.loads(said) == {"fw_url": "https://files.example/a.bin", "fw_size": 412_000, "fw_hash": "ab" * 32, "fw_version": "2.2.0"}
