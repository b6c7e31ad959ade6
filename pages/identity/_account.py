"""What one is called, by what one signs in, and one's password."""

from typing import Any

from nicegui import app, background_tasks, ui

from data.core.errors import Refusal
from data.identity import commands, own_email
from data.identity.tables import User
from pages._shell import Looker, field_errors
from ui.dialog import panel
from ui.form import Form, button
from ui.words import _


def account(look: Looker, me: User, waiting: str | None) -> None:
    """The card on the page of settings; `waiting` is the address to which a link went that was not opened yet."""
    ui.label(_("Your account")).classes("st-h2").props("role=heading aria-level=2")
    with ui.element("div").classes("st-facts"):
        for label, value in ((_("Name"), me.name), (_("E-mail"), me.email), (_("Phone"), me.phone)):
            with ui.element("div").classes("st-fact"):
                ui.label(label).classes("st-fact-label")
                ui.label(value or "–").classes("st-fact-value")
    if waiting:
        ui.label(_("A link went to {email}. When you open it there, that is your address.", email=waiting)).classes("st-soft").props("role=status")
    with ui.element("div").classes("st-row"):
        button(_("Change your name"), lambda: _rename(look, me.name), icon="edit", kind="quiet")
        button(_("Change the e-mail address"), lambda: _email(look, me), icon="alternate_email", kind="quiet")
        button(_("Change the password"), lambda: _password(look), icon="password", kind="quiet")


def _rename(look: Looker, name: str) -> None:
    with panel(_("Change your name")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), name, required=True, autocomplete="name")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.rename(tx, values["name"])
            except Refusal as refusal:
                return field_errors(refusal)
            ui.navigate.reload()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _email(look: Looker, me: User) -> None:
    text = _("A link goes to the new address. Until you open it, nothing changes; the address that you have now is told too.")
    with panel(_("Change the e-mail address"), text) as dialog:
        form = Form()
        with form:
            form.text("email", _("The new address"), required=True, mode="email", autocomplete="email")
            form.text("present", _("The password you have"), required=not me.is_mfa_enabled, secret=True, autocomplete="current-password")
            if me.is_mfa_enabled:
                form.text("code", _("Or a code from your telephone"), placeholder="123 456", autocomplete="one-time-code")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                asked = await own_email.ask(
                    look.actor, values["email"], present=values["present"] or "", code=values.get("code") or ""
                )
            except Refusal as refusal:
                return field_errors(refusal)
            background_tasks.create(app.state.accounts.send_new_address(asked), name="new address")  # the time taken would tell who exists
            ui.navigate.reload()
            return None

        form.buttons(_("Send the link"), send, on_cancel=dialog.close)
    dialog.open()


def _password(look: Looker) -> None:
    with panel(_("Change the password"), _("Every other browser and program is signed out.")) as dialog:
        form = Form()
        with form:
            form.text("present", _("The password you have"), required=True, secret=True, autocomplete="current-password")
            form.text("fresh", _("Choose a password, at least 8 characters"), required=True, secret=True, autocomplete="new-password")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                await commands.change_password(look.actor, values["present"], values["fresh"])
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            ui.notify(_("Saved."), type="positive", position="top")
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()
