"""Whoever must show how the food was kept chooses what, reads it here, or has it made as a document."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request, Response
from fastapi.responses import FileResponse
from nicegui import app, ui

from data.cold_chain.reports import commands, queries
from data.cold_chain.reports.commands import Look
from data.cold_chain.reports.queries import EXPORT, ReportView
from data.cold_chain.values import ReportKind
from data.core.errors import Refusal
from data.core.session import transaction
from data.platform import background
from data.platform.commands import path_of
from data.platform.events import BackgroundJobChanged
from pages._shell import Looker, actor, field_errors, screen
from pages.cold_chain import _report_words as words
from pages.cold_chain._report_asking import Wanted, presets, subjects, wanted
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import LANGUAGES, _, n_, percent

STEPS_AT_ONCE_S = 0.5


@screen("/cold-chain/reports", title="Reports", place="cold_chain", permission=EXPORT)
async def reports(look: Looker, kind: str = "", of: str = "", first: str = "", last: str = "") -> None:
    today = datetime.now(UTC).astimezone(ZoneInfo(look.time_zone)).date()
    asks = wanted(kind, of, first, last, today=today)
    named = await subjects(look)
    with ui.element("section").classes("st-card"):
        _ask(look, asks, named, today)
    ui.label(_("Reports that were made")).classes("st-h2").props("role=heading aria-level=2")
    _made(look)


def _ask(look: Looker, asks: Wanted, named: dict[str, str], today: date) -> None:
    with Form() as form:
        kinds = {one: _(said) for one, said in words.KIND_WORDS.items()}
        with _beside():
            form.select("kind", _("Kind"), kinds, asks.kind, required=True)
            form.select("of", _("Of"), named, asks.of if asks.of in named else "all", required=True, search=len(named) > 12)
        with ui.element("div").classes("st-row").props(f'role=group aria-label="{_("Days")}"'):
            for said, begins, ends in presets(today):
                button(said, lambda begins=begins, ends=ends: _choose(form, begins, ends), kind="quiet")
        with _beside():
            form.date("first_day", _("From"), asks.first, required=True)
            form.date("last_day", _("To"), asks.last, required=True)
        with _beside():
            form.select("language", _("Language of the document"), LANGUAGES, look.actor.language, required=True)
            form.select("units", _("Temperatures"), {"celsius": "°C", "fahrenheit": "°F"}, look.actor.units, required=True)
            form.select("paper", _("Paper"), {"a4": "A4", "letter": "Letter"}, "a4", required=True)

        async def make(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    asked = await _wanted(values).question(tx)
                    await commands.ask(tx, asked, Look(values["language"], values["units"], values["paper"]))
            except Refusal as refusal:
                return field_errors(refusal)
            ui.notify(_("It is being made. You may leave this page; it will be in the list."), type="positive", position="top")
            return None

        def go(path: str) -> None:
            if form.complete():
                ui.navigate.to(f"{path}?{_wanted(form.values()).query()}")

        form.buttons(_("Make the PDF"), make)
        with ui.element("div").classes("st-row"):
            button(_("Show it here"), lambda: go("/cold-chain/report"), icon="visibility")
            button(_("CSV"), lambda: go("/cold-chain/report.csv"), icon="download")


def _beside() -> ui.element:
    """Fields side by side where there is room."""
    return ui.element("div").classes("st-columns")


def _wanted(values: dict[str, Any]) -> Wanted:
    return Wanted(ReportKind(values["kind"]), values["of"], values["first_day"], values["last_day"])


def _choose(form: Form, begins: date, ends: date) -> None:
    for name, day in (("first_day", begins), ("last_day", ends)):
        form.fields[name].control.set_value(day.isoformat())


def _made(look: Looker) -> None:
    async def ask() -> Sequence[ReportView]:
        async with look.transaction() as tx:
            return await queries.reports(tx)

    def show(found: Sequence[ReportView]) -> None:
        if not found:
            empty_state(_("No report has been made yet."), _("Choose what and which days above."), icon="description")
        for one in found:
            _row(look, one)

    live(ask, show, look.topic(BackgroundJobChanged), minimum_interval_s=STEPS_AT_ONCE_S)


def _row(look: Looker, one: ReportView) -> None:
    made = one.report
    days = words.period(*(date.fromisoformat(made.summary[name]) for name in ("first_day", "last_day")))
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(f"{_(words.KIND_WORDS[made.kind])} · {made.title}").classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(days)
                if made.requested_as:
                    ui.label(_("for {name}", name=made.requested_as))
                age(made.created_at, made.time_zone)
                if made.fingerprint:
                    ui.link(_("Fingerprint {mark}…", mark=made.fingerprint[:12]), f"/verify/{made.fingerprint}", new_tab=True)
        _state(look, one)


def _state(look: Looker, one: ReportView) -> None:
    made, job = one.report, one.job
    if made.file_id:
        minutes = made.summary.get("minutes", {})
        if whole := sum(minutes.values()):
            ui.label(_("{share} known", share=percent(1 - minutes["unknown"] / whole))).classes("st-soft")
        if count := made.summary.get("excursion_count"):
            badge("warning", n_("{n} excursion", "{n} excursions", count))
        button(_("PDF"), icon="download", href=f"/cold-chain/reports/{made.id}/report.pdf").props("download")
    elif job is None:
        badge("offline", _("Not made"))
    elif job.status in background.UNFINISHED:
        with ui.element("div").classes("st-stack"):
            ui.linear_progress(job.progress / 100, show_value=False).props(f'aria-label="{_("Progress")}" instant-feedback rounded')
            ui.label(_(job.step, **job.step_values) if job.step else _("Waiting for its turn")).classes("st-soft")
        if look.actor.user_id and job.requested_by == look.actor.user_id:
            button(_("Let it be"), lambda: _cancel(look, job.id), kind="quiet")
    elif job.status is background.CANCELED:
        badge("offline", _("Not made, as you wished"))
    else:
        badge("critical", _(job.error, **job.step_values) if job.error else _("Not made"))


async def _cancel(look: Looker, job_id: UUID) -> None:
    async with look.command() as tx:
        await background.cancel(tx, job_id)


@app.get("/cold-chain/reports/{report_id:uuid}/report.pdf")
async def document(request: Request, report_id: UUID) -> Response:
    async with transaction(actor(request)) as tx:
        file = await queries.report_file(tx, report_id)
        made = await queries.report(tx, report_id)
        assert made.fingerprint, "a report with a file has a fingerprint"
        tx.record("cold_chain.report.fetched", "report fetched", subject_id=report_id, fingerprint=made.fingerprint)
    name = f"report-{made.kind.value}-{made.summary['first_day']}-{made.fingerprint[:8]}.pdf"
    return FileResponse(path_of(file), media_type="application/pdf", filename=name, headers={"cache-control": "private, no-store"})
