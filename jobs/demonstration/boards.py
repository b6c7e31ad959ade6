"""Boards with Tasmota on them: each signs in to the broker as itself, does what it is told, and says so."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from random import Random
from typing import NamedTuple

import aiomqtt
import structlog

from data.core.time import now
from data.farm.tables import DeviceType
from jobs.demonstration.farms import Device, House

log = structlog.get_logger()

SENSOR_EVERY_S, STATE_EVERY_S = 20.0, 120.0
ANSWERS_WITHIN_S = (0.12, 0.6)
SHORTEST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
LOSES_WIFI_AFTER_S, COMES_BACK_AFTER_S = (420.0, 900.0), (45.0, 90.0)


def end_if_cancelled() -> None:
    """Go on with a cancellation that something swallowed on its way (aiomqtt, where its good-bye takes too long)."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError


class Said(NamedTuple):
    """A message to the broker."""

    topic: str
    payload: str
    retain: bool = False


class Board:
    """One board. What it says in `answer`, `state` and `sensor` is what Tasmota says, word for word."""

    def __init__(self, device: Device, house: House, *, port: int, token: str, is_on: bool) -> None:
        self.device, self._house, self._port, self._token = device, house, port, token
        self._chance = Random(device.seed)
        self._started_at = now()
        if self.is_relay:
            house.is_on[device.role] = is_on

    @property
    def is_relay(self) -> bool:
        return self.device.device_type is DeviceType.RELAY

    @property
    def is_on(self) -> bool:
        return self._house.is_on.get(self.device.role, False)

    def answer(self, command: str, payload: str) -> Iterator[Said]:
        """What follows from `cmnd/<topic>/<command>`: POWER and POWER1 switch or tell; nothing else is understood."""
        if not self.is_relay or command.upper() not in ("POWER", "POWER1"):
            return
        word = payload.strip().upper()
        if word in ("ON", "1", "OFF", "0", "TOGGLE", "2"):
            self._house.is_on[self.device.role] = word in ("ON", "1") or (word in ("TOGGLE", "2") and not self.is_on)
        yield from self.power()

    def power(self) -> Iterator[Said]:
        """Whether it is on, as it tells twice after each question."""
        word = "ON" if self.is_on else "OFF"
        yield Said(f"stat/{self.device.topic}/RESULT", json.dumps({"POWER": word}))
        yield Said(f"stat/{self.device.topic}/POWER", word)

    def state(self, at: datetime) -> Said:
        """The periodic word of a board that is well."""
        said: dict[str, object] = {
            "Time": _local(at), "Uptime": str(at - self._started_at).split(".")[0], "Heap": 27, "SleepMode": "Dynamic",
            "MqttCount": 1, "Wifi": {"AP": 1, "SSId": "angkor-fresh-farm", "Channel": 6, "RSSI": self._chance.randint(56, 88)},
        }  # fmt: skip
        if self.is_relay:
            said["POWER"] = "ON" if self.is_on else "OFF"
        return Said(f"tele/{self.device.topic}/STATE", json.dumps(said))

    def sensor(self, at: datetime) -> Said:
        """What its probe measures."""
        warmth, moist = self._house.air(self.device.seed, at.timestamp())
        dew = round(warmth - (100 - moist) / 5, 1)
        probe = {"Temperature": warmth, "Humidity": moist, "DewPoint": dew}
        return Said(f"tele/{self.device.topic}/SENSOR", json.dumps({"Time": _local(at), "AM2301": probe, "TempUnit": "C"}))

    async def run(self) -> None:
        """Live until cancelled: a lost broker is looked for again, less and less often, as boards do."""
        wait_s, clock = SHORTEST_WAIT_S, asyncio.get_running_loop().time
        while True:
            began_at = clock()
            try:
                await self._connected()
            except* aiomqtt.MqttError as reasons:
                log.debug("a simulated board lost its broker", topic=self.device.topic, reason=str(reasons.exceptions[0]))
            end_if_cancelled()
            wait_s = SHORTEST_WAIT_S if clock() - began_at > LONGEST_WAIT_S else min(wait_s * 2, LONGEST_WAIT_S)
            await asyncio.sleep(self._chance.uniform(*COMES_BACK_AFTER_S) if self.device.is_flaky else wait_s)

    async def _connected(self) -> None:
        presence = f"tele/{self.device.topic}/LWT"
        async with aiomqtt.Client(
            "127.0.0.1", self._port, username=self.device.topic, password=self._token, identifier=self.device.topic,
            will=aiomqtt.Will(presence, "Offline", qos=1, retain=True), keepalive=30, timeout=10,
        ) as client:  # fmt: skip
            await client.publish(presence, "Online", qos=1, retain=True)
            await client.subscribe(f"cmnd/{self.device.topic}/#", qos=1)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._obey(client))
                tasks.create_task(self._tell(client))
                if self.device.is_flaky:
                    tasks.create_task(self._lose_wifi(client))

    async def _obey(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            payload = message.payload.decode(errors="replace") if isinstance(message.payload, bytes) else ""
            await asyncio.sleep(self._chance.uniform(*ANSWERS_WITHIN_S))
            await self._say(client, *self.answer(message.topic.value.rpartition("/")[2], payload))

    async def _tell(self, client: aiomqtt.Client) -> None:
        """State and readings, each in its own rhythm, boards not all at once."""
        states_at = asyncio.get_running_loop().time()
        while True:
            if asyncio.get_running_loop().time() >= states_at:
                states_at += STATE_EVERY_S
                await self._say(client, self.state(now()))
            if not self.is_relay:
                await self._say(client, self.sensor(now()))
            await asyncio.sleep(SENSOR_EVERY_S * self._chance.uniform(0.9, 1.1))

    async def _lose_wifi(self, client: aiomqtt.Client) -> None:
        """The line goes dead without a word, so that the broker tells the last will."""
        await asyncio.sleep(self._chance.uniform(*LOSES_WIFI_AFTER_S))
        line = client._client.socket()
        if isinstance(line, socket.socket):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    async def _say(self, client: aiomqtt.Client, *said: Said) -> None:
        for one in said:
            await client.publish(one.topic, one.payload, qos=1 if one.topic.startswith("stat/") else 0, retain=one.retain)


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%dT%H:%M:%S")
