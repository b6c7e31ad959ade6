"""Reports of any domain: asked for by days, made in the background as documents, and listed with how far their making is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from fastapi import Response
from fastapi.responses import FileResponse
from nicegui import ui

from data.core.errors import Refusal
from data.core.session import Transaction
from data.core.sheet import Paper
from data.platform import background
from data.platform.commands import path_of
from data.platform.events import BackgroundJobChanged
from data.platform.tables import BackgroundJob, File
from pages._shell import Looker, field_errors
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import LANGUAGES, _

STEPS_AT_ONCE_S = 0.5
Days = tuple[str, date, date]


class Made(Protocol):
    """What every domain's row of a report has."""

    id: UUID
    title: str
    file_id: UUID | None
    fingerprint: str | None
    requested_as: str | None
    created_at: datetime


class Listed(Protocol):
    """A report and the job that makes it, where there still is one."""

    @property
    def report(self) -> Any: ...

    @property
    def job(self) -> BackgroundJob | None: ...


def presets(today: date) -> list[Days]:
    """Days that are asked for again and again."""
    monday = today - timedelta(days=today.weekday() + 7)
    last_of_month = today.replace(day=1) - timedelta(days=1)
    return [
        (_("Yesterday"), today - timedelta(days=1), today - timedelta(days=1)),
        (_("Last week"), monday, monday + timedelta(days=6)),
        (_("Last month"), last_of_month.replace(day=1), last_of_month),
    ]


def beside() -> ui.element:
    """Fields side by side where there is room."""
    return ui.element("div").classes("st-columns")


def choose_days(form: Form, usual: Sequence[Days]) -> None:
    """Buttons that fill in the fields `first_day` and `last_day`, which come after them."""

    def choose(begins: date, ends: date) -> None:
        for name, day in (("first_day", begins), ("last_day", ends)):
            form.fields[name].control.set_value(day.isoformat())

    with ui.element("div").classes("st-row").props(f'role=group aria-label="{_("Days")}"'):
        for said, begins, ends in usual:
            button(said, lambda begins=begins, ends=ends: choose(begins, ends), kind="quiet")


def paper_fields(look: Looker, form: Form) -> None:
    """How the document is written: language, units and the format of its paper."""
    with beside():
        form.select("language", _("Language of the document"), LANGUAGES, look.actor.language, required=True)
        form.select("units", _("Temperatures"), {"celsius": "°C", "fahrenheit": "°F"}, look.actor.units, required=True)
        form.select("paper", _("Paper"), {"a4": "A4", "letter": "Letter"}, "a4", required=True)


def send(
    look: Looker, form: Form, path: str, *, query: Callable[[Mapping[str, Any]], str],
    ask: Callable[[Transaction, Mapping[str, Any], Paper], Awaitable[object]],
) -> None:  # fmt: skip
    """The buttons below the fields: have it made, read it at `path`, or take it as a table from `path`.csv."""

    async def make(values: dict[str, Any]) -> dict[str, str] | None:
        try:
            async with look.transaction() as tx:
                await ask(tx, values, Paper(values["language"], values["units"], values["paper"]))
        except Refusal as refusal:
            return field_errors(refusal)
        ui.notify(_("It is being made. You may leave this page; it will be in the list."), type="positive", position="top")
        return None

    def go(to: str) -> None:
        if form.complete():
            ui.navigate.to(f"{to}?{query(form.values())}")

    form.buttons(_("Make the PDF"), make)
    with ui.element("div").classes("st-row"):
        button(_("Show it here"), lambda: go(path), icon="visibility")
        button(_("CSV"), lambda: go(f"{path}.csv"), icon="download")


def listed(look: Looker, ask: Callable[[Transaction], Awaitable[Sequence[Listed]]], draw: Callable[[Any], None]) -> None:
    """Those that were made or are being made, live; `draw` draws one of them (see `row`)."""

    async def found() -> Sequence[Listed]:
        async with look.transaction() as tx:
            return await ask(tx)

    def show(reports: Sequence[Listed]) -> None:
        if not reports:
            empty_state(_("No report has been made yet."), _("Choose what and which days above."), icon="description")
        for one in reports:
            draw(one)

    ui.label(_("Reports that were made")).classes("st-h2").props("role=heading aria-level=2")
    live(found, show, look.topic(BackgroundJobChanged), minimum_interval_s=STEPS_AT_ONCE_S)


def row(
    look: Looker, one: Listed, *, kind: str, days: str, href: str, zone: str, more: Callable[[], None] | None = None
) -> None:
    """A report in the list; `href` is where its document is, `more` draws what else is to be said of a finished one."""
    made: Made = one.report
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(f"{kind} · {made.title}").classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(days)
                if made.requested_as:
                    ui.label(_("for {name}", name=made.requested_as))
                age(made.created_at, zone)
                if made.fingerprint:
                    ui.link(_("Fingerprint {mark}…", mark=made.fingerprint[:12]), f"/verify/{made.fingerprint}", new_tab=True)
        if made.file_id:
            if more:
                more()
            button(_("PDF"), icon="download", href=href).props("download")
        else:
            _making(look, one.job)


def _making(look: Looker, job: BackgroundJob | None) -> None:
    if job is None:
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


def document(file: File, name: str) -> Response:
    """The document itself, for whoever may have it."""
    return FileResponse(path_of(file), media_type="application/pdf", filename=name, headers={"cache-control": "private, no-store"})
