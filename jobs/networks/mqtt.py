"""Tasmota devices and the server meet at a broker: what devices say goes into the intake, what they shall do goes out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog

from data.core.bus import bus
from data.core.errors import Busy, Invalid, Refusal
from data.core.intake import Intake
from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.farm.commands import hear
from data.farm.queries import Address, addresses
from data.farm.values import DeviceReport, DeviceSettings, Outgoing, Presence, Question
from jobs.channels import TryLater
from jobs.codecs import tasmota
from jobs.instructions import Instructions
from jobs.networks import _door
from jobs.networks.broker import Broker
from jobs.questions import Questions

log = structlog.get_logger()

HEARD = (("stat/#", 1), ("tele/#", 1))
MOST_UNDER_WAY = 2_000
MOST_WAITING = 50_000
PUBLISH_WITHIN_S = 5
STORE_WITHIN_S = 5
LONGEST_WAIT_S = 15.0
LARGEST_PAYLOAD = 100_000


class Mqtt:
    """The server's own client at the broker. It comes back by itself, and asks each relay that is there for its state."""

    def __init__(self, url: str, intake: Intake) -> None:
        parts = urlsplit(url)
        self._host, self._is_tls = parts.hostname or "127.0.0.1", parts.scheme == "mqtts"
        self._port = parts.port or (8883 if self._is_tls else 1883)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._intake = intake
        self._addresses = _Addresses()
        self._client: aiomqtt.Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._asking: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_UNDER_WAY)
        self.is_connected = asyncio.Event()

    def start(self) -> None:
        """Connect, and stay connected until `stop`."""
        self._addresses.start()
        self._task = asyncio.create_task(self._run(), name="mqtt")

    async def stop(self) -> None:
        """Disconnect; what was heard before is stored, if the database answers."""
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
        self._addresses.stop()

    async def send(self, outgoing: Outgoing) -> None:
        """Ask a device to switch. TryLater while there is no broker, and for what its dialect cannot say: that is given up after a few
        tries, and nothing was switched."""
        said = tasmota.instruction(outgoing)
        if said is None:
            raise TryLater(f"the dialect {outgoing.dialect} cannot say {outgoing.command}")
        await self._publish(*said)

    async def ask(self, question: Question) -> None:
        """Ask a device for its state. TryLater while there is no broker."""
        if question.dialect == "tasmota":
            await self._publish(*tasmota.ask_state(question.topic, question.output))

    async def tell(self, settings: DeviceSettings) -> None:
        """Tell a device how long it may be on and how it starts, so that it keeps to it by itself. TryLater without a broker."""
        if settings.dialect != "tasmota":
            return
        longest = settings.max_on_s if settings.max_on_s and settings.max_on_s <= tasmota.LONGEST_PULSE_S else 0
        await self._publish(*tasmota.pulse_time(settings.topic, settings.output, longest))
        if settings.startup:
            await self._publish(*tasmota.power_on_state(settings.topic, settings.startup))

    async def _publish(self, topic: str, payload: str) -> None:
        if self._client is None or not self.is_connected.is_set():
            raise TryLater("the MQTT broker is not connected")
        try:
            await self._client.publish(topic, payload, qos=1, retain=False, timeout=PUBLISH_WITHIN_S)
        except aiomqtt.MqttError as reason:
            raise TryLater(str(reason)) from reason

    async def _run(self) -> None:
        wait_s = 0.5
        while True:
            try:
                async with self._new_client() as client:
                    for topic, qos in HEARD:
                        await client.subscribe(topic, qos=qos)
                    self._client, wait_s = client, 0.5
                    self.is_connected.set()
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
            max_queued_incoming_messages=MOST_WAITING,
            tls_params=aiomqtt.TLSParameters() if self._is_tls else None,
        )  # fmt: skip

    async def _take(self, message: aiomqtt.Message) -> None:
        """Decode in the order of arrival; wait for the database in the background, with so many under way at most."""
        topic, payload, at = message.topic.value, message.payload, now()
        if not isinstance(payload, bytes) or len(payload) > LARGEST_PAYLOAD:
            return
        # A retained message is a memory of the broker's. Only a presence stays true for as long as it is kept.
        if message.retain and not topic.endswith("/LWT"):
            return
        await self._room.acquire()
        task = asyncio.create_task(self._hear(topic, payload, at))
        self._under_way.add(task)
        task.add_done_callback(self._heard)

    def _heard(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._room.release()
        if not task.cancelled() and (reason := task.exception()):
            log.error("an mqtt message could not be stored", exc_info=reason)

    async def _hear(self, topic: str, payload: bytes, at: datetime) -> None:
        try:
            reports = tasmota.reports(topic, payload, now=at)
        except Invalid as refusal:
            log.warning("an mqtt message cannot be read", topic=topic, field=refusal.field, reason=str(refusal))
            return
        if not reports:
            return
        address = await self._addresses.of(reports[0].topic)
        if address is None:
            log.warning("an mqtt topic is nobody's", topic=topic)
            return
        await self._store(address, [DeviceReport(address.device_id, report) for report in reports])
        for report in reports:
            if isinstance(report, Presence) and report.is_online and address.asks_state:
                asking = asyncio.create_task(self._ask_state(report.topic, address.asks_state))
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)

    async def _store(self, address: Address, messages: list[DeviceReport]) -> None:
        while True:
            try:
                await self._intake.take_all(address.organization_id, hear, messages, by="mqtt")
                return
            except Busy as refusal:  # nobody would send it again, so it waits here, and holds back what comes after
                await asyncio.sleep(refusal.retry_after_s)
            except Refusal as refusal:
                log.info("an mqtt report was refused", reason=str(refusal))
                return

    async def _ask_state(self, topic: str, output: int) -> None:
        try:
            await self._publish(*tasmota.ask_state(topic, output))
        except TryLater as reason:
            log.info("a device could not be asked for its state", topic=topic, reason=str(reason))


class _Addresses:
    """Whose each topic is, kept in memory and read anew when a device comes, goes or changes its topic."""

    def __init__(self) -> None:
        self._known: dict[str, Address] | None = None
        self._reading = asyncio.Lock()
        self._read_at = 0.0
        self._stop_hearing: Callable[[], None] = lambda: None

    def start(self) -> None:
        self._stop_hearing = bus.listen("DeviceRegistered", "*", lambda heard: self._forget())

    def stop(self) -> None:
        self._stop_hearing()

    def _forget(self) -> None:
        self._known = None

    async def of(self, topic: str) -> Address | None:
        """Whose it is. An unknown topic is looked up anew at most once a second: the news of a device may be on its way."""
        known = self._known if self._known is not None else await self._read()
        if topic not in known and asyncio.get_running_loop().time() - self._read_at > 1:
            known = await self._read()
        return known.get(topic)

    async def _read(self) -> dict[str, Address]:
        async with self._reading:
            async with across_tenants("mqtt topics") as tx:
                known = await addresses(tx)
            self._known, self._read_at = known, asyncio.get_running_loop().time()
            return known


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[None]:
    """The embedded broker (unless another is set), the client at it, and what sends instructions through it."""
    broker = None if settings.mqtt_url else Broker(port=settings.mqtt_port, host=settings.mqtt_host)
    if broker:
        await broker.start()
    mqtt = Mqtt(broker.url if broker else settings.mqtt_url, _door.intake)
    instructions, questions = Instructions(mqtt.send), Questions(mqtt.ask, mqtt.tell)
    mqtt.start()
    instructions.start()
    questions.start()
    try:
        yield
    finally:
        await questions.stop()
        await instructions.stop()
        await mqtt.stop()
        if broker:
            await broker.stop()
