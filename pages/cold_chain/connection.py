"""The networks that bring readings: The Things Stack, set up from here step by step, ChirpStack and BLE hubs, told where to send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import app, ui

from data.cold_chain.commands import connections as commands
from data.cold_chain.events import ConnectionChanged
from data.cold_chain.networks import FREQUENCY_PLANS, REGIONS, STEPS, servers
from data.cold_chain.queries import connections as queries
from data.cold_chain.queries.connections import NETWORKS
from data.cold_chain.tables import TtnConnection
from data.cold_chain.values import ProvisioningStatus
from data.core.errors import Refusal
from data.identity import commands as identity
from data.identity.events import TokensChanged
from data.identity.tables import ApiToken, TokenKind
from pages._shell import Looker, field_errors, screen
from ui.age import age
from ui.badge import State, badge
from ui.dialog import ask_secret_once, confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, n_, noop

STATUS_FACES: dict[ProvisioningStatus, tuple[State, str]] = {
    ProvisioningStatus.NOT_STARTED: ("neutral", noop("Not set up yet")),
    ProvisioningStatus.IN_PROGRESS: ("waiting", noop("Being set up…")),
    ProvisioningStatus.COMPLETE: ("ok", noop("Set up")),
    ProvisioningStatus.FAILED: ("critical", noop("Setting it up failed")),
}
STEP_WORDS: Mapping[str, str] = {
    "rights": noop("The key has the rights that are needed"),
    "application": noop("The application is there"),
    "webhook": noop("The webhook brings readings to us"),
    "devices": noop("Sensors are registered"),
    "gateways": noop("Gateways are known"),
}
STEP_FACES: Mapping[str, tuple[State, str]] = {
    "done": ("ok", noop("Done")), "failed": ("critical", noop("Failed")), "running": ("waiting", noop("Now…")),
    "skipped": ("neutral", noop("Left out")), "waiting": ("waiting", noop("Waits")),
}  # fmt: skip
OTHERS: Mapping[str, tuple[str, str, str]] = {
    "ttn": (
        noop("The Things Stack, by hand"), "/feeds/ttn",
        noop("In the application's webhooks: JSON as the format, this base address, the secret in a header X-Webhook-Secret, and uplink messages enabled."),
    ),
    "chirpstack": (
        "ChirpStack", "/feeds/chirpstack",
        noop("In the application's HTTP integration: JSON as the encoding, this address, and the secret in a header X-Webhook-Secret."),
    ),
    "hub": (noop("BLE hubs"), "/feeds/hub", noop("Each hub posts to this address, with the secret in a header X-Webhook-Secret.")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Seen:
    connections: Sequence[TtnConnection]
    feeds: Sequence[ApiToken]


@screen("/cold-chain/networks", title="Networks", place="cold_chain", permission=NETWORKS)
async def networks(look: Looker) -> None:
    assert look.frame

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(await queries.connections(tx), await queries.feeds(tx))

    with look.frame.actions:
        button(_("Connect an application"), lambda: _describe(look), kind="primary", icon="add_link")
    live(ask, lambda one: _show(look, one), look.topic(ConnectionChanged), look.topic(TokensChanged))


def _show(look: Looker, seen: _Seen) -> None:
    ui.label("The Things Stack").classes("st-h2").props("role=heading aria-level=2")
    if not seen.connections:
        empty_state(
            _("No application is connected yet."),
            _("With a key of your application, its webhook and its sensors are set up from here. Or enter the address and a secret there by hand."),
            icon="hub", action=_("Connect an application"), on_action=lambda: _describe(look),
        )  # fmt: skip
    for connection in seen.connections:
        _connection(look, connection)
    managed = {one.feed_token_id for one in seen.connections}
    for network, (name, path, text) in OTHERS.items():
        with ui.element("section").classes("st-card"):
            ui.label(_(name)).classes("st-h2").props("role=heading aria-level=2")
            ui.label(_(text)).classes("st-soft")
            _copied(_("Address"), _origin() + path)
            for feed in seen.feeds:
                if feed.network == network and feed.id not in managed:
                    _feed(look, feed)
            button(_("New secret"), partial(_new_feed, look, network, _(name)), icon="vpn_key")


def _connection(look: Looker, connection: TtnConnection) -> None:
    is_busy = connection.provisioning_status is ProvisioningStatus.IN_PROGRESS
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-head"):
            ui.label(connection.ttn_application_id).classes("st-item-words")
            colour, word = STATUS_FACES[connection.provisioning_status]
            badge(colour, _(word))
            ui.element("span").classes("st-grow")
            if connection.last_used_at:
                age(connection.last_used_at, prefix=_("asked") + " ")
        with ui.element("div").classes("st-facts"):
            _fact(_("Server"), servers(connection.ttn_region, connection.server_url).host)
            plan = connection.frequency_plan_id
            _fact(_("Frequency plan"), FREQUENCY_PLANS.get(plan, plan) if plan else _("not chosen"))
            _fact(_("Application's key"), f"…{connection.ttn_api_key_last_four}" if connection.ttn_api_key_last_four else _("not entered"))
            _fact(_("Organization's key"), f"…{connection.ttn_org_api_key_last_four}" if connection.ttn_org_api_key_last_four else _("not entered"))
            _fact(_("Webhook's secret"), f"…{connection.ttn_webhook_secret_last_four}")
            if connection.provisioning_attempt_count:
                _fact(_("Attempts"), str(connection.provisioning_attempt_count))
        if connection.provisioning_attempt_count:
            for step in STEPS:
                _step(step, connection.provisioning_step_details.get(step, {}))
        with ui.element("div").classes("st-row"):
            if not is_busy:
                begin = {ProvisioningStatus.NOT_STARTED: _("Set it up"), ProvisioningStatus.FAILED: _("Go on from the step that failed")}
                kind = "plain" if connection.provisioning_status is ProvisioningStatus.COMPLETE else "primary"
                button(begin.get(connection.provisioning_status, _("Bring it up to date")), partial(_provision, look, connection), kind=kind)  # type: ignore[arg-type]
            button(_("Edit and change keys"), partial(_describe, look, connection), icon="edit")
            if connection.provisioning_status is ProvisioningStatus.COMPLETE:
                button(_("New webhook secret"), partial(_rotate, look, connection), icon="autorenew")
            button(_("Disconnect"), partial(_disconnect, look, connection), kind="quiet")


def _step(step: str, said: Mapping[str, Any]) -> None:
    """How one step went; where it failed, why, and what the network's keepers need to find it in their logs."""
    with ui.element("article").classes("st-item is-flat"):
        if said:
            colour, word = STEP_FACES[said["state"]]
            badge(colour, _(word))
        with ui.element("div").classes("st-item-main"):
            ui.label(_(STEP_WORDS[step])).classes("st-item-words")
            if said.get("state") == "failed":
                ui.label(_(said["error"], **said.get("values", {}))).props("role=alert")
                told = (("HTTP", said.get("http_status")), (_("error"), said.get("error_name")), (_("correlation"), said.get("correlation_id")))
                if any(value for _label, value in told):
                    ui.label(" · ".join(f"{label} {value}" for label, value in told if value)).classes("st-soft")
            elif counted := _counted(step, said):
                ui.label(counted).classes("st-soft")


def _counted(step: str, said: Mapping[str, Any]) -> str:
    if step == "gateways" and said.get("state") == "skipped":
        return _("They need the organization's key.")
    parts = [
        n_("{n} registered now", "{n} registered now", said["made"]) if said.get("made") else "",
        n_("{n} known already", "{n} known already", said["known"]) if said.get("known") else "",
        n_("{n} without keys here", "{n} without keys here", said["keyless"]) if said.get("keyless") else "",
        n_("{n} gateway", "{n} gateways", said["found"]) if said.get("found") else "",
        _("made now") if said.get("was_made") else "",
    ]
    return " · ".join(part for part in parts if part)


def _describe(look: Looker, connection: TtnConnection | None = None) -> None:
    """Connect an application, or change where it is and its keys; an empty key stays as it is."""
    may_be_private = bool(app.state.settings.network_private_addresses)
    text = _("Keys are sealed: nobody reads them again, not even here. Make one in The Things Stack's console, under API keys.")
    with panel(_("Edit the connection") if connection else _("Connect an application"), text) as dialog:
        with Form() as form:
            if connection is None:
                form.text("application_id", _("Application ID"), required=True, placeholder="green-cold-stores", autocomplete="off")
            form.select(
                "region", _("Cluster"), {one: f"{name} ({one})" for one, name in REGIONS.items()}, connection.ttn_region if connection else "eu1",
                required=True,
            )  # fmt: skip
            form.text(
                "server_url", _("Own server"), (connection and connection.server_url) or "", placeholder="https://thethings.example.com",
                help=_("Only where you run The Things Stack yourselves, or are a tenant of its cloud."),
            )  # fmt: skip
            form.select(
                "frequency_plan_id", _("Frequency plan"), dict(FREQUENCY_PLANS), connection.frequency_plan_id if connection else None,
                help=_("Of your gateways and sensors; needed for registering sensors."),
            )  # fmt: skip
            for key, label, held, help in (
                ("api_key", _("Application's key"), connection and connection.ttn_api_key_last_four, _("It sets up the webhook and the sensors.")),
                (
                    "org_api_key", _("Organization's key"), connection and connection.ttn_org_api_key_last_four,
                    _("With it the application is made where there is none, and gateways are found."),
                ),
            ):  # fmt: skip
                said = _("The one that ends in {end} stays if this is empty.", end=held) if held else help
                form.text(key, label, secret=True, placeholder="NNSXS.…", help=said, autocomplete="off")

        async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
            given: dict[str, Any] = {name: value or None for name, value in values.items()}
            try:
                async with look.transaction() as tx:
                    if connection:
                        await commands.edit(tx, connection.id, **given, may_be_private=may_be_private)
                    else:
                        await commands.connect(tx, **given, webhook_url=_origin() + "/feeds/ttn", may_be_private=may_be_private)
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Save") if connection else _("Connect"), send, on_cancel=dialog.close)
    dialog.open()


async def _provision(look: Looker, connection: TtnConnection) -> None:
    async with look.command() as tx:
        await commands.provision(tx, connection.id)


async def _rotate(look: Looker, connection: TtnConnection) -> None:
    if await confirm(
        _("Give the webhook a new secret?"), _("The old one is good until the network has the new one, so that no reading is lost."),
        action=_("New webhook secret"), goes=[connection.ttn_application_id], danger=False,
    ):  # fmt: skip
        async with look.command() as tx:
            await commands.rotate_secret(tx, connection.id)


async def _disconnect(look: Looker, connection: TtnConnection) -> None:
    if await confirm(
        _("Disconnect the application?"), _("Its readings are refused from then on, and its keys are forgotten here."), action=_("Disconnect"),
        goes=[connection.ttn_application_id],
    ):  # fmt: skip
        async with look.command() as tx:
            await commands.disconnect(tx, connection.id)


def _feed(look: Looker, feed: ApiToken) -> None:
    async def rotate() -> None:
        if not await confirm(_("Make a new secret?"), _("The old one stops working at once."), action=_("New secret"), goes=[feed.name]):
            return
        secret = ""
        async with look.command() as tx:
            secret = await identity.rotate_token(tx, feed.id)
        if secret:
            with look.page:
                await ask_secret_once(feed.name, secret)

    with ui.element("article").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.label(feed.name).classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(f"…{feed.last_four}")
                if feed.last_used_at:
                    age(feed.last_used_at, prefix=_("used") + " ")
                else:
                    ui.label(_("never used"))
        button(_("Exchange"), rotate, kind="quiet")


async def _new_feed(look: Looker, network: str, name: str) -> None:
    secret = ""
    async with look.command() as tx:
        _token, secret = await identity.make_token(tx, name=name, kind=TokenKind.FEED, network=network, needs=NETWORKS)
    if secret:
        with look.page:
            await ask_secret_once(name, secret)


def _origin() -> str:
    return str(app.state.settings.origin)


def _copied(label: str, text: str) -> None:
    ui.label(label).classes("st-fact-label")
    with ui.element("div").classes("st-secret"):
        ui.label(text).classes("st-secret-text")
        done = button(_("Copy"), icon="content_copy")

        def copy() -> None:
            ui.clipboard.write(text)
            done.set_text(_("Copied"))

        done.on_click(copy)


def _fact(label: str, value: str) -> None:
    with ui.element("div").classes("st-fact"):
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")
