"""Whoever must show how the food was kept chooses what, reads it here, or has it made as a document."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from nicegui import app, ui

from data.cold_chain.reports import commands, queries
from data.cold_chain.reports.queries import EXPORT, ReportView
from data.cold_chain.values import ReportKind
from data.core.session import Transaction, transaction
from data.core.sheet import Paper
from data.platform.tables import ReportSchedule
from pages import _reports as shared
from pages._regular import Asking, sent_regularly
from pages._shell import Looker, actor, screen
from pages.cold_chain import _report_words as words
from pages.cold_chain._report_asking import Wanted, subjects, wanted
from ui.badge import badge
from ui.form import Form
from ui.words import _, n_, percent


@screen("/cold-chain/reports", title="Reports", place="cold_chain", permission=EXPORT)
async def reports(look: Looker, kind: str = "", of: str = "", first: str = "", last: str = "") -> None:
    today = datetime.now(UTC).astimezone(ZoneInfo(look.time_zone)).date()
    asks = wanted(kind, of, first, last, today=today)
    named = await subjects(look)
    with ui.element("section").classes("st-card"):
        _ask(look, asks, named, today)
    sent_regularly(look, _regular(named))
    shared.listed(look, queries.reports, lambda one: _row(look, one))


def _regular(named: Mapping[str, str]) -> Asking:
    """What is asked of a report that comes regularly: its kind, and of what."""

    def fields(form: Form, ordered: ReportSchedule | None) -> None:
        of = _of(ordered.question) if ordered else "all"
        with shared.beside():
            form.select("kind", _("Kind"), {one.value: _(said) for one, said in words.KIND_WORDS.items()}, ordered.kind if ordered else "compliance", required=True)
            form.select("of", _("Of"), dict(named), of if of in named else "all", required=True, search=len(named) > 12)

    def read(values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
        what, _sign, which = values["of"].partition(":")
        return values["kind"], {f"{what}_id": which} if which else {}

    return Asking("cold_chain", fields, read, lambda kind: _(words.KIND_WORDS[ReportKind(kind)]), words.period)


def _of(question: Mapping[str, Any]) -> str:
    return next((f"{what}:{question[f'{what}_id']}" for what in ("unit", "site") if question.get(f"{what}_id")), "all")


def _ask(look: Looker, asks: Wanted, named: dict[str, str], today: date) -> None:
    with Form() as form:
        kinds = {one: _(said) for one, said in words.KIND_WORDS.items()}
        with shared.beside():
            form.select("kind", _("Kind"), kinds, asks.kind, required=True)
            form.select("of", _("Of"), named, asks.of if asks.of in named else "all", required=True, search=len(named) > 12)
        shared.choose_days(form, shared.presets(today))
        with shared.beside():
            form.date("first_day", _("From"), asks.first, required=True)
            form.date("last_day", _("To"), asks.last, required=True)
        shared.paper_fields(look, form)

        async def ask(tx: Transaction, values: Mapping[str, Any], paper: Paper) -> None:
            await commands.ask(tx, await _wanted(values).question(tx), paper)

        shared.send(look, form, "/cold-chain/report", query=lambda values: _wanted(values).query(), ask=ask)


def _wanted(values: Mapping[str, Any]) -> Wanted:
    return Wanted(ReportKind(values["kind"]), values["of"], values["first_day"], values["last_day"])


def _row(look: Looker, one: ReportView) -> None:
    made = one.report

    def sums() -> None:
        minutes = made.summary.get("minutes", {})
        if whole := sum(minutes.values()):
            ui.label(_("{share} known", share=percent(1 - minutes["unknown"] / whole))).classes("st-soft")
        if count := made.summary.get("excursion_count"):
            badge("warning", n_("{n} excursion", "{n} excursions", count))

    shared.row(
        look, one, kind=_(words.KIND_WORDS[made.kind]), days=words.period(*(date.fromisoformat(made.summary[name]) for name in ("first_day", "last_day"))),
        href=f"/cold-chain/reports/{made.id}/report.pdf", zone=made.time_zone or look.time_zone, more=sums,
    )  # fmt: skip


@app.get("/cold-chain/reports/{report_id:uuid}/report.pdf")
async def document(request: Request, report_id: UUID) -> Response:
    async with transaction(actor(request)) as tx:
        file = await queries.report_file(tx, report_id)
        made = await queries.report(tx, report_id)
        assert made.fingerprint, "a report with a file has a fingerprint"
        tx.record("cold_chain.report.fetched", "report fetched", subject_id=report_id, fingerprint=made.fingerprint)
    return shared.document(file, f"report-{made.kind.value}-{made.summary['first_day']}-{made.fingerprint[:8]}.pdf")
