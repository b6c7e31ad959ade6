"""Dragino's sensors for cold rooms: LHT65N and LHT52 (air and a probe), D20/D22/D23 (one to three probes), LDS02 (a door).

All of them write numbers with the high byte first, and 0x7FFF for a probe that is not plugged in.
"""

from collections.abc import Callable

from data.cold_chain.frames import Fault, Said, believed
from jobs.codecs.sensors._frame import Frame, cannot_be, humidity

UNPLUGGED = 0x7FFF
LIVE, LOG, STATUS = 2, 3, 5
ENTRY = 11
PROBE_TYPES = frozenset({1, 2, 9, 10, 11, 12})
"""What the LHT65N says of its socket when a thermometer is meant to be in it: DS18B20, TMP117 (with and without a clock), SHT31."""
WITH_CLOCK = frozenset({9, 10})
NO_AIR = frozenset({14, 15})
"""Frames whose middle bytes are a probe's serial number."""
POLLED, NOT_CONNECTED, BUTTON_OR_SERIAL = 0x40, 0x80, 0x30
EVENT_COUNT = 7
SECONDS_A_MINUTE = 60

Heat = tuple[float | None, Fault | None]


def lht65n(octets: bytes, port: int | None) -> Said:
    """Battery, air and probe; on port 3, or with the flag that it was asked to, a list of what it had kept."""
    if port == STATUS:
        return _status(octets)
    if len(octets) < 7:
        raise cannot_be()
    flags = octets[6]
    if port == LOG or flags & POLLED:
        return _log(octets, _lht65n_entry)
    kind = flags & 0x0F
    frame = Frame(octets, "big")
    head, air, damp = frame.take(2), frame.signed(2), frame.unsigned(2)
    frame.take(1)
    volts: float | None = (int.from_bytes(head, "big") & 0x3FFF) / 1000
    probe: Heat = (None, None)
    at = None
    if kind in WITH_CLOCK:
        volts, probe, at = None, _heat(int.from_bytes(head, "big", signed=True), 100), frame.instant()
    elif kind in PROBE_TYPES:
        probe = _heat(frame.signed(2), 100)
    if flags & NOT_CONNECTED and kind in PROBE_TYPES:
        probe = None, Fault.DISCONNECTED
    has_air = kind not in NO_AIR and not flags & BUTTON_OR_SERIAL
    celsius, fault = _heat(air, 100) if has_air else (None, None)
    damp_percent = humidity((damp & 0x0FFF) / 10) if celsius is not None else None
    return Said(
        celsius=celsius, fault=fault, probe_celsius=probe[0], probe_fault=probe[1], humidity_percent=damp_percent,
        battery_v=volts, at=at,
    )  # fmt: skip


def lht52(octets: bytes, port: int | None) -> Said:
    """Air, probe and the time; the battery is told in a frame of its own, after joining and when asked."""
    if port == STATUS:
        return _status(octets)
    if port == LOG:
        return _log(octets, _lht52_entry)
    if port not in (None, LIVE):
        raise cannot_be()
    frame = Frame(octets, "big")
    air, damp, probe = _heat(frame.signed(2), 100), frame.signed(2), _heat(frame.signed(2), 100)
    kind, at = frame.unsigned(1), frame.instant()
    if kind != 1:
        probe = None, None
    return Said(
        celsius=air[0], fault=air[1], probe_celsius=probe[0], probe_fault=probe[1], humidity_percent=humidity(damp / 10), at=at
    )


def d2x(octets: bytes, port: int | None) -> Said:
    """Up to three probes, of which the first speaks; the second is told as the probe. Bit 7 is a pin, not a door."""
    if port == STATUS:
        return _status(octets)
    if port == LOG:
        return _log(octets, _d2x_entry)
    if port not in (None, LIVE):
        raise cannot_be()
    frame = Frame(octets, "big")
    volts, first = frame.unsigned(2) / 1000, frame.signed(2)
    frame.take(2)
    mode = (frame.unsigned(1) & 0x7C) >> 2
    second = frame.signed(2)
    frame.take(2)
    if mode == 31:  # its own alarm limits
        return Said()
    if mode != 3:
        raise cannot_be()
    celsius, fault = _heat(first, 10)
    probe, _ = _heat(second, 10)  # the D20 has none
    return Said(celsius=celsius, fault=fault, probe_celsius=probe, battery_v=volts)


def lds02(octets: bytes, port: int | None) -> Said:
    """The door, how often it was opened and for how many minutes last; on port 7 only a count of what happened."""
    frame = Frame(octets, "big")
    head = frame.unsigned(2)
    volts = (head & 0x3FFF) / 1000
    if port == EVENT_COUNT:
        frame.take(3)
        return Said(battery_v=volts)
    mode = frame.unsigned(1)
    if mode == 2:  # a water leak
        return Said(battery_v=volts)
    if mode == 3:
        return Said(battery_v=volts, door_is_open=bool(head & 0x8000))
    if mode != 1 or port not in (None, 10):
        raise cannot_be()
    count, minutes = frame.unsigned(3), frame.unsigned(3)
    return Said(
        battery_v=volts, door_is_open=bool(head & 0x8000), door_open_count=count, door_open_s=minutes * SECONDS_A_MINUTE
    )


def _heat(raw: int, of_a_degree: int) -> Heat:
    return (None, Fault.DISCONNECTED) if raw == UNPLUGGED else believed(raw / of_a_degree)


def _status(octets: bytes) -> Said:
    """Model, firmware, band, and the battery in millivolts."""
    frame = Frame(octets, "big")
    frame.take(5)
    return Said(battery_v=frame.unsigned(2) / 1000)


def _log(octets: bytes, entry: Callable[[Frame], Said]) -> Said:
    """What was kept while nobody listened, eleven bytes each; those that are empty, or whose clock was not set, say nothing."""
    if not octets or len(octets) % ENTRY:
        raise cannot_be()
    entries = [octets[start : start + ENTRY] for start in range(0, len(octets), ENTRY)]
    return Said(earlier=tuple(said for one in entries if any(one) and (said := entry(Frame(one, "big"))).at))


def _lht65n_entry(frame: Frame) -> Said:
    socket, air, damp = frame.signed(2), _heat(frame.signed(2), 100), frame.unsigned(2)
    probe: Heat = _heat(socket, 100) if frame.unsigned(1) & 0x0F in PROBE_TYPES else (None, None)
    return _entry(air, probe, (damp & 0x0FFF) / 10, frame)


def _lht52_entry(frame: Frame) -> Said:
    probe, damp, air = _heat(frame.signed(2), 100), frame.signed(2), _heat(frame.signed(2), 100)
    return _entry(air, probe if frame.unsigned(1) == 1 else (None, None), damp / 10, frame)


def _d2x_entry(frame: Frame) -> Said:
    frame.take(2)
    second, first = _heat(frame.signed(2), 10), _heat(frame.signed(2), 10)
    frame.take(1)
    return Said(celsius=first[0], fault=first[1], probe_celsius=second[0], at=frame.instant())


def _entry(air: Heat, probe: Heat, damp_percent: float, frame: Frame) -> Said:
    return Said(
        celsius=air[0], fault=air[1], probe_celsius=probe[0], probe_fault=probe[1], humidity_percent=humidity(damp_percent),
        at=frame.instant(),
    )  # fmt: skip
