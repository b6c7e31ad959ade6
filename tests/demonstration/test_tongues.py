"""What simulated devices say is what the codecs of real ones understand."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from data.deliveries.values import PhoneApp
from data.farm.rules.gateways import Measured
from data.farm.values import Outgoing, SensorValue, StateReport
from data.trees import media
from jobs.codecs import esphome, gateway, home_assistant, osmand, owntracks, tasmota, things_stack
from jobs.demonstration import esphome_box
from jobs.demonstration.boards import Board
from jobs.demonstration.cold_rooms import ROOMS, ColdRoom, celsius
from jobs.demonstration.driving import Fix
from jobs.demonstration.esphome_box import EsphomeBox
from jobs.demonstration.farms import FARMS, House
from jobs.demonstration.gateway_box import DEVICES, GatewayBox
from jobs.demonstration.kept import Kept
from jobs.demonstration.people import Staff
from jobs.demonstration.phones import Phone
from jobs.demonstration.pictures import MOTIFS, photo, recording
from jobs.demonstration.sensors import Sensor

NOW = datetime(2026, 11, 20, 4, 30, tzinfo=UTC)
FIX = Fix(11.5636, 104.9329, 8.5, 213.0, 6.0)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_an_uplink_tells_the_temperature_that_the_room_has(room: ColdRoom) -> None:
    sensor = Sensor(room, first_frame=41)
    heard = things_stack.measurement(json.dumps(sensor.uplink(NOW)), now=NOW)
    assert heard and heard.device_eui == room.device_eui and heard.recorded_at == NOW
    assert heard.temperature_celsius == float(celsius(room, [NOW.timestamp()])[0])
    assert heard.signal_dbm is not None and -125 < heard.signal_dbm < -60
    assert (heard.humidity_percent is None) is (room.humidity_percent is None)
    assert (heard.door_is_open is None) is not room.has_door_sensor
    assert heard.battery_v or heard.battery_percent
    assert heard.counter == 42


@pytest.mark.parametrize("user", ["vuthy", "pisey1"])
def test_an_osmand_phone_tells_place_and_speed(user: str) -> None:
    request = Phone(PhoneApp.OSMAND, user, "token").request(FIX, NOW, battery_percent=80)
    fields = request.get("data") or {name: str(value) for name, value in request["params"].items()}
    heard = osmand.fix_from_query(fields, now=NOW)
    assert heard and (heard.latitude, heard.longitude, heard.recorded_at) == (FIX.latitude, FIX.longitude, NOW)
    assert heard.speed_mps == pytest.approx(8.5, abs=0.05) and heard.heading_deg == 213 and heard.battery_percent == 80
    assert heard.device_identifier == "token"


def test_an_owntracks_phone_tells_place_and_speed() -> None:
    request = Phone(PhoneApp.OWNTRACKS, "vuthy", "token").request(FIX, NOW, battery_percent=80)
    heard = owntracks.fix(request["json"], request["headers"]["X-Limit-U"], request["headers"]["X-Limit-D"], now=NOW)
    assert heard and (heard.latitude, heard.longitude, heard.recorded_at) == (FIX.latitude, FIX.longitude, NOW)
    assert heard.speed_mps == pytest.approx(8.5, abs=0.2) and heard.accuracy_m == 6
    assert request["auth"] == ("vuthy", "token")


def board(role: str, *, is_on: bool = False) -> Board:
    device = next(device for device in FARMS[0].devices if device.role == role)
    return Board(device, House(device.location), port=1, token="token", is_on=is_on)


@pytest.mark.parametrize(
    ("command", "payload", "was_on", "is_on"),
    [("POWER", "ON", False, True), ("POWER1", "OFF", True, False), ("POWER", "TOGGLE", True, False), ("POWER", "", True, True), ("power", "on", False, True)],
)  # fmt: skip
def test_a_relay_does_what_it_is_told_and_says_so(command: str, payload: str, was_on: bool, is_on: bool) -> None:
    fan = board("fan", is_on=was_on)
    said = [report for one in fan.answer(command, payload) for report in tasmota.reports(one.topic, one.payload.encode(), now=NOW)]
    assert said == [StateReport(fan.device.topic, 1, is_on, NOW, source="stat")] * 2
    assert fan.is_on is is_on


def test_what_a_relay_is_asked_is_what_the_codec_asks() -> None:
    fan = board("fan")
    topic, payload = tasmota.command(fan.device.topic, 1, on=True)
    assert list(fan.answer(topic.rpartition("/")[2], payload)) and fan.is_on


def test_a_probe_cannot_be_switched_and_tells_what_it_measures() -> None:
    probe = board("probe")
    assert list(probe.answer("POWER", "ON")) == []
    said = probe.sensor(NOW)
    reports = tasmota.reports(said.topic, said.payload.encode(), now=NOW)
    assert [report.sensor_type for report in reports if isinstance(report, SensorValue)] == ["temperature", "humidity"]
    assert tasmota.reports(*_pair(probe.state(NOW)), now=NOW) == []


def test_a_relays_periodic_word_says_whether_it_is_on() -> None:
    fan = board("fan", is_on=True)
    assert tasmota.reports(*_pair(fan.state(NOW)), now=NOW) == [StateReport(fan.device.topic, 1, True, NOW, source="tele")]


def _pair(said: tuple[str, str, bool]) -> tuple[str, bytes]:
    return said[0], said[1].encode()


@pytest.mark.parametrize("motif", MOTIFS)
def test_photos_are_photos(motif: str) -> None:
    picture = photo(motif, 5)
    found = media.photo(picture)
    assert (found.width_px, found.height_px, found.mime_type) == (1200, 900, "image/jpeg")
    assert len(picture) > 100_000, "a picture, not a grey box"


def test_a_recording_can_be_played() -> None:
    found = media.sound(recording(2))
    assert found.mime_type == "audio/wav" and 6 <= found.duration_s < 7


async def test_a_gateway_lists_its_devices_measures_and_answers_as_real_ones_do() -> None:
    async with httpx.AsyncClient() as client:
        box = GatewayBox(client, Staff(UUID(int=1), {}), Kept("", ""), Path())
    assert [one.device_type for one in gateway.report({"devices": list(DEVICES)}, now=NOW).devices] == ["relay", "relay", "sensor", "sensor"]
    (heard,) = gateway.telemetry({"sensors": box.sensors(NOW.timestamp())}, now=NOW)
    assert isinstance(heard, Measured) and {kind for kind, _, _ in heard.values} == {"temperature", "humidity", "water_level_raw"}
    assert gateway.answer(box.done({"command_type": "fan_on"}), now=NOW).status == "completed"
    assert gateway.answer(box.done({"command_type": "set_speed"}), now=NOW).status == "failed"


def test_a_box_that_runs_esphome_announces_its_lamp_and_does_what_it_is_asked() -> None:
    box = EsphomeBox(Staff(UUID(int=1), {}), Kept("", ""), Path(), House("House 2"), port=1)
    found = home_assistant.announcement("homeassistant/light/takhmau-box/lamp/config", json.dumps(box.announcement()).encode())
    assert [part.kind for part in found.parts] == ["pwm"] and found.identifier.startswith("takhmau-box/") and not found.left_out
    for topic, payload in esphome.instructions(Outgoing(UUID(int=1), UUID(int=1), esphome_box.FAN, 1, "set_speed", 40.0, "esphome")):
        box.obey(topic, payload)
    assert (box.is_on, box.level) == (True, 40)
