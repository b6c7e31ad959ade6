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

    def show(found: Sequence[Notification]) -> None:
        if not found:
            empty_state(_("Your inbox is empty."), _("You will find here what needs you."), icon="inbox")
            return
        if any(not n.is_read for n in found):
            button(_("Mark all as read"), read_all, kind="quiet", icon="done_all")
        for one in found:
            _message(look, one)

    assert look.actor.user_id
    live(ask, show, look.topic(InboxChanged, user_id=look.actor.user_id), minimum_interval_s=0.5)


def _message(look: Looker, one: Notification) -> None:
    async def open_it() -> None:
        async with look.command() as tx:
            await commands.mark_read(tx, one.id)
        ui.navigate.to(one.href or "/alerts")

    with ui.element("article").classes("st-item" + ("" if one.is_read else " is-unread")):
        badge(SEVERITY_STATE[one.severity], _(SEVERITY_WORDS[one.severity]))
        with ui.element("div").classes("st-item-main"):
            ui.label(sentence(one.message, one.message_values)).classes("st-item-words")
            age(one.created_at)
        button(_("Open"), open_it, kind="plain" if not one.is_read else "quiet")
