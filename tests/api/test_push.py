"""Programs that stay connected are told what changes where they may look, and are put out with their session."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import socketio
import uvicorn
import websockets
from fastapi import FastAPI

from data.alerts.commands import Trouble, raise_alerts, resolve_open
from data.alerts.tables import Severity
from data.core.actor import Actor
from data.core.bus import bus
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm.commands import gateways, remove_device
from data.farm.rules.planning import Timing
from data.farm.values import SensorValue
from data.identity import commands as identity
from data.identity import door, members, programs
from data.identity.door import Browser
from data.identity.tables import Role
from data.notifications.events import InboxChanged
from data.notifications.tables import Notification
from jobs import api
from jobs.api.push._feed import _open
from jobs.api.push._listeners import MOST_WAITING, Listener, everybody
from tests.factories.alerts import system
from tests.factories.farm import FarmWorld, bring_online, build_farm
from tests.factories.gateways import claimed
from tests.factories.people import World
from tests.farm.asking import hear, plan, planned_at, run

PATH = "/v1/socket.io"


@pytest.fixture
async def address(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Where the doors are open, on loopback."""
    monkeypatch.setattr("jobs.api.push._feed.PAUSE_S", 0.01)
    app = FastAPI()
    app.include_router(api.router)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        running = asyncio.create_task(server.serve([bound]))
        while not server.started:
            await asyncio.sleep(0.005)
        yield f"127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        await running
    assert not len(everybody) and not _open, "whoever is gone hears nothing, and nothing is asked for them"


async def token(actor: Actor) -> programs.Tokens:
    assert actor.user_id
    async with across_tenants("tests") as tx:
        opened = await door.open_session(tx, actor.user_id, Browser())
    return await programs.open_for(opened)


class Connected:
    """A program over Socket.IO, and all it was told."""

    def __init__(self) -> None:
        self.line = socketio.AsyncClient(reconnection=False)
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.line.on("*", lambda event, data=None: self.heard.put_nowait((event, data)))
        self.line.on("connect_error", lambda data=None: self.heard.put_nowait(("refused", data)))
        self.line.on("disconnect", lambda *_: self.heard.put_nowait(("cut", None)))

    async def come(self, address: str, auth: Any) -> None:
        await self.line.connect(f"http://{address}", auth=auth, socketio_path=PATH, transports=["websocket"])

    async def until(self, event: str) -> Any:
        async with asyncio.timeout(10):
            while True:
                name, data = await self.heard.get()
                if name == event:
                    return data


def trouble(farm: FarmWorld) -> Trouble:
    return Trouble("farm.devices", farm.fan.id, "Fan", "device_silent", Severity.CRITICAL, "{name} is silent.", "farm.view", {"name": "Fan"}, scope_id=farm.farm.id)


async def test_over_socket_io_whoever_may_is_told_of_a_farm_and_switches_there(world: World, address: str) -> None:
    farm = await build_farm(world.owner)
    await bring_online(world.owner, farm.fan, farm.pump, is_on=False)
    nobody, keeper, stranger = Connected(), Connected(), Connected()
    with pytest.raises(socketio.exceptions.ConnectionError):
        await nobody.come(address, {"token": "odd"})
    assert (await nobody.until("refused"))["data"]["code"] == "UNAUTHORIZED"
    mine = await token(world.keeper)
    await keeper.come(address, {"token": mine.access})
    await stranger.come(address, {"token": (await token(world.stranger)).access})
    assert (await stranger.line.call("farm:subscribe", {"farm_id": str(farm.farm.id)}))["error"]["code"] == "FARM_NOT_FOUND"
    assert (await stranger.line.call("device:command", {"device_id": str(farm.fan.id), "command_type": "on"}))["error"]["code"] == "DEVICE_NOT_FOUND"
    assert (await keeper.line.call("farm:subscribe", {"farm_id": "x"}))["error"]["details"]["field"] == "farm_id"
    assert (await keeper.line.call("farm:subscribe", {"farm_id": str(farm.farm.id)}))["is_subscribed"] is True

    asked = await keeper.line.call("device:command", {"device_id": str(farm.fan.id), "command_type": "on"})
    assert asked["status"] == "queued"
    told = await keeper.until("device:command-status")
    assert (told["command_id"], told["status"], told["device_id"]) == (asked["id"], "queued", str(farm.fan.id))
    wrong = await keeper.line.call("device:command", {"device_id": str(farm.fan.id), "command_type": "set_angle", "command_params": {"angle": 5}})
    assert wrong["error"]["code"] == "INVALID_INPUT"

    await hear(world, farm.probe, SensorValue(farm.probe.topic, "temperature", 31.5, "°C", now()))
    (read,) = (await keeper.until("sensor:reading"))["devices"]
    assert (read["name"], read["readings"]["temperature"]["value"]) == ("Probe", 31.5)
    async with transaction(system(world)) as tx:
        await raise_alerts(tx, [(trouble(farm), now())])
    assert (await keeper.until("alert:triggered"))["alert"]["message"] == "Fan is silent."
    async with transaction(system(world)) as tx:
        await resolve_open(tx, farm.fan.id, "device_silent", at=now(), because="It spoke.")
    assert (await keeper.until("alert:resolved"))["alert"]["resolution"] == "It spoke."

    schedule = await plan(world.owner, farm.pump, Timing(cron_expression="* * * * *"))
    await run(world, await planned_at(world, schedule))
    assert (await keeper.until("schedule:executed"))["schedule_id"] == str(schedule.id)

    async with transaction(world.owner) as tx:
        await remove_device(tx, farm.pump.id)
    assert (await keeper.until("device:removed"))["device_id"] == str(farm.pump.id)

    bus._resynchronize()
    assert (await keeper.until("resync"))["reason"] == "missed"
    assert (await keeper.line.call("farm:unsubscribe", {"farm_id": str(farm.farm.id)}))["is_subscribed"] is False, "whose rights are the same stays"
    assert world.keeper.user_id
    (session,) = await door.sessions_of(world.keeper.user_id)
    await door.end_session(world.keeper.user_id, session.id)
    assert (await keeper.until("session:ended"))["reason"] == "session"
    await keeper.until("cut")
    assert [stranger.heard.get_nowait()[0] for _ in range(stranger.heard.qsize())] == ["resync"]
    await stranger.line.disconnect()


async def test_over_a_plain_line_the_same_is_told_until_roles_change(world: World, address: str) -> None:
    farm = await build_farm(world.owner)
    async with websockets.connect(f"ws://{address}/v1/ws") as line:
        await line.send(json.dumps({"token": "odd"}))
        assert json.loads(await line.recv())["data"]["code"] == "UNAUTHORIZED"
    mine = await token(world.viewer)
    async with websockets.connect(f"ws://{address}/v1/ws", additional_headers={"Authorization": f"Bearer {mine.access}"}) as line:
        assert (json.loads(await line.recv()))["data"]["user_id"] == str(world.viewer.user_id)

        async def ask(event: str, **data: Any) -> Any:
            await line.send(json.dumps({"event": event, "data": data, "id": event}))
            return await until("ack")

        async def until(event: str) -> Any:
            async with asyncio.timeout(10):
                while (said := json.loads(await line.recv()))["event"] != event:
                    pass
            return said["data"]

        assert (await ask("device:subscribe", device_id=str(farm.fan.id)))["farm_id"] == str(farm.farm.id)
        assert (await ask("device:command", device_id=str(farm.fan.id), command_type="on"))["error"]["code"] == "FORBIDDEN"
        assert (await ask("odd"))["error"]["details"]["field"] == "event"
        await bring_online(world.owner, farm.pump)
        await bring_online(world.owner, farm.fan)
        assert (await until("device:update"))["device"]["name"] == "Fan"
        assert world.viewer.user_id
        async with transaction(system(world)) as tx:
            values = {"name": "Fan"}
            tx.add(Notification(user_id=world.viewer.user_id, notification_type="alert", severity=Severity.WARNING, message="{name} is warm.", message_values=values))
            tx.emit(InboxChanged(user_id=world.viewer.user_id))
        told = await until("notification:new")
        assert (told["notification"]["message"], told["unread_count"]) == ("Fan is warm.", 1)
        async with transaction(world.viewer) as tx:
            await identity.rename(tx, "Vera, newly named")
        assert (await ask("device:unsubscribe", device_id=str(farm.fan.id)))["is_subscribed"] is False
        async with transaction(world.owner) as tx:
            await members.change_role(tx, world.viewer.user_id, role=Role.KEEPER)
        assert (await until("session:ended"))["reason"] == "rights"
        with pytest.raises(websockets.ConnectionClosed):
            await line.recv()


async def test_a_gateway_hears_of_its_own_farm_only_and_as_long_as_its_token_is_good(world: World, address: str) -> None:
    farm, other = await build_farm(world.owner), await build_farm(world.owner, prefix="hill")
    box = await claimed(world.owner, farm)
    async with websockets.connect(f"ws://{address}/v1/ws", additional_headers={"Authorization": f"Bearer {box.token}"}) as line:
        assert json.loads(await line.recv())["data"]["user_id"] is None
        for data, said in (({"farm_id": str(other.farm.id)}, "FARM_NOT_FOUND"), ({"farm_id": str(farm.farm.id)}, None)):
            await line.send(json.dumps({"event": "farm:subscribe", "data": data, "id": 1}))
            assert json.loads(await line.recv())["data"].get("error", {}).get("code") == said
        async with transaction(world.owner) as tx:
            await gateways.remove_gateway(tx, box.gateway.id)
        assert json.loads(await line.recv())["event"] == "session:ended"


async def test_a_line_on_which_nobody_shows_a_token_is_cut(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr("jobs.api.push._socket_io.SHOWN_WITHIN_S", 0.01)
    monkeypatch.setattr("jobs.api.push._lines.FIRST_WITHIN_S", 0.01)
    for path, code in ((f"{PATH}/?EIO=4&transport=websocket", 1000), ("/v1/ws", 4401)):
        async with websockets.connect(f"ws://{address}{path}") as line:
            async with asyncio.timeout(10):
                await line.wait_closed()
            assert line.close_code == code


async def test_whoever_is_too_slow_is_told_that_they_missed_something(world: World) -> None:
    taken, may_go = list[str](), asyncio.Event()

    async def say(event: str, data: Any) -> None:
        await may_go.wait()
        taken.append(event)

    one = Listener(world.owner, say, lambda: asyncio.sleep(0))
    for number in range(3 * MOST_WAITING):
        one.tell(str(number), None)
        await asyncio.sleep(0)
    may_go.set()
    while len(taken) < 2 or taken[-1] != str(3 * MOST_WAITING - 1):
        await asyncio.sleep(0)
    assert taken[1] == "resync" and len(taken) <= MOST_WAITING + 1
    one.gone()
