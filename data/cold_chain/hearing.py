"""What a sensor said becomes what is kept of it: the right one of its thermometers, corrected, by the decoder that is believed."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from data.cold_chain.batteries import percent
from data.cold_chain.frames import Decode, Fault, Said
from data.cold_chain.models import Known, known
from data.cold_chain.values import BatteryChemistry, DecodeMode, Measurement, UnitMeasurement
from data.core.errors import Invalid

OLDEST = timedelta(days=365)
SAME_CELSIUS, SAME_PERCENT = 0.06, 0.6
"""Decoders round; beyond this they read different things."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """From `since` on, this is added to what the sensor says."""

    since: datetime
    celsius: float
    humidity_percent: float


@dataclass(frozen=True, slots=True)
class Habits:
    """How to understand one sensor. `calibrations` are newest first; those before them all have none."""

    model: str | None = None
    chemistry: BatteryChemistry | None = None
    decode_mode: DecodeMode = DecodeMode.NETWORK
    calibrations: tuple[Calibration, ...] = ()


PLAIN = Habits()
"""Nothing is known that could change what a sensor says."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A measurement as it is kept. `raw_celsius` is what the sensor itself said, where a calibration changed it."""

    measured: Measurement | UnitMeasurement
    raw_celsius: float | None = None
    do_decoders_disagree: bool = False


def settle(measured: Measurement, habits: Habits, decode: Decode | None) -> list[Settled]:
    """What is kept of one message: itself, and before it whatever the sensor had kept while nobody listened."""
    model = known(habits.model) or known(measured.model)
    own = _own(measured, habits.decode_mode, model, decode)
    disagree = False
    if own is not None:
        disagree = habits.decode_mode is DecodeMode.TRUST and _differs(measured, own)
        if habits.decode_mode is DecodeMode.APP or not _tells(measured):
            measured = _with(measured, own)
    now = corrected(_fitted(measured, model, habits), habits)
    settled = [Settled(now.measured, now.raw_celsius, disagree)]
    if own is not None and own.earlier:
        before = [corrected(_fitted(one, model, habits), habits) for one in _earlier(measured, own)]
        return before + settled
    return settled


def corrected(measured: Measurement | UnitMeasurement, habits: Habits) -> Settled:
    """By the calibration that was in force when it was measured."""
    at = measured.recorded_at
    calibration = next((one for one in habits.calibrations if one.since <= at), None)
    if calibration is None:
        return Settled(measured)
    celsius, damp, raw = measured.temperature_celsius, measured.humidity_percent, None
    if celsius is not None and calibration.celsius:
        raw, celsius = celsius, round(celsius + calibration.celsius, 2)
    if damp is not None and calibration.humidity_percent:
        damp = min(100.0, max(0.0, round(damp + calibration.humidity_percent, 2)))
    if raw is None and damp == measured.humidity_percent:
        return Settled(measured)
    return Settled(replace(measured, temperature_celsius=celsius, humidity_percent=damp), raw)


def _own(measured: Measurement, mode: DecodeMode, model: Known | None, decode: Decode | None) -> Said | None:
    """What our own decoder reads, where it is asked at all and there is something to read."""
    if decode is None or model is None or not measured.raw_payload or (mode is DecodeMode.NETWORK and _tells(measured)):
        return None
    try:
        octets = base64.b64decode(measured.raw_payload, validate=True)
        return decode(model.key, octets, measured.port)
    except (binascii.Error, ValueError, Invalid):  # an answer to a command, another firmware: the network's word stands
        return None


def _tells(measured: Measurement) -> bool:
    """Whether the network's decoder found anything that we keep."""
    return not (
        measured.temperature_celsius is None
        and measured.humidity_percent is None
        and measured.door_is_open is None
        and measured.fault is None
        and measured.probe_celsius is None
        and measured.probe_fault is None
    )


def _differs(measured: Measurement, own: Said) -> bool:
    if not _tells(measured):
        return False
    is_of_probe = measured.temperature_celsius == measured.probe_celsius
    return (
        _apart(measured.temperature_celsius, own.probe_celsius if is_of_probe else own.celsius, SAME_CELSIUS)
        or _apart(measured.humidity_percent, own.humidity_percent, SAME_PERCENT)
        or (None not in (measured.door_is_open, own.door_is_open) and measured.door_is_open is not own.door_is_open)
        or (measured.temperature_celsius is not None and not is_of_probe and own.fault is not None)
    )


def _apart(one: float | None, other: float | None, allowed: float) -> bool:
    return one is not None and other is not None and abs(one - other) > allowed


def _with(measured: Measurement, own: Said) -> Measurement:
    """Our own reading; of the battery also the network's, since many frames do not tell it."""
    return replace(
        measured, temperature_celsius=own.celsius, fault=own.fault, probe_celsius=own.probe_celsius,
        probe_fault=own.probe_fault, humidity_percent=own.humidity_percent, door_is_open=own.door_is_open,
        door_open_count=own.door_open_count, door_open_s=own.door_open_s,
        battery_percent=own.battery_percent if own.battery_percent is not None else measured.battery_percent,
        battery_v=own.battery_v if own.battery_v is not None else measured.battery_v,
    )  # fmt: skip


def _earlier(measured: Measurement, own: Said) -> Iterator[Measurement]:
    """Entries whose clock can be right, oldest first. They came when the message did, but nothing else of it is theirs."""
    for said in sorted((one for one in own.earlier if one.at), key=lambda one: one.at or measured.recorded_at):
        if said.at and measured.received_at - OLDEST <= said.at < measured.recorded_at:
            bare = replace(
                measured, recorded_at=said.at, battery_percent=None, battery_v=None, signal_dbm=None, counter=None,
                raw_payload=None, gateways=(), has_joined=False,
            )  # fmt: skip
            yield _with(bare, said)


def _fitted(measured: Measurement, model: Known | None, habits: Habits) -> Measurement:
    """With the thermometer that is meant, no door where there is no switch, and the battery in percent."""
    changed: dict[str, object] = {}
    if model is not None:
        if model.reads_probe and _tells(measured):
            changed |= _of_probe(measured)
        if not model.model.tells_door and (measured.door_is_open is not None or measured.door_open_count is not None):
            changed |= {"door_is_open": None, "door_open_count": None, "door_open_s": None}
    if measured.battery_percent is None and measured.battery_v is not None:
        chemistry = habits.chemistry or (model.model.chemistry if model else None)
        if chemistry is not None:
            changed["battery_percent"] = percent(measured.battery_v, chemistry)
    return replace(measured, **changed) if changed else measured  # type: ignore[arg-type]


def _of_probe(measured: Measurement) -> dict[str, object]:
    """The probe's word. Where it is silent while the sensor speaks, it has been pulled out: the room's air is not the food's."""
    fault = measured.probe_fault
    if measured.probe_celsius is None and fault is None and (measured.temperature_celsius is not None or measured.fault):
        fault = Fault.DISCONNECTED
    return {"temperature_celsius": measured.probe_celsius, "fault": fault}
