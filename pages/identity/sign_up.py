"""Somebody makes an account by themselves: the form, then the link in their mail or the code on their telephone."""

from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import RedirectResponse
from nicegui import app, background_tasks, ui

from data.core.errors import Refusal
from data.identity import signing_up
from data.identity.commands import LANGUAGES
from data.identity.phones import dialled
from data.identity.secrets import MINIMUM_PASSWORD
from pages._gate import actor_of
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
from ui.words import _, time_zones

_CLOCK = """
const field = document.querySelector("input[name=time_zone]");
if (field && !field.value) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
"""
"""The clock that they live by; without a socket it is guessed."""


@ui.page("/sign-up")
def sign_up_page(
    request: Request, said: str = "", name: str = "", address: str = "", organization: str = "", sent: bool = False
) -> RedirectResponse | None:
    if actor_of(request):
        return RedirectResponse("/", status_code=303)
    speak(request, "Create an account")
    with card(request, _("Create an account")):
        say(said, count=MINIMUM_PASSWORD)
        if not app.state.accounts.may_sign_up:
            if not said:
                problem(_("Nobody makes an account here by themselves. Ask for an invitation."))
        elif sent:
            problem(_("A link is on its way. Open it within a day and type your password: then the account is yours."), good=True)
            ui.label(_("Nothing there? Look among the unwanted mail, or sign up once more.")).classes("st-soft")
        else:
            _form(request, name, address, organization)
        ui.link(_("Back to sign-in"), "/sign-in")
    return None


def _form(request: Request, name: str, address: str, organization: str) -> None:
    with ui.element("form").props("method=post action=/sign-up"):
        hidden("language", visitor_language(request))
        hidden("time_zone", "")
        text_field("name", _("Your name"), name, autocomplete="name", is_first=not name)
        text_field("address", _address_words(), address, autocomplete="username")
        text_field("organization", _("What your farm or business is called (it may be told later)"), organization, is_required=False)
        password_field("password", _("Choose a password, at least 8 characters"), autocomplete="new-password", is_first=bool(name))
        submit(_("Create an account"))
    ui.run_javascript(_CLOCK)


def _address_words() -> str:
    accounts = app.state.accounts
    if accounts.may_by_mail and accounts.may_by_phone:
        return _("E-mail or phone")
    return _("E-mail") if accounts.may_by_mail else _("Phone")


@app.post("/sign-up")
async def sign_up(
    request: Request, name: str = Form(""), address: str = Form(""), organization: str = Form(""), password: str = Form(""),
    language: str = Form(""), time_zone: str = Form(""),
) -> RedirectResponse:  # fmt: skip
    spoken = language if language in LANGUAGES else visitor_language(request)
    by_phone = "@" not in address and (app.state.accounts.may_by_phone or not app.state.accounts.may_by_mail)
    whose = {"phone": address[:50]} if by_phone else {"email": address[:400]}
    try:
        asked = await app.state.accounts.sign_up(
            browser_of(request), name=name, password=password, organization_name=organization, language=spoken,
            time_zone=time_zone if time_zone in time_zones() else "", **whose,
        )  # fmt: skip
    except Refusal as refusal:
        said = {"said": code_of(refusal), "name": name[:200], "address": address[:320], "organization": organization[:200]}
        return _back("/sign-up", spoken, **said)
    background_tasks.create(app.state.accounts.send_sign_up(asked), name="sign up")  # not awaited: the time taken would tell who exists
    return _back("/sign-up/code", spoken, id=str(asked.id), to=asked.to) if asked.is_phone else _back("/sign-up", spoken, sent="1")


@ui.page("/sign-up/code")
def code_page(request: Request, id: str = "", to: str = "", said: str = "") -> None:
    speak(request, "Create an account")
    with card(request, _("Create an account")):
        say(said)
        if number := dialled(to[:50]):
            ui.label(_("Six digits are on their way to {phone}. They are good for a day.", phone=number))
        with ui.element("form").props("method=post action=/sign-up/code"):
            for name, value in (("id", id), ("to", to), ("language", visitor_language(request))):
                hidden(name, value)
            text_field("code", _("Six digits"), autocomplete="one-time-code", is_first=True)
            submit(_("Make my account"))
        ui.link(_("Sign up once more"), "/sign-up")


@app.post("/sign-up/code")
async def show_code(request: Request, id: str = Form(""), to: str = Form(""), code: str = Form(""), language: str = Form("")) -> RedirectResponse:
    try:
        session = await app.state.accounts.by_code(_id(id), code[:40], browser_of(request))
    except Refusal as refusal:
        spoken = language if language in LANGUAGES else visitor_language(request)
        return _back("/sign-up/code", spoken, id=id[:40], to=to[:50], said=code_of(refusal))
    return with_session(RedirectResponse("/", status_code=303), session)


@ui.page("/sign-up/{token}")
async def link_page(request: Request, token: str, said: str = "") -> RedirectResponse | None:
    waiting = await signing_up.offered(token)
    if waiting and "language" not in request.query_params and waiting.language != visitor_language(request):
        return RedirectResponse(str(request.url.include_query_params(language=waiting.language).replace(scheme="", netloc="")), status_code=303)
    speak(request, "Create an account")
    with card(request, _("Create an account")):
        say(said)
        if waiting is None:
            if not said:
                problem(_("This has been used or is too old. Sign up once more."))
            ui.link(_("Sign up once more"), "/sign-up")
            return None
        ui.label(" · ".join(dict.fromkeys((waiting.name, waiting.email, waiting.organization_name))))
        with ui.element("form").props("method=post") as form:
            form.props["action"] = f"/sign-up/{token}"
            hidden("language", visitor_language(request))
            password_field("password", _("The password that you chose"), autocomplete="current-password", is_first=True)
            submit(_("Make my account"))
    return None


@app.post("/sign-up/{token}")
async def show_link(request: Request, token: str, password: str = Form(""), language: str = Form("")) -> RedirectResponse:
    try:
        session = await app.state.accounts.by_link(token, password, browser_of(request))
    except Refusal as refusal:
        return _back(f"/sign-up/{token}", language if language in LANGUAGES else visitor_language(request), said=code_of(refusal))
    return with_session(RedirectResponse("/", status_code=303), session)


def _back(path: str, language: str, **query: str) -> RedirectResponse:
    return RedirectResponse(f"{path}?{urlencode(query | {'language': language})}", status_code=303)


def _id(written: str) -> UUID:
    try:
        return UUID(written)
    except ValueError:
        return UUID(int=0)
