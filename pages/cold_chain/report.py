"""A report on the screen at once: the same facts and words as on paper; and the same as a table to take away."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import FileResponse
from nicegui import app, ui

from data.cold_chain.reports import commands, queries, table
from data.cold_chain.reports.fingerprint import canonical, fingerprint
from data.cold_chain.reports.queries import EXPORT
from data.cold_chain.values import ReportKind
from data.core.session import transaction
from data.core.sheet import Paper
from data.platform.commands import path_of
from pages._csv import csv_response, csv_stream
from pages._sheet import html
from pages._shell import Looker, actor, screen
from pages.cold_chain import _report_words as words
from pages.cold_chain._report_asking import Wanted, wanted
from pages.cold_chain._report_sheet import sheet, subtitle, summary
from ui.empty import empty_state
from ui.form import button
from ui.words import _

MOST_UNIT_DAYS = 1_000
"""Of a report that is shown whole; of a larger one the summary is, and the document is for the rest."""
MOST_AT_ONCE = 3_000
"""Unit-days that are drawn up while somebody waits."""


@screen("/cold-chain/report", title="Report", place="cold_chain", permission=EXPORT)
async def report(look: Looker, kind: str = "", of: str = "", first: str = "", last: str = "") -> None:
    asks = wanted(kind, of, first, last, today=datetime.now(UTC).astimezone(ZoneInfo(look.time_zone)).date())
    async with look.transaction() as tx:
        asked = await asks.question(tx)
        if (await queries.unit_count(tx, asked)) * asked.days > MOST_AT_ONCE:
            _too_much(asks)
            return
        drawn = await queries.draw(tx, asked)
    facts = drawn.facts
    with ui.element("div").classes("st-row"):
        ui.label(f"{_(words.KIND_WORDS[facts.kind])} · {subtitle(facts)}").classes("st-h2").props("role=heading aria-level=2")
    with ui.element("div").classes("st-row"):
        button(_("Make the PDF"), kind="primary", icon="picture_as_pdf", href=f"/cold-chain/reports?{asks.query()}")
        button(_("CSV"), icon="download", href=f"/cold-chain/report.csv?{asks.query()}").props("download")
    if facts.is_empty:
        empty_state(words.headline(facts)[1], _("Choose other days, or another place."), icon="event_busy", action=_("Choose"), href=f"/cold-chain/reports?{asks.query()}")
        return
    is_small = len(facts.units) * asked.days <= MOST_UNIT_DAYS
    blocks = sheet(drawn, _look(look), seal="", origin="").blocks if is_small else summary(facts, has_links=False)
    with ui.element("article").classes("st-card"):
        ui.html(html(blocks, photo_href=lambda sha256: f"/cold-chain/report/photos/{sha256}"), sanitize=False).classes("st-paper")
    if not is_small:
        ui.label(_("This is the summary. The document has a page for each unit.")).classes("st-soft")


def _too_much(asks: Wanted) -> None:
    empty_state(
        _("This is too much for a screen."), _("The document has it all: it is made while you do something else."), icon="description",
        action=_("Make the PDF"), href=f"/cold-chain/reports?{asks.query()}",
    )  # fmt: skip


def _look(look: Looker) -> Paper:
    return Paper(look.actor.language, look.actor.units)


@app.get("/cold-chain/report/photos/{sha256}")
async def photo(request: Request, sha256: str) -> Response:
    async with transaction(actor(request)) as tx:
        file = await queries.photo(tx, sha256)
    return FileResponse(path_of(file), media_type=file.mime_type, headers={"cache-control": "private, no-store"})


@app.get("/cold-chain/report.csv")
async def as_table(request: Request, kind: str = "", of: str = "", first: str = "", last: str = "") -> Response:
    who = actor(request)
    asks = wanted(kind, of, first, last, today=datetime.now(UTC).astimezone(ZoneInfo(who.time_zone)).date())
    async with transaction(who) as tx:
        asked = await asks.question(tx)
        facts = (await queries.draw(tx, asked)).facts
        commands.record(tx, facts, fingerprint(canonical(facts)), "csv", report_id=None)
    name = _file_name(asks)
    if asks.kind is not ReportKind.DAILY:
        return csv_response(name, table.HEADERS[asks.kind], table.rows(facts))

    async def pieces() -> AsyncIterator[Iterable[table.Row]]:
        async with transaction(who) as tx:
            async for rows in table.daily(tx, asked, facts):
                yield rows

    return csv_stream(name, table.HEADERS[asks.kind], pieces())


def _file_name(asks: Wanted) -> str:
    return f"{asks.kind.value} {asks.first} {asks.last}.csv"
