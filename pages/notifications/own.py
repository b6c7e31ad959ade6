"""How one is told oneself: where one is reached, what one wants to hear and when, and what was sent lately."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nicegui import app, ui

from data.alerts.tables import Severity
from data.cold_chain.queries import units
from data.core.errors import Refusal
from data.notifications import queries
from data.notifications.commands import preferences
from data.notifications.events import ChannelsChanged, DeliveriesChanged
from data.notifications.queries import Reached
from data.notifications.tables import Channel, NotificationDelivery, NotificationPreference, Purpose
from pages._shell import Looker, explain, field_errors, screen
from pages.alerts._words import SEVERITY_WORDS
from pages.notifications._push import given
from pages.notifications._words import CHANNEL_ICONS, CHANNEL_WORDS, status, trouble, what
from ui.age import age
from ui.badge import badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.push import push_switch
from ui.words import _

LATELY = 15


@dataclass(frozen=True, slots=True)
class Mine:
    """Where one is reached, and the latest test by each way."""

    reached: Reached
    tests: Mapping[Channel, NotificationDelivery]


@screen("/settings/notifications", title="How you are told", place="settings")
async def own(look: Looker) -> None:
    assert look.actor.user_id and look.frame
    with look.frame.actions:
        button(_("Your settings"), kind="quiet", icon="arrow_back", href="/settings")
    mine = (look.topic(ChannelsChanged, user_id=look.actor.user_id), look.topic(DeliveriesChanged, user_id=look.actor.user_id))
    async with look.transaction() as tx:
        chosen = await queries.own_preference(tx)
        sites = {str(one.site.id): one.site.name for one in await units.sites(tx)} if look.may("cold_chain.view") else {}
    with ui.element("div").classes("st-stack"):
        with _card(_("Where you are reached")):
            _ways(look, mine)
        with _card(_("What you want to be told")):
            _wishes(look, chosen, sites)
            button(_("Choose by kind of alert"), kind="quiet", icon="tune", href="/settings/notifications/kinds")
        with _card(_("What was sent to you lately")):
            _lately(look, mine)


def _card(title: str) -> ui.element:
    with ui.element("section").classes("st-card") as card:
        ui.label(title).classes("st-h2").props("role=heading aria-level=2")
    return card


def _ways(look: Looker, topics: Sequence[Any]) -> None:
    async def ask() -> Mine:
        async with look.transaction() as tx:
            sent = await queries.own_deliveries(tx, limit=60)
            tests = {one.channel: one for one in reversed(sent) if one.purpose is Purpose.TEST}
            return Mine(await queries.own_addresses(tx), tests)

    def show(found: Mine) -> None:
        reached = found.reached
        with _way(look, Channel.EMAIL, reached.email or _("No address"), found, may_test=bool(reached.email)):
            pass
        with _way(look, Channel.SMS, _phone_words(reached), found, may_test=reached.is_phone_verified and reached.has_sms):
            if reached.has_sms:
                button(_("Change the number") if reached.phone else _("Add your number"), lambda: _ask_number(look, reached.phone), kind="quiet")
        with _way(look, Channel.TELEGRAM, _telegram_words(reached), found, may_test=bool(reached.chat and reached.chat.chat_id)):
            if reached.chat and reached.chat.chat_id:
                button(_("Unlink"), lambda: _unlink(look), kind="quiet")
            elif reached.bot_username:
                button(_("Link Telegram"), lambda: _link(look), kind="quiet")
        with _way(look, Channel.PUSH, _("Woken even when no page is open"), found, may_test=bool(reached.browsers)):
            pass
        for browser in reached.browsers:
            with ui.element("div").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(browser.device_name or _("Unknown browser")).classes("st-item-words")
                    age(browser.last_used_at or browser.created_at)
                button(_("Wake it no more"), lambda id=browser.id: _forget(look, id), kind="quiet")

    live(ask, show, *topics, minimum_interval_s=0.3)
    user_agent = ui.context.client.request.headers.get("user-agent", "")
    push_switch(app.state.push_key, lambda said: _allow(look, said, user_agent))


def _way(look: Looker, channel: Channel, words: str, found: Mine, *, may_test: bool) -> ui.element:
    """One row: the way, where it leads, the last test; what is drawn inside stands before the button that tests it."""
    with ui.element("div").classes("st-item is-flat") as row:
        ui.icon(CHANNEL_ICONS[channel]).props("aria-hidden=true")
        with ui.element("div").classes("st-item-main"):
            ui.label(_(CHANNEL_WORDS[channel])).classes("st-item-words")
            ui.label(words).classes("st-soft")
            if test := found.tests.get(channel):
                with ui.element("div").classes("st-row").props("role=status"):
                    badge(*status(test))
                    age(test.created_at)
                    ui.label(trouble(test)).classes("st-soft")
        inside = ui.element("div").classes("st-row")
        if may_test:
            tester = button(_("Send a test"), lambda: _test(look, channel), kind="plain")
            tester.props["aria-label"] = f"{_('Send a test')}: {_(CHANNEL_WORDS[channel])}"
    assert row
    return inside


def _phone_words(reached: Reached) -> str:
    if not reached.has_sms:
        return _("Text messages are not set up here. An owner or admin can do that.")
    if reached.is_phone_opted_out:
        return _("{phone} has said STOP. Text START to the sender to be told again.", phone=reached.phone)
    if not reached.phone:
        return _("No number")
    return reached.phone if reached.is_phone_verified else _("{phone} is not confirmed yet.", phone=reached.phone)


def _telegram_words(reached: Reached) -> str:
    if not reached.bot_username:
        return _("Telegram is not set up here. An owner or admin can do that.")
    chat = reached.chat
    if chat and chat.chat_id:
        return _("Linked with {name}", name=chat.username or chat.chat_id)
    return _("Waiting for you to follow the link…") if chat and chat.code_expires_at else _("Not linked")


async def _test(look: Looker, channel: Channel) -> None:
    async with look.command() as tx:
        await preferences.test_own(tx, channel)


async def _allow(look: Looker, said: Mapping[str, Any], user_agent: str) -> None:
    async with look.transaction() as tx:
        await preferences.subscribe_browser(tx, **given(said, user_agent))


async def _forget(look: Looker, subscription_id: UUID) -> None:
    async with look.command() as tx:
        await preferences.forget_browser(tx, subscription_id)


async def _unlink(look: Looker) -> None:
    async with look.command() as tx:
        await preferences.unlink_telegram(tx)


async def _link(look: Looker) -> None:
    link = ""
    async with look.command() as tx:
        link = await preferences.link_telegram(tx)
    if link:
        with look.page:
            _show_link(link)


def _show_link(link: str) -> None:
    with (
        panel(_("Link Telegram"), _("Open the bot and press Start. The link works for 15 minutes.")) as dialog,
        ui.element("div").classes("st-panel-buttons"),
    ):
        button(_("Close"), dialog.close, kind="plain")
        button(_("Open Telegram"), kind="primary", href=link).props("target=_blank rel=noopener")
    dialog.open()


def _ask_number(look: Looker, phone: str | None) -> None:
    with panel(_("Your number"), _("We send six digits to it, to see that it is yours.")) as dialog:
        form = Form()
        with form:
            form.text("phone", _("Number, with its country"), phone or "", required=True, placeholder="+855 12 345 678", autocomplete="tel", mode="tel")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await preferences.send_phone_code(tx, values["phone"])
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            with look.page:
                _ask_code(look, values["phone"])
            return None

        form.buttons(_("Send me the code"), send, on_cancel=dialog.close)
    dialog.open()


def _ask_code(look: Looker, phone: str) -> None:
    with panel(_("The code"), _("It was sent to {phone}, and is good for 10 minutes.", phone=phone)) as dialog:
        form = Form()
        with form:
            form.text("code", _("Six digits"), required=True, autocomplete="one-time-code", mode="numeric")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    wrong = await preferences.confirm_phone(tx, values["code"])
            except Refusal as refusal:
                return {"code": explain(refusal)}
            if wrong:
                return {"code": _(wrong)}
            dialog.close()
            return None

        form.buttons(_("Confirm"), send, on_cancel=dialog.close)
    dialog.open()


def _wishes(look: Looker, chosen: NotificationPreference, sites: Mapping[str, str]) -> None:
    form = Form()
    with form:
        form.check("is_email_enabled", _("By e-mail"), chosen.is_email_enabled)
        form.check("is_push_enabled", _("On my phone and browsers"), chosen.is_push_enabled)
        form.check("is_sms_enabled", _("By text message"), chosen.is_sms_enabled)
        form.check("is_telegram_enabled", _("By Telegram"), chosen.is_telegram_enabled)
        least = {s.value: _(SEVERITY_WORDS[s]) for s in (Severity.INFO, Severity.WARNING, Severity.CRITICAL)}
        form.select(
            "least_severity", _("At least"), least, chosen.least_severity.value, required=True, help=_("Your inbox shows all of them."),
        )  # fmt: skip
        form.clock("quiet_from", _("Quiet from"), chosen.quiet_from, zone=look.time_zone, help=_("What is critical reaches you all the same."))
        form.clock("quiet_until", _("Quiet until"), chosen.quiet_until, zone=look.time_zone)
        form.check("digest_daily", _("A digest every day by e-mail"), chosen.digest_daily, help=_("Nothing is sent when nothing happened."))
        form.check("digest_weekly", _("A digest every Monday by e-mail"), chosen.digest_weekly)
        form.clock("digest_time", _("Digests at"), chosen.digest_time, zone=look.time_zone, required=True)
        if sites:
            held = [id for id in chosen.digest_site_ids or () if id in sites]
            form.select("digest_site_ids", _("Digests of these sites only"), sites, held, multiple=True, help=_("None chosen means all."))

    async def save(values: dict[str, Any]) -> dict[str, str] | None:
        try:
            async with look.transaction() as tx:
                await preferences.set_preferences(
                    tx, flags={name: values[name] for name in preferences.FLAGS}, least_severity=values["least_severity"],
                    quiet_from=values["quiet_from"], quiet_until=values["quiet_until"], digest_time=values["digest_time"],
                    digest_site_ids=values.get("digest_site_ids"),
                )  # fmt: skip
        except Refusal as refusal:
            return field_errors(refusal)
        ui.notify(_("Saved."), type="positive", position="top")
        return None

    form.buttons(_("Save"), save)


def _lately(look: Looker, topics: Sequence[Any]) -> None:
    async def ask() -> Sequence[NotificationDelivery]:
        async with look.transaction() as tx:
            return await queries.own_deliveries(tx, limit=LATELY)

    def show(found: Sequence[NotificationDelivery]) -> None:
        if not found:
            empty_state(_("Nothing has been sent to you yet."), _("Send a test to see that it works."), icon="outgoing_mail")
        for one in found:
            with ui.element("div").classes("st-item is-flat"):
                ui.icon(CHANNEL_ICONS[one.channel]).props["title"] = _(CHANNEL_WORDS[one.channel])
                with ui.element("div").classes("st-item-main"):
                    ui.label(what(one)).classes("st-item-words")
                    ui.label(trouble(one)).classes("st-soft")
                age(one.created_at)
                badge(*status(one))

    live(ask, show, topics[1], minimum_interval_s=1.0)
