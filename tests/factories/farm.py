"""A farm with a relay and a probe, and devices that speak Tasmota's dialect to a broker as the real ones do."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import aiomqtt

from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.farm import commands
from data.farm.tables import Device, DeviceType, Farm
from data.farm.values import DeviceReport, Presence, StateReport


@dataclass(frozen=True, slots=True)
class FarmWorld:
    """One farm of the first organization, with two relays, a probe, and the secrets they sign in with."""

    farm: Farm
    fan: Device
    pump: Device
    probe: Device
    secrets: dict[UUID, str]


async def build_farm(owner: Actor, *, prefix: str = "green", time_zone: str = "Asia/Phnom_Penh") -> FarmWorld:
    """Make it as its owner would. Topics start with `prefix`, since they are unique in the installation."""
    async with transaction(owner) as tx:
        farm = await commands.create_farm(tx, name="Chicken house", time_zone=time_zone)
        made = [
            await commands.register_device(tx, farm.id, name=name, topic=f"{prefix}-{name.lower()}", device_type=kind, location="Room 1")
            for name, kind in (("Fan", DeviceType.RELAY), ("Pump", DeviceType.RELAY), ("Probe", DeviceType.SENSOR))
        ]
        secrets = {device.id: (await commands.make_login(tx, device.id)).password for device in made}
    return FarmWorld(farm, *made, secrets=secrets)


async def bring_online(owner: Actor, *devices: Device, is_on: bool | None = None, at: datetime | None = None) -> None:
    """As if the devices had said so themselves."""
    heard = at or now()
    messages = [DeviceReport(d.id, Presence(d.topic, True, heard)) for d in devices]
    if is_on is not None:
        messages += [DeviceReport(d.id, StateReport(d.topic, 1, is_on, heard)) for d in devices]
    async with transaction(Actor.machine(owner.organization_id, "tests")) as tx:
        await commands.hear(tx, messages)


@dataclass
class Tasmota:
    """A relay at the broker. `answers` off makes it hear and say nothing; `asked` is what it was told, in order."""

    topic: str
    client: aiomqtt.Client
    is_on: bool = False
    answers: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def say(self, prefix: str, kind: str, payload: Any, *, retain: bool = False) -> None:
        text = payload if isinstance(payload, str) else json.dumps(payload)
        await self.client.publish(f"{prefix}/{self.topic}/{kind}", text, qos=1, retain=retain)

    async def obey(self) -> None:
        async for message in self.client.messages:
            wished = bytes(message.payload).decode()  # type: ignore[arg-type]
            self.asked.append((message.topic.value, wished))
            if not message.topic.value.rpartition("/")[2].startswith("POWER"):
                continue  # a setting
            if wished:
                self.is_on = wished == "ON" if self.answers else self.is_on
            if self.answers:
                state = "ON" if self.is_on else "OFF"
                await self.say("stat", "RESULT", {"POWER": state})
                await self.say("stat", "POWER", state)


@asynccontextmanager
async def tasmota(
    port: int, topic: str, secret: str, *, is_on: bool = False, will_topic: str | None = None, user: str | None = None,
    clean_session: bool = True, timeout_s: float = 10,
) -> AsyncIterator[Tasmota]:  # fmt: skip
    """A device that is connected and has said that it is online."""
    client = aiomqtt.Client(
        "127.0.0.1", port, username=user or topic, password=secret, identifier=f"DVES_{topic}", timeout=timeout_s,
        clean_session=clean_session, will=aiomqtt.Will(will_topic or f"tele/{topic}/LWT", "Offline", qos=1, retain=True),
        socket_options=((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),),
    )  # fmt: skip
    async with client:
        device = Tasmota(topic, client, is_on=is_on)
        await client.subscribe(f"cmnd/{topic}/#", qos=1)
        task = asyncio.create_task(device.obey())
        await device.say("tele", "LWT", "Online", retain=True)
        try:
            yield device
        finally:
            with suppress(aiomqtt.MqttError):  # somebody may have pulled the cable
                if task.done():
                    task.result()
            while not task.done():  # again, since a wait_for inside the client may swallow a cancellation
                task.cancel()
                await asyncio.wait([task], timeout=0.2)


async def eventually(is_so: Callable[[], Any], *, within_s: float = 10.0) -> Any:
    """Wait until an (async) question answers something true; that answer. AssertionError when it never does."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        answer = is_so()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < deadline, "it never became so"
        await asyncio.sleep(0.02)
