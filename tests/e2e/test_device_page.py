"""One device on a keeper's phone, in Khmer, and its limits set by who may, in °F."""

import pytest
from playwright.async_api import expect

from data.core.session import transaction
from data.core.time import now
from data.farm import commands
from data.farm.queries_device import commands_page, settings_now
from data.farm.tables import CommandStatus, DeviceType
from data.farm.values import Presence, SensorValue
from data.identity.commands import set_preferences
from tests.e2e.conftest import Visitors
from tests.e2e.fit import AXE, RUN, serious
from tests.factories.farm import bring_online, build_farm, eventually
from tests.factories.people import World
from tests.farm.asking import add, ago, hear, state
from ui.words import Reader, _, reading_as

pytestmark = pytest.mark.e2e
ENGLISH = (
    "[...document.querySelectorAll('main *')].filter(e => !e.children.length && /[a-z]{4,}/.test(e.textContent)"
    " && !e.closest('.q-icon, .material-icons, i, svg, [class*=st-chart]')).map(e => e.textContent.trim())"
)
NAMES = ("Steading", "Green Steading", "Chicken house", "Room 1", "Fan", "Blower", "Kim Keeper")


async def test_a_fan_is_turned_down_on_a_phone_in_khmer_and_says_only_what_it_says_itself(visitors: Visitors, home: World) -> None:
    farm = await build_farm(home.owner, prefix="turn")
    blower = await add(home, farm, "Blower", DeviceType.PWM)
    await bring_online(home.owner, blower, is_on=False)
    async with transaction(home.owner) as tx:
        await commands.set_config(tx, blower.id, "set_speed", 60, min_value=20, max_value=80)
    async with transaction(home.keeper) as tx:
        await set_preferences(tx, language="km")
    keeper = await visitors.signed_in("kim.green@example.org", width=390, height=844)
    page = await keeper.open(f"/farm/devices/{blower.id}")
    with reading_as(Reader("km")):
        confirmed, called_off, call_off, until = _("Confirmed"), _("Called off"), _("Call it off"), _("It may be set from {low} to {high}.", low=20, high=80)
    await expect(page.get_by_text(until)).to_be_visible()
    assert await page.get_by_role("button", name="100%", exact=True).count() == 0, "beyond its limits"

    async def asked(value: float) -> list[CommandStatus]:
        async with transaction(home.viewer) as tx:
            found, _total = await commands_page(tx, blower.id)
        return [one.command.status for one in found if one.command.command_params == {"value": value}]

    await page.get_by_role("button", name="50%", exact=True).click()
    assert await eventually(lambda: asked(50)) != [CommandStatus.COMPLETED]
    standing = page.locator(".st-card [role=status]")
    await expect(standing.get_by_text(confirmed)).to_have_count(0)  # asked is not done
    await hear(home, blower, state(blower, True, value=50))
    await expect(standing.get_by_text(confirmed)).to_be_visible()
    await hear(home, blower, Presence(blower.topic, False, now()))
    await page.get_by_role("button", name="25%", exact=True).click()
    await standing.get_by_role("button", name=call_off).click()
    await expect(standing.get_by_text(called_off).first).to_be_visible()
    assert await asked(25) == [CommandStatus.CANCELED]
    await page.wait_for_function("!document.querySelector('.st-loading')")
    assert [words for words in await page.evaluate(ENGLISH) if words not in NAMES] == []
    await page.evaluate(AXE)
    assert serious(await page.evaluate(RUN)) == [] and await page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_limits_are_typed_in_fahrenheit_and_taken_back_and_an_alert_is_answered_where_it_is_read(visitors: Visitors, home: World) -> None:
    farm = await build_farm(home.owner, prefix="limit")
    await hear(home, farm.probe, SensorValue(farm.probe.topic, "temperature", 30, "°C", ago(5)))
    async with transaction(home.owner) as tx:
        await set_preferences(tx, units="fahrenheit")
    owner = await visitors.signed_in("olga.green@example.org", width=390, height=844)
    page = await owner.open(f"/farm/devices/{farm.probe.id}/settings")
    await page.get_by_role("button", name="Change the settings").click()
    panel = page.locator(".st-panel")
    field = panel.get_by_label("Too hot above")
    await field.fill("150")
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_text("150 is not between 68 and 122.")).to_be_visible()
    await field.fill("95")
    await panel.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("95.0 °F")).to_be_visible()
    async with transaction(home.viewer) as tx:
        assert (await settings_now(tx, farm.probe.id))["temp_threshold_high"].config.parameter_value == 35
    await page.get_by_role("button", name="Take back").click()
    await expect(page.get_by_text("95.0 °F")).to_have_count(0)
    await page.get_by_role("button", name="Calibrate: Temperature").click()
    await panel.get_by_label("The good instrument says").fill("84.2")
    await panel.get_by_role("button", name="Correct it from now on").click()
    await expect(page.get_by_text("−1.80 °F")).to_be_visible()
    await expect(panel).to_have_count(0)
    await page.evaluate(AXE)
    assert serious(await page.evaluate(RUN)) == [] and await page.evaluate("document.documentElement.scrollWidth") <= 390
    async with transaction(home.owner) as tx:
        await commands.set_config(tx, farm.probe.id, "temp_threshold_high", 25)
    await hear(home, farm.probe, SensorValue(farm.probe.topic, "temperature", 31, "°C", now()))
    page = await owner.open(f"/farm/devices/{farm.probe.id}")
    await expect(page.get_by_text("It is too hot at Probe: 86.0 °F. The limit is 77.0 °F.")).to_be_visible()
    await page.get_by_role("button", name="I am on it", exact=True).click()
    await expect(page.get_by_text("Someone is on it").first).to_be_visible()
