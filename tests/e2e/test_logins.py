"""What a device signs in with is made on its page, shown once, and opens the broker for this device alone."""

import aiomqtt
import pytest

from tests.e2e.conftest import Visitors
from tests.factories.farm import build_farm
from tests.factories.people import World
from tests.factories.served import Server

OWNER = "olga.green@example.org"


async def test_a_password_made_on_the_screen_opens_the_broker_and_the_old_one_does_not(visitors: Visitors, home: World, served: Server) -> None:
    farm = await build_farm(home.owner)
    owner = await visitors.signed_in(OWNER, width=390, height=844)
    page = await owner.open(f"/farm/devices/{farm.fan.id}/settings")
    await page.get_by_role("button", name="New password").click()
    await page.get_by_role("button", name="Make a new password").click()
    await page.locator(".st-secret-text").nth(1).wait_for()
    password, line = await page.locator(".st-secret-text").all_inner_texts()
    assert f"MqttPort {served.mqtt_port}; MqttUser {farm.fan.topic}; MqttPassword {password}; Topic {farm.fan.topic};" in line
    await page.get_by_role("button", name="I have stored it").click()
    await page.locator(".st-panel").last.wait_for(state="detached")
    async with aiomqtt.Client("127.0.0.1", served.mqtt_port, username=farm.fan.topic, password=password, timeout=5) as fan:
        await fan.publish(f"tele/{farm.fan.topic}/LWT", "Online", qos=1)
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client("127.0.0.1", served.mqtt_port, username=farm.fan.topic, password=farm.secrets[farm.fan.id], timeout=5):
            pass
