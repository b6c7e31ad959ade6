import io
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pypdfium2
import pytest
from PIL import Image
from sqlmodel import select

from data.alerts.tables import CorrectiveAction
from data.audit.tables import EventLog
from data.cold_chain.reports import commands, queries, table
from data.cold_chain.reports.commands import EXPORTED
from data.cold_chain.reports.facts import FORMAT, Facts
from data.cold_chain.reports.fingerprint import as_fingerprint, attached_facts, canonical, fingerprint
from data.cold_chain.tables import Report
from data.cold_chain.values import ReportKind, UnitType
from data.core.actor import Actor
from data.core.errors import Conflict, Forbidden, NotFound
from data.core.session import across_tenants, transaction
from data.core.sheet import Paper
from data.core.time import now
from data.identity.tables import Role
from data.platform import background, billing
from data.platform.commands import keep_file, path_of
from data.platform.genuine import Genuine
from data.platform.values import Plan
from jobs.background import Pace
from jobs.verification import Verification
from pages.cold_chain.verify import QUESTIONS, WITHIN_S, may_ask, verdict
from tests.factories.cold_chain import cold_store
from tests.factories.people import World, person
from tests.factories.reports import AS_OF, DAY, ORIGIN, Fridge, all_day, at, printer, written


@pytest.fixture
async def fridge(world: World) -> Fridge:
    made = Fridge(await cold_store(world.owner, unit_type=UnitType.FRIDGE), world.owner)
    await made.read(*all_day(but=dict.fromkeys(range(300, 331, 5), 7.5), without=range(600, 700)))
    return made


async def report(who: Actor, report_id: UUID) -> Report:
    async with transaction(who) as tx:
        return await queries.report(tx, report_id)


async def document(who: Actor, report_id: UUID) -> bytes:
    async with transaction(who) as tx:
        return path_of(await queries.report_file(tx, report_id)).read_bytes()


def pages(pdf: bytes) -> list[str]:
    opened = pypdfium2.PdfDocument(pdf)
    return [page.get_textpage().get_text_bounded() for page in opened]


async def test_a_document_carries_its_facts_and_its_fingerprint_stands_in_the_log(fridge: Fridge) -> None:
    report_id = await fridge.order()
    assert await printer().run_next()
    made, pdf = await report(fridge.who, report_id), await document(fridge.who, report_id)
    facts = attached_facts(pdf)
    assert facts and fingerprint(facts) == made.fingerprint == fingerprint(canonical(await fridge.facts()))
    assert json.loads(facts)["format"] == FORMAT and made.summary["excursion_count"] == 1
    async with transaction(fridge.who) as tx:
        (entry,) = (await tx.exec(select(EventLog).where(EventLog.event_type == EXPORTED))).all()
    assert entry.subject_id == report_id and entry.event_data["fingerprint"] == made.fingerprint


async def test_each_page_says_its_number_the_fingerprint_and_where_to_check_it(fridge: Fridge) -> None:
    report_id = await fridge.order()
    await printer().run_next()
    made, said = await report(fridge.who, report_id), pages(await document(fridge.who, report_id))
    assert made.fingerprint and len(said) >= 3
    for number, page in enumerate(said, start=1):
        assert f"{number} of {len(said)}" in page and f"{ORIGIN}/verify" in page
        assert made.fingerprint in re.sub(r"\s", "", page)
    assert "outside its limits and no action is recorded" in said[0] and "Olga Owner (Owner)" in said[0]
    assert "7.5 °C" in said[1] and "How each figure is made" in said[-1]


@pytest.mark.parametrize("kind", list(ReportKind))
@pytest.mark.parametrize(("language", "units", "paper"), [("en", "celsius", "a4"), ("km", "fahrenheit", "letter")])
async def test_every_kind_can_be_printed_in_both_languages_units_and_papers(
    fridge: Fridge, kind: ReportKind, language: str, units: str, paper: str
) -> None:
    report_id = await fridge.order(kind, Paper(language, units, paper))
    await printer().run_next()
    pdf = await document(fridge.who, report_id)
    first = pypdfium2.PdfDocument(pdf)[0]
    assert round(first.get_width()) == {"a4": 595, "letter": 612}[paper]
    said = "".join(pages(pdf))
    assert ("°F" if units == "fahrenheit" else "°C") in said and ("°C" if units == "fahrenheit" else "°F") not in said.replace("°C·", "")
    assert any("\u1780" <= letter <= "\u17ff" for letter in said) == (language == "km")


async def test_language_unit_and_paper_do_not_change_the_facts(fridge: Fridge) -> None:
    drawn = await fridge.drawn()
    seals = {fingerprint(canonical(drawn.facts)) for _ in range(2)}
    english, khmer = (written(drawn, look, *seals) for look in (Paper("en"), Paper("km", "fahrenheit", "letter")))
    assert english.title != khmer.title and len(english.blocks) == len(khmer.blocks)


async def test_a_process_that_dies_while_printing_leaves_it_to_another_with_the_same_fingerprint(fridge: Fridge) -> None:
    report_id = await fridge.order()
    async with across_tenants("tests") as tx:  # it is claimed, and its process is killed
        await tx.connection()
        assert await background.claim(tx, ["cold_chain.report"], at=now(), stale_after=at(1) - at(0), most_attempts=3)
    before = fingerprint(canonical(await fridge.facts()))
    await fridge.read((602, 20.0), delay_min=60 * 24 * 30)  # and something becomes known before it is tried again
    assert await printer(Pace(stale_after_s=-1)).run_next()
    made = await report(fridge.who, report_id)
    assert made.fingerprint == before and made.file_id
    async with transaction(fridge.who) as tx:
        assert len((await tx.exec(select(EventLog).where(EventLog.event_type == EXPORTED))).all()) == 1


async def test_photos_of_what_was_done_are_printed_and_seen_by_those_who_may(fridge: Fridge, world: World) -> None:
    elsewhere = await person(world.organization, "Eli Elsewhere", (Role.MANAGER, (await cold_store(world.owner, eui="0004A30B001C0599", name="Airport")).site_id))
    drawn = io.BytesIO()
    Image.new("RGB", (900, 600), (200, 30, 30)).save(drawn, "PNG")
    async with transaction(fridge.who) as tx:
        file = await keep_file(tx, drawn.getvalue(), file_name="door.png", mime_type="image/png")
    await fridge.add(
        CorrectiveAction(
            subject_kind="cold_chain.units", subject_id=fridge.store.unit_id, subject_name="Freezer 1", permission="cold_chain.view",
            scope_id=fridge.store.site_id, description="Door ajar", action_taken="Door shut", acted_at=at(320), photo_file_id=file.id,
            created_at=at(320),
        )
    )  # fmt: skip
    report_id = await fridge.order()
    await printer().run_next()
    pdf = pypdfium2.PdfDocument(await document(fridge.who, report_id))
    pictures = [part.get_bounds() for page in pdf for part in page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])]
    assert len(pictures) > len(pdf), "the code stands on each page, and the photo on one of them"
    assert "Door shut" in "".join(pages(await document(fridge.who, report_id)))
    async with transaction(fridge.who) as tx:
        assert (await queries.photo(tx, file.sha256)).id == file.id
    for who, refusal in ((elsewhere, NotFound), (world.stranger, NotFound), (world.colleague, Forbidden)):
        with pytest.raises(refusal):
            async with transaction(who) as tx:
                await queries.photo(tx, file.sha256)


async def test_nobody_else_finds_a_report_or_its_document(fridge: Fridge, world: World) -> None:
    other = await cold_store(world.owner, eui="0004A30B001C0599", name="Airport")
    here = await person(world.organization, "Mara Manager", (Role.MANAGER, fridge.store.site_id))
    elsewhere = await person(world.organization, "Eli Elsewhere", (Role.MANAGER, other.site_id))
    report_id = await fridge.order()
    await printer().run_next()
    assert (await document(here, report_id)).startswith(b"%PDF")
    for who, refusal in ((world.stranger, NotFound), (elsewhere, NotFound), (world.colleague, Forbidden), (world.viewer, Forbidden)):
        with pytest.raises(refusal):
            await report(who, report_id)
        with pytest.raises(refusal):
            await document(who, report_id)
    async with transaction(elsewhere) as tx:
        assert not await queries.reports(tx)
    async with transaction(here) as tx:
        assert [one.report.id for one in await queries.reports(tx)] == [report_id]


async def test_a_report_of_several_sites_is_seen_by_those_who_reach_all_of_them(fridge: Fridge, world: World) -> None:
    here = await person(world.organization, "Mara Manager", (Role.MANAGER, fridge.store.site_id))
    ids = []
    for who in (world.owner, here):
        async with transaction(who) as tx:
            asked = await commands.question(tx, kind=ReportKind.DAILY, first_day=DAY, last_day=DAY, as_of=AS_OF)
            ids.append((await commands.ask(tx, asked, Paper())).id)
    async with transaction(here) as tx:
        assert [one.report.id for one in await queries.reports(tx)] == ids[1:]
    async with transaction(world.owner) as tx:
        assert {one.report.id for one in await queries.reports(tx)} == set(ids)


async def test_anybody_who_holds_it_learns_that_it_is_genuine_and_nothing_more(fridge: Fridge, world: World) -> None:
    report_id = await fridge.order()
    await printer().run_next()
    made = await report(fridge.who, report_id)
    assert made.fingerprint
    found = await Verification()(made.fingerprint)
    assert found and (found.organization, found.kind, found.is_log_whole) == ("Green Steading", ReportKind.COMPLIANCE, True)
    assert set(Genuine.__dataclass_fields__) == {"organization", "kind", "first_day", "last_day", "made_at", "is_log_whole", "files"}
    assert await Verification()("0" * 64) is None


async def test_a_log_that_was_tampered_with_before_it_is_told(fridge: Fridge, owner_connection: psycopg.Connection) -> None:
    report_id = await fridge.order()
    await printer().run_next()
    seal = (await report(fridge.who, report_id)).fingerprint
    assert seal
    owner_connection.execute("update audit.event_logs set title = 'nothing' where sequence = 3 and organization_id = %s", [fridge.store.organization_id])
    found = await Verification()(seal)
    assert found and found.is_log_whole is False


async def test_a_report_that_is_not_in_the_log_is_not_genuine(fridge: Fridge, owner_connection: psycopg.Connection) -> None:
    await fridge.order()
    owner_connection.execute("update cold_chain.reports set fingerprint = %s, generated_at = now()", ["a" * 64])
    assert await Verification()("a" * 64) is None


async def test_a_long_log_is_followed_a_piece_at_a_time(fridge: Fridge) -> None:
    report_id = await fridge.order()
    await printer().run_next()
    seal = (await report(fridge.who, report_id)).fingerprint
    assert seal
    careful = Verification(piece=2, most_at_once=4)
    answers: list[bool | None] = []
    while not answers or answers[-1] is None:
        found = await careful(seal)
        assert found
        answers.append(found.is_log_whole)
    assert answers[-1] is True and len(answers) > 2


async def test_a_changed_page_and_a_changed_figure_are_both_caught(fridge: Fridge) -> None:
    report_id = await fridge.order()
    await printer().run_next()
    pdf = await document(fridge.who, report_id)
    facts = attached_facts(pdf)
    assert facts
    found = await Verification()(fingerprint(facts))
    assert found and verdict(pdf, facts, found) == "same"
    painted = pdf.replace(b"%%EOF", b"% a page was painted over\n%%EOF")
    assert attached_facts(painted) == facts and verdict(painted, attached_facts(painted), found) == "changed"
    forged = with_facts(pdf, facts.replace(b'"7.50"', b'"4.90"'))
    altered = attached_facts(forged)
    assert altered and altered != facts and await Verification()(fingerprint(altered)) is None
    assert verdict(forged, altered, None) == "facts_changed"
    assert verdict(b"%PDF-1.7 nothing", attached_facts(b"%PDF-1.7 nothing"), None) == "no_facts"


def with_facts(pdf: bytes, facts: bytes) -> bytes:
    """The same file with other facts in it, as a forger would put them."""
    for part in streams(pdf):
        try:
            if zlib.decompress(part).startswith(b'{"as_of":'):
                return pdf.replace(part, zlib.compress(facts))
        except zlib.error:
            continue
    raise AssertionError("there are no facts in it")


def streams(pdf: bytes) -> Iterator[bytes]:
    for begun in re.finditer(rb"stream\r?\n", pdf):
        end = pdf.find(b"endstream", begun.end())
        if end > 0:
            yield pdf[begun.end() : end].rstrip(b"\r\n")


def test_nothing_that_unpacks_without_end_is_unpacked() -> None:
    bomb = zlib.compress(b"\0" * 50_000_000)
    assert attached_facts(b"%PDF\nstream\n" + bomb + b"\nendstream") is None
    assert attached_facts(b"stream\n" * 1000) is None


@pytest.mark.parametrize(
    ("typed", "is_one"),
    [("ab" * 32, True), (f"  {'AB' * 32} ", True), (" ".join(["abcdef01"] * 8), True), (f"{ORIGIN}/verify/{'0f' * 32}", True),
     ("ab" * 31, False), ("xy" * 32, False), ("", False), ("https://steading.test/verify/", False)],
)  # fmt: skip
def test_a_fingerprint_is_understood_however_it_is_typed(typed: str, is_one: bool) -> None:
    assert (as_fingerprint(typed) is not None) == is_one


def test_nobody_may_ask_without_end() -> None:
    assert all(may_ask("192.0.2.7", 100.0) for _ in range(QUESTIONS))
    assert not may_ask("192.0.2.7", 101.0) and may_ask("192.0.2.8", 101.0)
    assert may_ask("192.0.2.7", 101.0 + WITHIN_S)


def test_canonical_facts_are_the_same_bytes_for_ever() -> None:
    facts = Facts(
        kind=ReportKind.DAILY, organization="Höhe", scope="organization", scope_name="ភ្នំ", first_day=at(0).date(), last_day=at(0).date(),
        time_zone="UTC", as_of=at(0), made_for='"A"', people=(), units=(), site_alerts=(),
    )  # fmt: skip
    assert canonical(facts).decode() == (
        '{"as_of":"2026-11-17T17:00:00Z","first_day":"2026-11-17","format":"steading.cold_chain.report/1","kind":"daily","last_day":"2026-11-17",'
        '"made_for":"\\"A\\"","organization":"Höhe","people":[],"scope":"organization","scope_name":"ភ្នំ","site_alerts":[],"time_zone":"UTC","units":[]}'
    )
    assert fingerprint(canonical(facts)) == fingerprint(canonical(facts)) != fingerprint(canonical(facts) + b" ")


async def test_a_table_has_the_columns_that_were_asked_for_and_the_same_facts(fridge: Fridge) -> None:
    asked = await fridge.asked(ReportKind.DAILY)
    async with transaction(fridge.who) as tx:
        facts = (await queries.draw(tx, asked)).facts
        listed: list[Any] = [row async for rows in table.daily(tx, asked, facts) for row in rows]
    (unit,) = facts.units
    assert list(table.HEADERS[ReportKind.DAILY]) == [
        "date", "time", "unit", "site", "area", "reading_type", "temperature_celsius", "in_range", "logged_by", "notes",
    ]  # fmt: skip
    assert len(listed) == unit.readings.count
    assert listed[0] == ("2026-11-18", "00:00:00", "Freezer 1", "Market hall", "Dock", "sensor", "3.00", "yes", "", "")
    assert sum(row[7] == "no" for row in listed) == 7
    events = list(table.rows(await fridge.facts(ReportKind.EXCEPTIONS)))
    assert [row[0] for row in events] == ["excursion", "sensor silent"]
    assert all(len(row) == len(table.HEADERS[ReportKind.EXCEPTIONS]) for row in events)


async def test_a_plan_without_compliance_reports_says_so(fridge: Fridge) -> None:
    async with transaction(fridge.who) as tx:
        await billing.begin_trial(tx, plan=Plan.PRO)
    with pytest.raises(Conflict, match="holds no compliance reports"):
        await fridge.order()
    assert await fridge.order(ReportKind.DAILY)
