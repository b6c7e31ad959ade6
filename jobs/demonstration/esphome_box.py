"""A box that runs ESPHome ventilates the second house: its fan turns at any speed, it has a probe of its own, and a lamp in it announces
itself and waits for somebody to take it in."""

import asyncio
import json
from pathlib import Path
from random import Random
from uuid import UUID

import aiomqtt
from sqlmodel import col, select

from data.core.session import transaction
from data.core.time import now
from data.farm import commands, queries
from data.farm.rules.topics import discovery_of
from data.farm.tables import Device, DeviceType, Dialect
from data.identity.tables import Role
from jobs.demonstration.boards import end_if_cancelled
from jobs.demonstration.farms import FARMS, HOUSE_2, House
from jobs.demonstration.kept import Kept
from jobs.demonstration.people import Staff

BOX, FAN, LAMP = "takhmau-box", "takhmau-box/fan/exhaust", "takhmau-box/light/lamp"
THINGS = (
    (BOX, "Ventilation box · ប្រអប់ខ្យល់", DeviceType.SENSOR, None), (FAN, "Exhaust fan · កង្ហារបូមខ្យល់", DeviceType.PWM, "air"),
)  # fmt: skip
DEVICE = {"ids": "a0b76504c2f1", "name": "Ventilation box", "mf": "Espressif", "mdl": "esp32dev", "sw": "2025.4.0", "sa": HOUSE_2}
SENSE_EVERY_S = 30.0
ANSWERS_WITHIN_S = (0.05, 0.3)


class EsphomeBox:
    """One box. What it says is what ESPHome says, word for word."""

    def __init__(self, staff: Staff, kept: Kept, folder: Path, house: House, *, port: int) -> None:
        self._staff, self._kept, self._folder, self._house, self._port = staff, kept, folder, house, port
        self._chance, self._began_s = Random(47), now().timestamp()
        self.is_on, self.level, self._lamp = False, 100, {"state": "OFF", "brightness": 255, "color_mode": "brightness"}

    async def run(self) -> None:
        """Be hung up, once, then live until cancelled; a box that is not let in any more gets a new password."""
        farm_id = await self._hung_up()
        while True:
            try:
                await self._connected(farm_id)
            except* aiomqtt.MqttError as reasons:
                if any("not auth" in str(reason).lower() for reason in reasons.exceptions):
                    self._kept.boards.pop(BOX, None)
                    await self._hung_up()
            end_if_cancelled()
            await asyncio.sleep(5)

    async def _hung_up(self) -> UUID:
        async with transaction(self._staff.acting(Role.OWNER)) as tx:
            farm = next(one for one in await queries.farms(tx) if one.name == FARMS[0].name)
            there = {device.topic: device for device in await tx.exec(select(Device).where(col(Device.topic).in_((BOX, FAN)), col(Device.deleted_at).is_(None)))}
            for topic, name, kind, icon in THINGS:
                there[topic] = there.get(topic) or await commands.register_device(
                    tx, farm.id, name=name, topic=topic, device_type=kind, location=HOUSE_2, model="ESP32, ESPHome 2025.4", dialect=Dialect.ESPHOME, icon=icon
                )
            password = self._kept.boards.get(BOX) or (await commands.make_login(tx, there[BOX].id)).password
        if self._kept.boards.get(BOX) != password:
            self._kept.boards[BOX] = password
            self._kept.write(self._folder)
        return farm.id

    async def _connected(self, farm_id: UUID) -> None:
        will = aiomqtt.Will(f"{BOX}/status", "offline", qos=1, retain=True)
        async with aiomqtt.Client("127.0.0.1", self._port, username=BOX, password=self._kept.boards[BOX], identifier=BOX, will=will, keepalive=15) as client:
            for topic in (f"{FAN}/command", f"{FAN}/speed_level/command", f"{LAMP}/command"):
                await client.subscribe(topic, qos=1)
            await client.publish(f"{BOX}/status", "online", qos=1, retain=True)
            await client.publish(f"{discovery_of(farm_id)}/light/{BOX}/lamp/config", json.dumps(self.announcement()), qos=1, retain=True)
            await self._tell(client)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._obey(client))
                tasks.create_task(self._sense(client))

    def announcement(self) -> dict[str, object]:
        """How it announces its lamp."""
        return {
            "schema": "json", "name": "Lamp", "brightness": True, "sup_clrm": ["brightness"], "stat_t": f"{LAMP}/state", "cmd_t": f"{LAMP}/command",
            "avty_t": f"{BOX}/status", "uniq_id": "ESPlightlamp", "dev": DEVICE,
        }  # fmt: skip

    def obey(self, topic: str, payload: str) -> None:
        """Do what is asked; what is not understood is left alone."""
        if topic == f"{FAN}/command" and payload in ("ON", "OFF"):
            self.is_on = payload == "ON"
        elif topic == f"{FAN}/speed_level/command" and payload.isdigit():
            self.level = min(int(payload), 100)
        elif topic == f"{LAMP}/command":
            wish = json.loads(payload)
            self._lamp |= {key: wish[key] for key in ("state", "brightness") if key in wish}
        self._house.is_on["exhaust"] = self.is_on

    async def _obey(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            await asyncio.sleep(self._chance.uniform(*ANSWERS_WITHIN_S))
            self.obey(message.topic.value, message.payload.decode(errors="replace") if isinstance(message.payload, bytes) else "")
            await self._tell(client)

    async def _tell(self, client: aiomqtt.Client) -> None:
        for topic, payload in (
            (f"{FAN}/state", "ON" if self.is_on else "OFF"), (f"{FAN}/speed_level/state", str(self.level)), (f"{LAMP}/state", json.dumps(self._lamp)),
        ):  # fmt: skip
            await client.publish(topic, payload, qos=1, retain=True)

    async def _sense(self, client: aiomqtt.Client) -> None:
        while True:
            at_s = now().timestamp()
            celsius, percent = self._house.air(47, at_s)
            for name, value in (("air_temperature", celsius), ("air_humidity", percent), ("wifi_signal", -61), ("uptime", round(at_s - self._began_s))):
                await client.publish(f"{BOX}/sensor/{name}/state", str(value), qos=0, retain=True)
            await asyncio.sleep(SENSE_EVERY_S)
