"""Where no broker is set, Steading is one: each device signs in with a login of its own and speaks for itself alone.

It says MQTT 3.1.1 and keeps nothing for whoever is away, since a fan that starts an hour late does harm: what is asked of devices
waits in the database. Only retained messages stay, in memory, until it ends.
"""

import asyncio
import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import structlog

from data.core.bus import Heard, bus
from data.core.errors import Refusal
from data.core.session import UNREACHABLE, across_tenants
from data.farm.queries_logins import old_signer, signer, signers
from data.identity import door
from data.identity.secrets import token_hash
from data.identity.tables import TokenKind
from jobs.codecs import mqtt
from jobs.codecs.mqtt import Connect, Publish
from jobs.networks._certificate import Certificate, Unusable
from jobs.networks._filters import Filters, is_within, is_within_any
from jobs.networks._line import EVERYTHING, Line, Pass

log = structlog.get_logger()

OURSELVES = "$steading"
"""The user name of the server's own client; no device's name can have a dollar sign."""
TOKENS_FOR = "mqtt"
"""The network of the tokens that devices were given before there were logins."""
SIGN_IN_WITHIN_S = 10.0
SIGN_INS_AT_ONCE = 8
"""A whole farm may come back at the same moment, and others want the database too."""
MOST_AT_THE_DOOR = 2_000
"""Connections that have proved nothing yet; one more is closed at once."""
REFUSED_AFTER_S = 0.2
"""Whoever tries passwords waits for each answer."""
MOST_KEPT, LARGEST_KEPT = 500, 32_768
"""Retained messages of one device, and bytes of each."""


RENEWED_LOOK_S = 60
"""Between two looks at whether there is a new certificate."""
GOOD_BYE_WITHIN_S = 5.0
"""Whoever does not answer the end of TLS is hung up on."""


class CannotListen(OSError):
    """The broker's port or certificate cannot be had; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Where the broker listens by TLS, and the files that prove who it is. Without a host on every address, without a key's file the
    key is with the certificate."""

    port: int
    certificate: Path
    key: Path | None = None
    host: str | None = None


class Broker:
    """An MQTT broker, in clear text and (with `sealed`) by TLS too. Port 0 takes a free one; `port`, `tls_port` and `url` are known once
    it has started."""

    def __init__(self, *, port: int, host: str = "127.0.0.1", sealed: Sealed | None = None) -> None:
        self._host, self.port, self._sealed = host, port, sealed
        self.tls_port: int | None = None
        self._certificate: Certificate | None = None
        self._password = secrets.token_urlsafe(24)
        self._servers: list[asyncio.Server] = []
        self._endings: list[Callable[[], None]] = []
        self._lines: set[Line] = set()
        self._named: dict[str, Line] = {}
        self._filters: Filters[Line] = Filters()
        self._kept: dict[str, tuple[Publish, str]] = {}
        self._kept_of: Counter[str] = Counter()
        self._holding = 0
        self._news = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(SIGN_INS_AT_ONCE)

    @property
    def url(self) -> str:
        """The address with which the server's own client signs in. Not for anybody else, nor for a log."""
        host = self._host if self._host not in ("0.0.0.0", "::", "") else "127.0.0.1"
        return f"mqtt://{quote(OURSELVES)}:{self._password}@{host}:{self.port}"

    async def start(self) -> None:
        """Listen. CannotListen when a port is in use, or the certificate is none."""
        try:
            if self._sealed:
                await self._listen_sealed(self._sealed)
            self.port = await self._listen(self._host, self.port)
        except BaseException:
            self._shut()
            raise
        self._endings = [
            bus.listen("DeviceRegistered", "*", self._changed),
            bus.listen("LoginChanged", "*", self._changed),
            bus.listen("TokensChanged", "*", self._changed),
            bus.listen("FarmChanged", "*", self._changed),
        ]
        self._spawn(self._watch())

    async def _listen(self, host: str | None, port: int, **tls: Any) -> int:
        """Take who comes there. The port, which is told where it was 0."""
        try:
            server = await asyncio.get_running_loop().create_server(self._answer, host, port, **tls)
        except OSError as reason:
            raise CannotListen(f"the MQTT broker cannot listen on {host or '*'}:{port}: {reason.strerror or reason}") from reason
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _listen_sealed(self, sealed: Sealed) -> None:
        try:
            self._certificate = Certificate(sealed.certificate, sealed.key)
        except Unusable as reason:
            raise CannotListen(f"the MQTT broker cannot listen by TLS: {reason}") from reason
        self.tls_port = await self._listen(
            sealed.host, sealed.port, ssl=self._certificate.tls, ssl_handshake_timeout=SIGN_IN_WITHIN_S, ssl_shutdown_timeout=GOOD_BYE_WITHIN_S
        )

    def _shut(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def stop(self) -> None:
        """Every line ends, and nobody's last will is told: they are not gone, we are."""
        for end in self._endings:
            end()
        self._endings = []
        self._shut()
        for line in tuple(self._lines):
            line.end(tells=False)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._kept.clear()
        self._kept_of.clear()

    # What a line needs

    def come(self, line: Line, asked: Connect) -> None:
        """Somebody wants in."""
        self._spawn(self._receive(line, asked))

    def deliver(self, message: Publish, *, by: str) -> None:
        """Hand it to everybody who listens, and keep it where that was asked for."""
        for line, quality in self._filters.of(message.topic).items():
            line.send(message, quality=quality)
        if message.retain:
            self._keep(message, by)

    def listen(self, line: Line, wanted: str, quality: int) -> None:
        self._filters.add(wanted, line, quality)

    def unlisten(self, line: Line, wanted: str) -> None:
        self._filters.remove(wanted, line)

    def filters_of(self, line: Line) -> int:
        return self._filters.count(line)

    def remind(self, line: Line, wanted: str, quality: int) -> None:
        """Tell them what is kept of these topics."""
        start = wanted.partition("+")[0].partition("#")[0].rstrip("/")
        for topic, (message, _by) in tuple(self._kept.items()):
            if topic.startswith(start) and is_within(topic, wanted):
                line.send(message, quality=quality, retain=True)

    @property
    def is_holding(self) -> bool:
        """Whether the server itself reads slowly, so that whoever speaks waits."""
        return self._holding > 0

    def hold(self, *, on: bool) -> None:
        """One of the server's own lines is full, or is not any more."""
        self._holding += 1 if on else -1
        for line in tuple(self._lines):
            if line.who and line.who.device_id:
                line.wait(on=self.is_holding)

    def gone(self, line: Line) -> None:
        self._filters.forget(line)
        self._lines.discard(line)
        if line.who and self._named.get(line.who.name) is line:
            del self._named[line.who.name]

    # Who comes in, and who has to go

    def _answer(self) -> Line:
        line = Line(self, asyncio.get_running_loop().time)
        if len(self._lines) - len(self._named) < MOST_AT_THE_DOOR:
            self._lines.add(line)
        else:
            line.end()
        return line

    async def _receive(self, line: Line, asked: Connect) -> None:
        if asked.level != 4:
            line.turn_away(mqtt.WRONG_PROTOCOL)
            return
        try:
            who = await self._looked_up(asked)
        except UNREACHABLE as reason:
            log.warning("mqtt sign-in without a database", reason=str(reason).splitlines()[0])
            line.turn_away(mqtt.UNAVAILABLE)
            return
        if who is None or (asked.will and not is_within_any(asked.will.topic, who.topics.writes)):
            log.info("mqtt sign-in refused", user=asked.username, address=line.address)
            await asyncio.sleep(REFUSED_AFTER_S)
            line.turn_away(mqtt.NOT_AUTHORIZED)
        elif not line.is_over:
            if old := self._named.get(who.name):
                old.end(tells=False)  # it is not gone, it is here again
            self._named[who.name] = line
            line.let_in(who, asked)

    async def _looked_up(self, asked: Connect) -> Pass | None:
        """Who they are; looked up again where a login changed meanwhile."""
        async with self._room:
            while True:
                news = self._news
                who = await self._proved(asked)
                if who is None or news == self._news:
                    return who

    async def _proved(self, asked: Connect) -> Pass | None:
        """Who they are. A name that has a login is opened by its password only."""
        name, secret = asked.username or "", asked.password or b""
        if name == OURSELVES:
            ours = Pass(f"{OURSELVES} {secrets.token_hex(4)}", EVERYTHING)
            return ours if hmac.compare_digest(secret, self._password.encode()) else None
        try:
            password = secret.decode()
        except UnicodeDecodeError:
            return None
        async with across_tenants("mqtt sign-in") as tx:
            found = await signer(tx, name)
        if found:
            proof = token_hash(password)
            return Pass(name, found.topics, proof, found.device_id) if hmac.compare_digest(proof, found.token_hash) else None
        return await self._proved_as_before(name, password)

    async def _proved_as_before(self, topic: str, secret: str) -> Pass | None:
        """A device that was given a token, which it shows under its topic, before there were logins."""
        try:
            machine = await door.machine(secret, TokenKind.DEVICE, network=TOKENS_FOR)
        except Refusal:
            return None
        if machine.subject_id is None:
            return None
        async with across_tenants("mqtt sign-in") as tx:
            found = await old_signer(tx, machine.subject_id)
        if found is None or found.topic != topic:
            return None
        return Pass(topic, found.topics, b"", machine.subject_id, machine.token_id, found.farm_id)

    def _changed(self, heard: Heard) -> None:
        """Whose login, place or farm has changed must prove itself anew. Without ids anything may have changed."""
        self._news += 1
        if not heard.ids:
            self._spawn(self._look_again())
            return
        ids = set(heard.ids.values())
        for line in tuple(self._lines):
            if (who := line.who) and ids & _ids(who, heard.name):
                line.end()

    async def _look_again(self) -> None:
        """After news were missed: only whose login is still the same stays."""
        async with across_tenants("mqtt logins") as tx:
            proofs = {one.username: (one.token_hash, one.topics) for one in await signers(tx)}
        for line in tuple(self._lines):
            if (who := line.who) and who.device_id and proofs.get(who.name) != (who.proof, who.topics):
                line.end()

    async def _watch(self) -> None:
        """Whoever is silent for too long, or proves nothing, is gone. A new certificate is taken up."""
        clock = asyncio.get_running_loop().time
        looked_at = clock()
        while True:
            await asyncio.sleep(1)
            for line in [one for one in self._lines if one.is_silent(clock(), proves_within_s=SIGN_IN_WITHIN_S)]:
                line.end()
            if self._certificate and clock() - looked_at >= RENEWED_LOOK_S:
                looked_at = clock()
                self._certificate.look_again()

    def _keep(self, message: Publish, by: str) -> None:
        if (known := self._kept.pop(message.topic, None)) is not None:
            self._kept_of[known[1]] -= 1
        has_room = self._kept_of[by] < MOST_KEPT and len(message.payload) <= LARGEST_KEPT
        if message.payload and (has_room or by.startswith(OURSELVES)):
            self._kept[message.topic] = message, by
            self._kept_of[by] += 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (reason := task.exception()):
            log.error("the broker stumbled", exc_info=reason)


def _ids(who: Pass, event: str) -> set[str]:
    """Which ids of this event mean them."""
    named: dict[str, UUID | None] = {"TokensChanged": who.token_id, "FarmChanged": who.farm_id}
    found = named.get(event, who.device_id)
    return {str(found)} if found else set()
