"""The installation over the JSON interface: whether it is well, what it sells, whose addresses are free, and a demonstration's wishes."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from data.core.bus import bus
from data.core.session import transaction
from data.core.settings import Settings
from data.identity.tables import Role
from data.platform.billing import begin_trial
from data.platform.values import Plan
from jobs.api import availability
from jobs.channels.payments import Payments
from jobs.demonstration.haystack import serving
from jobs.networks._pace import Pace
from tests.api.conftest import Programs
from tests.api.test_cold_places import at
from tests.channels.test_payments import Stripe
from tests.factories.cold_chain import cold_store
from tests.factories.people import World, person


def application(asking: Programs, **settings: Any) -> FastAPI:
    """The application behind these doors, as main sets it up."""
    transport = asking.client._transport
    assert isinstance(transport, httpx.ASGITransport) and isinstance(transport.app, FastAPI)
    transport.app.state.settings = Settings(_env_file=None, **settings)  # type: ignore[call-arg]
    return transport.app


async def test_whatever_watches_over_it_learns_whether_it_is_well_without_an_account(world: World, asking: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    application(asking, backup_every_hours=0)
    found = {path: (await asking.client.get(f"/health{path}")) for path in ("", "/live", "/ready", "/realtime")}
    assert (found[""].json()["waiting"], found["/live"].json()) == (0, {"status": "ok"})
    assert (found["/ready"].status_code, found["/ready"].json()["checks"]) == (200, {"database": True, "announcements": True, "intake": True})
    monkeypatch.setattr(bus, "is_connected", asyncio.Event())  # as it is before the first connection
    unready = {path: (await asking.client.get(f"/health{path}")) for path in ("/live", "/ready", "/realtime")}
    assert {path: one.status_code for path, one in unready.items()} == {"/live": 200, "/ready": 503, "/realtime": 503}
    assert unready["/ready"].json() == {"status": "unavailable", "checks": {"database": True, "announcements": False, "intake": True}}


async def test_only_those_who_run_the_installation_see_its_queues(world: World, asking: Programs, owner_connection: psycopg.Connection) -> None:
    application(asking)
    owner = await asking.of(world.owner)
    for path in ("queues/health", "status"):
        await owner.ask("GET", f"/api/admin/{path}", status=403)
        await asking.nobody.ask("GET", f"/api/admin/{path}", status=401)
    owner_connection.execute("update identity.users set is_platform_admin = true where id = %s", (world.owner.user_id,))
    queues = await owner.ask("GET", "/api/admin/queues/health")
    assert (queues["waiting"]["intake"], queues["waiting"]["messages"], queues["is_well"]) == (0, 0, True)
    status = await owner.ask("GET", "/api/admin/status")
    assert (status["counts"]["organizations"], status["counts"]["sensors"], status["is_demonstration"], status["jobs"]) == (2, 0, False, [])


async def test_an_address_is_said_to_be_free_here_to_those_who_invite_and_not_too_often(world: World, asking: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, colleague = await asking.of(world.owner), await asking.of(world.colleague)
    asked = [(await owner.ask("GET", "/api/availability/email", email=f"{who}@example.org"))["is_available"] for who in ("Colin.green", "new", "sam.other")]
    assert asked == [False, True, True], "who is elsewhere is nobody's business here"
    assert (await owner.ask("GET", "/api/availability/phone", phone="012 345 678"))["is_available"]
    for path, query, field in (("email", {"email": "@"}, "email"), ("phone", {"phone": "12"}, "phone"), ("email", {}, "email")):
        assert (await owner.ask("GET", f"/api/availability/{path}", status=422, **query))["details"]["field"] == field
    for path, query in (("email", {"email": "new@example.org"}), ("phone", {"phone": "012345678"})):
        await colleague.ask("GET", f"/api/availability/{path}", status=403, **query)
        await asking.nobody.ask("GET", f"/api/availability/{path}", status=401, **query)
    monkeypatch.setattr(availability, "SELDOM", Pace(1, 60))
    await owner.ask("GET", "/api/availability/email", email="new@example.org")
    assert (await owner.ask("GET", "/api/availability/email", email="new@example.org", status=429))["code"] == "RATE_LIMIT_EXCEEDED"


async def test_who_wants_to_pay_is_told_where(world: World, asking: Programs) -> None:
    app, owner, path = application(asking), await asking.of(world.owner), f"{at(world)}/payments"
    shown = await owner.ask("GET", f"{path}/subscription")
    assert (shown["standing"], shown["subscription"], shown["is_for_sale"], shown["plans"]["starter"]["sensors"]) == ("not_billed", None, False, 5)
    assert "takes no payments" in (await owner.ask("POST", f"{path}/checkout", {"plan": "pro"}, status=404))["message"]
    async with transaction(world.owner) as tx:
        await begin_trial(tx, plan=Plan.PRO)
    double = Stripe()
    async with serving(double.app) as url:
        app.state.payments = Payments("sk_test_1", "https://steading.example", url.rstrip("/"))
        assert (await owner.ask("POST", f"{path}/checkout", {"plan": "pro"}))["url"].startswith("https://checkout.stripe.com/")
        assert double.asked[-1][1]["client_reference_id"] == str(world.organization_id)
        await owner.ask("POST", f"{path}/portal", status=409)
        admin, colleague = await asking.of(await person(world.organization, "Ada", Role.ADMIN)), await asking.of(world.colleague)
        assert (await admin.ask("GET", f"{path}/subscription"))["subscription"]["plan"] == "pro"
        await admin.ask("POST", f"{path}/checkout", {"plan": "pro"}, status=403)
        await admin.ask("POST", f"{path}/portal", status=403)
        await colleague.ask("GET", f"{path}/subscription", status=403)
    assert (await owner.ask("POST", f"{path}/checkout", {"plan": "gold"}, status=422))["details"]["field"] == "plan"


async def test_a_demonstration_gives_a_unit_a_past_and_a_business_does_not(world: World, asking: Programs) -> None:
    store, owner = await cold_store(world.owner), await asking.of(world.owner)
    wish = {"unitId": str(store.unit_id), "durationMinutes": 30, "intervalSeconds": 60, "baseTemperature": -20, "variance": 0.5, "includeHumidity": True, "includeBattery": True}
    application(asking)
    await owner.ask("POST", "/api/dev/simulate", wish, status=404)
    application(asking, demonstration=True)
    made = await owner.ask("POST", "/api/dev/simulate", wish)
    assert made == {"success": True, "insertedCount": 30, "alertsTriggered": 0}
    found = (await owner.ask("GET", f"{at(world)}/units/{store.unit_id}/readings", detail="raw"))["readings"]
    assert len(found) == 30 and all(-20.5 <= one["temperature"] <= -19.5 and one["humidity"] for one in found) and found[-1]["battery"] == 81
    for wrong, field in ((wish | {"intervalSeconds": 5}, "intervalSeconds"), (wish | {"durationMinutes": 10_000}, "intervalSeconds"), (wish | {"baseTemperature": 900}, "baseTemperature")):
        assert (await owner.ask("POST", "/api/dev/simulate", wrong, status=422))["details"]["field"] == field
    await (await asking.of(world.colleague)).ask("POST", "/api/dev/simulate", wish, status=403)
    await (await asking.of(world.stranger)).ask("POST", "/api/dev/simulate", wish, status=404)
    await owner.ask("POST", "/api/dev/simulate", wish | {"unitId": str(uuid4())}, status=404)
