"""Elsys's sensors say each quantity after one byte that names it, whichever sensor it is: ERS (air) and ELT-2 (air and a probe)."""

from data.cold_chain.frames import Fault, Said, believed
from jobs.codecs.sensors._frame import Frame, cannot_be, humidity

WARMTH, DAMP, SUPPLY, PROBE, SECOND_PROBE = 0x01, 0x02, 0x07, 0x0C, 0x19
LENGTHS = {
    WARMTH: 2, DAMP: 1, 0x03: 3, 0x04: 2, 0x05: 1, 0x06: 2, SUPPLY: 2, 0x08: 2, 0x09: 6, 0x0A: 2, 0x0B: 4, PROBE: 2, 0x0D: 1,
    0x0E: 2, 0x0F: 1, 0x10: 4, 0x11: 1, 0x12: 1, 0x13: 65, 0x14: 4, 0x15: 2, 0x16: 2, 0x17: 4, 0x18: 2, SECOND_PROBE: 2,
    0x1A: 1, 0x1B: 4, 0x1C: 2, 0x3D: 4, 0x3E: 0,
}  # fmt: skip
"""How many bytes follow each name; 0x3E begins its settings, and nothing measured comes after it."""
SETTINGS = 0x3E
UNPLUGGED = (0x7FFF, -0x8000)


def decode(octets: bytes, port: int | None) -> Said:
    """Air, humidity, supply volts and the first probe; light, movement and the like are passed over."""
    frame = Frame(octets, "big")
    celsius: float | None = None
    fault: Fault | None = None
    probe: float | None = None
    probe_fault: Fault | None = None
    damp: float | None = None
    volts: float | None = None
    while not frame.is_over:
        name = frame.unsigned(1)
        if name not in LENGTHS:
            raise cannot_be()
        if name == SETTINGS:
            break
        if name == WARMTH:
            celsius, fault = _heat(frame.signed(2))
        elif name == PROBE or (name == SECOND_PROBE and probe is None and probe_fault is None):
            probe, probe_fault = _heat(frame.signed(2))
        elif name == DAMP:
            damp = humidity(frame.unsigned(1))
        elif name == SUPPLY:
            volts = frame.unsigned(2) / 1000
        else:
            frame.take(LENGTHS[name])
    return Said(
        celsius=celsius, fault=fault, probe_celsius=probe, probe_fault=probe_fault, humidity_percent=damp,
        battery_v=volts if volts is not None and volts <= 10 else None,
    )  # fmt: skip


def _heat(raw: int) -> tuple[float | None, Fault | None]:
    return (None, Fault.DISCONNECTED) if raw in UNPLUGGED else believed(raw / 10)
