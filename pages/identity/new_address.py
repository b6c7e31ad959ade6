"""A link in a mail makes the address that it went to one's own, once its person, signed in, says so."""

from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse
from nicegui import app, background_tasks, ui

from data.core.errors import Refusal
from data.identity import own_email
from pages._gate import actor_of
from pages.identity._plain import card, code_of, problem, say, speak, submit
from ui.words import _


@ui.page("/new-address/{token}")
async def new_address_page(request: Request, token: str, said: str = "") -> RedirectResponse | None:
    who = actor_of(request)
    if who is None:
        return RedirectResponse(f"/sign-in?{urlencode({'next': f'/new-address/{token}'})}", status_code=303)
    speak(request, "Your e-mail address", who.language)
    offered = await own_email.offered(who, token)
    with card(request, _("Your e-mail address")):
        say(said)
        if offered is None:
            if not said:
                problem(_("This link has been used or is too old, or somebody else asked for it."))
        else:
            ui.label(_("{email} becomes your address, {name}. Sign in with it from then on.", email=offered, name=who.name))
            with ui.element("form").props("method=post") as form:
                form.props["action"] = f"/new-address/{token}"
                submit(_("Use this address"))
        ui.link(_("Your settings"), "/settings")
    return None


@app.post("/new-address/{token}")
async def use(request: Request, token: str) -> RedirectResponse:
    who = actor_of(request)
    if who is None:
        return RedirectResponse(f"/new-address/{token}", status_code=303)
    try:
        changed = await own_email.confirm(who, token)
    except Refusal as refusal:
        return RedirectResponse(f"/new-address/{token}?{urlencode({'said': code_of(refusal)})}", status_code=303)
    background_tasks.create(app.state.accounts.send_changed_address(changed), name="changed address")
    return RedirectResponse("/settings", status_code=303)
