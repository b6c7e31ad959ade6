"""How a farm is doing and how it did, over the JSON interface."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from data.core.session import transaction
from data.core.time import now
from data.farm.reports import commands, queries
from data.farm.reports.asked import Kind
from data.farm.values import SensorValue
from data.platform.commands import keep_file
from tests.api.conftest import Programs
from tests.api.test_alerts import raise_there
from tests.factories.alerts import system
from tests.factories.farm import bring_online, build_farm
from tests.factories.people import World
from tests.farm.asking import ask, hear


async def test_a_dashboard_says_how_the_farm_is_and_what_happened_lately(world: World, asking: Programs) -> None:
    farm, at = await build_farm(world.owner), now()
    await bring_online(world.owner, farm.fan, farm.pump, is_on=False)
    await hear(world, farm.probe, *(SensorValue(farm.probe.topic, kind, value, unit, at) for kind, value, unit in (("temperature", 31.54, "°C"), ("humidity", 70, "%"))))
    await ask(world.keeper, farm.fan)
    await raise_there(world, farm)
    seen = await (await asking.of(world.viewer)).ask("GET", f"/v1/farms/{farm.farm.id}/dashboard")
    assert (seen["farm"]["name"], seen["farm"]["health"]) == ("Chicken house", "errors")
    assert seen["device_status"] == {"total": 3, "online": 3, "offline": 0, "error": 1}
    assert seen["alerts"] == {"active": 2, "critical": 1, "warning": 1}
    assert seen["quick_stats"] == {"avg_temperature": 31.5, "avg_humidity": 70.0, "last_24h_commands": 1, "last_24h_alerts": 3}
    first, *others = seen["recent_events"]
    assert (first["type"], first["name"], first["what"], first["status"], first["device_id"]) == ("command", "Fan", "on", "queued", str(farm.fan.id))
    assert {(one["type"], one["what"], one["status"], one["severity"]) for one in others} == {
        ("alert", "device_silent", "active", "critical"), ("alert", "device_offline", "active", "warning"), ("alert", "low_battery", "resolved", "warning"),
    }  # fmt: skip


async def test_reports_are_read_taken_as_a_table_and_made_as_a_document(world: World, asking: Programs) -> None:
    farm, at = await build_farm(world.owner), now()
    await bring_online(world.owner, farm.fan, farm.pump, is_on=False)
    await hear(world, farm.probe, *(SensorValue(farm.probe.topic, "temperature", value, "°C", at - timedelta(seconds=n)) for n, value in enumerate((30, 32, 34))))
    days: dict[str, Any] = {"first_day": str(at.date() - timedelta(days=1)), "last_day": str(at.date() + timedelta(days=1))}
    viewer, path = await asking.of(world.viewer), f"/v1/farms/{farm.farm.id}/reports"
    read = await viewer.ask("GET", f"{path}/device-metrics", **days, step="1h", device_id=str(farm.probe.id))
    ((measured,),) = [device["metrics"] for device in read["devices"]]
    assert {name: measured[name] for name in ("metric", "min", "max", "avg", "stddev", "count")} == {
        "metric": "temperature", "min": 30.0, "max": 34.0, "avg": 32.0, "stddev": 2.0, "count": 3,
    }  # fmt: skip
    assert sum(point["count"] for point in measured["points"]) == 3
    used = {one["name"]: one for one in (await viewer.ask("GET", f"{path}/device-usage", **days))["devices"]}
    assert used["Fan"].keys() >= {"on_hours", "cycles", "uptime", "commands", "commands_completed", "reliability"} and used["Probe"]["on_hours"] is None
    whole = await viewer.ask("GET", f"{path}/farm-performance")
    assert whole.keys() >= {"uptime", "automation_success", "devices", "alerts", "schedules"} and whole["report"] == "farm-performance"
    table = await viewer.client.get(f"{path}/device-metrics", params={**days, "format": "csv"}, headers=viewer.headers)
    assert table.headers["content-type"].startswith("text/csv") and table.text.splitlines()[0].endswith("average,deviation")

    made = await viewer.ask("POST", f"{path}/exports", {"report": "device-usage", **days, "language": "km"}, status=202)
    assert (made["status"], made["file"]) == ("queued", None)
    assert await viewer.list(f"{path}/exports") == ([made], 1)
    await viewer.ask("GET", f"{path}/exports/{made['id']}/file", status=404)
    async with transaction(system(world)) as tx:
        question = await commands.question(tx, kind=Kind.USAGE, farm_id=farm.farm.id, first_day=at.date(), last_day=at.date())
        file = await keep_file(tx, b"%PDF-1.7", file_name="usage.pdf", mime_type="application/pdf")
        await commands.keep(tx, UUID(made["id"]), await queries.draw(tx, question), "5" * 64, file)
    ready = await viewer.ask("GET", f"{path}/exports/{made['id']}")
    assert (ready["status"], ready["progress"], ready["size_bytes"]) == ("completed", 100, 8)
    document = await viewer.client.get(ready["file"], headers=viewer.headers)
    assert document.content.startswith(b"%PDF") and document.headers["content-type"] == "application/pdf"

    for query, field in (
        ({"step": "2h"}, "step"), ({"first_day": "2020-01-01", "last_day": "2026-01-01"}, "last_day"), ({"first_day": "soon"}, "first_day"),
        ({"first_day": "2024-01-01", "last_day": "2025-12-31", "step": "1h"}, "step"),
    ):  # fmt: skip
        assert (await viewer.ask("GET", f"{path}/device-metrics", status=422, **query))["details"]["field"] == field


async def test_events_come_the_latest_first_and_page_by_page(world: World, asking: Programs) -> None:
    farm = await build_farm(world.owner)
    owner, path = await asking.of(world.owner), f"/v1/farms/{farm.farm.id}/events"
    said: list[dict[str, Any]] = []
    before: int | None = None
    while True:
        body = (await owner.client.get(path, params={"limit": 2, "days": 1} | ({"before": before} if before else {}), headers=owner.headers)).json()
        said += body["data"]
        if (before := body["pagination"]["next"]) is None:
            break
    numbers = [one["sequence"] for one in said]
    assert numbers == sorted(numbers, reverse=True) and said[-1]["event"] == "farm.farms.created" and len(said) > 3
    assert (await owner.ask("GET", path, days=366, status=422))["details"]["field"] == "days"
    assert (await (await asking.of(world.keeper)).ask("GET", path, status=403))["code"] == "FORBIDDEN"


async def test_nobody_else_reads_how_the_farm_is_doing(world: World, asking: Programs) -> None:
    farm = await build_farm(world.owner)
    other = await build_farm(world.owner, prefix="hill")
    path = f"/v1/farms/{farm.farm.id}"
    owner, stranger = await asking.of(world.owner), await asking.of(world.stranger)
    made = (await owner.ask("POST", f"{path}/reports/exports", {"report": "device-usage"}, status=202))["id"]
    for method, to, body in (
        ("GET", "dashboard", None), ("GET", "events", None), ("GET", "reports/device-metrics", None), ("GET", "reports/farm-performance", None),
        ("POST", "reports/exports", {"report": "device-usage"}), ("GET", "reports/exports", None), ("GET", f"reports/exports/{made}", None),
        ("GET", f"reports/exports/{made}/file", None), ("DELETE", f"reports/exports/{made}", None),
    ):  # fmt: skip
        assert (await stranger.ask(method, f"{path}/{to}", body, status=404))["code"] == "FARM_NOT_FOUND"
        await asking.nobody.ask(method, f"{path}/{to}", body, status=401)
    for export_id in (uuid4(), made):
        assert (await owner.ask("GET", f"/v1/farms/{other.farm.id}/reports/exports/{export_id}", status=404))["code"] == "REPORT_NOT_FOUND"
    await owner.ask("DELETE", f"{path}/reports/exports/{made}")
    assert (await owner.ask("GET", f"{path}/reports/exports/{made}"))["status"] == "canceled"
