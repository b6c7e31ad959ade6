"""What one was told oneself, the latest first."""

from collections.abc import Sequence

from nicegui import ui

from data.notifications import commands, queries
from data.notifications.events import InboxChanged
from data.notifications.tables import Notification
from pages._shell import Looker, screen
from pages.alerts._words import SEVERITY_STATE, SEVERITY_WORDS, sentence
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _


@screen("/inbox", title="Inbox", place="alerts")
async def inbox(look: Looker) -> None:
    async def ask() -> Sequence[Notification]:
        async with look.transaction() as tx:
            return await queries.inbox(tx)

    async def read_all() -> None:
        async with look.command() as tx:
            await commands.mark_read(tx)

    async def forget_read() -> None:
        if await confirm(_("Delete what you have read?"), _("The alerts themselves are kept."), action=_("Delete")):
            async with look.command() as tx:
                await commands.forget_read(tx)

    def show(found: Sequence[Notification]) -> None:
        if not found:
            empty_state(_("Your inbox is empty."), _("You will find here what needs you."), icon="inbox")
            return
        with ui.element("div").classes("st-row"):
            if any(not n.is_read for n in found):
                button(_("Mark all as read"), read_all, kind="quiet", icon="done_all")
            if any(n.is_read for n in found):
                button(_("Delete what is read"), forget_read, kind="quiet", icon="delete_sweep")
        for one in found:
            _message(look, one)

    assert look.actor.user_id
    live(ask, show, look.topic(InboxChanged, user_id=look.actor.user_id), minimum_interval_s=0.5)


def _message(look: Looker, one: Notification) -> None:
    async def open_it() -> None:
        async with look.command() as tx:
            await commands.mark_read(tx, one.id)
        ui.navigate.to(one.href or "/alerts")

    async def back() -> None:
        async with look.command() as tx:
            await commands.mark_unread(tx, one.id)

    async def forget() -> None:
        async with look.command() as tx:
            await commands.forget(tx, one.id)

    with ui.element("article").classes("st-item" + ("" if one.is_read else " is-unread")):
        badge(SEVERITY_STATE[one.severity], _(SEVERITY_WORDS[one.severity]))
        with ui.element("div").classes("st-item-main"):
            ui.label(sentence(one.message, one.message_values)).classes("st-item-words")
            age(one.created_at)
        button(_("Open"), open_it, kind="plain" if not one.is_read else "quiet")
        if one.is_read:
            button("", back, kind="quiet", icon="mark_email_unread").props(f'aria-label="{_("Mark as unread")}" title="{_("Mark as unread")}"')
        button("", forget, kind="quiet", icon="delete").props(f'aria-label="{_("Delete")}" title="{_("Delete")}"')
