"""One message: what it says, why it was sent to this person by this way, and each step of what became of it."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from nicegui import ui

from data.notifications import queries
from data.notifications.commands import channels
from data.notifications.commands.channels import EDIT
from data.notifications.events import DeliveriesChanged
from data.notifications.queries import Told
from data.notifications.tables import Channel, DeliveryStatus, NotificationDelivery, Purpose
from pages._shell import Looker, screen
from pages.alerts._words import SEVERITY_STATE, SEVERITY_WORDS, sentence
from pages.notifications._words import CHANNEL_WORDS, PURPOSE_WORDS, status, trouble, what
from ui.badge import badge
from ui.form import button
from ui.live import live
from ui.words import _, moment, n_


@screen("/messages/{delivery_id}", title="Message", place="channels", permission=EDIT)
async def message(look: Looker, delivery_id: UUID) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All messages"), kind="quiet", icon="arrow_back", href="/messages")

    async def ask() -> Told:
        async with look.transaction() as tx:
            return await queries.told(tx, delivery_id)

    def show(found: Told) -> None:
        one = found.delivery
        with ui.element("section").classes("st-card"):
            with ui.element("div").classes("st-row"):
                badge(*status(one))
                badge(SEVERITY_STATE[one.severity], _(SEVERITY_WORDS[one.severity]))
                badge("neutral", _(PURPOSE_WORDS[one.purpose]))
            ui.label(what(one)).classes("st-h2").props("role=heading aria-level=2")
            if one.error_message:
                ui.label(trouble(one)).classes("st-item-words").props("role=alert")
            for label, words in _facts(found):
                with ui.element("div").classes("st-item is-flat"):
                    ui.label(label).classes("st-soft")
                    with ui.element("div").classes("st-item-main"):
                        ui.label(words)
            if one.href:
                ui.link(_("What it is about"), one.href)
            if one.status is DeliveryStatus.FAILED and one.purpose is not Purpose.CODE:
                button(_("Send it again"), lambda: _retry(look, one.id), kind="primary", icon="refresh")

    live(ask, show, look.topic(DeliveriesChanged), minimum_interval_s=0.3)


def _facts(found: Told) -> Iterator[tuple[str, str]]:
    one = found.delivery
    yield _("To"), " · ".join(filter(None, (found.name, one.recipient if one.channel is not Channel.PUSH else "")))
    yield _("Way"), _(CHANNEL_WORDS[one.channel])
    yield _("Why"), sentence(one.reason, one.reason_values)
    yield from ((label, moment(at, seconds=True)) for label, at in _steps(one) if at)
    if one.retry_count:
        yield _("Tries"), n_("{n} was in vain", "{n} were in vain", one.retry_count)
    if one.external_id:
        yield _("Known there as"), one.external_id


def _steps(one: NotificationDelivery) -> Iterator[tuple[str, datetime | None]]:
    yield _("Written"), one.created_at
    yield _("Sent"), one.sent_at
    yield _("Arrived"), one.delivered_at
    yield _("Failed"), one.failed_at
    yield _("Next try"), one.next_attempt_at if one.status is DeliveryStatus.PENDING else None


async def _retry(look: Looker, delivery_id: UUID) -> None:
    async with look.command() as tx:
        await channels.retry(tx, delivery_id)
