"""A gateway in the third house: it shows a code, somebody of the farm types it, and it speaks for a fan, a heater and two probes."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import httpx

from data.core.session import transaction
from data.core.time import now
from data.farm import queries
from data.farm.commands.gateways import claim_gateway
from data.farm.commands.gateways_asked import take_in
from data.identity.tables import Role
from jobs.demonstration.farms import FARMS, House
from jobs.demonstration.kept import Kept
from jobs.demonstration.people import Staff

HARDWARE_ID, HOUSE = "PI_10000000c4a7", "House 3 · ទ្រុងទី៣"
POLL_S, TELL_EVERY, BEAT_EVERY, LIST_EVERY = 5.0, 4, 6, 120
"""It polls each five seconds, and does the rest every so many polls."""
EMPTY, FULL = 3_400, 600
DEVICES = (
    {"type": "relay", "model": "fan", "name": "Fan · កង្ហារ"},
    {"type": "relay", "model": "heater", "name": "Brooder heater · ឧបករណ៍កំដៅកូនមាន់"},
    {"type": "sensor", "model": "temp_humidity", "name": "Climate probe · ឧបករណ៍វាស់អាកាសធាតុ"},
    {"type": "sensor", "model": "water_level", "name": "Water tank · ធុងទឹក"},
)


class GatewayBox:
    """One box. What it fetched it keeps, so that it asks for a code only once."""

    def __init__(self, client: httpx.AsyncClient, staff: Staff, kept: Kept, folder: Path) -> None:
        self._client, self._staff, self._kept, self._folder = client, staff, kept, folder
        self._house, self._chance = House(HOUSE), Random(31)
        self._water = 0.8

    async def run(self) -> None:
        """Become somebody's, then live until cancelled, or until somebody removes it."""
        if not self._kept.gateway:
            self._kept.gateway = await self._claimed()
            self._kept.write(self._folder)
        told = self._kept.gateway
        try:
            await self._live({"X-Gateway-Token": told["token"]}, f"/v1/farms/{told['farm_id']}/coops/{told['coop_id']}")
        except httpx.HTTPStatusError as reason:
            if reason.response.status_code != httpx.codes.UNAUTHORIZED:
                raise

    async def _live(self, headers: dict[str, str], place: str) -> None:
        count = 0
        while True:
            if count % LIST_EVERY == 0:
                await self._post(f"{place}/devices/report", {"hardware_id": HARDWARE_ID, "devices": list(DEVICES)}, headers)
                await self._taken_in(place)
            if count % BEAT_EVERY == 0:
                states = {name: "on" if self._house.is_on.get(name) else "off" for name in ("fan", "heater")}
                said = {"status": "online", "firmware_version": "1.3.0", "uptime_seconds": count * POLL_S, "states": states}
                await self._post("/v1/gateway/heartbeat", said, headers)
            if count % TELL_EVERY == 0:
                await self._post(f"{place}/telemetry", {"hardware_id": HARDWARE_ID, "sensors": self.sensors(now().timestamp())}, headers)
            await self._obey(headers)
            count += 1
            await asyncio.sleep(POLL_S)

    def sensors(self, at_s: float) -> dict[str, Any]:
        """What its probes measure: the air, and a tank that birds drink from and somebody fills up."""
        celsius, percent = self._house.air(31, at_s)
        self._water = self._water - self._chance.uniform(0, 0.002) if self._water > 0.35 else 0.95
        return {"temperature_c": celsius, "humidity_pct": percent, "water_level_raw": round(EMPTY + (FULL - EMPTY) * self._water)}

    def done(self, command: dict[str, Any]) -> dict[str, Any]:
        """What it answers to a command, having switched what is meant."""
        name, _, word = str(command["command_type"]).rpartition("_")
        if name not in ("fan", "heater") or word not in ("on", "off"):
            return {"status": "failed", "response": "Unknown command"}
        self._house.is_on[name] = word == "on"
        return {"status": "executed", "response": f"{name} is {word}"}

    async def _claimed(self) -> dict[str, str]:
        asked = (await self._post("/v1/gateway/provision/request", {"hardware_id": HARDWARE_ID, "model": "Raspberry Pi 4"}, {}))["data"]
        owner = self._staff.acting(Role.OWNER)
        async with transaction(owner) as tx:
            farm = next(one for one in await queries.farms(tx) if one.name == FARMS[0].name)
            await claim_gateway(tx, asked["setup_code"], farm_id=farm.id, house=HOUSE)
        answer = await self._client.get(
            f"/v1/gateway/provision/status/{asked['setup_code']}", headers={"X-Poll-Token": asked["poll_token"]}
        )
        told: dict[str, str] = answer.raise_for_status().json()["data"]
        return {name: told[name] for name in ("token", "farm_id", "coop_id")}

    async def _taken_in(self, place: str) -> None:
        async with transaction(self._staff.acting(Role.OWNER)) as tx:
            await take_in(tx, UUID(place.rpartition("/")[2]))

    async def _obey(self, headers: dict[str, str]) -> None:
        answer = await self._client.get(f"/v1/gateway/commands/{HARDWARE_ID}", headers=headers)
        for command in answer.raise_for_status().json()["data"]:
            await asyncio.sleep(self._chance.uniform(0.2, 0.8))
            await self._post(f"/v1/gateway/commands/{command['id']}/status", self.done(command), headers)

    async def _post(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        answer = await self._client.post(path, json=body, headers=headers)
        said: dict[str, Any] = answer.raise_for_status().json()
        return said
