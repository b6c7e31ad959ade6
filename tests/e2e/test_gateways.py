"""A farmer stands before a box in the house with a telephone, and a minute later its fan turns."""

from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from data.core.session import transaction
from data.farm import commands, queries
from tests.e2e.conftest import Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.factories.farm import build_farm
from tests.factories.people import World
from tests.factories.served import Server

pytestmark = pytest.mark.e2e
OWNER = "olga.green@example.org"


async def said(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_box_is_claimed_by_its_code_lists_its_fan_and_does_what_is_asked(served: Server, home: World, visitors: Visitors) -> None:
    farm = await build_farm(home.owner, prefix="claims")
    async with httpx.AsyncClient(base_url=served.url) as box:
        asked = await said(await box.post("/v1/gateway/provision/request", json={"hardware_id": "PI_E2E"}))
        page = await (await visitors.signed_in(OWNER, width=390, height=844)).open("/farm/gateways")
        await page.get_by_role("button", name="Claim a gateway").first.click()
        panel = page.locator(".st-panel")
        await panel.get_by_label("Code on its screen").fill("kkk kkk")
        await panel.get_by_role("button", name="Room 1").click()
        await panel.get_by_role("button", name="Claim it").click()
        await expect(panel.get_by_text("No gateway waits for this code.")).to_be_visible()
        await panel.get_by_label("Code on its screen").fill(asked["setup_code"].lower().replace("-", " "))
        await panel.get_by_role("button", name="Claim it").click()
        await expect(page.get_by_text("Not heard yet")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390

        status = f"/v1/gateway/provision/status/{asked['setup_code']}"
        mine = await said(await box.get(status, headers={"X-Poll-Token": asked["poll_token"]}))
        box.headers["X-Gateway-Token"] = mine["token"]
        place = f"/v1/farms/{mine['farm_id']}/coops/{mine['coop_id']}"
        assert mine["farm_id"] == str(farm.farm.id)
        await said(await box.post(f"{place}/devices/report", json={"devices": [{"type": "relay", "model": "fan", "name": "Big fan"}]}))
        await expect(page.get_by_role("button", name="Big fan is not wanted")).to_be_visible()
        await page.evaluate(AXE)
        assert serious(await page.evaluate(RUN)) == []
        await page.get_by_role("button", name="Take in").click()
        await expect(page.get_by_role("link", name="Big fan")).to_be_visible()
        await expect(page.get_by_text("Online", exact=True)).to_be_visible()

        async with transaction(home.owner) as tx:
            (fan,) = [device for device in await queries.devices(tx, farm_id=farm.farm.id) if device.name == "Big fan"]
            await commands.switch(tx, fan.id, on=True)
        (command,) = await said(await box.get("/v1/gateway/commands/PI_E2E"))
        assert command["command_type"] == "fan_on"
        await said(await box.post(f"/v1/gateway/commands/{command['id']}/status", json={"status": "executed", "response": "ok"}))
        await expect(page.get_by_text("On", exact=True)).to_be_visible()

        await page.get_by_role("button", name="Remove").click()
        await panel.get_by_role("button", name="Remove").click()
        await expect(page.get_by_text("No gateway is here yet.")).to_be_visible()
        assert (await box.get("/v1/gateway/commands/PI_E2E")).status_code == 401
