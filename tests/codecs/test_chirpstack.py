"""What ChirpStack posts becomes one measurement, or a refusal that names the field."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain.frames import Fault
from data.cold_chain.values import GatewayHeard, Measurement
from data.core.errors import Invalid
from jobs.codecs.chirpstack import measurement
from tests.codecs.payloads import payload

NOW = datetime(2026, 2, 12, 15, 16, tzinfo=UTC)
SAID_AT = datetime(2026, 2, 12, 15, 15, 45, 775_023, tzinfo=UTC)


def event(**more: Any) -> dict[str, Any]:
    return {"deviceInfo": {"devEui": "0004a30b001c0530", "deviceName": "Freezer 1"}, "time": SAID_AT.isoformat()} | more


def test_a_whole_uplink_becomes_one_measurement() -> None:
    assert measurement(payload("chirpstack_up.json"), "up", now=NOW) == Measurement(
        device_eui="0004A30B001C0530", recorded_at=SAID_AT, received_at=NOW, temperature_celsius=30.8, humidity_percent=50.5,
        battery_percent=92, door_is_open=True, signal_dbm=-36, counter=10, device_name="Freezer 1",
        raw_payload="AXVcA2c0AQRoZQYAAQ==", port=85, model="EM300-MCS",
        gateways=(GatewayHeard("0016c001f153a14c", "0016C001F153A14C", -36), GatewayHeard("0016c001f153a14d", "0016C001F153A14D", -97)),
    )  # fmt: skip


def test_an_uplink_without_a_codec_at_the_network_still_brings_its_bytes() -> None:
    found = measurement(event(data="AXVc", fPort=85), "up", now=NOW)
    assert found and (found.temperature_celsius, found.raw_payload, found.port, found.counter) == (None, "AXVc", 85, None)


def test_a_tag_says_the_model_before_the_profiles_name() -> None:
    device = {"devEui": "0004a30b001c0530", "deviceProfileName": "Class A", "tags": {"model": "LHT65N-E3"}}
    found = measurement({"deviceInfo": device}, "up", now=NOW)
    assert found and found.model == "LHT65N-E3" and found.recorded_at == NOW


def test_a_join_says_only_that_the_sensor_joined() -> None:
    found = measurement(event(devAddr="00189440"), "join", now=NOW)
    assert found and found.has_joined and found.recorded_at == SAID_AT and found.temperature_celsius is None


@pytest.mark.parametrize(
    ("told", "percent"),
    [
        ({"margin": 7, "externalPowerSource": False, "batteryLevelUnavailable": False, "batteryLevel": 75.5}, 75.5),
        ({"margin": 7, "batteryLevelUnavailable": True, "batteryLevel": 0}, None),
        ({"margin": 7, "externalPowerSource": True, "batteryLevel": 0}, None),
        ({"margin": 7}, None),
    ],
)
def test_a_status_says_how_full_the_battery_is_where_there_is_one(told: dict[str, Any], percent: float | None) -> None:
    found = measurement(event(**told), "status", now=NOW)
    assert found and found.battery_percent == percent


@pytest.mark.parametrize("kind", ["ack", "txack", "log", "location", "integration"])
def test_other_events_say_nothing_of_a_sensor(kind: str) -> None:
    assert measurement(event(), kind, now=NOW) is None


def test_a_broken_sensor_is_a_fault_and_not_a_temperature() -> None:
    found = measurement(event(object={"temperature": 3276.7}), "up", now=NOW)
    assert found and (found.temperature_celsius, found.fault) == (None, Fault.DISCONNECTED)


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b"{", "up", "body"), (b"[]", "up", "body"), (event(), None, "event"), (event(), "uplink", "event"),
        ({}, "up", "deviceInfo.devEui"), ({"deviceInfo": 5}, "join", "deviceInfo"),
        (event(deviceInfo={"devEui": "12"}), "up", "deviceInfo.devEui"), (event(time="noon"), "up", "time"),
        (event(time="2027-01-01T00:00:00Z"), "status", "time"), (event(object=[]), "up", "object"),
        (event(object={"temperature": "cold"}), "up", "object.temperature"), (event(rxInfo=7), "up", "rxInfo"),
        (event(rxInfo=[{"rssi": "loud"}]), "up", "rxInfo[0].rssi"), (event(rxInfo=[{"gatewayId": 5}]), "up", "rxInfo[0].gatewayId"),
        (event(fCnt=-1), "up", "fCnt"), (event(fPort=300), "up", "fPort"), (event(data=5), "up", "data"),
        (event(batteryLevel=101), "status", "batteryLevel"), (event(deviceInfo={"devEui": "0" * 16, "tags": 3}), "up", "deviceInfo.tags"),
    ],
)  # fmt: skip
def test_a_malformed_event_is_refused_by_its_field(body: Any, kind: str | None, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        measurement(body, kind, now=NOW)
    assert refusal.value.field == field


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["deviceInfo", "object", "rxInfo", "time", "data", "fCnt", "fPort", "batteryLevel"])


@given(st.dictionaries(names, json_values, max_size=5), st.sampled_from(["up", "join", "status"]))
def test_any_fields_are_read_or_refused(more: dict[str, Any], kind: str) -> None:
    with suppress(Invalid):
        measurement(event(**more), kind, now=NOW)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Invalid):
        measurement(body, "up", now=NOW)
