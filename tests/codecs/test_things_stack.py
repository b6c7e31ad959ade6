"""What The Things Stack posts becomes one measurement, or a refusal that names the field."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cold_chain.frames import Fault
from data.cold_chain.values import GatewayHeard, Measurement, normalise_eui
from data.core.errors import Invalid
from jobs.codecs.things_stack import measurement
from tests.codecs.payloads import payload

NOW = datetime(2026, 2, 12, 15, 16, tzinfo=UTC)
DECODED = "uplink_message.decoded_payload"
NORMALIZED = "uplink_message.normalized_payload"


def uplink(decoded: dict[str, Any] | None = None, normalized: Any = None, **more: Any) -> dict[str, Any]:
    message: dict[str, Any] = {}
    if decoded is not None:
        message["decoded_payload"] = decoded
    if normalized is not None:
        message["normalized_payload"] = normalized
    return {"end_device_ids": {"dev_eui": "0004a30b001c0530"}, "uplink_message": message | more}


def read(body: dict[str, Any] | bytes) -> Measurement:
    found = measurement(body, now=NOW)
    assert found is not None
    return found


def refused_field(body: Any) -> str:
    with pytest.raises(Invalid) as refusal:
        measurement(body, now=NOW)
    return refusal.value.field


def test_a_whole_uplink_becomes_one_measurement() -> None:
    assert read(payload("things_stack_uplink.json")) == Measurement(
        device_eui="0004A30B001C0530",
        recorded_at=datetime(2026, 2, 12, 15, 15, 45, 900_000, tzinfo=UTC),
        received_at=datetime(2026, 2, 12, 15, 15, 46, 14_000, tzinfo=UTC),
        temperature_celsius=-21.3,
        battery_v=3.25,
        signal_dbm=-35,
        counter=1,
        device_name="dev1",
        raw_payload="DLIEgPeu",
        port=4,
        gateways=(GatewayHeard("gtw1", "9C5C8E00001A05C4", -97), GatewayHeard("gtw2", "9C5C8E00001A05C5", -35)),
    )


def test_that_a_sensor_joined_is_told_and_measures_nothing() -> None:
    assert measurement(payload("things_stack_join.json"), now=NOW) == Measurement(
        device_eui="0004A30B001C0530",
        recorded_at=datetime(2026, 2, 12, 15, 15, 45, 900_000, tzinfo=UTC),
        received_at=datetime(2026, 2, 12, 15, 15, 46, 14_000, tzinfo=UTC),
        device_name="dev1",
        has_joined=True,
    )


@pytest.mark.parametrize("kind", ["downlink_queued", "location_solved", "uplink_message"])
def test_other_events_of_the_network_are_not_measurements(kind: str) -> None:
    event = {"end_device_ids": {"dev_eui": "0004A30B001C0530"}, kind: None if kind == "uplink_message" else {}}
    assert measurement(event, now=NOW) is None


def test_an_uplink_with_everything_empty_omitted_still_says_that_the_sensor_lives() -> None:
    assert read(uplink()) == Measurement(device_eui="0004A30B001C0530", recorded_at=NOW, received_at=NOW)


@pytest.mark.parametrize(
    ("name", "sent", "celsius"),
    [
        ("temperature", 0, 0.0),
        ("TempC_SHT", 4.5, 4.5),
        ("TempC_DS", -18.25, -18.25),
        ("temperature_c", -73.33, -73.33),
        ("temp_c", 148.89, 148.89),
        ("TempC_SHT", "4.50", 4.5),
        ("TempC1", -19.3, -19.3),
        ("temp", 3, 3.0),
        ("Temperature", 3, 3.0),
        ("temperature_f", 32, 0.0),
        ("temperature_f", -40, -40.0),
        ("temperature_f", 41, 5.0),
    ],
)
def test_temperature_has_many_names_and_two_scales(name: str, sent: float, celsius: float) -> None:
    assert read(uplink({name: sent})).temperature_celsius == celsius


@pytest.mark.parametrize(
    ("decoded", "fault"),
    [
        ({"temperature": -273.16}, Fault.OUT_OF_RANGE),
        ({"temperature": 149}, Fault.OUT_OF_RANGE),
        ({"temp": -73.34}, Fault.OUT_OF_RANGE),
        ({"temperature_f": 300.1}, Fault.OUT_OF_RANGE),
        ({"temperature_f": -100.1}, Fault.OUT_OF_RANGE),
        ({"TempC_DS": 327.67}, Fault.DISCONNECTED),
        ({"temperature": 3276.7}, Fault.DISCONNECTED),
        ({"TempC1": "NULL"}, Fault.DISCONNECTED),
    ],
)
def test_what_cannot_be_a_temperature_is_a_fault_of_the_sensor_and_not_of_the_message(decoded: dict[str, Any], fault: Fault) -> None:
    found = read(uplink(decoded))
    assert (found.temperature_celsius, found.fault) == (None, fault)


@pytest.mark.parametrize(
    ("decoded", "celsius", "probe", "probe_fault"),
    [
        ({"TempC_SHT": 21.0, "TempC_DS": -19.5}, 21.0, -19.5, None),
        ({"TempC_SHT": 21.0, "TempC_DS": 327.67}, 21.0, None, Fault.DISCONNECTED),
        ({"TempC_SHT": 21.0, "TempC_DS": 0, "No_connect": "Sensor no connection"}, 21.0, None, Fault.DISCONNECTED),
        ({"temperature": 21.0, "externalTemperature": -19.5}, 21.0, -19.5, None),
        ({"TempC_DS": -19.5}, -19.5, -19.5, None),
    ],
)
def test_a_sensor_with_a_probe_tells_both(
    decoded: dict[str, Any], celsius: float, probe: float | None, probe_fault: Fault | None
) -> None:
    found = read(uplink(decoded))
    assert (found.temperature_celsius, found.probe_celsius, found.probe_fault) == (celsius, probe, probe_fault)


@pytest.mark.parametrize(
    ("decoded", "count", "seconds"),
    [
        ({"DOOR_OPEN_TIMES": 147, "LAST_DOOR_OPEN_DURATION": 37}, 147, 37 * 60),
        ({"open_times": 3, "open_duration_s": 95}, 3, 95),
        ({"open_count": 0, "last_open_duration": 1.5}, 0, 90),
        ({}, None, None),
    ],
)
def test_how_often_and_how_long_a_door_was_open_is_minutes_unless_the_name_says_seconds(
    decoded: dict[str, Any], count: int | None, seconds: int | None
) -> None:
    found = read(uplink(decoded))
    assert (found.door_open_count, found.door_open_s) == (count, seconds)


@pytest.mark.parametrize(
    ("decoded", "more", "model"),
    [
        ({}, {"version_ids": {"brand_id": "dragino", "model_id": "lht65n"}}, "lht65n"),
        ({"Node_type": "D23-LB"}, {}, "D23-LB"),
        ({"DOOR_OPEN_STATUS": 1}, {}, "lds02"),
        ({"temperature": 1}, {}, None),
    ],
)
def test_the_network_or_its_decoders_spelling_says_which_model_it_is(decoded: dict[str, Any], more: dict[str, Any], model: str) -> None:
    assert read(uplink(decoded, **more)).model == model


def test_every_gateway_that_heard_it_is_told_but_not_those_of_other_networks() -> None:
    heard = [
        {"gateway_ids": {"gateway_id": "roof", "eui": "aa00000000000001"}, "rssi": -100},
        {"gateway_ids": {"gateway_id": "packetbroker"}, "rssi": -40},
        {"rssi": -90},
    ]
    found = read(uplink(rx_metadata=heard))
    assert found.gateways == (GatewayHeard("roof", "AA00000000000001", -100),) and found.signal_dbm == -40


def test_the_networks_own_word_on_the_battery_counts_where_the_sensor_says_nothing() -> None:
    assert read(uplink(last_battery_percentage={"value": 97.6})).battery_percent == 97.6
    assert read(uplink({"battery": 40}, last_battery_percentage={"value": 97.6})).battery_percent == 40


@pytest.mark.parametrize("name", ["humidity", "Hum_SHT", "humidity_pct", "relative_humidity", "rh"])
def test_humidity_has_many_names(name: str) -> None:
    assert read(uplink({name: 51.5})).humidity_percent == 51.5


@pytest.mark.parametrize(
    ("decoded", "percent", "volts"),
    [
        ({"battery": 87}, 87.0, None),
        ({"battery_level": 100}, 100.0, None),
        ({"batt": 11}, 11.0, None),
        ({"battery": 3}, 3.0, None),
        ({"battery": 0}, 0.0, None),
        ({"battery": 3.6}, None, 3.6),
        ({"battery_level": 3.6}, 3.6, None),
        ({"battery": 3250}, None, 3.25),
        ({"battery": 255}, None, None),
        ({"BatV": 3.01}, None, 3.01),
        ({"BAT_V": 3010}, None, 3.01),
        ({"bat_v": 3.0}, None, 3.0),
        ({"battery_v": 3.0}, None, 3.0),
        ({"vbat": 2.9}, None, 2.9),
        ({"batteryVoltage": 2.8}, None, 2.8),
        ({"battery_voltage": 3600}, None, 3.6),
        ({"battery": 80, "BatV": 3.0}, 80.0, 3.0),
        ({"battery": 3, "BatV": 3}, None, 3.0),
        ({"Bat_status": 3}, None, None),
        ({"Bat_status": 3, "BatV": 3.05}, None, 3.05),
    ],
)
def test_a_battery_tells_percent_volts_or_millivolts(
    decoded: dict[str, Any], percent: float | None, volts: float | None
) -> None:
    found = read(uplink(decoded))
    assert (found.battery_percent, found.battery_v) == (percent, volts)


@pytest.mark.parametrize(
    ("name", "sent", "is_open"),
    [
        ("door_open", True, True),
        ("door_open", False, False),
        ("door_status", "open", True),
        ("door_status", "Closed", False),
        ("open_close", 1, True),
        ("open_close", 0.0, False),
        ("DOOR_OPEN_STATUS", 0, False),
        ("door", "CLOSE", False),
    ],
)
def test_a_door_is_open_or_closed_in_many_words(name: str, sent: object, is_open: bool) -> None:
    assert read(uplink({name: sent})).door_is_open is is_open


@pytest.mark.parametrize("as_list", [True, False])
def test_the_networks_own_normalized_payload_is_read_as_a_list_and_as_an_object(as_list: bool) -> None:
    entry = {
        "time": "2026-02-12T15:14:00+00:00",
        "battery": 3,
        "air": {"temperature": 4.1, "relativeHumidity": 60},
        "action": {"contactState": "open"},
    }
    found = read(uplink({"battery": 3}, [entry] if as_list else entry))
    assert (found.temperature_celsius, found.humidity_percent, found.door_is_open) == (4.1, 60, True)
    assert (found.battery_percent, found.battery_v) == (None, 3)
    assert found.recorded_at == datetime(2026, 2, 12, 15, 14, tzinfo=UTC)


def test_the_decoders_value_comes_before_the_networks() -> None:
    assert read(uplink({"temp": 1}, [{"air": {"temperature": 2}}])).temperature_celsius == 1


def test_null_and_empty_fields_leave_the_word_to_the_next_name() -> None:
    assert read(uplink({"temperature": None, "TempC_SHT": "", "TempC_DS": 5})).temperature_celsius == 5


def test_a_simulated_uplink_says_so() -> None:
    assert read(uplink() | {"simulated": True}).simulated


@pytest.mark.parametrize(
    "written", ["0004A30B001C0530", "0004a30b001c0530", "00:04:a3:0b:00:1c:05:30", "0004-A30B-001C-0530 "]
)
def test_a_device_eui_is_the_same_however_it_is_written(written: str) -> None:
    assert normalise_eui(written) == "0004A30B001C0530"


@pytest.mark.parametrize("written", ["", "0004A30B001C053", "0004A30B001C05300", "0004A30B001C053G", None, 4, "ß" * 8])
def test_what_is_no_device_eui_is_refused(written: object) -> None:
    assert refused_field(uplink() | {"end_device_ids": {"dev_eui": written}}) == "end_device_ids.dev_eui"


@pytest.mark.parametrize(
    ("decoded", "field"),
    [
        ({"temperature": "cold"}, "temperature"),
        ({"temperature": "nan"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": [4]}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"temperature": 10**400}, "temperature"),
        ({"humidity": 100.1}, "humidity"),
        ({"rh": -1}, "rh"),
        ({"battery": 300}, "battery"),
        ({"battery": -1}, "battery"),
        ({"BatV": 20_000}, "BatV"),
        ({"BatV": "full"}, "BatV"),
        ({"door_open": "ajar"}, "door_open"),
        ({"door_open": 2}, "door_open"),
        ({"open_times": -1}, "open_times"),
        ({"open_duration": 1e10}, "open_duration"),
    ],
)
def test_an_impossible_value_is_refused_by_its_path(decoded: dict[str, Any], field: str) -> None:
    assert refused_field(uplink(decoded)) == f"{DECODED}.{field}"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'{"uplink_message": {"decoded_payload": {"temperature": NaN}}}', "body"),
        (b'{"uplink_message": {"decoded_payload": {"temperature": -Infinity}}}', "body"),
        (b"[" * 100_000, "body"),
        (b"\xff\xfe\x00", "body"),
        ({"uplink_message": 1}, "uplink_message"),
        (uplink() | {"end_device_ids": "x"}, "end_device_ids"),
        (uplink() | {"end_device_ids": {}}, "end_device_ids.dev_eui"),
        (uplink(rx_metadata=[{"rssi": "loud"}]), "uplink_message.rx_metadata[0].rssi"),
        (uplink(rx_metadata=5), "uplink_message.rx_metadata"),
        (uplink(f_cnt=-1), "uplink_message.f_cnt"),
        (uplink(f_port=256), "uplink_message.f_port"),
        (uplink(version_ids=[]), "uplink_message.version_ids"),
        (uplink(rx_metadata=[{"gateway_ids": {"gateway_id": 5}}]), "uplink_message.rx_metadata[0].gateway_ids.gateway_id"),
        (uplink(last_battery_percentage={"value": 101}), "uplink_message.last_battery_percentage.value"),
        (uplink(frm_payload="a\x00"), "uplink_message.frm_payload"),
        (uplink(normalized=[{"air": 5}]), f"{NORMALIZED}[0].air"),
        (
            uplink(normalized=[{}, {"air": {"temperature": "x"}}]),
            "uplink_message.normalized_payload[1].air.temperature",
        ),
    ],
)
def test_a_malformed_message_is_refused_by_its_field(body: Any, field: str) -> None:
    assert refused_field(body) == field


def test_a_number_too_large_for_a_float_is_refused() -> None:
    body = json.dumps(uplink({"temperature": 5})).replace("5}", "1e999}")
    assert refused_field(body.encode()) == f"{DECODED}.temperature"


@pytest.mark.parametrize(
    "written",
    [
        (NOW + timedelta(minutes=11)).isoformat(),
        (NOW - timedelta(days=366)).isoformat(),
        "2026-02-12T15:15:00",
        "2026-02-12",
        "yesterday",
        "0001-01-01T00:00:00+23:59",
        1770909300,
    ],
)
def test_a_time_that_cannot_be_is_refused(written: object) -> None:
    assert refused_field(uplink() | {"received_at": written}) == "received_at"
    assert refused_field(uplink(received_at=written)) == "uplink_message.received_at"


def test_nanoseconds_and_other_zones_are_read() -> None:
    found = read(uplink(received_at="2026-02-12T16:15:45.123456789+01:00"))
    assert found.recorded_at == datetime(2026, 2, 12, 15, 15, 45, 123_456, tzinfo=UTC)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
decoded_names = st.sampled_from(["temperature", "temperature_f", "rh", "battery", "BatV", "door_open", "time", "air"])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(Invalid):
        measurement(body, now=NOW)


@given(
    st.dictionaries(decoded_names, json_values, max_size=4),
    json_values,
    st.dictionaries(st.sampled_from(["f_cnt", "rx_metadata", "received_at", "frm_payload"]), json_values, max_size=3),
)
def test_any_fields_are_read_or_refused(decoded: dict[str, Any], normalized: Any, more: dict[str, Any]) -> None:
    with suppress(Invalid):
        measurement(uplink(decoded, normalized, **more), now=NOW)
