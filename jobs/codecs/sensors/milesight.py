"""Milesight's sensors name each quantity by two bytes before it: EM300-TH, EM300-MCS, EM320-TH and the door switch WS301.

Numbers have their low byte first. These models have no word for "could not measure" (0xFFFF is −0.1 °C, an honest reading).
"""

from data.cold_chain.frames import Fault, Said, believed
from jobs.codecs.sensors._frame import Frame, cannot_be, humidity

Name = tuple[int, int]

BATTERY, WARMTH, DAMP, KEPT = (0x01, 0x75), (0x03, 0x67), (0x04, 0x68), (0x20, 0xCE)
DOOR_OF_EM300, DOOR_OF_WS301, TAMPER_OF_WS301 = (0x06, 0x00), (0x03, 0x00), (0x04, 0x00)
ABOUT_ITSELF = {0x01: 1, 0x08: 6, 0x09: 2, 0x0A: 2, 0x0B: 1, 0x0F: 1, 0x16: 8, 0xFE: 1, 0xFF: 2}
"""After 0xFF: how many bytes its version, serial number, class and so on take."""


def em300_th(octets: bytes, port: int | None) -> Said:
    """Air, and what was kept while nobody listened."""
    return _read(octets, door=None, kept=8)


def em300_mcs(octets: bytes, port: int | None) -> Said:
    """Air and a magnet at the door."""
    return _read(octets, door=DOOR_OF_EM300, kept=8)


def em320_th(octets: bytes, port: int | None) -> Said:
    """Air; a kept entry is a byte shorter than the EM300's."""
    return _read(octets, door=None, kept=7)


def ws301(octets: bytes, port: int | None) -> Said:
    """A magnet at the door and nothing else."""
    return _read(octets, door=DOOR_OF_WS301, kept=0)


def _read(octets: bytes, *, door: Name | None, kept: int) -> Said:
    """All quantities up to the first that this model's guide does not know (an answer to a command)."""
    frame = Frame(octets, "little")
    celsius: float | None = None
    fault: Fault | None = None
    damp: float | None = None
    battery: float | None = None
    is_open: bool | None = None
    earlier: list[Said] = []
    while not frame.is_over:
        name = frame.unsigned(1), frame.unsigned(1)
        if name == BATTERY:
            battery = _battery(frame)
        elif name == door:
            is_open = frame.unsigned(1) == 1
        elif door == DOOR_OF_WS301 and name == TAMPER_OF_WS301:
            frame.take(1)
        elif name == WARMTH:
            celsius, fault = believed(frame.signed(2) / 10)
        elif name == DAMP:
            damp = humidity(frame.unsigned(1) / 2)
        elif name == KEPT and kept:
            earlier.append(_kept(Frame(frame.take(kept), "little"), door is not None))
        elif name[0] == 0xFF and name[1] in ABOUT_ITSELF:
            frame.take(ABOUT_ITSELF[name[1]])
        elif name[0] in (0xFE, 0xFF) or frame.at > 2:
            break
        else:
            raise cannot_be()
    return Said(
        celsius=celsius, fault=fault, humidity_percent=damp, battery_percent=battery, door_is_open=is_open,
        earlier=tuple(one for one in earlier if one.at),
    )  # fmt: skip


def _battery(frame: Frame) -> float | None:
    percent = frame.unsigned(1)
    return float(percent) if percent <= 100 else None


def _kept(frame: Frame, has_door: bool) -> Said:
    at = frame.instant()
    celsius, fault = believed(frame.signed(2) / 10)
    damp = humidity(frame.unsigned(1) / 2)
    return Said(
        celsius=celsius, fault=fault, humidity_percent=damp, door_is_open=frame.unsigned(1) == 1 if has_door else None, at=at
    )
