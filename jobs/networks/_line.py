"""A line is one connection to our broker: who is at its other end, what they may say and hear, and when it is over."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import UUID

from data.farm.rules.topics import Topics
from jobs.codecs import mqtt
from jobs.codecs.mqtt import Acknowledged, Bare, Connect, Malformed, Packet, Publish, Subscribe, Unsubscribe
from jobs.networks._filters import is_within_any

MOST_FILTERS = 100
MOST_UNANSWERED = 10_000
MOST_UNREAD = 4 * 1024 * 1024
"""Bytes that wait for a device before it is taken for gone."""
EVERYTHING = Topics(("#",), ("#",))


@dataclass(frozen=True, slots=True)
class Pass:
    """What somebody has proved to be. `token_id` and `farm_id` are set for a device that signed in with the token of former days;
    `device_id` is None for the server itself."""

    name: str
    topics: Topics
    proof: bytes = b""
    device_id: UUID | None = None
    token_id: UUID | None = None
    farm_id: UUID | None = None


class Switchboard(Protocol):
    """What a line needs of the broker it leads to."""

    @property
    def is_holding(self) -> bool: ...

    def come(self, line: "Line", asked: Connect) -> None: ...

    def deliver(self, message: Publish, *, by: str) -> None: ...

    def listen(self, line: "Line", wanted: str, quality: int) -> None: ...

    def unlisten(self, line: "Line", wanted: str) -> None: ...

    def filters_of(self, line: "Line") -> int: ...

    def remind(self, line: "Line", wanted: str, quality: int) -> None: ...

    def hold(self, *, on: bool) -> None: ...

    def gone(self, line: "Line") -> None: ...


class Line(asyncio.Protocol):
    """One connection. It says nothing and hears nothing before `let_in`."""

    def __init__(self, board: Switchboard, clock: Callable[[], float]) -> None:
        self._board, self._clock = board, clock
        self._reader = mqtt.Reader()
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._is_asking = self._is_holding = False
        self._received: set[int] = set()
        self._unanswered: set[int] = set()
        self._number = 0
        self._will: Publish | None = None
        self._keep_alive_s = 0
        self.began_at = self.heard_at = clock()
        self.is_over = False
        self.who: Pass | None = None

    @property
    def address(self) -> str:
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return str(peer[0]) if peer else "unknown"

    def is_silent(self, at: float, *, proves_within_s: float) -> bool:
        """Whether nothing came for so long that nobody is there any more: one and a half times what they promised."""
        if self.who is None:
            return at - self.began_at > proves_within_s
        return bool(self._keep_alive_s) and at - self.heard_at > self._keep_alive_s * 1.5

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        if self.is_over:
            transport.close()
        elif raw := transport.get_extra_info("socket"):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        if not self.is_over:
            self.heard_at = self._clock()
            self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.end()

    def pause_writing(self) -> None:
        if self.who and self.who.device_id is None and not self.is_over:
            self._is_holding = True
            self._board.hold(on=True)  # the server is slow: whoever speaks waits, and nothing is lost

    def resume_writing(self) -> None:
        if self._is_holding:
            self._is_holding = False
            self._board.hold(on=False)

    def let_in(self, who: Pass, asked: Connect) -> None:
        """They are who they say. What they said while this was looked up is heard now."""
        self.who, self._will, self._keep_alive_s, self._is_asking = who, asked.will, asked.keep_alive_s, False
        self._write(mqtt.connack(mqtt.ACCEPTED))
        self.wait(on=self._board.is_holding)
        self._take(b"")

    def turn_away(self, code: int) -> None:
        """They are not, or nobody can tell."""
        self._write(mqtt.connack(code))
        self.end()

    def wait(self, *, on: bool) -> None:
        """Let whoever speaks wait, or go on."""
        if self._transport and not self.is_over and not self._transport.is_closing():
            if on:
                self._transport.pause_reading()
            elif not self._is_asking:
                self._transport.resume_reading()

    def send(self, message: Publish, *, quality: int, retain: bool = False) -> None:
        """Hand them a message. A device that reads nothing any more is taken for gone."""
        assert self._transport
        if self.is_over:
            return
        quality, number = min(quality, message.quality), 0
        if quality:
            number = self._next_number()
            self._unanswered.add(number)
        self._write(mqtt.publish(message, quality=quality, retain=retain, number=number))
        is_device = self.who is not None and self.who.device_id is not None
        if is_device and (len(self._unanswered) > MOST_UNANSWERED or self._transport.get_write_buffer_size() > MOST_UNREAD):
            self.end()

    def end(self, *, tells: bool = True) -> None:
        """Close it; with `tells`, everybody hears the last will of whoever did not say good-bye."""
        if self.is_over:
            return
        self.is_over = True
        self.resume_writing()
        self._flush()
        if self._transport:
            self._transport.close()
        self._board.gone(self)
        if tells and self.who and self._will:
            self._board.deliver(self._will, by=self.who.name)

    def _take(self, data: bytes) -> None:
        packets = self._reader.feed(data)
        try:
            for packet in packets:
                self._obey(packet)
                if self.is_over or self._is_asking:
                    break
        except Malformed:
            self.end()
        finally:
            packets.close()

    def _obey(self, packet: Packet) -> None:
        if isinstance(packet, Connect):
            self._ask(packet)
            return
        if (who := self.who) is None:
            raise Malformed("nobody speaks before they have come in")
        match packet:
            case Publish():
                self._hear(packet, who)
            case Acknowledged():
                self._settle(packet)
            case Subscribe():
                self._subscribe(packet, who)
            case Unsubscribe():
                for one in packet.filters:
                    self._board.unlisten(self, one)
                self._write(mqtt.unsuback(packet.number))
            case Bare(kind=mqtt.PINGREQ):
                self._write(mqtt.PONG)
            case Bare():
                self._will = None
                self.end()

    def _ask(self, packet: Connect) -> None:
        if self.who is not None:
            raise Malformed("nobody comes in twice")
        self._is_asking = True
        self.wait(on=True)
        self._board.come(self, packet)

    def _hear(self, message: Publish, who: Pass) -> None:
        """Hand it on, where they may say it; then say that it came. In MQTT 3.1.1 a refusal cannot be told."""
        is_repeated = message.quality == 2 and message.number in self._received
        if not is_repeated and is_within_any(message.topic, who.topics.writes):
            self._board.deliver(message, by=who.name)
        if message.quality == 1:
            self._write(mqtt.acknowledgement(mqtt.PUBACK, message.number))
        elif message.quality == 2:
            self._received.add(message.number)
            self._write(mqtt.acknowledgement(mqtt.PUBREC, message.number))

    def _settle(self, packet: Acknowledged) -> None:
        if packet.kind == mqtt.PUBACK:
            self._unanswered.discard(packet.number)
        elif packet.kind == mqtt.PUBREL:
            self._received.discard(packet.number)
            self._write(mqtt.acknowledgement(mqtt.PUBCOMP, packet.number))

    def _subscribe(self, packet: Subscribe, who: Pass) -> None:
        granted = []
        for wanted, quality in packet.wanted:
            is_allowed = is_within_any(wanted, who.topics.reads) and self._board.filters_of(self) < MOST_FILTERS
            granted.append(min(quality, 1) if is_allowed else mqtt.REFUSED)
        for (wanted, _quality), given in zip(packet.wanted, granted, strict=True):
            if given != mqtt.REFUSED:
                self._board.listen(self, wanted, given)
        self._write(mqtt.suback(packet.number, granted))
        for (wanted, _quality), given in zip(packet.wanted, granted, strict=True):
            if given != mqtt.REFUSED:
                self._board.remind(self, wanted, given)

    def _next_number(self) -> int:
        while True:
            self._number = self._number % 65_535 + 1
            if self._number not in self._unanswered or len(self._unanswered) >= 65_535:
                return self._number

    def _write(self, data: bytes) -> None:
        """Everything that is said in one turn of the loop goes out together."""
        if not self._out:
            asyncio.get_running_loop().call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._out and self._transport and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()
