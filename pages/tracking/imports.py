"""A vendor's file of tags is checked row by row before anything is stored, and is taken whole or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import anyio.to_thread
from nicegui import events, ui

from data.core.errors import Invalid, Refusal
from data.tracking import commands, queries
from data.tracking.commands import RowsRefused
from data.tracking.queries import Run
from data.tracking.tags import LARGEST_FILE, Rows, read_file
from pages._shell import Looker, field_errors, screen, translated
from ui.badge import badge
from ui.empty import empty_state
from ui.form import Form, button
from ui.words import _, day, n_

MOST_SHOWN = 100


@dataclass
class Sheet:
    """What the person has brought so far."""

    rows: Rows = field(default=(), repr=False)


@screen("/tracking/import", title="Import trackers", place="tracking", permission="tracking.edit")
async def imports(look: Looker, run: UUID | None = None) -> None:
    async with look.transaction() as tx:
        runs = [each for each in await queries.runs(tx) if look.may("tracking.edit", each.client_id)]
    if not runs:
        empty_state(
            _("There is no run to import into."), _("Trackers belong to a run: set up a client, a brand and a run first."),
            icon="inventory", action=_("Set up a run"), href="/tracking/runs",
        )  # fmt: skip
        return
    sheet = Sheet()
    with ui.element("section").classes("st-card"):
        ui.label(_("Bring the file as the vendor sends it: a table with a name and a pair of keys in each row."))
        button(_("Download an empty table"), kind="quiet", icon="download", href="/tracking/template.csv").props("download")
        form = Form()
        with form:
            form.select(
                "run", _("Run"), {each.id: _named(each) for each in runs}, _chosen(runs, run), required=True, search=len(runs) > 8
            )
            upload, chosen = _file_field(lambda: form.show_errors({"": _("This file is too large or not a CSV file.")}))
        result = ui.element("div").classes("st-stack").props("role=status")

        async def brought(event: events.UploadEventArguments) -> None:
            form.show_errors({})
            chosen.set_text(event.file.name)
            try:
                if event.file.size() > LARGEST_FILE:
                    raise Invalid("body", "A file may have at most {limit} bytes.", limit=LARGEST_FILE)
                sheet.rows = await anyio.to_thread.run_sync(read_file, await event.file.read())
            except Invalid as refusal:
                sheet.rows = ()
                form.show_errors({"": f"{refusal.field}: {translated(refusal)}" if refusal.field != "body" else translated(refusal)})
            upload.reset()
            _tell(result, sheet, [row for _number, row in sheet.rows if isinstance(row, Invalid)])

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            if not sheet.rows:
                return {"": _("Choose a file first.")}
            try:
                async with look.transaction() as tx:
                    count = await commands.import_trackers(tx, values["run"], sheet.rows)
            except RowsRefused as refused:
                _tell(result, sheet, refused.refusals)
                return None
            except Refusal as refusal:
                return field_errors(refusal)
            ui.notify(n_("{n} tracker imported.", "{n} trackers imported.", count), type="positive", position="top")
            ui.navigate.to(f"/tracking?run={values['run']}")
            return None

        upload.on_upload(brought)
        form.buttons(_("Import"), send, cancel_href="/tracking")


def _file_field(on_rejected: Callable[[], None]) -> tuple[ui.upload, ui.label]:
    """A button that opens the file dialog, and where the file's name is shown; the uploader itself is not seen."""
    with ui.element("div").classes("st-row"):
        opener = button(_("Choose a CSV file"), icon="attach_file")
        chosen = ui.label(_("At most 1 MB")).classes("st-soft")
    upload = ui.upload(auto_upload=True, max_files=1, max_file_size=LARGEST_FILE, on_rejected=on_rejected)
    upload.props('accept=".csv,text/csv,text/plain"').classes("hidden")
    opener.on("click", js_handler=f"() => runMethod({upload.id}, 'pickFiles', [])")
    return upload, chosen


def _named(run: Run) -> str:
    return f"{run.description} · {run.brand_name} · {run.client_name} ({day(run.starts_at)})"


def _chosen(runs: Sequence[Run], wanted: UUID | None) -> UUID | None:
    ids = [each.id for each in runs]
    return wanted if wanted in ids else ids[0] if len(ids) == 1 else None


def _tell(result: ui.element, sheet: Sheet, refusals: Sequence[Invalid]) -> None:
    """What is in the file: ready as it is, or each row that is wrong and why."""
    result.clear()
    if not sheet.rows:
        return
    with result:
        with ui.element("div").classes("st-row"):
            if refusals:
                words = n_("{n} row is not right. Nothing was imported.", "{n} rows are not right. Nothing was imported.", len(refusals))
                badge("critical", words)
            else:
                badge("ok", n_("{n} tracker is ready to import.", "{n} trackers are ready to import.", len(sheet.rows)))
        for refusal in refusals[:MOST_SHOWN]:
            where, _sign, column = refusal.field.partition(": ")
            with ui.element("article").classes("st-item"), ui.element("div").classes("st-item-main"):
                ui.label(translated(refusal)).classes("st-item-words")
                ui.label(_("Row {number}, column {column}", number=where.removeprefix("row "), column=column)).classes("st-soft")
        if len(refusals) > MOST_SHOWN:
            ui.label(n_("{n} more", "{n} more", len(refusals) - MOST_SHOWN)).classes("st-soft")
