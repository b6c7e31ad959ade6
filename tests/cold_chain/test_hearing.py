"""How one message of a sensor is understood: tables of values, no database."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data.cold_chain.frames import Fault
from data.cold_chain.hearing import Calibration, Habits, Settled, corrected, settle
from data.cold_chain.values import BatteryChemistry, DecodeMode, Measurement, UnitMeasurement
from jobs.codecs.sensors import decode
from tests.factories.cold_chain import EUI, measured

AT = datetime(2026, 2, 12, 15, 0, tzinfo=UTC)
EM300 = "01755C 0367 38FF 0468 65"
"""−20.0 °C, 50.5 %, battery 92 %."""


def told(celsius: float | None = None, hexed: str = "", **more: Any) -> Measurement:
    raw = base64.b64encode(bytes.fromhex(hexed)).decode() if hexed else None
    return measured(celsius, AT, raw_payload=raw, **more)


def heard(message: Measurement, **habits: Any) -> Settled:
    (one,) = settle(message, Habits(**habits), decode)
    return one


def test_the_networks_word_stands_where_it_has_one() -> None:
    assert heard(told(5.0, EM300, port=85), model="em300-th").measured.temperature_celsius == 5.0


def test_our_decoder_reads_what_the_network_did_not() -> None:
    found = heard(told(None, EM300, port=85), model="em300-th").measured
    assert (found.temperature_celsius, found.humidity_percent, found.battery_percent) == (-20.0, 50.5, 92)


def test_the_networks_name_of_the_model_is_enough() -> None:
    assert heard(told(None, EM300, model="em300-th")).measured.temperature_celsius == -20.0


def test_the_registered_model_comes_before_the_networks() -> None:
    assert heard(told(None, EM300, model="lht65n"), model="EM300-TH").measured.temperature_celsius == -20.0


def test_our_decoder_wins_where_it_is_told_to() -> None:
    one = heard(told(5.0, EM300, battery_percent=10), model="em300-th", decode_mode=DecodeMode.APP)
    assert (one.measured.temperature_celsius, one.measured.battery_percent, one.do_decoders_disagree) == (-20.0, 92, False)


@pytest.mark.parametrize(
    ("message", "disagree"),
    [
        (told(-20.0, EM300), False),
        (told(-20.04, EM300, humidity_percent=50), False),
        (told(-20.0, EM300, battery_percent=1), False),
        (told(-2.0, EM300), True),
        (told(-20.0, EM300, humidity_percent=90), True),
        (told(None, EM300), False),
    ],
)
def test_where_both_decode_it_is_noted_when_they_disagree(message: Measurement, disagree: bool) -> None:
    one = heard(message, model="em300-th", decode_mode=DecodeMode.TRUST)
    assert one.do_decoders_disagree is disagree
    assert one.measured.temperature_celsius == (-20.0 if message.temperature_celsius is None else message.temperature_celsius)


def test_a_door_that_both_decode_differently_is_a_disagreement() -> None:
    message = told(-20.0, EM300 + "060001", door_is_open=False)
    assert heard(message, model="em300-mcs", decode_mode=DecodeMode.TRUST).do_decoders_disagree


def test_a_probe_that_alone_was_told_is_compared_with_the_probe() -> None:
    lht65n = "CBBD 0835 022E 01 F830 7FFF"
    message = told(-20.0, lht65n, probe_celsius=-20.0)
    assert not heard(message, model="lht65n", decode_mode=DecodeMode.TRUST).do_decoders_disagree


@pytest.mark.parametrize("raw", ["%%%", "AXV", base64.b64encode(b"\xff\xff").decode(), ""])
@pytest.mark.parametrize("mode", DecodeMode)
def test_bytes_that_cannot_be_read_leave_the_networks_word(raw: str, mode: DecodeMode) -> None:
    message = replace(told(5.0), raw_payload=raw)
    assert heard(message, model="ers", decode_mode=mode).measured.temperature_celsius == 5.0
    assert heard(replace(message, temperature_celsius=None), model="ers", decode_mode=mode).measured.temperature_celsius is None


@pytest.mark.parametrize(
    ("model", "message", "celsius", "fault"),
    [
        ("lht65n", told(21.0, probe_celsius=-19.5), 21.0, None),
        ("lht65n", told(21.0, probe_fault=Fault.DISCONNECTED), 21.0, None),
        ("lht65n-probe", told(21.0, probe_celsius=-19.5), -19.5, None),
        ("LHT65N-E3", told(21.0, probe_fault=Fault.DISCONNECTED), None, Fault.DISCONNECTED),
        ("lht65n-probe", told(21.0), None, Fault.DISCONNECTED),
        ("lht65n-probe", told(None, has_joined=True), None, None),
        ("lht65n-probe", told(None, fault=Fault.OUT_OF_RANGE, probe_celsius=-19.5), -19.5, None),
    ],
)
def test_a_probe_speaks_where_the_sensor_is_registered_with_it(
    model: str, message: Measurement, celsius: float | None, fault: Fault | None
) -> None:
    found = heard(message, model=model).measured
    assert (found.temperature_celsius, found.fault) == (celsius, fault)


@pytest.mark.parametrize(
    ("model", "is_open"), [("em300-th", None), ("d2x", None), ("em300-mcs", True), ("lds02", True), (None, True), ("other", True)]
)
def test_a_sensor_without_a_switch_tells_no_door(model: str | None, is_open: bool | None) -> None:
    found = heard(told(-20.0, door_is_open=True, door_open_count=3, door_open_s=60), model=model).measured
    assert (found.door_is_open, found.door_open_count) == (is_open, 3 if is_open else None)


@pytest.mark.parametrize(
    ("message", "habits", "percent"),
    [
        (told(battery_v=2.95), {"model": "lht65n"}, 80),
        (told(battery_v=2.95), {"model": "lht65n", "chemistry": BatteryChemistry.CR2032}, 90),
        (told(battery_v=2.95, model="lht65n"), {}, 80),
        (told(battery_v=2.95), {}, None),
        (told(battery_v=2.95, battery_percent=12), {"model": "lht65n"}, 12),
    ],
)
def test_volts_become_percent_by_the_cells_that_are_registered_or_usual(
    message: Measurement, habits: dict[str, Any], percent: float | None
) -> None:
    assert heard(message, **habits).measured.battery_percent == percent


def calibrated(*records: tuple[timedelta, float, float]) -> Habits:
    return Habits(calibrations=tuple(Calibration(AT + since, celsius, damp) for since, celsius, damp in records))


@pytest.mark.parametrize(
    ("habits", "celsius", "raw", "damp"),
    [
        (calibrated(), -20.0, None, 50),
        (calibrated((timedelta(days=-1), 0.35, -2)), -19.65, -20.0, 48),
        (calibrated((timedelta(days=1), 0.35, -2)), -20.0, None, 50),
        (calibrated((timedelta(days=1), 9, 9), (timedelta(days=-9), -0.5, 60)), -20.5, -20.0, 100),
        (calibrated((timedelta(days=-1), 0, 0), (timedelta(days=-9), -0.5, 60)), -20.0, None, 50),
        (calibrated((timedelta(0), 0, -60)), -20.0, None, 0),
    ],
)
def test_the_calibration_in_force_then_corrects_and_the_raw_value_is_kept_where_it_differs(
    habits: Habits, celsius: float, raw: float | None, damp: float
) -> None:
    one = corrected(told(-20.0, humidity_percent=50), habits)
    assert (one.measured.temperature_celsius, one.raw_celsius, one.measured.humidity_percent) == (celsius, raw, damp)


def test_what_another_system_tells_of_a_sensor_is_corrected_too() -> None:
    unit = UnitMeasurement(unit_id=None, recorded_at=AT, received_at=AT, temperature_celsius=4.0)  # type: ignore[arg-type]
    assert corrected(unit, calibrated((timedelta(0), 0.5, 0))).measured.temperature_celsius == 4.5


def test_what_a_sensor_kept_comes_before_what_it_says_now_and_is_corrected_by_its_own_time() -> None:
    def entry(minutes: int, celsius: int) -> str:
        at = int((AT + timedelta(minutes=minutes)).timestamp())
        return "20CE" + at.to_bytes(4, "little").hex() + (celsius * 10).to_bytes(2, "little", signed=True).hex() + "5D00"

    message = told(None, EM300 + entry(-10, -19) + entry(-20, -18) + entry(60, 5) + entry(-600_000, 5), port=85, signal_dbm=-80, counter=4)
    habits = Habits("em300-th", calibrations=(Calibration(AT - timedelta(minutes=15), 1.0, 0),))
    before, after, now = settle(message, habits, decode)
    assert [(one.measured.recorded_at, one.measured.temperature_celsius, one.raw_celsius) for one in (before, after, now)] == [
        (AT - timedelta(minutes=20), -18, None), (AT - timedelta(minutes=10), -18, -19), (AT, -19, -20),
    ]  # fmt: skip
    kept = before.measured
    assert isinstance(kept, Measurement)
    assert (kept.device_eui, kept.signal_dbm, kept.counter, kept.raw_payload) == (EUI, None, None, None)
