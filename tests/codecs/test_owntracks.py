"""What OwnTracks posts becomes one fix, nothing, or a refusal that names the field."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.core.errors import Invalid
from data.deliveries.values import Fix
from jobs.codecs.owntracks import fix
from tests.codecs.payloads import payload

NOW = datetime(2026, 2, 12, 15, 16, tzinfo=UTC)


def location(**more: Any) -> dict[str, Any]:
    return {"_type": "location", "lat": 48.85, "lon": 2.29, "tst": 1_700_000_000} | more


def read(**more: Any) -> Fix:
    found = fix(location(**more), "jane", "phone", now=NOW)
    assert found is not None
    return found


def test_a_whole_location_becomes_one_fix() -> None:
    found = fix(payload("owntracks_location.json"), "jane", "phone", now=NOW)
    assert found == Fix(
        device_identifier="jane/phone",
        recorded_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        latitude=48.856826,
        longitude=2.292713,
        accuracy_m=12,
        speed_mps=30 / 3.6,
        heading_deg=270,
        altitude_m=35,
        battery_percent=81,
        source="manual",
    )


def test_the_least_that_a_phone_may_say_is_a_fix() -> None:
    found = read()
    assert (found.accuracy_m, found.speed_mps, found.heading_deg, found.battery_percent) == (None,) * 4
    assert found.source == "background"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        {"_type": "transition", "event": "enter", "desc": "Depot", "wtst": 1, "lat": 1.0, "lon": 2.0},
        {"_type": "waypoint", "desc": "Depot"},
        {"_type": "waypoints", "waypoints": []},
        {"_type": "status"},
        {"_type": "lwt", "tst": 1},
        {"_type": "encrypted", "data": "c2VjcmV0"},
        location(lat=0, lon=0.0),
    ],
)
def test_what_is_no_position_is_nothing(body: Any) -> None:
    assert fix(body, "jane", "phone", now=NOW) is None


@pytest.mark.parametrize(
    ("sent", "attribute", "expected"),
    [
        ({"vel": 36}, "speed_mps", 10),
        ({"vel": 0}, "speed_mps", 0),
        ({"vel": -1}, "speed_mps", None),
        ({"acc": 0}, "accuracy_m", None),
        ({"acc": -1}, "accuracy_m", None),
        ({"acc": 1500}, "accuracy_m", 1500),
        ({"cog": 360}, "heading_deg", 0),
        ({"cog": -1}, "heading_deg", None),
        ({"alt": -12}, "altitude_m", -12),
        ({"batt": 0}, "battery_percent", 0),
        ({"batt": -1}, "battery_percent", None),
    ],
)
def test_units_and_unknowns_are_read_as_the_app_means_them(
    sent: dict[str, Any], attribute: str, expected: float | None
) -> None:
    assert getattr(read(**sent), attribute) == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("user", "device", "topic", "identifier"),
    [
        ("jane", "phone", None, "jane/phone"),
        ("jane", None, None, "jane"),
        (None, None, "owntracks/jo/tablet", "jo/tablet"),
        ("", "", "owntracks/jo/tablet", "jo/tablet"),
    ],
)
def test_a_phone_is_named_by_its_headers_or_else_by_its_topic(
    user: str | None, device: str | None, topic: str | None, identifier: str
) -> None:
    found = fix(location(topic=topic), user, device, now=NOW)
    assert found is not None
    assert found.device_identifier == identifier


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (b"[]", "body"),
        ({"lat": 1}, "_type"),
        (location(lat=90.01), "lat"),
        (location(lat=None), "lat"),
        (location(lon="2.29"), "lon"),
        (location(lon=-181), "lon"),
        (location(tst=None), "tst"),
        (location(tst=1_800_000_000), "tst"),
        (location(tst=1e300), "tst"),
        (location(tst=5), "tst"),
        (location(acc="good"), "acc"),
        (location(vel=float("nan")), "vel"),
        (location(cog=361), "cog"),
        (location(batt=101), "batt"),
        (location(lat=0, lon=0, batt=101), "batt"),
    ],
)
def test_an_impossible_field_is_refused_by_its_name(body: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        fix(body, "jane", "phone", now=NOW)
    assert refusal.value.field == field


def test_a_message_of_nobody_is_refused() -> None:
    with pytest.raises(Invalid, match="which phone"):
        fix(location(), None, None, now=NOW)


@given(
    st.dictionaries(st.sampled_from(["lat", "lon", "tst", "vel", "acc", "topic"]), st.none() | st.text() | st.floats())
)
def test_any_fields_are_read_or_refused(fields: dict[str, Any]) -> None:
    with suppress(Invalid):
        fix(location(**fields), "jane", "phone", now=NOW)
