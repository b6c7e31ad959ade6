"""Devices and the server meet at a broker: what devices say goes into the intake, what they shall do goes out."""

import asyncio
import math
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import aiomqtt
import structlog

from data.core.bus import bus
from data.core.errors import Busy, Conflict, Invalid, Refusal
from data.core.intake import Intake, Store
from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.farm.commands import hear
from data.farm.commands.discoveries import announce
from data.farm.queries_topics import Address, addresses, announced_on, farm_of
from data.farm.values import DeviceSettings, FirmwareOrder, Outgoing, Presence, Question
from jobs.channels import TryLater
from jobs.codecs import announced, esphome, farm_topics, home_assistant, tasmota
from jobs.firmware import Updates
from jobs.instructions import Instructions
from jobs.networks import _door
from jobs.networks._said import ALWAYS_HEARD, MEASURING, Said, as_reports, check_known
from jobs.networks.broker import Broker, Sealed
from jobs.questions import Questions

log = structlog.get_logger()

AT_ONCE = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
"""Without it a command that follows an acknowledgement waits 40 ms for the other side's."""
MOST_UNDER_WAY = 2_000
MOST_WAITING = 50_000
PUBLISH_WITHIN_S = 5
STORE_WITHIN_S = 5
LONGEST_WAIT_S = 15.0
LARGEST_PAYLOAD = 100_000
FILTERS_AT_ONCE = 100
AGAIN_AFTER_S = 5.0
PRESENCE_EVERY_S = 240.0
"""Less than half of what makes a device count as silent."""


class Mqtt:
    """The server's own client at the broker. It comes back by itself, and asks each relay that is there for its state."""

    def __init__(self, url: str, intake: Intake) -> None:
        parts = urlsplit(url)
        self._host, self._is_tls = parts.hostname or "127.0.0.1", parts.scheme == "mqtts"
        self._port = parts.port or (8883 if self._is_tls else 1883)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._intake = intake
        self._said = Said()
        self._tune = asyncio.Event()
        self._devices = _Devices(self._said, self._tune.set)
        self._listens_to: Mapping[str, frozenset[UUID]] = {}
        self._tuning: asyncio.Task[None] | None = None
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_UNDER_WAY)
        self.is_connected = asyncio.Event()

    def start(self) -> None:
        """Connect, and stay connected until `stop`."""
        self._devices.start()
        self._task = asyncio.create_task(self._run(), name="mqtt")
        self._tuning = asyncio.create_task(self._listen_to_all(), name="mqtt-filters")

    async def stop(self) -> None:
        """Disconnect; what was heard before is stored, if the database answers."""
        if self._tuning:
            self._tuning.cancel()
            await asyncio.wait([self._tuning], timeout=1)
        while self._task and not self._task.done():  # again, since a wait_for inside may swallow a cancellation
            self._task.cancel()
            await asyncio.wait([self._task], timeout=1)
        self._task = None
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=STORE_WITHIN_S)
        left = self._under_way | self._asking  # the database does not come back, or nobody is there any more to answer
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._devices.stop()

    async def send(self, outgoing: Outgoing) -> None:
        """Ask a device to switch. TryLater while there is no broker; a Refusal for what this device cannot be told."""
        for topic, payload in self._words_for(outgoing):
            await self._publish(topic, payload)

    def _words_for(self, outgoing: Outgoing) -> list[tuple[str, str]]:
        match outgoing.dialect:
            case "tasmota":
                return [tasmota.instruction(outgoing, self._said.words_of(outgoing))]
            case "steading":
                return [farm_topics.instruction(outgoing, now=now())]
            case "esphome":
                return esphome.instructions(outgoing)
            case "home_assistant":
                return announced.instructions(outgoing, check_known(self._said.part_of(outgoing.topic, outgoing.output)))
        raise Conflict("This device is not spoken with by MQTT.")

    async def ask(self, question: Question) -> None:
        """Ask a device for its state: Tasmota answers; of the others the broker knows what they last said. TryLater without a broker."""
        if question.dialect == "tasmota":
            await self._publish(*tasmota.ask_state(question.topic, question.output, question.device_type))
        elif question.dialect == "esphome":
            await self._listen([f"{question.topic}/state"])
        elif question.dialect == "home_assistant" and (part := self._said.part_of(question.topic, question.output)):
            await self._listen(part.topics)

    async def tell(self, settings: DeviceSettings) -> None:
        """Tell a device how long it may be on and how it starts, so that it keeps to it by itself. TryLater without a broker.

        Only Tasmota can be told so; devices on our own topics are told with each "on" how long that may last.
        """
        if settings.dialect != "tasmota":
            return
        longest = settings.max_on_s if settings.max_on_s and settings.max_on_s <= tasmota.LONGEST_PULSE_S else 0
        await self._publish(*tasmota.pulse_time(settings.topic, settings.output, longest))
        if settings.startup:
            await self._publish(*tasmota.power_on_state(settings.topic, settings.startup))

    async def update(self, order: FirmwareOrder) -> None:
        """Tell a device where its new firmware lies. TryLater without a broker; Conflict for who has no words for it."""
        match order.dialect:
            case "tasmota":
                words = tasmota.update(order)
            case "steading":
                words = farm_topics.update(order)
            case _:
                raise Conflict("Devices of this kind cannot be given firmware from here.")
        for topic, payload in words:
            await self._publish(topic, payload)

    async def _publish(self, topic: str, payload: str) -> None:
        if self._client is None or not self.is_connected.is_set():
            raise TryLater("the MQTT broker is not connected")
        try:
            await self._client.publish(topic, payload, qos=1, retain=False, timeout=PUBLISH_WITHIN_S)
        except aiomqtt.MqttError as reason:
            raise TryLater(str(reason)) from reason

    async def _listen(self, filters: Sequence[str]) -> None:
        """Subscribe, also to what is subscribed to already: the broker then tells once more what it keeps."""
        if self._client is None or not self.is_connected.is_set():
            raise TryLater("the MQTT broker is not connected")
        try:
            for start in range(0, len(filters), FILTERS_AT_ONCE):
                await self._client.subscribe([(topic, 1) for topic in filters[start : start + FILTERS_AT_ONCE]], timeout=PUBLISH_WITHIN_S)
        except aiomqtt.MqttError as reason:
            raise TryLater(str(reason)) from reason

    async def _run(self) -> None:
        wait_s = 0.5
        while True:
            try:
                async with self._new_client() as client:
                    await client.subscribe([(topic, 1) for topic in ALWAYS_HEARD])
                    self._client, self._listens_to, wait_s = client, {}, 0.5
                    self.is_connected.set()
                    self._tune.set()
                    async for message in client.messages:
                        await self._take(message)
            except (aiomqtt.MqttError, OSError) as reason:
                if (task := asyncio.current_task()) and task.cancelling():  # its good-bye failed and hid that it shall end
                    raise asyncio.CancelledError from reason
                log.warning("mqtt lost its broker", reason=str(reason), again_in_s=wait_s)
            finally:
                self.is_connected.clear()
                self._client = None
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _new_client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._host, self._port, username=self._user, password=self._password, keepalive=30, timeout=10,
            max_queued_incoming_messages=MOST_WAITING, socket_options=AT_ONCE,
            tls_params=aiomqtt.TLSParameters() if self._is_tls else None,
        )  # fmt: skip

    async def _take(self, message: aiomqtt.Message) -> None:
        """Decode in the order of arrival; wait for the database in the background, with so many under way at most."""
        topic, payload, at = message.topic.value, message.payload, now()
        if not isinstance(payload, bytes) or len(payload) > LARGEST_PAYLOAD:
            return
        await self._room.acquire()
        task = asyncio.create_task(self._hear(topic, payload, at, is_retained=message.retain))
        self._under_way.add(task)
        task.add_done_callback(self._heard)

    def _heard(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()
        if not task.cancelled() and (reason := task.exception()):
            log.error("an mqtt message could not be stored", exc_info=reason)

    async def _hear(self, topic: str, payload: bytes, at: datetime, *, is_retained: bool) -> None:
        try:
            await self._devices.known(unless_strange=topic)
            if home_assistant.is_announcement(topic):
                await self._announce(topic, payload)
                return
            found = self._said.read(topic, payload, now=at, is_retained=is_retained)
        except Invalid as refusal:
            log.warning("an mqtt message cannot be read", topic=topic, field=refusal.field, reason=str(refusal))
            return
        if not found:
            if self._said.is_strange(topic):
                log.warning("an mqtt topic is nobody's", topic=topic)
            return
        await self._store(found[0][0].organization_id, hear, as_reports(found))
        for address, report in found:
            if isinstance(report, Presence) and report.is_online and address.dialect == "tasmota" and address.device_type not in MEASURING:
                asking = asyncio.create_task(self._ask_state(address))
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)

    async def _announce(self, topic: str, payload: bytes) -> None:
        """Note what announces itself, for the farm that it is of; what is of nobody's is left alone."""
        message = home_assistant.announcement(topic, payload)
        if message.is_gone:
            async with across_tenants("mqtt announcements") as tx:
                organizations = await announced_on(tx, message.path)
            for organization_id in organizations:
                await self._store(organization_id, announce, [message])
        elif place := farm_of(message, self._said.known):
            await self._store(place.organization_id, announce, [replace(message, farm_id=str(place.farm_id))])
        else:
            log.warning("a device announces itself and is on nobody's farm", topic=topic, box=message.identifier.partition("/")[0])

    async def _store(self, organization_id: UUID, store: Store, messages: Sequence[Any]) -> None:
        while True:
            try:
                await self._intake.take_all(organization_id, store, messages, by="mqtt")
                return
            except Busy as refusal:  # nobody would send it again, so it waits here, and holds back what comes after
                await asyncio.sleep(refusal.retry_after_s)
            except Refusal as refusal:
                log.info("an mqtt report was refused", reason=str(refusal))
                return

    async def _ask_state(self, address: Address) -> None:
        try:
            await self._publish(*tasmota.ask_state(address.topic, address.output, address.device_type))
        except TryLater as reason:
            log.info("a device could not be asked for its state", topic=address.topic, reason=str(reason))

    async def _listen_to_all(self) -> None:
        """Listen to each box that has topics of its own, and to no others, whenever devices come and go. For a new device the broker
        tells once more what it keeps, and every few minutes which boxes are there: one that has nothing to say is not gone."""
        while True:
            try:
                await asyncio.wait_for(self._tune.wait(), PRESENCE_EVERY_S)
            except TimeoutError:
                is_due = True
            else:
                is_due = False
            self._tune.clear()
            try:
                await self._devices.known()
                if is_due and self.is_connected.is_set():
                    await self._listen(self._said.presences())
                wanted = self._said.filters()
                await self._listen([one for one, devices in wanted.items() if devices - self._listens_to.get(one, frozenset())])
                if (over := self._listens_to.keys() - wanted.keys()) and self._client:
                    await self._client.unsubscribe(list(over))
                self._listens_to = wanted
            except (TryLater, aiomqtt.MqttError) as reason:  # with the next connection it is done anew
                log.info("mqtt could not listen to all devices", reason=str(reason))
            except Exception:  # an edge: the database may be away for a while
                log.exception("mqtt could not listen to all devices")
                await asyncio.sleep(AGAIN_AFTER_S)
                self._tune.set()


class _Devices:
    """The devices there are, kept in memory and read anew when one comes, goes or changes its topic."""

    def __init__(self, said: Said, changed: Callable[[], None]) -> None:
        self._said, self._changed = said, changed
        self._is_current = False
        self._reading = asyncio.Lock()
        self._read_at = -math.inf
        self._stop_hearing: list[Callable[[], None]] = []

    def start(self) -> None:
        self._stop_hearing = [bus.listen(event, "*", lambda heard: self._forget()) for event in ("DeviceRegistered", "FarmChanged")]

    def stop(self) -> None:
        for stop in self._stop_hearing:
            stop()

    def _forget(self) -> None:
        self._is_current = False
        self._changed()

    async def known(self, *, unless_strange: str = "") -> None:
        """See that they are known. For an unknown topic they are read anew at most once a second: the news may be on its way."""
        async with self._reading:
            is_strange = unless_strange and self._is_current and self._said.is_strange(unless_strange)
            if not self._is_current or (is_strange and asyncio.get_running_loop().time() - self._read_at > 1):
                self._is_current = True  # what changes while it is read is read again
                try:
                    async with across_tenants("mqtt topics") as tx:
                        self._said.learn(await addresses(tx))
                except BaseException:
                    self._is_current = False
                    raise
                self._read_at = asyncio.get_running_loop().time()


def embedded(settings: Settings) -> Broker:
    """Our own broker, as the settings want it. With a certificate and no port for clear text, only the server itself uses the latter."""
    if not settings.has_mqtt_tls:
        return Broker(port=settings.mqtt_port, host=settings.mqtt_host)
    certificate, key = Path(settings.mqtt_tls_certificate), Path(settings.mqtt_tls_key) if settings.mqtt_tls_key else None
    host = settings.mqtt_host if settings.mqtt_port else "127.0.0.1"
    return Broker(port=settings.mqtt_port, host=host, sealed=Sealed(settings.mqtt_tls_port, certificate, key))


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[None]:
    """The embedded broker (unless another is set), the client at it, and what sends instructions through it."""
    broker = None if settings.mqtt_url else embedded(settings)
    if broker:
        await broker.start()
    mqtt = Mqtt(broker.url if broker else settings.mqtt_url, _door.intake)
    instructions, questions, updates = Instructions(mqtt.send), Questions(mqtt.ask, mqtt.tell), Updates(mqtt.update)
    mqtt.start()
    instructions.start()
    questions.start()
    updates.start()
    try:
        yield
    finally:
        await updates.stop()
        await questions.stop()
        await instructions.stop()
        await mqtt.stop()
        if broker:
            await broker.stop()
