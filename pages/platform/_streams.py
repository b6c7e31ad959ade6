"""Streams and legal holds, for whoever runs the installation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as Clock
from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now
from data.platform import streams
from data.platform.streams import Piece, Stream, Trouble
from data.platform.tables import PartitionRetentionOverride
from pages._shell import Looker, field_errors
from ui.badge import badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, compact, moment, n_, noop, number, zone

TROUBLES = {
    "missing": noop("{piece} is missing: what is written into it will pile up in the default piece."),
    "stray": noop("What is written now falls into {piece}."),
}


@dataclass(frozen=True, slots=True)
class _Seen:
    troubles: Sequence[Trouble]
    streams: Sequence[Stream]
    holds: Sequence[PartitionRetentionOverride]


def trouble_banner(found: Sequence[Trouble]) -> None:
    """In red, first thing on the page, for everybody who may look at operations."""
    for one in found:
        with ui.element("article").classes("st-item"):
            badge("critical", one.table_name)
            with ui.element("div").classes("st-item-main"):
                ui.label(_(TROUBLES[one.trouble], piece=one.piece)).classes("st-item-words")


def streams_section(look: Looker) -> None:
    """Each stream, and what must not be thrown away; only for platform administrators."""

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(await streams.troubles(tx, now()), await streams.streams(tx), await streams.holds(tx))

    def show(seen: _Seen) -> None:
        broken = {one.table_name for one in seen.troubles}
        ui.label(_("Streams")).classes("st-h2").props("role=heading aria-level=2")
        for one in seen.streams:
            _stream(one, is_broken=one.table_name in broken)
        ui.label(_("Legal holds")).classes("st-h2").props("role=heading aria-level=2")
        button(_("Hold a piece"), lambda: _ask_hold(look, part.refresh), icon="gavel")
        if not seen.holds:
            empty_state(_("Nothing is held. Old pieces go when their time comes."), icon="gavel")
        for hold in seen.holds:
            _hold(look, hold, part.refresh)

    part = live(ask, show)


def _stream(one: Stream, *, is_broken: bool) -> None:
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(one.table_name).classes("st-item-words")
            reach = f"{one.since:%Y-%m} – {one.until:%Y-%m}" if one.since and one.until else "–"
            ui.label(f"{n_('{n} piece', '{n} pieces', one.piece_count)} · {reach}").classes("st-soft")
        ui.label(_("about {n} rows", n=compact(one.row_estimate))).classes("st-number st-soft")
        ui.label(f"{number(one.size_bytes / 1e6, 1)} MB").classes("st-number")
        badge("critical" if is_broken else "ok", _("Piece missing") if is_broken else _("Whole"))


def _hold(look: Looker, hold: PartitionRetentionOverride, refresh: Any) -> None:
    is_over = hold.expires_at is not None and hold.expires_at <= now()
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(hold.partition_name).classes("st-item-words")
            until = moment(hold.expires_at) if hold.expires_at else _("until it is lifted")
            ui.label(f"{hold.reason} · {hold.created_by} · {until}").classes("st-soft")
        badge("neutral" if is_over else "waiting", _("Ran out") if is_over else _("Held"))
        button(_("Lift"), lambda: _ask_lift(look, hold, refresh), kind="quiet")


async def _ask_hold(look: Looker, refresh: Any) -> None:
    async with look.transaction() as tx:
        found = await streams.pieces(tx)
    text = _("A piece that is held stays past its time, for an inspection or a court. Who held it and why stands in the event log.")
    with panel(_("Hold a piece"), text) as dialog:
        with Form() as form:
            form.select("piece", _("Piece"), {one.piece: _named(one) for one in found}, required=True, search=True)
            form.text("reason", _("Reason"), required=True, lines=2)
            form.date("until", _("Until"), help=_("Empty: until somebody lifts it."))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            until = values["until"]
            expires = datetime.combine(until, Clock(), zone()) + timedelta(days=1) if until else None
            try:
                async with look.transaction() as tx:
                    await streams.place_hold(tx, values["piece"], reason=values["reason"], expires_at=expires)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            refresh()
            return None

        form.buttons(_("Hold it"), send, on_cancel=dialog.close)
    dialog.open()


def _named(one: Piece) -> str:
    return f"{one.piece} · {number(one.size_bytes / 1e6, 1)} MB"


def _ask_lift(look: Looker, hold: PartitionRetentionOverride, refresh: Any) -> None:
    text = _("{piece} will be thrown away when its time has come.", piece=hold.partition_name)
    with panel(_("Lift this hold"), text) as dialog:
        with Form() as form:
            form.text("reason", _("Reason"), required=True, lines=2)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await streams.lift_hold(tx, hold.id, reason=values["reason"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            refresh()
            return None

        form.buttons(_("Lift it"), send, on_cancel=dialog.close)
    dialog.open()
