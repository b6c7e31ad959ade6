"""The machines that may come in, each by its own secret, and the strangers that knocked."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.identity import commands, queries
from data.identity.events import TokensChanged
from data.identity.tables import ApiToken, TokenKind
from data.platform import queries as platform
from data.platform.billing import require_feature
from data.platform.plans import Feature
from data.platform.tables import UnknownDevice
from pages._shell import Looker, field_errors, screen
from ui.age import age
from ui.badge import badge
from ui.dialog import ask_secret_once, confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, n_, noop

NETWORKS = {
    "ttn": noop("The Things Stack (temperature sensors)"),
    "chirpstack": noop("ChirpStack (temperature sensors)"),
    "hub": noop("BLE hubs (temperature sensors)"),
    "ingest": noop("Bulk readings (API)"),
    "trees": noop("Tree phones (enrolment)"),
}

Found = tuple[Sequence[ApiToken], Sequence[UnknownDevice]]


@screen("/machines", title="Machines", place="tokens", permission="tokens.edit")
async def tokens(look: Looker) -> None:
    async def ask() -> Found:
        async with look.transaction() as tx:
            return await queries.tokens(tx), await platform.unknown_devices(tx, limit=30)

    def show(found: Found) -> None:
        held, strangers = found
        button(_("New secret"), lambda: _make(look), kind="primary", icon="add")
        if not held:
            empty_state(_("No machine may come in yet."), _("Make a secret and enter it at the network's webhook."), icon="vpn_key")
        for token in held:
            _token(look, token)
        ui.label(_("Unknown devices")).classes("st-h2").props("role=heading aria-level=2")
        if not strangers:
            ui.label(_("Nothing unknown has spoken at your doors.")).classes("st-soft")
        for stranger in strangers:
            with ui.element("article").classes("st-item"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(stranger.identifier).classes("st-item-words")
                    ui.label(f"{stranger.network} · {_(stranger.reason)}").classes("st-soft")
                ui.label(n_("{n} message", "{n} messages", stranger.message_count))
                age(stranger.last_seen_at)

    live(ask, show, look.topic(TokensChanged))


def _token(look: Looker, token: ApiToken) -> None:
    async def rotate() -> None:
        if not await confirm(
            _("Make a new secret?"), _("The old one stops working at once."), action=_("New secret"), goes=[token.name]
        ):
            return
        secret = ""
        async with look.command() as tx:
            secret = await commands.rotate_token(tx, token.id)
        if secret:
            with look.page:  # the list has been drawn anew by now
                await ask_secret_once(token.name, secret)

    async def revoke() -> None:
        if await confirm(_("Lock it out?"), action=_("Lock out"), goes=[token.name]):
            async with look.command() as tx:
                await commands.revoke_token(tx, token.id)

    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(token.name).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(f"{token.network or token.kind} · …{token.last_four}")
                if token.last_used_at:
                    age(token.last_used_at)
                else:
                    ui.label(_("never used"))
        if token.revoked_at:
            badge("offline", _("Locked out"), icon="block")
        else:
            button(_("New secret"), rotate, kind="quiet")
            button(_("Lock out"), revoke, kind="quiet")


def _make(look: Looker) -> None:
    with panel(_("New secret"), _("It is shown once; we keep only its fingerprint.")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), required=True, placeholder=_("Cold store webhook"))
            form.select("network", _("For"), {k: _(v) for k, v in NETWORKS.items()}, "ttn", required=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            network = values["network"]
            kind = TokenKind.API if network == "ingest" else TokenKind.FEED
            try:
                async with look.transaction() as tx:
                    if kind is TokenKind.API:
                        await require_feature(tx, Feature.API)
                    _row, secret = await commands.make_token(tx, name=values["name"], kind=kind, network=network)
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            await ask_secret_once(values["name"], secret)
            return None

        form.buttons(_("Make it"), send, on_cancel=dialog.close)
    dialog.open()
