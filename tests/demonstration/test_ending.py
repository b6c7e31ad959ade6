"""Simulated devices end when they are told to, whatever swallows the word on its way."""

import asyncio

import aiomqtt
import pytest

from jobs.demonstration import simulation
from jobs.demonstration.boards import Board
from jobs.demonstration.farms import FARMS, House


async def test_a_device_that_fails_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "AGAIN_AFTER_S", 0.01)
    begun = 0

    async def life() -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise OSError("no route")

    await asyncio.wait_for(simulation._again(life), 5)
    assert begun == 3


async def test_a_device_whose_good_bye_fails_ends_all_the_same() -> None:
    begun = asyncio.Event()

    async def life() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise OSError("the broker did not say good-bye") from None

    task = asyncio.create_task(simulation._again(life))
    await begun.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    assert task.cancelled()


async def test_a_board_whose_broker_says_no_good_bye_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    device = next(device for device in FARMS[0].devices if device.role == "fan")
    board = Board(device, House("House 1"), port=1, token="token", is_on=False)
    begun = asyncio.Event()

    async def connected(_: Board) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise aiomqtt.MqttError("Operation timed out") from None

    monkeypatch.setattr(Board, "_connected", connected)
    task = asyncio.create_task(board.run())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    assert task.cancelled()
