"""MQTT 3.1.1 on the wire: bytes become packets, and what a broker answers becomes bytes."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

LARGEST = 262_144
"""Bytes of one packet. Devices of a farm say a few hundred."""
CONNECT, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 5, 6, 7, 8, 10, 12, 14
ACCEPTED, WRONG_PROTOCOL, WRONG_IDENTIFIER, UNAVAILABLE, NOT_AUTHORIZED, REFUSED = 0, 1, 2, 3, 5, 0x80
PONG = b"\xd0\x00"
_FIXED_FLAGS = {CONNECT: 0, PUBACK: 0, PUBREC: 0, PUBREL: 2, PUBCOMP: 0, SUBSCRIBE: 2, UNSUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0}


class Malformed(ValueError):
    """What came is not MQTT 3.1.1; the connection ends."""


@dataclass(frozen=True, slots=True)
class Publish:
    """A message. `number` is 0 where its quality is 0."""

    topic: str
    payload: bytes
    quality: int = 0
    retain: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True)
class Connect:
    """Somebody wants in. `level` is the protocol's version: 4 is 3.1.1."""

    level: int
    client_id: str = ""
    is_clean: bool = True
    keep_alive_s: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Publish | None = None


@dataclass(frozen=True, slots=True)
class Subscribe:
    number: int
    wanted: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    number: int
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""

    kind: int
    number: int


@dataclass(frozen=True, slots=True)
class Bare:
    """PINGREQ or DISCONNECT."""

    kind: int


Packet = Publish | Connect | Subscribe | Unsubscribe | Acknowledged | Bare


class Reader:
    """Pieces as the network brings them, packets as they were said."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> Generator[Packet]:
        """Each packet that is whole by now. Malformed ends it."""
        rest = self._rest
        rest += data
        start = 0
        try:
            while (whole := _whole(rest, start)) is not None:
                begin, end = whole
                head, body, start = rest[start], bytes(rest[begin:end]), end
                yield _packet(head >> 4, head & 15, body)
        except (IndexError, UnicodeDecodeError) as reason:
            raise Malformed("a packet ends before it is complete") from reason
        finally:
            del rest[:start]


def _whole(data: bytearray, start: int) -> tuple[int, int] | None:
    """Where the body of the packet at `start` begins and ends; None while some of it is missing."""
    if start < len(data) and data[start] >> 4 != PUBLISH and _FIXED_FLAGS.get(data[start] >> 4) != data[start] & 15:
        raise Malformed("this is no packet that a client sends")
    length, at = 0, start + 1
    for shift in (0, 7, 14, 21):
        if at >= len(data):
            return None
        length |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            break
    else:
        raise Malformed("a packet's length is written in more than four bytes")
    if length > LARGEST:
        raise Malformed("a packet is too large")
    return (at, at + length) if len(data) >= at + length else None


def _packet(kind: int, flags: int, body: bytes) -> Packet:
    if kind == PUBLISH:
        return _publish(flags, body)
    if kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
        return Acknowledged(kind, _number(body, 0))
    if kind == SUBSCRIBE:
        return Subscribe(_number(body, 0), tuple(_wanted(body)))
    if kind == UNSUBSCRIBE:
        return Unsubscribe(_number(body, 0), tuple(_filters(body)))
    return _connect(body) if kind == CONNECT else Bare(kind)


def _publish(flags: int, body: bytes) -> Publish:
    quality = flags >> 1 & 3
    topic, at = _text(body, 0)
    number = 0
    if quality:
        number, at = _number(body, at), at + 2
    if quality == 3 or not topic or "+" in topic or "#" in topic:
        raise Malformed("a message needs a topic without wildcards and a quality of 0 to 2")
    return Publish(topic, body[at:], quality, bool(flags & 1), number)


def _connect(body: bytes) -> Connect:
    name, at = _text(body, 0)
    level, flags = body[at], body[at + 1]
    if (name, level) != ("MQTT", 4):
        return Connect(level)
    keep_alive_s, at = int.from_bytes(body[at + 2 : at + 4], "big"), at + 4
    client_id, at = _text(body, at)
    will, username, password = None, None, None
    if flags & 1 or (flags >> 3 & 3) == 3 or (not flags & 4 and flags & 0x38) or (flags & 0x40 and not flags & 0x80):
        raise Malformed("the flags of the first packet contradict each other")
    if flags & 4:
        topic, at = _text(body, at)
        payload, at = _bytes(body, at)
        if not topic or "+" in topic or "#" in topic:
            raise Malformed("a last will needs a topic without wildcards")
        will = Publish(topic, payload, flags >> 3 & 3, bool(flags & 0x20))
    if flags & 0x80:
        username, at = _text(body, at)
    if flags & 0x40:
        password, at = _bytes(body, at)
    return Connect(level, client_id, bool(flags & 2), keep_alive_s, username, password, will)


def _wanted(body: bytes) -> Iterator[tuple[str, int]]:
    at = 2
    while at < len(body) or at == 2:
        wanted, at = _text(body, at)
        if body[at] > 2:
            raise Malformed("a quality is 0 to 2")
        yield _checked(wanted), body[at]
        at += 1


def _filters(body: bytes) -> Iterator[str]:
    at = 2
    while at < len(body) or at == 2:
        wanted, at = _text(body, at)
        yield _checked(wanted)


def _checked(wanted: str) -> str:
    levels = wanted.split("/")
    if not wanted or any(("+" in level and level != "+") or "#" in level for level in levels[:-1]):
        raise Malformed("wildcards stand alone in a level, and # at the end")
    if any(sign in levels[-1] and levels[-1] != sign for sign in "+#"):
        raise Malformed("wildcards stand alone in a level, and # at the end")
    return wanted


def _bytes(body: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + _number(body, at, least=0)
    if end > len(body):
        raise IndexError
    return body[at + 2 : end], end


def _text(body: bytes, at: int) -> tuple[str, int]:
    found, end = _bytes(body, at)
    text = found.decode()
    if "\0" in text:
        raise Malformed("text has no null in it")
    return text, end


def _number(body: bytes, at: int, *, least: int = 1) -> int:
    number = body[at] << 8 | body[at + 1]
    if number < least:
        raise Malformed("a packet's number is 1 or more")
    return number


def connack(code: int) -> bytes:
    """The answer to Connect; nothing was ever kept of an earlier session."""
    return bytes((0x20, 2, 0, code))


def acknowledgement(kind: int, number: int) -> bytes:
    """PUBACK, PUBREC, PUBREL or PUBCOMP."""
    return bytes((kind << 4 | (2 if kind == PUBREL else 0), 2, number >> 8, number & 255))


def suback(number: int, granted: Sequence[int]) -> bytes:
    return b"\x90" + _length(2 + len(granted)) + number.to_bytes(2, "big") + bytes(granted)


def unsuback(number: int) -> bytes:
    return b"\xb0\x02" + number.to_bytes(2, "big")


def publish(message: Publish, *, quality: int, retain: bool, number: int = 0) -> bytes:
    """A message on its way to somebody; `number` where the quality is more than 0."""
    topic = message.topic.encode()
    named = len(topic).to_bytes(2, "big") + topic + (number.to_bytes(2, "big") if quality else b"")
    return bytes((0x30 | quality << 1 | retain,)) + _length(len(named) + len(message.payload)) + named + message.payload


def _length(size: int) -> bytes:
    out = bytearray()
    while size > 127:
        out.append(size & 127 | 128)
        size >>= 7
    out.append(size)
    return bytes(out)
