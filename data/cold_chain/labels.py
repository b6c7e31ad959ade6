"""A sensor carries a label with its numbers: typed off by people, or read from the square code of LoRa Alliance TR005."""

import re
import secrets
from dataclasses import dataclass

from data.cold_chain.values import normalise_eui
from data.core.errors import Invalid

LOOKALIKE_FREE = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Letters and digits nobody takes for one another: no I, L, O, 0, 1."""
CODE_LENGTH = 6


def new_code() -> str:
    """Six characters to say across a noisy room; 887 million of them."""
    return "".join(secrets.choice(LOOKALIKE_FREE) for _ in range(CODE_LENGTH))


def written_code(text: str) -> str:
    """A code as somebody typed it: small letters, spaces and dashes do not matter."""
    return re.sub(r"[\s-]", "", text).upper()


@dataclass(frozen=True, slots=True)
class Label:
    """What a label says. `join_eui` and the rest are absent where only a number was typed.

    `vendor_id` and `profile_id` are four hex digits each; `serial_number` is as the maker prints it.
    """

    device_eui: str
    join_eui: str | None = None
    vendor_id: str | None = None
    profile_id: str | None = None
    serial_number: str | None = None


def read_label(text: str, field: str = "device_eui") -> Label:
    """A device EUI as typed, or what a TR005 code (`LW:D0:…`) holds.

    Invalid(field) where it is neither, or the code's own checksum shows that it was misread.
    """
    written = text.strip()
    if written.upper().startswith("LW:"):
        return _tr005(written, field)
    return Label(normalise_eui(written, field))


def _tr005(written: str, field: str) -> Label:
    """`LW:D0:<JoinEUI>:<DevEUI>:<vendor and profile>[:O<owner token>][:S<serial>][:P<proprietary>][:C<checksum>]`"""
    parts = written.split(":")
    if len(parts) < 5 or parts[1].upper() != "D0":
        raise Invalid(field, "This code is of a kind that is not known here. Type the device EUI that is printed on the sensor.")
    if parts[-1][:1].upper() == "C" and len(parts) > 5:
        said = written.rpartition(":")[0]
        if not _is_checksum(parts[-1][1:], said):
            raise Invalid(field, "The code was not read right. Scan it again.")
        parts.pop()
    profile = parts[4].upper()
    if not re.fullmatch(r"[0-9A-F]{8}", profile):
        raise Invalid(field, "The code was not read right. Scan it again.")
    serial = next((part[1:] for part in parts[5:] if part[:1].upper() == "S" and len(part) > 1), None)
    return Label(normalise_eui(parts[3], field), normalise_eui(parts[2], field), profile[:4], profile[4:], serial)


def _is_checksum(written: str, said: str) -> bool:
    return bool(re.fullmatch(r"[0-9A-Fa-f]{4}", written)) and int(written, 16) == _crc16(said.encode())


def _crc16(octets: bytes) -> int:
    """CRC-16 with the polynomial 0x8005, reflected, starting from all ones."""
    rest = 0xFFFF
    for octet in octets:
        rest ^= octet
        for _ in range(8):
            rest = (rest >> 1) ^ 0xA001 if rest & 1 else rest >> 1
    return rest


def written_key(text: str, field: str = "app_key") -> str:
    """An application key however it is written, as 32 upper-case hex digits."""
    digits = re.sub(r"[-:.\s]", "", text).upper()
    if not re.fullmatch(r"[0-9A-F]{32}", digits):
        raise Invalid(field, "An application key has 32 hex digits.")
    return digits
