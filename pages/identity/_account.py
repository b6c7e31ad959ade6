"""What one is called, by what one signs in, and one's password."""

from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.identity import commands
from data.identity.tables import User
from pages._shell import Looker, field_errors
from ui.dialog import panel
from ui.form import Form, button
from ui.words import _


def account(look: Looker, me: User) -> None:
    """The card on the page of settings."""
    ui.label(_("Your account")).classes("st-h2").props("role=heading aria-level=2")
    with ui.element("div").classes("st-facts"):
        for label, value in ((_("Name"), me.name), (_("E-mail"), me.email), (_("Phone"), me.phone)):
            with ui.element("div").classes("st-fact"):
                ui.label(label).classes("st-fact-label")
                ui.label(value or "–").classes("st-fact-value")
    with ui.element("div").classes("st-row"):
        button(_("Change your name"), lambda: _rename(look, me.name), icon="edit", kind="quiet")
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


def _password(look: Looker) -> None:
    with panel(_("Change the password"), _("Every other browser is signed out.")) as dialog:
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
