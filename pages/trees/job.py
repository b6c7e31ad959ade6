"""One tree job as its reviewer sees it: the form, the photos, the recordings, the place and the story."""

from itertools import groupby
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.trees.commands import review as commands
from data.trees.events import JobChanged
from data.trees.queries import review as known
from data.trees.queries.review import Review
from data.trees.rules.progress import refusal_to_review
from data.trees.words import ArtifactKind, JobStatus
from pages import _map
from pages._shell import Looker, field_errors, screen
from pages.trees import _files  # noqa: F401 - its routes
from pages.trees._form import event_sentence, section_word, show_form
from pages.trees._words import (
    RATING_STATES,
    STATUS_ICONS,
    STATUS_STATES,
    length,
    missing_words,
    rating_word,
    size,
    status_word,
)
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live, live_value
from ui.map import Marker, fleet
from ui.player import Photo, audio, photos
from ui.words import _, moment, noop

ARTIFACT_WORDS = {ArtifactKind.FINAL: noop("The record (JSON)"), ArtifactKind.GEOJSON: noop("For maps (GeoJSON)")}
SILENT = frozenset({"image_described", "manifest_set"})
"""What happened and is not worth a line."""


@screen("/trees/{job_id:uuid}", title="Tree job", place="trees", permission="trees.view")
async def job(look: Looker, job_id: UUID) -> None:
    async def ask() -> Review:
        async with look.transaction() as tx:
            return await known.review(tx, job_id)

    assert look.frame
    of = (await ask()).row.job
    look.frame.set_title(f"{of.job_number} · {of.job_name}")
    changed = look.topic(JobChanged, job_id=job_id)
    head = live(ask, lambda found: _head(look, found), changed, minimum_interval_s=0.5)
    with ui.element("div").classes("st-columns"):
        with ui.element("div").classes("st-stack"):
            live(ask, _form, changed, minimum_interval_s=1.0)
        with ui.element("div").classes("st-stack"):
            _media(job_id, ask, changed)
            live(ask, lambda found: _story(look, found), changed, minimum_interval_s=1.0)
    await head.first()


def _head(look: Looker, found: Review) -> None:
    of, row = found.row.job, found.row
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-row"):
            badge(STATUS_STATES[of.status], status_word(of.status), icon=STATUS_ICONS[of.status])
            if of.risk_rating:
                badge(RATING_STATES[of.risk_rating], _("Risk: {rating}", rating=rating_word(of.risk_rating)))
        with ui.element("div").classes("st-facts"):
            _fact(_("Customer"), row.customer.name)
            _fact(_("Address"), of.job_address)
            _fact(_("Phone"), of.job_phone)
            _fact(_("Tree number"), str(row.tree.tree_number) if row.tree else "–")
            _fact(_("Species"), of.tree_species or "–")
            _fact(_("Bill to"), row.billing.billing_name)
            if found.device:
                _fact(_("On the phone"), found.device.device_name or found.device.device_id)
            if found.final:
                _fact(_("Approved by"), found.final.user_name)
                _fact(_("Approved"), moment(found.final.archived_at, look.time_zone))
        for words in (of.reason, of.location_notes):
            if words:
                ui.label(words)
        _waiting(found)
        _decide(look, found)
    for artifact, file in found.artifacts:
        button(_(ARTIFACT_WORDS.get(artifact.kind, artifact.kind.value)), icon="download", href=f"/trees/{of.id}/files/{file.id}")


def _fact(label: str, value: str) -> None:
    with ui.element("div").classes("st-fact"):
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")


def _waiting(found: Review) -> None:
    """What is missing, and what the reviewer asked for last."""
    of = found.row.round
    if of is None:
        return
    if of.missing and found.row.job.status in (JobStatus.SUBMITTED_FOR_PROCESSING, JobStatus.FAILED):
        with ui.element("div").classes("st-row"):
            badge("warning", missing_words(len(of.missing)))
        for line in of.missing:
            ui.label(f"{section_word(line['section_id'])} · {line['artifact_id']}").classes("st-soft")
    if of.review_note and found.row.job.status is not JobStatus.ARCHIVED:
        with ui.element("div").classes("st-row"):
            badge("waiting", _("Sent back"), icon="undo")
            ui.label(f"“{of.review_note}”")


def _decide(look: Looker, found: Review) -> None:
    of = found.row
    can = look.may("trees.review", of.job.customer_id) and not refusal_to_review(of.job.status, of.round.status if of.round else None)
    if can:
        with ui.element("div").classes("st-form-buttons"):
            button(_("Approve"), lambda: _approve(look, found), kind="primary", icon="verified")
            button(_("Send back"), lambda: _send_back(look, found), icon="undo")


async def _approve(look: Looker, found: Review) -> None:
    is_sure = await confirm(
        _("Approve this job?"), _("Form, text and photos are kept as they are now and cannot be changed afterwards."),
        action=_("Approve"), goes=[f"{found.row.job.job_number} · {found.row.job.job_name}"], danger=False,
    )  # fmt: skip
    if is_sure:
        async with look.command() as tx:
            await commands.approve(tx, found.row.job.id)


def _send_back(look: Looker, found: Review) -> None:
    with panel(_("Send back"), _("The round opens again on the phone, with your note.")) as dialog:
        form = Form()
        with form:
            form.text("note", _("What is missing or wrong?"), required=True, lines=3)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.send_back(tx, found.row.job.id, note=values["note"])
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Send back"), send, on_cancel=dialog.close)
    dialog.open()


def _form(found: Review) -> None:
    if not found.form and not found.narrative:
        empty_state(_("The form is still empty."), _("It appears when the phone hands in a round."), icon="description")
        return
    if found.narrative:
        with ui.element("section").classes("st-card"):
            ui.label(_("Assessment")).classes("st-h2").props("role=heading aria-level=2")
            for paragraph in filter(None, found.narrative.split("\n")):
                ui.label(paragraph)
    show_form(found.form, found.disagreements)


def _media(job_id: UUID, ask: Any, changed: Any) -> None:
    """Photos, recordings and the place; drawn anew only when one of them is another, so that nobody's listening is cut off."""
    box = ui.element("div").classes("st-stack")
    shown: list[tuple[Any, ...]] = []

    def push(found: Review) -> None:
        now = (
            tuple((i.file_id, i.caption, i.latitude) for i in found.images), tuple(r.file_id for r in found.recordings),
            found.row.job.latitude, found.row.job.longitude, found.transcript,
        )  # fmt: skip
        if now in shown:
            return
        shown[:] = [now]
        with box.clear():
            _photos(job_id, found)
            _recordings(job_id, found)
            _place(found)

    live_value(ask, push, changed, minimum_interval_s=1.0)


def _photos(job_id: UUID, found: Review) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("Photos")).classes("st-h2").props("role=heading aria-level=2")
        if not found.images:
            ui.label(_("No photos yet.")).classes("st-soft")
            return
        src = f"/trees/{job_id}/files/"
        photos([Photo(f"{src}{i.file_id}", i.caption or "", f"{src}{i.report_file_id}") for i in found.images], label=_("Photos"))


def _recordings(job_id: UUID, found: Review) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("Recordings")).classes("st-h2").props("role=heading aria-level=2")
        if not found.recordings:
            ui.label(_("No recordings yet.")).classes("st-soft")
        for one in found.recordings:
            words = [section_word(one.section_id), length(one.duration_s), size(one.size_bytes)]
            audio(f"/trees/{job_id}/files/{one.file_id}", label=" · ".join(filter(None, words)))
            if one.transcript:
                ui.label(one.transcript)
        if found.transcript:
            ui.label(_("Transcript")).classes("st-h2").props("role=heading aria-level=2")
            ui.label(found.transcript)


def _place(found: Review) -> None:
    of = found.row.job
    markers = [
        Marker(n, i.caption or _("Photo {n}", n=n), i.latitude, i.longitude, kind="stop", state="neutral")
        for n, i in enumerate(found.images, start=1)
        if i.latitude is not None and i.longitude is not None
    ]
    if of.latitude is not None and of.longitude is not None:
        markers.append(Marker(0, of.job_number, of.latitude, of.longitude, kind="tree", state="ok", detail=of.job_address))
    with ui.element("section").classes("st-card"):
        ui.label(_("Place")).classes("st-h2").props("role=heading aria-level=2")
        if not markers:
            ui.label(_("Nobody has said where the tree stands.")).classes("st-soft")
            return
        center = (markers[-1].latitude, markers[-1].longitude)
        fleet(markers, tiles=_map.tiles(), center=center, zoom=17, height="320px", label=_("Where the tree stands"))
        ui.label(f"{center[0]:.5f}, {center[1]:.5f}").classes("st-soft st-number")


def _story(look: Looker, found: Review) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("What happened")).classes("st-h2").props("role=heading aria-level=2")
        told = [event for event in found.events if event.event_type not in SILENT]
        for sentence, alike in groupby(told, event_sentence):
            event, *earlier = alike
            with ui.element("div").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(f"{sentence} ×{len(earlier) + 1}" if earlier else sentence)
                    if note := event.event_data.get("note"):
                        ui.label(f"“{note}”").classes("st-soft")
                age(event.recorded_at, look.time_zone)
