"""A forgotten password is replaced by way of a link; nobody learns here who has an account."""

from urllib.parse import urlencode

from fastapi import Form, Request
from fastapi.responses import RedirectResponse
from nicegui import app, background_tasks, ui

from data.core.errors import Refusal
from data.identity import commands
from data.identity.secrets import MINIMUM_PASSWORD
from pages.identity._plain import card, code_of, password_field, problem, say, speak, submit, text_field
from ui.words import _


@ui.page("/reset")
def ask_page(request: Request, sent: bool = False) -> None:
    speak(request, "New password")
    with card(request, _("New password")):
        if sent:
            problem(_("If somebody with that address is here, a link is on its way. It works for 30 minutes."), good=True)
        with ui.element("form").props("method=post action=/reset"):
            text_field("email", _("E-mail or phone"), autocomplete="username", is_first=True)
            submit(_("Send me a link"))
        ui.link(_("Back to sign-in"), "/sign-in")


@app.post("/reset")
async def ask(email: str = Form("")) -> RedirectResponse:
    background_tasks.create(app.state.accounts.forgot_password(email), name="password reset")  # not awaited: the time taken would tell who exists
    return RedirectResponse("/reset?sent=1", status_code=303)


@ui.page("/reset/{token}")
def choose_page(request: Request, token: str, said: str = "") -> None:
    speak(request, "New password")
    with card(request, _("New password")):
        say(said, count=MINIMUM_PASSWORD)
        with ui.element("form").props("method=post") as form:
            form.props["action"] = f"/reset/{token}"
            password_field("password", _("Choose a password, at least 8 characters"), autocomplete="new-password", is_first=True)
            submit(_("Save"))


@app.post("/reset/{token}")
async def choose(token: str, password: str = Form("")) -> RedirectResponse:
    try:
        await commands.reset_password(token, password)
    except Refusal as refusal:
        said = urlencode({"said": code_of(refusal)})
        return RedirectResponse(f"/reset/{token}?{said}", status_code=303)
    return RedirectResponse("/sign-in?problem_code=changed", status_code=303)
