"""How a farm did over some days: whoever belongs to it chooses what, reads it here, or has it made as a document."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import FileResponse
from nicegui import app, ui

from data.core.errors import Refusal
from data.core.fingerprint import as_canonical, fingerprint
from data.core.session import transaction
from data.core.time import zone
from data.farm.reports import commands, queries, table
from data.farm.reports.asked import Kind, Step
from data.farm.reports.commands import Look
from data.farm.reports.queries import ReportView
from data.farm.tables import Farm
from data.platform import background
from data.platform.commands import path_of
from data.platform.events import BackgroundJobChanged
from pages._csv import csv_response
from pages._shell import Looker, actor, field_errors, screen
from pages.farm import _events_csv  # noqa: F401 - its route
from pages.farm import _report_words as words
from pages.farm._report_asking import PATH, Wanted, presets, wanted
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import LANGUAGES, _

STEPS_AT_ONCE_S = 0.5


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
    ui.label(_("Reports that were made")).classes("st-h2").props("role=heading aria-level=2")
    _made(look)


def _ask(look: Looker, asks: Wanted, farms: Sequence[Farm], today: date) -> None:
    with Form() as form:
        with _beside():
            form.select("kind", _("Kind"), {one.value: _(words.KIND_WORDS[one]) for one in Kind}, asks.kind.value, required=True)
            form.select("farm", _("Farm"), {str(one.id): one.name for one in farms}, str(asks.farm_id), required=True)
        with ui.element("div").classes("st-row").props(f'role=group aria-label="{_("Days")}"'):
            for said, begins, ends in presets(today):
                button(said, lambda begins=begins, ends=ends: _choose(form, begins, ends), kind="quiet")
        with _beside():
            form.date("first_day", _("From"), asks.first, required=True)
            form.date("last_day", _("To"), asks.last, required=True)
            form.select("step", _("Steps"), {one.value: _(said) for one, said in words.STEP_WORDS.items()}, asks.step.value, required=True)
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
            button(_("Show it here"), lambda: go("/farm/report"), icon="visibility")
            button(_("CSV"), lambda: go("/farm/report.csv"), icon="download")
            if look.may("audit.view"):
                button(_("Events as CSV"), lambda: go("/farm/events.csv"), icon="download", kind="quiet")


def _beside() -> ui.element:
    """Fields side by side where there is room."""
    return ui.element("div").classes("st-columns")


def _wanted(values: dict[str, Any]) -> Wanted:
    return Wanted(Kind(values["kind"]), UUID(values["farm"]), values["first_day"], values["last_day"], Step(values["step"]))


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
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(f"{_(words.KIND_WORDS[made.kind])} · {made.title}").classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(words.period(made.first_day, made.last_day))
                if made.requested_as:
                    ui.label(_("for {name}", name=made.requested_as))
                age(made.created_at, look.time_zone)
                if made.fingerprint:
                    ui.link(_("Fingerprint {mark}…", mark=made.fingerprint[:12]), f"/verify/{made.fingerprint}", new_tab=True)
        _state(look, one)


def _state(look: Looker, one: ReportView) -> None:
    made, job = one.report, one.job
    if made.file_id:
        button(_("PDF"), icon="download", href=f"{PATH}/{made.id}/report.pdf").props("download")
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
        with ui.element("div").classes("st-stack"):
            badge("critical", _("Not made"))
            if job.error:
                ui.label(_(job.error, **job.step_values)).classes("st-soft")


async def _cancel(look: Looker, job_id: UUID) -> None:
    async with look.command() as tx:
        await background.cancel(tx, job_id)


@app.get(f"{PATH}/{{report_id:uuid}}/report.pdf")
async def document(request: Request, report_id: UUID) -> Response:
    async with transaction(actor(request)) as tx:
        file = await queries.report_file(tx, report_id)
        made = await queries.report(tx, report_id)
        assert made.fingerprint, "a report with a file has a fingerprint"
        tx.record("farm.report.fetched", "report fetched", subject_id=report_id, fingerprint=made.fingerprint)
    name = f"{made.kind}-{made.first_day}-{made.fingerprint[:8]}.pdf"
    return FileResponse(path_of(file), media_type="application/pdf", filename=name, headers={"cache-control": "private, no-store"})


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
