"""How the organization sends: its account for text messages, its bot, its partners' endpoints, and who else gets mail."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from nicegui import app, ui

from data.core.errors import Refusal
from data.core.time import now
from data.notifications import queries
from data.notifications.commands import channels as commands
from data.notifications.events import ChannelsChanged, DeliveriesChanged
from data.notifications.queries import SetUp
from data.notifications.tables import Channel, SmsConfig, WebhookEndpoint
from pages._attention import SOURCES, Matter, Source
from pages._shell import Looker, field_errors, screen
from pages.notifications._words import CHANNEL_ICONS, CHANNEL_WORDS
from ui.age import age
from ui.badge import badge
from ui.dialog import ask_secret_once, confirm, panel
from ui.form import Form, button
from ui.live import live
from ui.words import _, clock, n_

Found = tuple[SetUp, int, datetime]


@screen("/channels", title="Channels", place="channels", permission=commands.EDIT)
async def channels(look: Looker) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All messages"), kind="plain", icon="outgoing_mail", href="/messages")

    async def ask() -> Found:
        async with look.transaction() as tx:
            at = now()
            return await queries.set_up(tx), (await queries.failed_lately(tx, at))[0], at

    def show(found: Found) -> None:
        held, failed, at = found
        if failed:
            with ui.element("a").classes("st-item").props("href=/messages?status=failed"):
                badge("critical", n_("{n} message failed in the last 24 hours", "{n} messages failed in the last 24 hours", failed))
        _email(look, held, at)
        _sms(look, held, at)
        _telegram(look, held, at)
        _webhooks(look, held, at)
        _opt_outs(held)

    live(ask, show, look.topic(ChannelsChanged), look.topic(DeliveriesChanged), minimum_interval_s=1.0)


def _head(look: Looker, channel: Channel, held: SetUp, at: datetime, *, is_there: bool, is_on: bool = True) -> ui.element:
    """A channel's card: its name and whether it works, rests, is off or is not set up."""
    with ui.element("section").classes("st-card") as card, ui.element("div").classes("st-head"):
        _title(channel, _(CHANNEL_WORDS[channel]))
        if not is_there:
            badge("neutral", _("Not set up"))
        elif not is_on:
            badge("offline", _("Turned off"))
        else:
            _state(look, channel, held, at)
    return card


def _title(channel: Channel, words: str) -> None:
    with ui.element("div").classes("st-row st-grow"):
        ui.icon(CHANNEL_ICONS[channel]).props("aria-hidden=true")
        ui.label(words).classes("st-h2").props("role=heading aria-level=2")


def _state(look: Looker, channel: Channel, held: SetUp, at: datetime, endpoint_id: UUID | None = None) -> None:
    """Works, has failed lately, or rests; what rests can be tried at once."""
    state = held.states.get((channel, endpoint_id))
    if until := held.rests_until(channel, at, endpoint_id):
        badge("warning", _("Rests until {time}", time=clock(until)))
        button(_("Try now"), lambda: _end_rest(look, channel, endpoint_id), kind="quiet")
    elif state and state.consecutive_failures:
        badge("warning", n_("{n} failure in a row", "{n} failures in a row", state.consecutive_failures))
    else:
        badge("ok", _("Works") if state and state.last_success_at else _("Ready"))
    if state and state.consecutive_failures and state.last_error:
        ui.label(state.last_error).classes("st-soft")


async def _end_rest(look: Looker, channel: Channel, endpoint_id: UUID | None) -> None:
    async with look.command() as tx:
        await commands.end_rest(tx, channel, endpoint_id)


def _email(look: Looker, held: SetUp, at: datetime) -> None:
    has_server, settings = bool(app.state.settings.smtp_url), held.settings
    with _head(look, Channel.EMAIL, held, at, is_there=has_server, is_on=settings.is_email_enabled):
        if not has_server:
            ui.label(_("Whoever runs this installation sets SMTP_URL.")).classes("st-soft")
        others = ", ".join(settings.email_recipients) or _("nobody")
        ui.label(_("Besides your people, alerts go to: {addresses}", addresses=others)).classes("st-soft")
        with ui.element("div").classes("st-row"):
            button(_("Change"), lambda: _change_settings(look, held))
            if has_server:
                button(_("Send a test"), lambda: _ask_test(look, Channel.EMAIL), kind="quiet")


def _change_settings(look: Looker, held: SetUp) -> None:
    settings = held.settings

    def fields(form: Form) -> None:
        form.check("is_email_enabled", _("Send mail"), settings.is_email_enabled)
        form.text(
            "email_recipients", _("Also to these addresses"), "\n".join(settings.email_recipients), lines=3,
            help=_("One on each line. They get alerts, and can end that themselves."),
        )  # fmt: skip
        form.check(
            "may_reports_leave", _("Reports may go to other addresses too"), settings.may_reports_leave,
            help=_("Where somebody orders a report that comes regularly, to an inspector or a customer."),
        )  # fmt: skip
        form.number("sms_per_hour", _("Text messages an hour, at most"), settings.sms_per_hour, required=True, minimum=0, maximum=1000, decimals=0)

    async def save(values: dict[str, Any]) -> None:
        async with look.transaction() as tx:
            await commands.set_settings(
                tx, is_email_enabled=values["is_email_enabled"], email_recipients=values["email_recipients"].splitlines(),
                sms_per_hour=values["sms_per_hour"], may_reports_leave=values["may_reports_leave"],
            )  # fmt: skip

    _ask(_("Mail and limits"), "", _("Save"), fields, save)


def _sms(look: Looker, held: SetUp, at: datetime) -> None:
    sms = held.sms
    with _head(look, Channel.SMS, held, at, is_there=sms is not None, is_on=bool(sms and sms.is_enabled)):
        if sms:
            ui.label(_("From {number} by Telnyx, key …{last_four}", number=sms.telnyx_phone_number, last_four=sms.telnyx_api_key_last_four))
            if not sms.telnyx_public_key:
                ui.label(_("Without the public key we cannot believe what Telnyx tells, so no message will say that it arrived.")).classes("st-soft")
            _tested(sms.last_test_at)
        else:
            ui.label(_("You need an account at Telnyx: its key, a number, and its public key.")).classes("st-soft")
        ui.label(_("At most {n} an hour, and one of a kind to each number in 15 minutes.", n=held.settings.sms_per_hour)).classes("st-soft")
        with ui.element("div").classes("st-row"):
            button(_("Change") if sms else _("Set up"), lambda: _change_sms(look, sms))
            if sms and sms.is_enabled:
                button(_("Send a test"), lambda: _ask_test(look, Channel.SMS), kind="quiet")
            if sms:
                button(_("Remove"), lambda: _remove(look, _("Send no text messages any more?"), sms.telnyx_phone_number, commands.remove_sms), kind="quiet")


def _tested(at: datetime | None) -> None:
    if at:
        age(at, prefix=_("Tested") + " ")


def _change_sms(look: Looker, sms: SmsConfig | None) -> None:
    def fields(form: Form) -> None:
        form.text("number", _("Your number at Telnyx"), sms.telnyx_phone_number if sms else "", required=True, placeholder="+15550001111", mode="tel")
        form.text(
            "api_key", _("API key"), required=sms is None, secret=True, autocomplete="off",
            help=_("Empty keeps …{last_four}.", last_four=sms.telnyx_api_key_last_four) if sms else _("It is kept encrypted."),
        )  # fmt: skip
        form.text("public_key", _("Public key"), (sms and sms.telnyx_public_key) or "", help=_("In Telnyx's portal under Keys & Credentials; it proves what Telnyx tells us."))
        form.text("profile_id", _("Messaging profile"), (sms and sms.telnyx_messaging_profile_id) or "")
        form.check("is_enabled", _("Send text messages"), sms.is_enabled if sms else True)

    async def save(values: dict[str, Any]) -> None:
        async with look.transaction() as tx:
            await commands.set_sms(tx, **values)

    text = _("Let Telnyx tell what becomes of messages at {address}.", address=f"{app.state.settings.origin}/webhooks/telnyx")
    _ask(_("Text messages by Telnyx"), text, _("Save"), fields, save)


def _telegram(look: Looker, held: SetUp, at: datetime) -> None:
    bot = held.bot
    with _head(look, Channel.TELEGRAM, held, at, is_there=bot is not None, is_on=bool(bot and bot.is_enabled)):
        if bot is None:
            ui.label(_("Make a bot with Telegram's BotFather, and enter its token here.")).classes("st-soft")
        elif bot.bot_username:
            ui.label(f"@{bot.bot_username} · …{bot.bot_token_last_four}")
            _tested(bot.last_test_at)
        else:
            badge("waiting", _("Asking Telegram for the bot's name…"))
        with ui.element("div").classes("st-row"):
            button(_("Change") if bot else _("Set up"), lambda: _change_bot(look))
            if bot:
                button(_("Remove"), lambda: _remove(look, _("Use Telegram no more?"), bot.bot_username or "", commands.remove_bot), kind="quiet")


def _change_bot(look: Looker) -> None:
    def fields(form: Form) -> None:
        form.text("token", _("The bot's token"), required=True, secret=True, autocomplete="off", help=_("It is kept encrypted."))

    async def save(values: dict[str, Any]) -> None:
        async with look.transaction() as tx:
            await commands.set_bot(tx, **values)

    _ask(_("Your bot at Telegram"), _("People then link their own chats, under their settings."), _("Save"), fields, save)


def _webhooks(look: Looker, held: SetUp, at: datetime) -> None:
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-head"):
            _title(Channel.WEBHOOK, _("Webhooks"))
            button(_("Add an endpoint"), lambda: _edit_endpoint(look, None), icon="add")
        ui.label(_("Your other systems hear of alerts at once, by signed requests (Standard Webhooks).")).classes("st-soft")
        for endpoint in held.endpoints:
            _endpoint(look, endpoint, held, at)


def _endpoint(look: Looker, endpoint: WebhookEndpoint, held: SetUp, at: datetime) -> None:
    with ui.element("article").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.label(endpoint.name).classes("st-item-words")
            ui.label(endpoint.url).classes("st-soft")
            ui.label(", ".join(endpoint.event_types) or _("all events")).classes("st-soft")
            if endpoint.previous_secret_until_at and endpoint.previous_secret_until_at > at:
                ui.label(_("The old secret signs too until {time}.", time=clock(endpoint.previous_secret_until_at))).classes("st-soft")
        if endpoint.is_enabled:
            _state(look, Channel.WEBHOOK, held, at, endpoint.id)
        else:
            badge("offline", _("Turned off"))
            ui.label(endpoint.disabled_reason or "").classes("st-soft")
        button(_("Send a test"), lambda: _test(look, Channel.WEBHOOK, endpoint_id=endpoint.id), kind="quiet")
        button(_("Change"), lambda: _edit_endpoint(look, endpoint), kind="quiet")
        button(_("New secret"), lambda: _rotate(look, endpoint), kind="quiet")
        button(_("Last messages"), kind="quiet", href=f"/messages?channel=webhook&search={endpoint.name}")
        button(_("Remove"), lambda: _remove(look, _("Tell this endpoint nothing more?"), endpoint.name, lambda tx: commands.delete_endpoint(tx, endpoint.id)), kind="quiet")


def _edit_endpoint(look: Looker, endpoint: WebhookEndpoint | None) -> None:
    def fields(form: Form) -> None:
        form.text("name", _("Name"), endpoint.name if endpoint else "", required=True, placeholder=_("Warehouse system"))
        form.text("url", _("Address"), endpoint.url if endpoint else "", required=True, placeholder="https://partner.example/hooks", mode="url")
        form.select("event_types", _("Events"), list(commands.EVENT_TYPES), endpoint.event_types if endpoint else [], multiple=True, help=_("None chosen means all."))
        if endpoint:
            form.check("is_enabled", _("Tell it"), endpoint.is_enabled)

    async def save(values: dict[str, Any]) -> None:
        secret = ""
        async with look.transaction() as tx:
            if endpoint:
                await commands.change_endpoint(tx, endpoint.id, **values)
            else:
                secret = (await commands.create_endpoint(tx, **values))[1]
        if secret:
            with look.page:
                ui.timer(0, lambda: ask_secret_once(values["name"], secret), once=True)

    _ask(_("Endpoint"), _("It is told by POST, and must answer 2xx within 10 seconds."), _("Save"), fields, save)


async def _rotate(look: Looker, endpoint: WebhookEndpoint) -> None:
    if not await confirm(_("Make a new secret?"), _("For 24 hours both secrets sign."), action=_("New secret"), goes=[endpoint.name], danger=False):
        return
    secret = ""
    async with look.command() as tx:
        secret = await commands.rotate_secret(tx, endpoint.id)
    if secret:
        with look.page:
            await ask_secret_once(endpoint.name, secret)


def _opt_outs(held: SetUp) -> None:
    if not held.opt_outs:
        return
    with ui.element("section").classes("st-card"):
        ui.label(_("Who wants no more messages")).classes("st-h2").props("role=heading aria-level=2")
        for one in held.opt_outs:
            with ui.element("div").classes("st-item is-flat"):
                ui.icon(CHANNEL_ICONS[one.channel]).props["title"] = _(CHANNEL_WORDS[one.channel])
                with ui.element("div").classes("st-item-main"):
                    ui.label(one.address).classes("st-item-words")
                    ui.label(one.reason).classes("st-soft")
                age(one.created_at)


def _ask_test(look: Looker, channel: Channel) -> None:
    def fields(form: Form) -> None:
        if channel is Channel.SMS:
            form.text("address", _("To which number?"), required=True, placeholder="+855 12 345 678", mode="tel")
        else:
            form.text("address", _("To which address?"), required=True, mode="email")

    async def save(values: dict[str, Any]) -> None:
        await _test(look, channel, address=values["address"].replace(" ", ""))

    _ask(_("Send a test"), "", _("Send it"), fields, save)


async def _test(look: Looker, channel: Channel, *, address: str | None = None, endpoint_id: UUID | None = None) -> None:
    ids: Sequence[UUID] = ()
    async with look.command() as tx:
        ids = await commands.test_address(tx, channel, address=address, endpoint_id=endpoint_id)
    for id in ids:
        ui.navigate.to(f"/messages/{id}")


async def _remove(look: Looker, question: str, name: str, command: Callable[[Any], Any]) -> None:
    if await confirm(question, action=_("Remove"), goes=[name] if name else ()):
        async with look.command() as tx:
            await command(tx)


def _ask(title: str, text: str, action: str, fields: Callable[[Form], None], save: Callable[[dict[str, Any]], Any]) -> None:
    """A panel with a form; what is refused is said at its field."""
    with panel(title, text) as dialog:
        form = Form()
        with form:
            fields(form)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                await save(values)
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(action, send, on_cancel=dialog.close)
    dialog.open()


async def _trouble(look: Looker) -> list[Matter]:
    """What could not be told: it needs somebody who can mend the way."""
    async with look.transaction() as tx:
        at = now()
        count, since = await queries.failed_lately(tx, at)
        resting = await queries.resting(tx, at)
    matters = [
        Matter(
            "warning", _("{way} fails again and again: {reason}", way=name or _(CHANNEL_WORDS[state.channel]), reason=state.last_error or ""),
            "/channels", state.last_failure_at or at, CHANNEL_ICONS[state.channel],
        )
        for state, name in resting
    ]  # fmt: skip
    if since:
        words = n_("{n} message could not be delivered", "{n} messages could not be delivered", count)
        matters.append(Matter("warning", words, "/messages?status=failed", since, "outgoing_mail"))
    return matters


SOURCES.append(Source(commands.EDIT, _trouble, (DeliveriesChanged, ChannelsChanged)))
