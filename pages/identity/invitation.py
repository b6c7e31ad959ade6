"""A link lets somebody join: as who they are already, with the account they have, or by choosing a name and a password."""

from urllib.parse import urlencode

from fastapi import Form, Request
from fastapi.responses import RedirectResponse
from nicegui import app, ui

from data.core.errors import Refusal
from data.identity import commands, second_factor
from data.identity.commands import Offer
from data.identity.secrets import MINIMUM_PASSWORD
from pages._gate import actor_of
from pages.alerts._words import ROLE_WORDS
from pages.identity._plain import (
    browser_of,
    card,
    code_of,
    hidden,
    password_field,
    problem,
    say,
    speak,
    submit,
    text_field,
    visitor_language,
)
from pages.identity.sign_in import with_session
from ui.words import _


@ui.page("/invitation/{token}")
async def invitation_page(
    request: Request, token: str, said: str = "", name: str = "", email: str = "", minutes: str = "15", language: str = ""
) -> RedirectResponse | None:
    offer = await commands.offered(token)
    if offer and not language and offer.language != visitor_language(request):
        return RedirectResponse(str(request.url.include_query_params(language=offer.language).replace(scheme="", netloc="")), status_code=303)
    speak(request, "Join")
    with card(request, _("Join")):
        say(said, count=MINIMUM_PASSWORD, email=email, phone=email, minutes=minutes)
        if offer is None:
            if not said:
                problem(_("This invitation has been used or is too old. Ask for a new one."))
            ui.link(_("Sign in"), "/sign-in")
            return None
        ui.label(_("{organization} invites you as: {role}.", organization=offer.organization_name, role=_(ROLE_WORDS[offer.role])))
        if who := actor_of(request):
            _join_as(token, who.name)
        else:
            _choose(token, offer, name, email, visitor_language(request))
    return None


def _join_as(token: str, name: str) -> None:
    with ui.element("form").props("method=post") as form:
        form.props["action"] = f"/invitation/{token}/join"
        submit(_("Join as {name}", name=name))
    with ui.element("form").props("method=post action=/sign-out"):
        submit(_("Sign in as somebody else"))


def _choose(token: str, offer: Offer, name: str, address: str, language: str) -> None:
    with ui.element("form").props("method=post") as form:
        form.props["action"] = f"/invitation/{token}"
        hidden("language", language)
        text_field("name", _("Your name"), name or offer.name or "", autocomplete="name", is_first=True)
        text_field("email", _("E-mail or phone"), address or offer.email or offer.phone or "", autocomplete="username")
        password_field("password", _("Choose a password, at least 8 characters"), autocomplete="new-password")
        ui.label(_("Is there an account with this address already? Then type its password.")).classes("st-soft")
        submit(_("Join"))


@app.post("/invitation/{token}")
async def join(
    request: Request, token: str, name: str = Form(""), email: str = Form(""), password: str = Form(""), language: str = Form("")
) -> RedirectResponse:
    spoken = language if language in commands.LANGUAGES else visitor_language(request)
    try:
        session = await commands.accept_invitation(
            token, browser_of(request), name=name[:200], email=email[:320], password=password, language=spoken
        )
    except Refusal as refusal:
        said = {"said": code_of(refusal), "name": name, "email": email, "language": spoken, "minutes": refusal.values.get("minutes", "")}
        return RedirectResponse(f"/invitation/{token}?{urlencode(said)}", status_code=303)
    target = "/sign-in/code" if await second_factor.is_due(session) else "/"
    return with_session(RedirectResponse(target, status_code=303), session)


@app.post("/invitation/{token}/join")
async def join_as(request: Request, token: str) -> RedirectResponse:
    actor = actor_of(request)
    if actor is None:
        return RedirectResponse(f"/invitation/{token}", status_code=303)
    try:
        await commands.join(token, actor)
    except Refusal as refusal:
        said = {"said": code_of(refusal), "language": visitor_language(request)}
        return RedirectResponse(f"/invitation/{token}?{urlencode(said)}", status_code=303)
    return RedirectResponse("/", status_code=303)
