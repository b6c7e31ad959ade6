"""What the screens make of what is known."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from data.core.time import now
from data.farm.batches import Fate, fate
from data.farm.queries import Tile as Known
from data.farm.rules import NEVER, NO_ANSWER, REPLACED, TOO_LATE
from data.farm.rules.health import Health, air, health
from data.farm.tables import CommandStatus, CommandType, Device, DeviceCommand, DeviceType
from pages.farm._face import face
from pages.farm._rooms import spoken
from pages.farm._words import when
from ui.words import CATALOGS, Reader, reading_as

AT = datetime(2026, 11, 20, 5, tzinfo=UTC)


def relay(*, is_on: bool | None = False, is_online: bool = True, is_active: bool = True) -> Device:
    return Device(
        farm_id=UUID(int=1), topic="fan", name="Fan", device_type=DeviceType.RELAY, is_on=is_on, is_online=is_online,
        is_active=is_active, state_reported_at=AT, last_heartbeat_at=AT,
    )  # fmt: skip


def probe(**latest: tuple[float, str]) -> Device:
    values = {kind: {"value": value, "unit": unit, "at": AT.isoformat()} for kind, (value, unit) in latest.items()}
    return Device(farm_id=UUID(int=1), topic="probe", name="Probe", device_type=DeviceType.SENSOR, is_online=True, latest=values)


def command(status: CommandStatus, *, error: str | None = None, ended: timedelta = timedelta(0), action: CommandType = CommandType.ON) -> DeviceCommand:
    at = now() - ended
    return DeviceCommand(
        farm_id=UUID(int=1), device_id=UUID(int=2), command_type=action, status=status, requested_at=at, expires_at=at,
        completed_at=at, error_message=error, error_values={"seconds": 30},
    )  # fmt: skip


def shown(device: Device, last: DeviceCommand | None = None, *, may_switch: bool = True) -> dict[str, Any]:
    return face(Known(device, last), may_switch=may_switch)


@pytest.mark.parametrize("status", [CommandStatus.QUEUED, CommandStatus.SENT, CommandStatus.EXECUTING])
def test_a_tile_says_asked_until_the_device_answers_and_keeps_the_old_state(status: CommandStatus) -> None:
    one = shown(relay(), command(status))
    assert (one["asked"], one["is_on"], one["reason"]) == (True, False, "")
    assert shown(relay(is_on=True), command(CommandStatus.COMPLETED))["asked"] is None


def test_a_tile_says_why_nothing_came_of_it_until_it_is_so_or_long_ago() -> None:
    words = "The device did not answer within 30 seconds."
    assert shown(relay(), command(CommandStatus.TIMEOUT, error=NO_ANSWER))["reason"] == words
    assert shown(relay(), command(CommandStatus.FAILED, error=REPLACED))["reason"] == REPLACED
    assert shown(relay(is_on=True), command(CommandStatus.TIMEOUT, error=NO_ANSWER))["reason"] == ""
    assert shown(relay(), command(CommandStatus.TIMEOUT, error=NO_ANSWER, ended=timedelta(hours=13)))["reason"] == ""


@pytest.mark.parametrize(
    ("device", "may_switch", "switchable", "is_sure"),
    [
        (relay(), True, True, True), (relay(), False, False, True), (relay(is_online=False), True, True, False),
        (relay(is_on=None), True, True, False), (relay(is_active=False), True, False, True),
    ],
)  # fmt: skip
def test_a_switch_is_offered_to_who_may_and_two_buttons_where_nobody_knows_whether_it_is_on(
    device: Device, may_switch: bool, switchable: bool, is_sure: bool
) -> None:
    one = shown(device, may_switch=may_switch)
    assert (one["switchable"], one["is_sure"]) == (switchable, is_sure)


def test_a_wish_to_a_device_that_is_away_says_until_when_it_waits_and_can_be_called_off() -> None:
    waiting = command(CommandStatus.QUEUED)
    waiting.expires_at = now() + timedelta(minutes=10)
    clock = waiting.expires_at.astimezone(ZoneInfo("Asia/Phnom_Penh")).strftime("%H:%M")
    one = face(Known(relay(is_online=False), waiting), may_switch=True, zone="Asia/Phnom_Penh")
    assert (one["waits"], one["can_call_off"]) == (f"It is done when the device returns, until {clock}.", True)
    assert face(Known(relay(is_online=False), waiting), may_switch=False)["can_call_off"] is False
    waiting.expires_at = NEVER
    assert "however late" in face(Known(relay(is_online=False), waiting), may_switch=True)["waits"]
    assert shown(relay(), waiting)["waits"] == "" and shown(relay(), command(CommandStatus.SENT))["can_call_off"] is False
    late = shown(relay(is_online=False), command(CommandStatus.EXPIRED, error=TOO_LATE))
    assert (late["asked"], late["reason"]) == (None, TOO_LATE)


@pytest.mark.parametrize(
    ("action", "status", "is_on", "is_online", "told"),
    [
        (CommandType.OFF, CommandStatus.COMPLETED, False, True, Fate.DONE), (CommandType.OFF, CommandStatus.COMPLETED, True, True, Fate.UNDONE),
        (CommandType.OFF, CommandStatus.TIMEOUT, True, True, Fate.SILENT), (CommandType.OFF, CommandStatus.TIMEOUT, False, True, Fate.DONE),
        (CommandType.OFF, CommandStatus.QUEUED, False, False, Fate.AWAY), (CommandType.OFF, CommandStatus.SENT, True, True, Fate.WAITING),
        (CommandType.ON, CommandStatus.FAILED, False, True, Fate.REFUSED), (CommandType.ON, CommandStatus.EXPIRED, None, False, Fate.TOO_LATE),
        (CommandType.OFF, CommandStatus.CANCELED, False, True, Fate.CALLED_OFF),
    ],
)  # fmt: skip
def test_what_became_of_one_of_many_is_said_as_one_sees_it_at_the_device(
    action: CommandType, status: CommandStatus, is_on: bool | None, is_online: bool, told: Fate
) -> None:
    device, asked = relay(is_on=is_on, is_online=is_online), command(status, action=action)
    device.state_reported_at = asked.requested_at + timedelta(seconds=1)
    assert fate(device, asked) is told


@pytest.mark.parametrize(
    ("severities", "offline", "in_error", "word"),
    [
        ((), 0, 0, Health.GOOD), (("info",), 0, 0, Health.GOOD), ((), 1, 0, Health.WARNINGS), ((), 0, 1, Health.WARNINGS),
        (("warning", "info"), 0, 0, Health.WARNINGS), (("warning", "critical"), 0, 0, Health.ERRORS),
    ],
)  # fmt: skip
def test_a_farms_health_is_the_worst_that_is_known_of_it(severities: tuple[str, ...], offline: int, in_error: int, word: Health) -> None:
    assert health(severities, offline=offline, in_error=in_error) is word


def test_the_air_of_a_room_is_the_mean_of_what_was_measured_lately_and_old_air_says_so() -> None:
    def said(celsius: float, minutes: float, **more: float) -> dict[str, Any]:
        at = (AT - timedelta(minutes=minutes)).isoformat()
        return {kind: {"value": value, "unit": "", "at": at} for kind, value in {"temperature": celsius, **more}.items()}

    both = air([said(30, 1, humidity=70), said(33, 4, water_level=40), said(99, 90)], at=AT)
    assert (both.celsius, both.humidity, both.water, both.is_old) == (31.5, 70, 40, False) and both.at == AT - timedelta(minutes=4)
    old = air([said(30, 60), said(20, 600)], at=AT)
    assert (old.celsius, old.is_old, old.at) == (30, True, AT - timedelta(minutes=60))
    assert spoken(old) | {"more": []} == {
        "more": [], "at": old.at, "is_old": True, "word": "Warm", "icon": "thermostat", "state": "offline", "value": "30.0", "unit": "°C"
    }  # fmt: skip
    assert spoken(air([], at=AT))["word"] == "No temperature yet"


def test_an_offline_device_says_so_and_since_when() -> None:
    one = shown(relay(is_online=False))
    assert (one["word"], one["state"], one["at"]) == ("Offline", "offline", AT)


@pytest.mark.parametrize(
    ("celsius", "word", "state"),
    [(36.2, "Scorching", "critical"), (33, "Hot", "warning"), (29, "Warm", "ok"), (25, "Pleasant", "ok"), (18, "Cold", "warning")],
)
def test_a_temperature_is_a_word_a_colour_and_a_number(celsius: float, word: str, state: str) -> None:
    one = shown(probe(temperature=(celsius, "°C"), humidity=(61.2, "%")))
    assert (one["word"], one["state"], one["value"], one["unit"]) == (word, state, f"{celsius:.1f}", "°C · 61 %")


def test_a_reader_in_fahrenheit_reads_the_same_word() -> None:
    with reading_as(Reader("en", "UTC", "f")):
        one = shown(probe(temperature=(35, "°C")))
    assert (one["word"], one["value"], one["unit"]) == ("Scorching", "95.0", "°F")


def test_other_probes_and_silent_ones_have_words_too() -> None:
    assert shown(probe())["word"] == "No value yet"
    assert shown(probe(co2=(812, "ppm")))["word"] == "Carbon dioxide"


def test_a_simple_schedule_is_told_in_words_in_both_languages() -> None:
    assert when("0 6 * * *") == "Every day at 06:00"
    assert when("30 17 * * 1,7") == "Monday, Sunday at 17:30"
    assert when("0 6-18/2 * * *") == "0 6-18/2 * * *"
    with reading_as(Reader("km", "UTC", "c")):
        assert "06:00" in when("0 6 * * *") and "Every" not in when("0 6 * * *")


def test_every_reason_that_a_farmer_may_read_is_there_in_khmer() -> None:
    from data.farm import rules

    reasons = [value for name, value in vars(rules).items() if name.isupper() and isinstance(value, str) and " " in value]
    assert len(reasons) > 6 and [reason for reason in reasons if reason not in CATALOGS["km"]] == []
