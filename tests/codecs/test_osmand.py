"""What Traccar Client and its relatives send becomes one fix, nothing, or a refusal that names the field."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.deliveries.values import Fix
from jobs.codecs.osmand import fix_from_json, fix_from_query
from tests.codecs.payloads import payload

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
AT = datetime(2026, 6, 15, 13, 45, 12, tzinfo=UTC)


def query(written: str) -> Fix | None:
    return fix_from_query(dict(parse_qsl(written, keep_blank_values=True)), now=NOW)


def read(written: str) -> Fix:
    found = query(f"id=902064&lat=42.06288&lon=-88.23412&{written}")
    assert found is not None
    return found


def document(**coords: Any) -> dict[str, Any]:
    place = {"latitude": 37.42, "longitude": -122.08}
    return {"device_id": "48241179", "location": {"timestamp": "2026-06-15T13:45:12Z", "coords": place | coords}}


def test_a_query_with_milliseconds_becomes_one_fix() -> None:
    assert read("timestamp=1442068686579&batt=87") == Fix(
        device_identifier="902064",
        recorded_at=datetime(2015, 9, 12, 14, 38, 6, 579_000, tzinfo=UTC),
        latitude=42.06288,
        longitude=-88.23412,
        battery_percent=87,
    )


@pytest.mark.parametrize(
    "written",
    [
        "1781531112",
        "1781531112000",
        "2026-06-15T13:45:12Z",
        "2026-06-15T15:45:12%2B02:00",
        "2026-06-15T15:45:12+02:00",
        "2026-06-15%2013:45:12",
        "2026-06-15+13:45:12",
    ],
)
def test_a_timestamp_is_written_in_many_ways(written: str) -> None:
    assert read(f"timestamp={written}").recorded_at == AT


def test_without_a_timestamp_the_fix_is_from_now() -> None:
    assert read("").recorded_at == NOW


def test_a_location_holds_both_coordinates_and_the_device_has_two_names() -> None:
    found = query("deviceid=7&location=42.5,-88.25&timestamp=1781531112")
    assert found == Fix(device_identifier="7", recorded_at=AT, latitude=42.5, longitude=-88.25)


@pytest.mark.parametrize(
    ("written", "attribute", "expected"),
    [
        ("speed=10", "speed_mps", 5.1444),
        ("speed=0", "speed_mps", 0),
        ("speed=-1", "speed_mps", None),
        ("bearing=90.5", "heading_deg", 90.5),
        ("heading=360", "heading_deg", 0),
        ("bearing=-1", "heading_deg", None),
        ("altitude=-3.5", "altitude_m", -3.5),
        ("accuracy=0", "accuracy_m", None),
        ("accuracy=0.0", "accuracy_m", None),
        ("accuracy=350", "accuracy_m", 350),
        ("hdop=0.9&driverUniqueId=4&charge=true", "accuracy_m", None),
        ("batt=", "battery_percent", None),
        ("batt=55.5", "battery_percent", 55.5),
    ],
)
def test_a_query_has_its_own_units(written: str, attribute: str, expected: float | None) -> None:
    assert getattr(read(written), attribute) == (None if expected is None else pytest.approx(expected, abs=1e-3))


@pytest.mark.parametrize("written", ["id=1&lat=0&lon=0.0", "id=1&location=0,0", "id=1&lat=1&lon=2&valid=false"])
def test_no_fix_is_nothing(written: str) -> None:
    assert query(written) is None


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("lat=1&lon=2", "id"),
        ("id=%00&lat=1&lon=2", "id"),
        ("id=1&lat=90.1&lon=2", "lat"),
        ("id=1&lat=nan&lon=2", "lat"),
        ("id=1&lat=1_0&lon=2", "lat"),
        ("id=1&lat=%D9%A1&lon=2", "lat"),
        ("id=1&lon=2", "lat"),
        ("id=1&lat=1", "lon"),
        ("id=1&lat=1&lon=inf", "lon"),
        ("id=1&lat=1&lon=180.5", "lon"),
        ("id=1&location=1", "location"),
        ("id=1&location=91,1", "location"),
        ("id=1&lat=1&lon=2&timestamp=soon", "timestamp"),
        ("id=1&lat=1&lon=2&timestamp=1e300", "timestamp"),
        ("id=1&lat=1&lon=2&timestamp=2026-06-15T13:45:12", "timestamp"),
        ("id=1&lat=1&lon=2&timestamp=1782907900", "timestamp"),
        ("id=1&lat=1&lon=2&speed=fast", "speed"),
        ("id=1&lat=1&lon=2&heading=361", "heading"),
        ("id=1&lat=1&lon=2&batt=101", "batt"),
    ],
)
def test_an_impossible_key_is_refused_by_its_name(written: str, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        query(written)
    assert refusal.value.field == field


def test_a_json_document_becomes_one_fix() -> None:
    assert fix_from_json(payload("traccar_client.json"), now=NOW) == Fix(
        device_identifier="48241179",
        recorded_at=datetime(2026, 6, 15, 13, 45, 12, 862_000, tzinfo=UTC),
        latitude=37.42,
        longitude=-122.08,
        accuracy_m=5,
        speed_mps=0,
        altitude_m=5,
        battery_percent=100,
    )


def test_a_json_speed_is_in_metres_a_second_and_minus_one_is_unknown() -> None:
    moving, unknown = (fix_from_json(document(speed=speed), now=NOW) for speed in (12.5, -1))
    assert moving is not None
    assert unknown is not None
    assert (moving.speed_mps, unknown.speed_mps) == (12.5, None)


def test_a_json_document_without_a_place_is_nothing() -> None:
    assert fix_from_json(document(latitude=0, longitude=0), now=NOW) is None
    assert fix_from_json({"device_id": 4, "location": {"event": "heartbeat"}}, now=NOW) is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"id=1", "body"),
        ({"location": {}}, "device_id"),
        ({"device_id": [], "location": {}}, "device_id"),
        ({"device_id": "1", "location": []}, "location"),
        (document(latitude=-91), "location.coords.latitude"),
        (document(longitude="2"), "location.coords.longitude"),
        (document(heading=400), "location.coords.heading"),
        ({"device_id": "1", "location": document()["location"] | {"timestamp": True}}, "location.timestamp"),
        (
            {"device_id": "1", "location": document()["location"] | {"timestamp": "2027-01-01T00:00Z"}},
            "location.timestamp",
        ),
        ({"device_id": "1", "location": document()["location"] | {"battery": {"level": 87}}}, "location.battery.level"),
    ],
)
def test_an_impossible_json_field_is_refused_by_its_path(body: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        fix_from_json(body, now=NOW)
    assert refusal.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(["id", "lat", "lon", "location", "timestamp", "speed", "valid", "batt"]), st.text()
    ),
    st.binary(max_size=100),
)
def test_anything_is_read_or_refused(fields: dict[str, str], body: bytes) -> None:
    with suppress(Invalid):
        fix_from_query(fields, now=NOW)
    with suppress(Invalid):
        fix_from_json(body, now=NOW)
