"""A broker of ours with everything that speaks over it, and a farm."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from data.core.intake import Intake
from jobs.instructions import Instructions
from jobs.networks.broker import Broker
from jobs.networks.mqtt import Mqtt
from jobs.questions import Questions
from tests.factories.farm import FarmWorld, build_farm
from tests.factories.people import World


@pytest.fixture
async def port(world: World) -> AsyncIterator[int]:
    intake, broker = Intake(), Broker(port=0)
    intake.start()
    await broker.start()
    mqtt = Mqtt(broker.url, intake)
    instructions, questions = Instructions(mqtt.send, look_again_s=0.2), Questions(mqtt.ask, mqtt.tell)
    for one in (mqtt, instructions, questions):
        one.start()
    await asyncio.wait_for(mqtt.is_connected.wait(), 5)
    yield broker.port
    await questions.stop()
    await instructions.stop()
    await mqtt.stop()
    await broker.stop()
    await intake.stop()


@pytest.fixture
async def farm(world: World) -> FarmWorld:
    return await build_farm(world.owner)
