"""Anybody who holds a report may ask whether it is genuine, without signing in, and learns nothing else."""

import hashlib
from collections import deque
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Literal

import anyio.to_thread
from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import app, events, ui

from data.core.fingerprint import as_fingerprint, attached_facts, fingerprint
from data.platform.genuine import Genuine, Verifier
from pages.cold_chain import _report_words as words
from pages.farm import _report_words as farm_words
from pages.identity._plain import browser_of, card, problem, speak, submit, text_field
from ui.form import button
from ui.words import _, moment, noop

TITLE = noop("Is this report genuine?")
LARGEST_FILE = 40 * 2**20
QUESTIONS, WITHIN_S = 20, 60.0
KIND_WORDS: Mapping[str, str] = {kind.value: said for kind, said in words.KIND_WORDS.items()} | dict(farm_words.KIND_WORDS)
FileVerdict = Literal["same", "changed", "facts_changed", "no_facts"]

_asked: dict[str, deque[float]] = {}
"""When each address asked lately."""


def may_ask(address: str, at: float) -> bool:
    """Whether this address has not asked too often; remembers that it asked."""
    if len(_asked) > 10_000:
        _asked.clear()
    times = _asked.setdefault(address, deque())
    while times and at - times[0] > WITHIN_S:
        times.popleft()
    if len(times) >= QUESTIONS:
        return False
    times.append(at)
    return True


@ui.page("/verify")
async def ask(request: Request, fingerprint: str = "") -> RedirectResponse | None:
    if seal := as_fingerprint(fingerprint):
        return RedirectResponse(f"/verify/{seal}", status_code=303)
    speak(request, TITLE)
    with card(request, _(TITLE)):
        if fingerprint:
            problem(_("This is no fingerprint: it has 64 digits, 0 to 9 and a to f."))
        _question(request)
    return None


@ui.page("/verify/{fingerprint}")
async def answer(request: Request, fingerprint: str) -> None:
    speak(request, TITLE)
    seal = as_fingerprint(fingerprint)
    with card(request, _(TITLE)):
        if not _is_allowed(request):
            return
        found = await _verifier()(seal) if seal else None
        _tell(found)
        _question(request)


def _verifier() -> Verifier:
    verifier: Verifier = app.state.verify
    return verifier


def _is_allowed(request: Request) -> bool:
    if may_ask(browser_of(request).ip_address or "", monotonic()):
        return True
    problem(_("Too many questions. Try again in a minute."))
    return False


def _question(request: Request) -> None:
    """Type the fingerprint, or bring the document itself."""
    with ui.element("form").props("method=get action=/verify"):
        text_field("fingerprint", _("The fingerprint at the foot of each page"), is_first=True)
        submit(_("Check"))
    ui.label(_("Or bring the document: then it is seen too whether it was changed. It is not kept.")).classes("st-soft")
    upload = ui.upload(
        auto_upload=True, max_files=1, max_file_size=LARGEST_FILE,
        on_rejected=lambda: ui.notify(_("This file is too large or not a PDF."), type="negative", position="top"),
    ).props('accept=".pdf,application/pdf"').classes("hidden")  # fmt: skip
    opener = button(_("Choose the PDF"), icon="attach_file")
    opener.on("click", js_handler=f"() => runMethod({upload.id}, 'pickFiles', [])")
    result = ui.element("div").classes("st-stack").props("role=status")
    upload.on_upload(_examine(request, upload, result))


def _examine(request: Request, upload: ui.upload, result: ui.element) -> Callable[[events.UploadEventArguments], object]:
    async def examine(event: events.UploadEventArguments) -> None:
        result.clear()
        content = await event.file.read()
        upload.reset()
        with result:
            if _is_allowed(request):
                facts = await anyio.to_thread.run_sync(attached_facts, content)
                seal = fingerprint(facts) if facts else None
                found = await _verifier()(seal) if seal else None
                _tell_file(found, verdict(content, facts, found))

    return examine


def verdict(content: bytes, facts: bytes | None, found: Genuine | None) -> FileVerdict:
    """What a document amounts to: untouched, with its facts untouched, or neither."""
    if facts is None:
        return "no_facts"
    if found is None:
        return "facts_changed"
    return "same" if hashlib.sha256(content).hexdigest() in found.files else "changed"


def _tell_file(found: Genuine | None, is_: FileVerdict) -> None:
    if is_ == "no_facts":
        problem(_("This file carries no facts of a report: it was not made here, or they were taken out of it."))
    elif is_ == "facts_changed":
        problem(_("The facts in this file are not those of any report of ours. They were changed, or it was not made here."))
    elif is_ == "changed":
        problem(_("The facts in this file are genuine, but the file itself was changed: what its pages show may differ. Ask for the original."))
        _say_which(found)
    else:
        problem(_("This file is exactly as it was made."), good=True)
        _tell(found)


def _tell(found: Genuine | None) -> None:
    if found is None:
        problem(_("No report of ours has this fingerprint."))
        return
    problem(_("There is a report with this fingerprint."), good=True)
    _say_which(found)
    if found.is_log_whole:
        problem(_("The event log that it is written in is whole up to it: nothing was changed, taken out or put in."), good=True)
    elif found.is_log_whole is None:
        problem(_("The event log that it is written in is long and still being checked. Ask again in a moment."))
    else:
        problem(_("The event log that it is written in does not hold: somebody changed it. Do not rely on this report."))


def _say_which(found: Genuine | None) -> None:
    """Whose, what, of when: no more than its own first lines."""
    if found is None:
        return
    with ui.element("dl").classes("st-facts"):
        for label, said in (
            (_("Business"), found.organization), (_("Report"), _(KIND_WORDS[found.kind])),
            (_("Period"), words.period(found.first_day, found.last_day)), (_("Made"), moment(found.made_at, "UTC") + " UTC"),
        ):  # fmt: skip
            with ui.element("div").classes("st-fact"):
                with ui.element("dt").classes("st-fact-label"):
                    ui.label(label)
                with ui.element("dd").classes("st-fact-value"):
                    ui.label(said)
