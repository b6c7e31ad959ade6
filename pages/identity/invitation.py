"""A link lets somebody join: they choose a name and a password and are in."""

from urllib.parse import urlencode

from fastapi import Form, Request
from fastapi.responses import RedirectResponse
from nicegui import app, ui

from data.core.errors import Refusal
from data.identity import commands
from data.identity.secrets import MINIMUM_PASSWORD
from pages.identity._plain import (
    browser_of,
    card,
    code_of,
    password_field,
    say,
    speak,
    submit,
    text_field,
    visitor_language,
)
from pages.identity.sign_in import with_session
from ui.words import _


@ui.page("/invitation/{token}")
def invitation_page(request: Request, token: str, said: str = "", name: str = "", email: str = "") -> None:
    speak(request, "Join")
    with card(request, _("Join")):
        say(said, count=MINIMUM_PASSWORD, email=email)
        with ui.element("form").props("method=post") as form:
            form.props["action"] = f"/invitation/{token}"
            text_field("name", _("Your name"), name, autocomplete="name", is_first=True)
            text_field("email", _("E-mail"), email, kind="email", autocomplete="email")
            password_field("password", _("Choose a password, at least 8 characters"), autocomplete="new-password")
            submit(_("Join"))


@app.post("/invitation/{token}")
async def join(
    request: Request, token: str, name: str = Form(""), email: str = Form(""), password: str = Form("")
) -> RedirectResponse:
    language = visitor_language(request)
    try:
        session = await commands.accept_invitation(
            token, browser_of(request), name=name, email=email, password=password, language=language
        )
    except Refusal as refusal:
        said = urlencode({"said": code_of(refusal), "name": name, "email": email})
        return RedirectResponse(f"/invitation/{token}?{said}", status_code=303)
    return with_session(RedirectResponse("/", status_code=303), session)
