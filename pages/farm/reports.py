"""How a farm did over some days: whoever belongs to it chooses what, reads it here, or has it made as a document."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from nicegui import app, ui

from data.core.fingerprint import as_canonical, fingerprint
from data.core.session import Transaction, transaction
from data.core.sheet import Paper
from data.core.time import zone
from data.farm.reports import commands, queries, table
from data.farm.reports.asked import Kind, Step
from data.farm.reports.queries import ReportView
from data.farm.tables import Farm
from data.platform.tables import ReportSchedule
from pages import _reports as shared
from pages._csv import csv_response
from pages._regular import Asking, sent_regularly
from pages._shell import Looker, actor, screen
from pages.farm import _events_csv  # noqa: F401 - its route
from pages.farm import _report_words as words
from pages.farm._report_asking import PATH, Wanted, wanted
from ui.empty import empty_state
from ui.form import Form, button
from ui.words import _


@screen(PATH, title="Reports", place="farm", permission="farm.view")
async def reports(look: Looker, kind: str = "", farm: str = "", first: str = "", last: str = "", step: str = "") -> None:
    today = datetime.now(UTC).astimezone(zone(look.time_zone)).date()
    async with look.transaction() as tx:
        asks, farms = await wanted(tx, kind, farm, first, last, step, today=today)
    if asks is None:
        empty_state(_("There are no farms yet."), icon="agriculture", action=_("Farm"), href="/farm")
        return
    with ui.element("section").classes("st-card"):
        _ask(look, asks, farms, today)
    sent_regularly(look, _regular(farms))
    shared.listed(look, queries.reports, lambda one: _row(look, one))


def _regular(farms: Sequence[Farm]) -> Asking:
    """What is asked of a report that comes regularly: its kind, of which farm, and how finely."""

    def fields(form: Form, ordered: ReportSchedule | None) -> None:
        asked = ordered.question if ordered else {"farm_id": str(farms[0].id), "step": Step.DAY.value}
        with shared.beside():
            form.select("kind", _("Kind"), {one.value: _(words.KIND_WORDS[one]) for one in Kind}, ordered.kind if ordered else Kind.PERFORMANCE.value, required=True)
            named = {str(one.id): one.name for one in farms}
            form.select("farm", _("Farm"), named, asked["farm_id"] if asked["farm_id"] in named else None, required=True)
            form.select("step", _("Steps"), {one.value: _(said) for one, said in words.STEP_WORDS.items()}, asked["step"], required=True)

    def read(values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        return values["kind"], {"farm_id": values["farm"], "step": values["step"]}

    return Asking("farm", fields, read, lambda kind: _(words.KIND_WORDS[Kind(kind)]), words.period)


def _ask(look: Looker, asks: Wanted, farms: Sequence[Farm], today: date) -> None:
    with Form() as form:
        with shared.beside():
            form.select("kind", _("Kind"), {one.value: _(words.KIND_WORDS[one]) for one in Kind}, asks.kind.value, required=True)
            form.select("farm", _("Farm"), {str(one.id): one.name for one in farms}, str(asks.farm_id), required=True)
        shared.choose_days(form, [*shared.presets(today), (_("A year"), today - timedelta(days=365), today - timedelta(days=1))])
        with shared.beside():
            form.date("first_day", _("From"), asks.first, required=True)
            form.date("last_day", _("To"), asks.last, required=True)
            form.select("step", _("Steps"), {one.value: _(said) for one, said in words.STEP_WORDS.items()}, asks.step.value, required=True)
        shared.paper_fields(look, form)

        async def ask(tx: Transaction, values: Mapping[str, Any], paper: Paper) -> None:
            await commands.ask(tx, await _wanted(values).question(tx), paper)

        shared.send(look, form, "/farm/report", query=lambda values: _wanted(values).query(), ask=ask)
        if look.may("audit.view"):
            button(_("Events as CSV"), lambda: _events(form), icon="download", kind="quiet")


def _events(form: Form) -> None:
    if form.complete():
        ui.navigate.to(f"/farm/events.csv?{_wanted(form.values()).query()}")


def _wanted(values: Mapping[str, Any]) -> Wanted:
    return Wanted(Kind(values["kind"]), UUID(values["farm"]), values["first_day"], values["last_day"], Step(values["step"]))


def _row(look: Looker, one: ReportView) -> None:
    made = one.report
    shared.row(
        look, one, kind=_(words.KIND_WORDS[Kind(made.kind)]), days=words.period(made.first_day, made.last_day),
        href=f"{PATH}/{made.id}/report.pdf", zone=look.time_zone,
    )  # fmt: skip


@app.get(f"{PATH}/{{report_id:uuid}}/report.pdf")
async def document(request: Request, report_id: UUID) -> Response:
    async with transaction(actor(request)) as tx:
        file = await queries.report_file(tx, report_id)
        made = await queries.report(tx, report_id)
        assert made.fingerprint, "a report with a file has a fingerprint"
        tx.record("farm.report.fetched", "report fetched", subject_id=report_id, fingerprint=made.fingerprint)
    return shared.document(file, f"{made.kind}-{made.first_day}-{made.fingerprint[:8]}.pdf")


@app.get("/farm/report.csv")
async def as_table(request: Request, kind: str = "", farm: str = "", first: str = "", last: str = "", step: str = "") -> Response:
    who = actor(request)
    async with transaction(who) as tx:
        today = datetime.now(UTC).astimezone(zone(who.time_zone)).date()
        asks, _farms = await wanted(tx, kind, farm, first, last, step, today=today)
        if asks is None:
            return csv_response("report.csv", table.HEADERS[Kind.PERFORMANCE], [])
        facts = await queries.draw(tx, await asks.question(tx))
        commands.record(tx, facts, fingerprint(as_canonical(facts)), "csv")
    name = f"{facts.kind.value} {facts.farm} {asks.first} {asks.last}.csv"
    return csv_response(name, table.HEADERS[facts.kind], table.rows(facts, is_fahrenheit=who.units == "fahrenheit"))
