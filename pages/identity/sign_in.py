"""Signing in is an ordinary form that works on any phone, with or without a socket; it answers with a new session."""

from urllib.parse import urlencode

from fastapi import Form, Request
from fastapi.responses import RedirectResponse
from nicegui import app, ui

from data.core.errors import Forbidden, Refusal
from data.identity import door, second_factor
from pages._gate import COOKIE, actor_of, cookie
from pages.identity._plain import (
    browser_of,
    card,
    check_field,
    hidden,
    password_field,
    problem,
    speak,
    submit,
    text_field,
)
from ui.words import _, noop

PROBLEMS = {
    "wrong": noop("The name or the password is not right."),
    "locked": noop("Too many wrong passwords. Try again in {minutes} minutes."),
    "unavailable": noop("The database does not answer. Try again in a few seconds."),
    "provider": noop("The sign-in provider did not confirm you. Try again, or use your password."),
    "code": noop("The code is not right. A code counts once; wait for the next one."),
    "changed": noop("The password is changed. Sign in with it."),
}


def safe_next(target: str) -> str:
    """Only a path of ours: never another site."""
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else "/"


@ui.page("/sign-in")
def sign_in_page(request: Request, next: str = "/", problem_code: str = "", name: str = "", minutes: str = "15") -> RedirectResponse | None:
    if actor_of(request):
        return RedirectResponse(safe_next(next), status_code=303)
    speak(request, "Sign in")
    with card(request, _("Sign in")):
        if problem_code in PROBLEMS:
            problem(_(PROBLEMS[problem_code], minutes=minutes), good=problem_code == "changed")
        with ui.element("form").props("method=post action=/sign-in"):
            hidden("next", safe_next(next))
            text_field("name", _("E-mail or phone"), name, autocomplete="username", is_first=not name)
            password_field("password", _("Password"), autocomplete="current-password", is_first=bool(name))
            check_field("stay", _("This device is mine: stay signed in"))
            submit(_("Sign in"))
        if app.state.has_oidc:
            with ui.element("a").classes("st-door-other").props(f'href="/sign-in/provider?{urlencode({"next": safe_next(next)})}"'):
                ui.label(_("Sign in with your organization"))
        ui.link(_("Forgot the password?"), "/reset")
        if app.state.accounts.may_sign_up:
            ui.link(_("Create an account"), "/sign-up")
    return None


@app.post("/sign-in")
async def sign_in(
    request: Request, name: str = Form(""), password: str = Form(""), next: str = Form("/"), stay: str = Form("")
) -> RedirectResponse:
    try:
        token = await door.sign_in(name, password, browser_of(request), stays=bool(stay))
    except Refusal as refusal:
        code = "locked" if isinstance(refusal, Forbidden) else "wrong"
        query = {"problem_code": code, "name": name, "next": safe_next(next), "minutes": refusal.values.get("minutes", "")}
        return RedirectResponse(f"/sign-in?{urlencode(query)}", status_code=303)
    if await second_factor.is_due(token):
        return with_session(RedirectResponse(f"/sign-in/code?{urlencode({'next': safe_next(next)})}", status_code=303), token)
    return with_session(RedirectResponse(safe_next(next), status_code=303), token)


@ui.page("/sign-in/code")
async def code_page(request: Request, next: str = "/", problem_code: str = "", minutes: str = "15") -> RedirectResponse | None:
    token = request.scope["state"]["token"]
    if actor_of(request) or not token or not await second_factor.is_due(token):
        return RedirectResponse(safe_next(next), status_code=303)
    speak(request, "Your code")
    with card(request, _("Your code")):
        if problem_code in PROBLEMS:
            problem(_(PROBLEMS[problem_code], minutes=minutes))
        with ui.element("form").props("method=post action=/sign-in/code"):
            hidden("next", safe_next(next))
            text_field("code", _("Six digits from your telephone, or a recovery code"), autocomplete="one-time-code", is_first=True)
            submit(_("Continue"))
        ui.link(_("Sign in as somebody else"), "/sign-in")
    return None


@app.post("/sign-in/code")
async def show_code(request: Request, code: str = Form(""), next: str = Form("/")) -> RedirectResponse:
    token = request.scope["state"]["token"] or ""
    try:
        fresh = await second_factor.show_code(token, code[:40])
    except Refusal as refusal:
        problem_code = "locked" if isinstance(refusal, Forbidden) else "code"
        query = {"problem_code": problem_code, "next": safe_next(next), "minutes": refusal.values.get("minutes", "")}
        return RedirectResponse(f"/sign-in/code?{urlencode(query)}", status_code=303)
    return with_session(RedirectResponse(safe_next(next), status_code=303), fresh)


def with_session(response: RedirectResponse, token: str) -> RedirectResponse:
    """Hand the browser its new session."""
    response.headers.append("set-cookie", cookie(token, app.state.settings))
    return response


@app.post("/sign-out")
async def sign_out(request: Request) -> RedirectResponse:
    actor = actor_of(request)
    if actor and actor.user_id and actor.session_id:
        await door.end_session(actor.user_id, actor.session_id)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response
