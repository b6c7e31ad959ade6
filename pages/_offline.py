"""What a phone takes along: the manifest that installs the product, its worker, and the page that is shown without a signal."""

from html import escape

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from nicegui import app

from data.core.actor import Actor
from pages._plain import KEEP, PERSON, actor_of, html, person_tag, read_by, theme_of
from ui.offline import PUSH, manifest, worker
from ui.words import _, current_language, current_reader

NO_SIGNAL, LOG, ROUND, FARM = "/offline", "/cold-chain/log", "/cold-chain/log/round.json", "/farm/known.json"
KEPT = (NO_SIGNAL, LOG, ROUND, FARM)
"""The pages of a person that are there without a signal."""


@app.get("/manifest.webmanifest", include_in_schema=False)
async def the_manifest(request: Request) -> JSONResponse:
    read_by(actor_of(request), request)
    described = _("From the farm to the doorstep.")
    return JSONResponse(
        manifest("Steading", described, current_language()), media_type="application/manifest+json", headers={"cache-control": "no-cache"}
    )


@app.get("/service-worker.js", include_in_schema=False)
async def the_worker() -> Response:
    """At the root, because a worker may only look after what is below it."""
    has_push = any(getattr(route, "path", "") == PUSH for route in app.routes)
    return Response(
        worker(KEPT, has_push=has_push), media_type="text/javascript", headers={"cache-control": "no-cache", "service-worker-allowed": "/"}
    )


@app.get("/offline", include_in_schema=False)
async def no_signal(request: Request) -> HTMLResponse:
    """Shown by the worker in place of a page that cannot be reached; it is asked for while there is a signal."""
    who = actor_of(request)
    read_by(who, request)
    is_member = who is not None and who.organization_id is not None
    may = {name: who is not None and is_member and who.may(name) for name in ("cold_chain.view", "cold_chain.log", "farm.view")}
    kept = [LOG] * (may["cold_chain.view"] and may["cold_chain.log"]) + [ROUND] * may["cold_chain.view"] + [FARM] * may["farm.view"]
    said = {"unit": current_reader().temperature_unit}
    if may["cold_chain.view"]:
        said["round_from"] = ROUND
    if may["farm.view"]:
        said["farm_from"] = FARM
    return html(
        _("No signal"), _body(who), language=current_language(), theme=await theme_of(who), scripts=("offline/shown.js", "offline/known.js", "offline/farm.js"), said=shown_words() | said,
        headers={PERSON: person_tag(who), KEEP: " ".join(kept)} if who and who.organization_id else {},
    )  # fmt: skip


def _body(who: Actor | None) -> str:
    may_log = who is not None and who.may("cold_chain.log")
    log = f'<a class="hand-save hand-button" href="{LOG}">{escape(_("Write temperatures down"))}</a>' if may_log else ""
    return (
        f'<main class="plain-main"><div class="plain-top"><h1>{escape(_("No signal"))}</h1></div>'
        f'<p>{escape(_("This page cannot be reached now. It comes by itself when there is a signal."))}</p>'
        f'<div class="hand-row"><button type="button" class="hand-button" id="again">{escape(_("Try again"))}</button>{log}</div>'
        '<div id="farms" class="hand-units"></div>'
        '<p id="as-of" class="st-soft"></p><ul id="known" class="hand-lines"></ul></main>'
    )


def shown_words() -> dict[str, str]:
    """How values and ages are said by the scripts of these pages."""
    return {
        "between": _("{low} to {high}"), "at_most": _("at most {high}"), "at_least": _("at least {low}"), "just_now": _("just now"),
        "minutes_ago": _("{n} min ago"), "hours_ago": _("{n} h ago"), "days_ago": _("{n} days ago"),
        "as_of": _("As it was known {age}."), "never": _("Nothing has been measured yet."),
        "farm_as_of": _("This is old: as it was at {time}, {age}. Nothing can be switched now."), "elsewhere": _("Elsewhere"),
    }  # fmt: skip
