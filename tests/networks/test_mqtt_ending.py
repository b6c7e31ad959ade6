"""The server's client ends when it is told to, even where the broker says no good-bye."""

import asyncio
from typing import Self

import aiomqtt
import pytest

from data.core.intake import Intake
from jobs.networks.mqtt import Mqtt


class Mute:
    """A broker's connection that opens, says nothing, and cannot be closed in good order."""

    def __init__(self) -> None:
        self.messages = self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        raise aiomqtt.MqttError("Operation timed out")

    async def subscribe(self, topic: list[tuple[str, int]]) -> None:
        pass

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> aiomqtt.Message:
        await asyncio.sleep(60)
        raise StopAsyncIteration


async def test_stopping_does_not_wait_for_a_mute_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    mqtt = Mqtt("mqtt://127.0.0.1:1", Intake())
    monkeypatch.setattr(mqtt, "_new_client", Mute)
    mqtt.start()
    await asyncio.wait_for(mqtt.is_connected.wait(), 5)
    await asyncio.wait_for(mqtt.stop(), 5)
