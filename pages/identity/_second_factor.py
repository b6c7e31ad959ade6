"""Setting up the code at sign-in: a picture for the telephone's camera, its first code, and codes for when it is lost."""

from typing import Any

import segno
from nicegui import ui

from data.core.errors import Refusal
from data.identity import second_factor
from pages._shell import Looker, field_errors
from ui.badge import badge
from ui.dialog import ask_secret_once, panel
from ui.form import Form, button
from ui.words import _, n_


async def card(look: Looker, *, is_on: bool, name: str) -> None:
    """Whether a code is asked for at sign-in, and how to change that."""
    with ui.element("div").classes("st-head"):
        ui.label(_("Code at sign-in")).classes("st-h2").props("role=heading aria-level=2")
        badge("ok" if is_on else "neutral", _("On") if is_on else _("Off"))
    ui.label(_("Besides your password, a code from an app on your telephone is asked for.")).classes("st-soft")
    if not is_on:
        button(_("Set it up"), lambda: _set_up(look, name), icon="phonelink_lock")
        return
    left = await second_factor.recovery_codes_left(look.actor)
    ui.label(n_("{n} recovery code is left.", "{n} recovery codes are left.", left)).classes("st-soft")
    with ui.element("div").classes("st-row"):
        button(_("New recovery codes"), lambda: _ask_code(look, _("New recovery codes"), renew=True), icon="password")
        button(_("Turn it off"), lambda: _ask_code(look, _("Turn it off"), renew=False), kind="quiet", icon="lock_open")


def _set_up(look: Looker, name: str) -> None:
    secret = second_factor.new_secret()
    picture = segno.make(second_factor.address(secret, name), error="m").svg_data_uri(scale=5, border=3, dark="#111", light="#fff")
    with panel(_("Code at sign-in"), _("Read the picture with an authenticator app, or type the letters there, then type the code it shows.")) as dialog:
        ui.element("img").classes("st-qr").props["src"] = picture
        ui.label(" ".join(secret[place : place + 4] for place in range(0, len(secret), 4))).classes("st-secret-text")
        with Form() as form:
            form.text("code", _("Code"), required=True, placeholder="123 456")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                codes = await second_factor.turn_on(look.actor, secret, values["code"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            await _show_codes(codes)
            return None

        form.buttons(_("Turn it on"), send, on_cancel=dialog.close)
    dialog.open()


def _ask_code(look: Looker, title: str, *, renew: bool) -> None:
    with panel(title, _("Type a code from your telephone, or a recovery code.")) as dialog:
        with Form() as form:
            form.text("code", _("Code"), required=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            codes: list[str] = []
            try:
                if renew:
                    codes = await second_factor.renew_recovery_codes(look.actor, values["code"])
                else:
                    await second_factor.turn_off(look.actor, values["code"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            if codes:
                await _show_codes(codes)
            else:
                ui.navigate.reload()
            return None

        form.buttons(title, send, on_cancel=dialog.close)
    dialog.open()


async def _show_codes(codes: list[str]) -> None:
    text = _("Each of these opens once, when the telephone is lost. Keep them where it is not.")
    await ask_secret_once(_("Recovery codes"), "  ".join(codes), text)
    ui.navigate.reload()
