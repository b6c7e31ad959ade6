"""Where no broker is set, Steading is one: each device signs in with its own token and speaks for itself alone.

amqtt is a good servant and a trusting one. It lets a second connection take over a session before it has proved
anything, keeps commands for devices that are away (a fan that starts an hour late), delivers last wills past every
access list, tells whoever connects what it keeps of all the others, and stumbles over its list of subscriptions when it
has to wait while going through it. So here a connection proves itself first, is named after its device, starts clean, hears only what it
subscribed to, and what it may say is decided without waiting.
"""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import structlog
from amqtt.adapters import ReaderAdapter, WriterAdapter
from amqtt.broker import Broker as Amqtt
from amqtt.contexts import Action, ListenerConfig
from amqtt.errors import BrokerError, MQTTError
from amqtt.mqtt.connack import NOT_AUTHORIZED, ConnackPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.session import Session

from data.core.bus import Heard, bus
from data.core.errors import Refusal
from data.core.session import across_tenants
from data.farm import queries
from data.farm.commands.devices import NETWORK
from data.identity import door
from data.identity.tables import TokenKind

log = structlog.get_logger()

OURSELVES = "$steading"
"""The user name of the server's own client; no device's topic can have a dollar sign."""
SIGN_IN_WITHIN_S = 10
_TOPIC, _DEVICE, _TOKEN = "steading.topic", "steading.device", "steading.token"


class CannotListen(OSError):
    """The broker's port cannot be had; the text says why in one line."""


class Broker:
    """An MQTT 3.1.1 broker on 127.0.0.1. `port` 0 takes a free one; `port` and `url` are known once it has started."""

    def __init__(self, *, port: int, host: str = "127.0.0.1") -> None:
        self._host, self.port = host, port
        self._password = secrets.token_urlsafe(24)
        self._amqtt: _Amqtt | None = None
        self._endings: list[Callable[[], None]] = []

    @property
    def url(self) -> str:
        """The address with which the server's own client signs in. Not for anybody else, nor for a log."""
        return f"mqtt://{quote(OURSELVES)}:{self._password}@{self._host}:{self.port}"

    async def start(self) -> None:
        """Listen. CannotListen when the port is in use."""
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.ERROR)
        logging.getLogger("amqtt.broker").setLevel(logging.CRITICAL)
        config = {"listeners": {"default": {"type": "tcp", "bind": f"{self._host}:{self.port}"}}, "plugins": {}}
        broker = _Amqtt(config, self._password)
        try:
            await broker.start()
        except BrokerError as reason:
            cause = reason.__cause__
            why = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(reason)
            raise CannotListen(f"the MQTT broker cannot listen on {self._host}:{self.port}: {why}") from reason
        self._amqtt = broker
        self.port = broker.listens_on
        self._endings = [
            bus.listen("DeviceRegistered", "*", lambda heard: broker.let_go(_DEVICE, heard)),
            bus.listen("TokensChanged", "*", lambda heard: broker.let_go(_TOKEN, heard)),
        ]

    async def stop(self) -> None:
        for end in self._endings:
            end()
        if self._amqtt:
            await self._amqtt.shutdown()
            self._amqtt = None


class _Amqtt(Amqtt):  # type: ignore[misc]  # amqtt has no types
    """amqtt with proof first. What is overridden is private there: tests hold it to the version in the lock file."""

    def __init__(self, config: dict[str, Any], password: str) -> None:
        super().__init__(config)
        self._password = password
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def listens_on(self) -> int:
        """The port that was taken."""
        port: int = self._servers["default"].instance.sockets[0].getsockname()[1]
        return port

    def let_go(self, what: str, heard: Heard) -> None:
        """Close the connection of this device or token: it must prove itself anew."""
        ids = set(heard.ids.values())
        for session, handler in tuple(self._sessions.values()):
            if session.attributes.get(what) in ids:
                task = asyncio.create_task(handler.handle_connection_closed())
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def _initialize_client_session(
        self, reader: ReaderAdapter, writer: WriterAdapter, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        try:
            async with asyncio.timeout(SIGN_IN_WITHIN_S):
                handler, session = await BrokerProtocolHandler.init_from_connect(reader, writer, self.plugins_manager)
            if not await self._proves_itself(session):
                log.info("mqtt sign-in refused", user=session.username, address=remote_address)
                await ConnackPacket.build(0, NOT_AUTHORIZED).to_stream(writer)
                raise MQTTError("not authorized")
        except Exception as reason:  # an edge: whatever a stranger sends ends that stranger's connection only
            await writer.close()
            raise MQTTError(str(reason)) from reason
        session.clean_session, session.parent = True, 0
        await self._take_over(session.client_id or "")
        return handler, session

    async def _proves_itself(self, session: Session) -> bool:
        name, secret = session.username or "", session.password or ""
        if name == OURSELVES:
            return hmac.compare_digest(secret.encode(), self._password.encode())
        try:
            machine = await door.machine(secret, TokenKind.DEVICE, network=NETWORK)
        except Refusal:
            return False
        async with across_tenants("mqtt sign-in") as tx:
            device_id = await queries.id_of_topic(tx, name)
        if device_id is None or machine.subject_id != device_id:
            return False
        session.attributes |= {_TOPIC: name, _DEVICE: str(device_id), _TOKEN: str(machine.token_id)}
        session.client_id = name  # one device, one connection: the old one of a device that comes back is dead
        return not session.will_flag or _may(session, session.will_topic or "", Action.PUBLISH)

    async def _take_over(self, client_id: str) -> None:
        old, handler = self._sessions.pop(client_id, (None, None))
        if old is None or handler is None:
            return
        old.will_flag = False  # it is not gone, it is here again
        await handler.handle_connection_closed()
        await handler.stop()
        await self._del_all_subscriptions(old)

    async def _authenticate(self, session: Session, _: ListenerConfig) -> bool:
        return session.username == OURSELVES or _TOPIC in session.attributes

    async def _publish_retained_messages_for_subscription(self, subscription: tuple[str, int], session: Session) -> None:
        # Called for everybody's subscriptions when somebody connects. Nothing may wait here before this is decided.
        if any(one is session for one, _qos in self._subscriptions.get(subscription[0], ())):
            await super()._publish_retained_messages_for_subscription(subscription, session)

    async def _topic_filtering(self, session: Session, topic: str, action: Action) -> bool:
        return _may(session, topic, action)


def _may(session: Session, topic: str, action: Action) -> bool:
    """A device hears `cmnd/<itself>/…` and says `stat/<itself>/…` and `tele/<itself>/…`; the server hears and says all."""
    mine = session.attributes.get(_TOPIC)
    if mine is None:
        return bool(session.username == OURSELVES)
    if action is Action.PUBLISH:
        return topic.startswith((f"stat/{mine}/", f"tele/{mine}/"))
    return topic.startswith(f"cmnd/{mine}/")
