"""What a hub posts becomes readings, each for itself, or a refusal that names the field."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain.frames import Fault
from data.cold_chain.values import Measurement
from data.core.errors import Invalid, TooLarge
from jobs.codecs.hub_report import report

NOW = datetime(2026, 2, 12, 15, 16, tzinfo=UTC)
HUB, SENSOR = "AA:BB:CC:00:00:01", "C4:7C:8D:6A:00:01"


def told(*readings: Any, **more: Any) -> dict[str, Any]:
    return {"mac": "aabbcc000001", "readings": list(readings)} | more


def test_a_report_becomes_a_measurement_a_sensor() -> None:
    row = {
        "mac": "c4-7c-8d-6a-00-01", "recorded_at": "2026-02-12T15:15:45Z", "temperature_celsius": -19.6, "humidity_percent": 41,
        "battery_percent": 87, "rssi": -71.4, "door_open": False,
    }  # fmt: skip
    read = report(told(row, {"mac": SENSOR}, firmware="1.4.2"), now=NOW)
    assert (read.mac, read.firmware) == (HUB, "1.4.2")
    assert read.readings == [
        Measurement(
            SENSOR, datetime(2026, 2, 12, 15, 15, 45, tzinfo=UTC), NOW, temperature_celsius=-19.6, humidity_percent=41,
            battery_percent=87, signal_dbm=-71, door_is_open=False,
        ),
        Measurement(SENSOR, NOW, NOW),
    ]  # fmt: skip


def test_a_hub_without_sensors_says_that_it_stands() -> None:
    assert report(told(), now=NOW).readings == []


def test_a_broken_sensor_is_a_fault() -> None:
    (one,) = report(told({"mac": SENSOR, "temperature_celsius": 327.67}), now=NOW).readings
    assert isinstance(one, Measurement) and (one.temperature_celsius, one.fault) == (None, Fault.OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (5, "readings[1]"), ({}, "readings[1].mac"), ({"mac": "12"}, "readings[1].mac"),
        ({"mac": SENSOR, "temperature_celsius": "cold"}, "readings[1].temperature_celsius"),
        ({"mac": SENSOR, "humidity_percent": 101}, "readings[1].humidity_percent"),
        ({"mac": SENSOR, "battery_percent": True}, "readings[1].battery_percent"), ({"mac": SENSOR, "battery_v": 12}, "readings[1].battery_v"),
        ({"mac": SENSOR, "rssi": []}, "readings[1].rssi"), ({"mac": SENSOR, "door_open": "no"}, "readings[1].door_open"),
        ({"mac": SENSOR, "recorded_at": "noon"}, "readings[1].recorded_at"),
        ({"mac": SENSOR, "recorded_at": "2027-01-01T00:00:00Z"}, "readings[1].recorded_at"), ({"mac": SENSOR, "model": 5}, "readings[1].model"),
    ],
)  # fmt: skip
def test_a_wrong_reading_is_refused_by_its_field_and_the_others_are_read(row: Any, field: str) -> None:
    read = report(told({"mac": SENSOR}, row, {"mac": SENSOR}), now=NOW).readings
    assert [type(one) for one in read] == [Measurement, Invalid, Measurement]
    assert isinstance(read[1], Invalid) and read[1].field == field


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"), (b"[]", "body"), ({"mac": HUB}, "readings"), ({"mac": HUB, "readings": {}}, "readings"), ({"readings": []}, "mac"),
        (told(mac="hub"), "mac"), (told(firmware=5), "firmware"),
    ],
)  # fmt: skip
def test_a_malformed_report_is_refused_by_its_field(body: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        report(body, now=NOW)
    assert refusal.value.field == field


def test_more_readings_than_one_request_may_bring_are_refused() -> None:
    with pytest.raises(TooLarge):
        report(told(*[{"mac": SENSOR}] * 1001), now=NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["mac", "recorded_at", "temperature_celsius", "humidity_percent", "battery_v", "rssi", "door_open"])


@given(st.lists(st.dictionaries(names, json_values, max_size=4) | json_values, max_size=4), st.dictionaries(st.sampled_from(["mac", "firmware", "readings"]), json_values, max_size=2))
def test_any_fields_are_read_or_refused(rows: list[Any], more: dict[str, Any]) -> None:
    with suppress(Invalid):
        report(told(*rows) | more, now=NOW)
