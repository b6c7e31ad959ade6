"""Everything that was sent, waits, failed, or was decided not to be sent: to whom, by which way, and why."""

from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from data.notifications import queries
from data.notifications.commands.channels import EDIT
from data.notifications.events import DeliveriesChanged
from data.notifications.queries import Told
from data.notifications.tables import Channel, DeliveryStatus
from pages._shell import Looker, screen
from pages.notifications._words import CHANNEL_WORDS, STATUS_WORDS, status, trouble, what
from ui.form import button
from ui.table import Column, table
from ui.words import _


@screen("/messages", title="Messages", place="channels", permission=EDIT)
async def messages(look: Looker, status: str = "", channel: str = "", search: str = "") -> None:
    chosen = {"status": status if status in list(DeliveryStatus) else "", "channel": channel if channel in list(Channel) else ""}
    assert look.frame
    with look.frame.actions:
        button(_("Channels"), kind="quiet", icon="arrow_back", href="/channels")
    with ui.element("div").classes("st-row"):
        _filter("status", _("State"), {"": _("Every state"), **{s.value: _(w) for s, w in STATUS_WORDS.items()}}, chosen)
        _filter("channel", _("Way"), {"": _("Every way"), **{c.value: _(w) for c, w in CHANNEL_WORDS.items()}}, chosen)

    async def ask(page: int, size: int, sort: str, descending: bool, typed: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found, total = await queries.deliveries(
                tx, offset=(page - 1) * size, limit=size, status=chosen["status"] or None, channel=chosen["channel"] or None,
                search=typed or search or None,
            )  # fmt: skip
        return [_row(one) for one in found], total

    columns = [
        Column("at", _("When"), "moment", sortable=False),
        Column("status", _("State"), "badge", sortable=False),
        Column("who", _("To"), sortable=False),
        Column("way", _("Way"), sortable=False),
        Column("what", _("What"), sortable=False),
        Column("trouble", _("Why not"), sortable=False),
    ]
    table(columns, ask, empty=_("Nothing has been sent yet."), filter_label=_("Find by name or address"), label=_("Messages")).watch(
        look.topic(DeliveriesChanged)
    )


def _filter(key: str, label: str, options: dict[str, str], chosen: dict[str, str]) -> None:
    """A choice that stands in the address, so that it can be sent to a colleague."""
    made = ui.select(options, value=chosen[key]).props("outlined dense options-dense=false")
    made.props["aria-label"] = label
    made.on_value_change(lambda e: ui.navigate.to("/messages?" + urlencode({k: v for k, v in (chosen | {key: e.value}).items() if v})))


def _row(one: Told) -> dict[str, Any]:
    delivery = one.delivery
    return {
        "id": delivery.id, "href": f"/messages/{delivery.id}", "at": delivery.created_at, "status": status(delivery),
        "who": one.name or delivery.recipient, "way": _(CHANNEL_WORDS[delivery.channel]), "what": what(delivery), "trouble": trouble(delivery),
    }  # fmt: skip
