"""The link at the end of a mail ends such mails with one button, or with one request of a mail program; nobody signs in."""

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from nicegui import app, ui

from data.core.errors import NotFound
from data.core.session import transaction
from data.notifications import unsubscribing
from pages.identity._plain import card, problem, speak, submit
from ui.words import _


@ui.page("/unsubscribe")
def page(request: Request, token: str = "", done: bool = False, of: str = "") -> None:
    speak(request, "No more mails")
    with card(request, _("No more mails")):
        if done:
            problem(_("Done. Nothing more of this comes to you.") if of == "report" else _("Done. You can turn them on again in your settings."), good=True)
            return
        try:
            ending = unsubscribing.read(token)
        except NotFound as refusal:
            problem(_(refusal.message))
            return
        ui.label(_asked(ending))
        with ui.element("form").props("method=post") as form:
            form.props["action"] = f"/unsubscribe?token={token}&asked=1"
            submit(_("Send me no more"))


@app.post("/unsubscribe")
async def end(token: str = "", asked: bool = False) -> Response:
    """RFC 8058: a mail program posts here with nothing but the link. The sealed token is all the proof that is needed."""
    ending = unsubscribing.read(token)
    async with transaction(ending.actor) as tx:
        await unsubscribing.end(tx, ending)
    done = "/unsubscribe?done=1&of=report" if ending.schedule_id else "/unsubscribe?done=1"
    return RedirectResponse(done, status_code=303) if asked else PlainTextResponse("OK")


def _asked(ending: unsubscribing.Ending) -> str:
    if ending.schedule_id:
        return _("Send this report no more to {address}?", address=ending.address)
    if ending.user_id:
        return _("Send no more digests to {address}?", address=ending.address)
    return _("Send nothing more to {address}?", address=ending.address)
