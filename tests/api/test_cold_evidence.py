"""What is taken away from a cold chain, over the JSON interface: reports with their fingerprint, and an inspector's records."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
from sqlmodel import select

from data.audit.tables import EventLog
from data.cold_chain.by_hand import Written
from data.cold_chain.commands.logs import write_down
from data.cold_chain.reports import commands, queries
from data.cold_chain.reports.asked import Asked
from data.cold_chain.values import ReportKind
from data.core.actor import Actor
from data.core.session import transaction
from data.core.table import uuid7
from data.core.time import now
from data.identity.tables import Role
from data.platform.commands import keep_file
from tests.api.conftest import Program, Programs
from tests.api.test_cold_places import at
from tests.factories.alerts import raised, trouble
from tests.factories.cold_chain import ColdStore, cold_store
from tests.factories.people import World, person


async def written(world: World, store: ColdStore) -> None:
    async with transaction(world.colleague) as tx:
        await write_down(tx, [Written(uuid7(), store.unit_id, Decimal("-19.5"), now() - timedelta(hours=30))], at=now())


async def test_a_report_is_asked_for_followed_let_be_and_taken_as_a_table(
    world: World, asking: Programs, owner_connection: psycopg.Connection
) -> None:
    store, owner, path = await cold_store(world.owner), await asking.of(world.owner), f"{at(world)}/reports"
    await written(world, store)
    owner_connection.execute("update cold_chain.units set created_at = now() - interval '9 days'")
    days = {"first_day": str((now() - timedelta(days=3)).date()), "last_day": str((now() - timedelta(days=1)).date())}
    made = await owner.ask("POST", path, days | {"site_id": str(store.site_id), "language": "km"}, status=202)
    assert (made["kind"], made["status"], made["language"], made["title"], made["file"]) == ("compliance", "queued", "km", "Market hall", None)
    assert (await owner.ask("GET", f"{path}/{made['id']}/file", status=404))["message"] == "This report has not been made yet."
    await owner.ask("DELETE", f"{path}/{made['id']}")
    assert (await owner.ask("GET", f"{path}/{made['id']}"))["status"] == "canceled"
    assert (await owner.list(path))[1] == 1
    table = await owner.client.get(f"{path}/table.csv", params=days | {"kind": "manual", "unit_id": str(store.unit_id)}, headers=owner.headers)
    assert table.status_code == 200 and "-19.5" in table.text and len(table.headers["x-fingerprint"]) == 64
    async with transaction(world.owner) as tx:
        logged = (await tx.exec(select(EventLog).where(EventLog.event_type == "cold_chain.report.exported"))).one()
    assert logged.event_data["fingerprint"] == table.headers["x-fingerprint"]
    daily = await owner.client.get(f"{path}/table.csv", params=days | {"kind": "daily"}, headers=owner.headers)
    assert "Colin Colleague" in daily.text
    for wrong, field in ((days | {"last_day": "2020-01-01"}, "last_day"), ({"first_day": "soon"}, "first_day"), (days | {"kind": "poem"}, "kind")):
        assert (await owner.ask("POST", path, wrong, status=422))["details"]["field"] == field
    colleague = await asking.of(world.colleague)
    for method, below in (("GET", ""), ("POST", ""), ("GET", f"/{made['id']}"), ("DELETE", f"/{made['id']}")):
        await colleague.ask(method, path + below, days if method == "POST" else None, status=403)


async def test_the_document_is_handed_over_with_its_fingerprint(world: World, asking: Programs) -> None:
    store, owner, path = await cold_store(world.owner), await asking.of(world.owner), f"{at(world)}/reports"
    day, seal = (now() - timedelta(days=1)).date(), "ab" * 32
    made = await owner.ask("POST", path, {"kind": "daily", "first_day": str(day), "last_day": str(day), "unit_id": str(store.unit_id)}, status=202)
    async with transaction(Actor.system(world.organization_id, "test")) as tx:
        facts = (await queries.draw(tx, Asked(ReportKind.DAILY, day, day, now(), "Olga", store.site_id, store.unit_id))).facts
        await commands.keep(tx, UUID(made["id"]), facts, seal, await keep_file(tx, b"%PDF-", file_name="a.pdf", mime_type="application/pdf"))
    made = await owner.ask("GET", f"{path}/{made['id']}")
    assert (made["status"], made["progress"], made["fingerprint"]) == ("completed", 100, seal)
    document = await owner.client.get(made["file"], headers=owner.headers)
    assert (document.content, document.headers["x-fingerprint"], document.headers["content-type"]) == (b"%PDF-", seal, "application/pdf")


async def test_an_inspector_reads_by_a_link_until_it_is_taken_back(world: World, asking: Programs) -> None:
    store, other, owner = await cold_store(world.owner), await cold_store(world.owner, name="Harbour", eui="0004A30B001C0777"), await asking.of(world.owner)
    await written(world, store)
    await raised(world, trouble(store.unit_id, scope=store.site_id), trouble(other.unit_id, scope=other.site_id, name="Other"), at=now() - timedelta(hours=1))
    path = f"{at(world)}/inspector-links"
    made = await owner.ask("POST", path, {"name": "Ms Im", "expires_at": (now() + timedelta(days=14)).isoformat(), "site_ids": [str(store.site_id)]}, status=201)
    assert made["is_active"] and made["token"].endswith(made["last_four"])
    inspector = Program(asking.client, {"X-Inspector-Token": made["token"]})
    [unit], total = await inspector.list("/api/inspection/units")
    assert (unit["id"], unit["site"]["name"], total) == (str(store.unit_id), "Market hall", 1)
    [line], total = await inspector.list("/api/inspection/temperatures")
    assert (line["kind"], line["temperature"], line["who"]) == ("manual", -19.5, "Colin Colleague")
    [exception], total = await inspector.list("/api/inspection/exceptions", unit_id=[str(store.unit_id), str(other.unit_id)])
    assert (exception["message"], exception["alert_type"]) == ("Freezer 3 is too warm: -4.0", "temp_excursion")
    assert [await inspector.list(f"/api/inspection/{part}") for part in ("actions", "gaps", "calibration", "excursions")] == [([], 0)] * 4
    assert (await inspector.ask("GET", "/api/inspection/poems", status=422))["details"]["field"] == "part"
    [kept], _total = await owner.list(path)
    assert kept["use_count"] == 8 and "token" not in kept
    assert (await owner.list(f"{at(world)}/records/exceptions"))[1] == 2 and (await owner.list(f"{at(world)}/records/units"))[1] == 2
    await owner.ask("DELETE", f"{path}/{made['id']}")
    assert (await inspector.ask("GET", "/api/inspection/units", status=401))["code"] == "UNAUTHORIZED"
    await asking.nobody.ask("GET", "/api/inspection/temperatures", status=401)
    async with transaction(world.owner) as tx:
        looked = (await tx.exec(select(EventLog).where(EventLog.event_type == "cold_chain.records.inspected"))).all()
    assert sum(one.subject_id == UUID(made["id"]) for one in looked) == 6


async def test_who_may_give_links_and_read_records(world: World, asking: Programs) -> None:
    owner, colleague = await asking.of(world.owner), await asking.of(world.colleague)
    inspector = await asking.of(await person(world.organization, "Ina", Role.INSPECTOR))
    path, given = f"{at(world)}/inspector-links", {"name": "A", "expires_at": (now() + timedelta(days=1)).isoformat()}
    for method, below in (("GET", ""), ("POST", ""), ("DELETE", f"/{uuid4()}")):
        await colleague.ask(method, path + below, given if method == "POST" else None, status=403)
    await colleague.ask("GET", f"{at(world)}/records/temperatures", status=403)
    assert await inspector.list(f"{at(world)}/records/temperatures") == ([], 0)
    late = datetime(2100, 1, 1, tzinfo=UTC).isoformat()
    for wrong, field in ((given | {"name": " "}, "name"), (given | {"expires_at": late}, "expires_at"), (given | {"site_ids": []}, "site_ids")):
        assert (await owner.ask("POST", path, wrong, status=422))["details"]["field"] == field
    await owner.ask("DELETE", f"{path}/{uuid4()}", status=404)
