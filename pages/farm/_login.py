"""With what a device signs in to the broker: made, made anew, taken away, and shown this once as the device wants it typed."""

from uuid import UUID

from nicegui import app, ui

from data.farm import commands, queries
from data.farm.commands import NewLogin
from data.farm.events import DeviceRegistered, FarmChanged, LoginChanged
from data.farm.queries_logins import Held, held
from data.farm.rules.topics import discovery_of, node_of
from data.farm.tables import Device, Dialect
from pages._shell import Looker
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm, copyable, panel
from ui.form import button
from ui.live import live
from ui.words import _


def login(look: Looker, device: Device) -> None:
    """A card about it, for whoever may change it. A gateway's devices have none: the gateway speaks for them."""
    if device.dialect is Dialect.GATEWAY or not look.may("farm.edit", device.farm_id):
        return

    async def ask() -> Held:
        async with look.transaction() as tx:
            return await held(tx, device.id)

    topics = look.topic(LoginChanged), look.topic(DeviceRegistered, device_id=device.id), look.topic(FarmChanged, farm_id=device.farm_id)
    with ui.element("section").classes("st-card"):
        ui.label(_("Sign-in at the broker")).classes("st-h2").props("role=heading aria-level=2")
        live(ask, lambda found: _show(look, device, found), *topics)


def _show(look: Looker, device: Device, found: Held) -> None:
    async def make() -> None:
        if found.username or found.has_old_secret:
            text = _("The device is cut off until the new password is typed in.")
            if not await confirm(_("Make a new password for {name}?", name=device.name), text, action=_("Make a new password")):
                return
        made = None
        async with look.command() as tx:
            made = await commands.make_login(tx, device.id)
            current = await queries.device(tx, device.id)
        if made:
            with look.page:  # the card has been drawn anew by now
                await show_login(current, made)

    async def revoke() -> None:
        text = _("It is cut off at once, and nothing can be asked of it until it gets a new password.")
        if await confirm(_("Lock {name} out?", name=device.name), text, action=_("Lock out")):
            async with look.command() as tx:
                await commands.revoke_login(tx, device.id)

    if found.username:
        with ui.element("div").classes("st-facts"):
            _fact(_("User"), found.username)
            with ui.element("div").classes("st-fact"):
                ui.label(_("Password since")).classes("st-fact-label")
                age(found.made_at)
            if found.made_by:
                _fact(_("Made by"), found.made_by)
    elif found.has_old_secret:
        _old_secret(look, device, found)
    else:
        ui.label(_("The device cannot sign in yet: it has no password.")).classes("st-soft")
    with ui.element("div").classes("st-panel-buttons"):
        button(_("New password") if found.username else _("Make a password"), make, icon="key")
        if found.username or found.has_old_secret:
            button(_("Lock out"), revoke, kind="quiet", icon="block")


def _old_secret(look: Looker, device: Device, found: Held) -> None:
    """It has the token of former days: it works, or the farm has closed that door."""
    async def let(on: bool) -> None:
        async with look.command() as tx:
            await commands.take_old_secrets(tx, device.farm_id, on=on)

    if found.takes_old_secrets:
        badge("warning", _("It signs in with a secret of former days"), icon="key")
        ui.label(_("That works, but not at every broker. Make a password when you are next to the device.")).classes("st-soft")
        button(_("Let no such secrets in on this farm"), lambda: let(False), kind="quiet")
    else:
        badge("critical", _("It is not let in"), icon="block")
        ui.label(_("It has a secret of former days, and this farm lets none of them in.")).classes("st-soft")
        button(_("Let such secrets in again"), lambda: let(True), kind="quiet")


def _fact(label: str, value: str) -> None:
    with ui.element("div").classes("st-fact"):
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")


async def show_login(device: Device, made: NewLogin) -> None:
    """What somebody types into the device, this once: each word, and all of it as the device's own console takes it."""
    host, port, is_tls = app.state.settings.device_broker
    text = _("The password is shown this once. Type it into the device now, or copy all of it.")
    with panel(_("Sign-in of {name}", name=device.name), text, persistent=True) as dialog:
        with ui.element("div").classes("st-facts"):
            _fact(_("Host"), host)
            _fact(_("Port"), f"{port} (TLS)" if is_tls else str(port))
            _fact(_("User"), made.username)
            _fact(_("Topic"), device.topic)
        ui.label(_("Password")).classes("st-fact-label")
        copyable(made.password)
        if told := console(device.dialect, device.topic, device.farm_id, made, host, port, is_tls=is_tls):
            ui.label(_("For its console or its configuration")).classes("st-fact-label")
            copyable(told)
        if is_only_here():
            ui.label(_("The broker listens on the server itself only. Set MQTT_HOST, or MQTT_URL for a broker of your own.")).classes("st-soft")
        with ui.element("div").classes("st-panel-buttons"):
            button(_("I have stored it"), lambda: dialog.submit(True), kind="primary")
    await dialog


def is_only_here() -> bool:
    """Whether no device in the house can reach the broker."""
    settings = app.state.settings
    is_deaf = not settings.mqtt_url and not settings.has_mqtt_tls
    return is_deaf and settings.mqtt_host in ("127.0.0.1", "localhost", "::1") and not settings.demonstration


def console(dialect: Dialect, topic: str, farm_id: UUID, made: NewLogin, host: str, port: int, *, is_tls: bool) -> str:
    """All of it in the device's own language; '' where it has none."""
    if dialect is Dialect.TASMOTA:
        tls = "SetOption103 1; " if is_tls else ""
        return (
            f"Backlog {tls}MqttHost {host}; MqttPort {port}; MqttUser {made.username}; MqttPassword {made.password}; "
            f"Topic {topic}; FullTopic %prefix%/%topic%/; SetOption3 1"
        )
    if dialect is Dialect.ESPHOME:
        return (
            f"mqtt:\n  broker: {host}\n  port: {port}\n  username: {made.username}\n  password: {made.password}\n"
            f"  topic_prefix: {node_of(topic)}\n  discovery_prefix: {discovery_of(farm_id)}"
        )
    if dialect is Dialect.HOME_ASSISTANT:
        scheme = "mqtts" if is_tls else "mqtt"
        return (
            f"mqtt:\n  server: {scheme}://{host}:{port}\n  user: {made.username}\n  password: {made.password}\n"
            f"  base_topic: {node_of(topic)}\nhomeassistant:\n  enabled: true\n  discovery_topic: {discovery_of(farm_id)}"
        )
    if dialect is Dialect.STEADING:
        return f"farm/{farm_id}/devices/{topic}/command\nfarm/{farm_id}/devices/{topic}/status\nfarm/{farm_id}/sensors/{topic}/data"
    return ""
