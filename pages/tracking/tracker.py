"""One tag: where it is and what that means, where it was on a map with a slider of time, and each status it had."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.time import now
from data.tracking import commands, queries
from data.tracking.events import TrackerChanged, TrackerMoved
from data.tracking.queries import Position, StatusSince, Tracked
from pages._shell import Looker, screen
from pages.tracking._words import BATTERY_WORDS, CONFIDENCE_WORDS, STATUS_ICONS, STATUS_STATES, status_word
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.history_map import Track, history_html, history_map
from ui.live import live, live_value
from ui.table import Column, table
from ui.words import _, n_, noop, number, span

RANGES = {1: noop("24 hours"), 7: noop("7 days"), 30: noop("30 days"), 90: noop("90 days")}
LONGEST_GAP = timedelta(hours=12)
"""Longer without a report, and the line is cut: nobody knows the way in between."""


@screen("/tracking/{tracker_id:uuid}", title="Tracker", place="tracking", permission="tracking.view")
async def tracker(look: Looker, tracker_id: UUID, days: int = 7) -> None:
    days = days if days in RANGES else 7
    async with look.transaction() as tx:
        first = await queries.tracker(tx, tracker_id, at=now())
    ui.page_title(f"{first.seen.name} · Steading")
    topics = (look.topic(TrackerMoved, tracker_id=tracker_id), look.topic(TrackerChanged, tracker_id=tracker_id))
    _head(look, first)

    async def ask() -> Tracked:
        async with look.transaction() as tx:
            return await queries.tracker(tx, tracker_id, at=now())

    with ui.element("section").classes("st-card"):
        live(ask, lambda found: _facts(look, found), *topics, minimum_interval_s=1.0)
    await _history(look, tracker_id, first.seen.name, days)
    with ui.element("div").classes("st-columns"):
        with ui.element("section").classes("st-stack"):
            ui.label(_("Positions")).classes("st-h2").props("role=heading aria-level=2")
            _positions(look, tracker_id, days)
        with ui.element("section").classes("st-stack"):
            ui.label(_("Status history")).classes("st-h2").props("role=heading aria-level=2")
            _statuses(look, tracker_id)


def _head(look: Looker, found: Tracked) -> None:
    assert look.frame

    async def ask_now() -> None:
        async with look.command() as tx:
            await commands.ask_soon(tx, found.seen.id)
            ui.notify(_("It is asked for at the next turn."), position="top")

    with look.frame.actions:
        button(_("All trackers"), kind="quiet", icon="arrow_back", href="/tracking")
        if look.may("tracking.edit", found.client_id):
            button(_("Ask for its place"), ask_now, icon="my_location")
    look.frame.set_title(found.seen.name)


def _facts(look: Looker, found: Tracked) -> None:
    seen = found.seen
    with ui.element("div").classes("st-row"):
        badge(STATUS_STATES[seen.status], status_word(seen.status), icon=STATUS_ICONS[seen.status])
        if seen.place:
            ui.label(seen.place)
        age(found.status_since, look.time_zone, prefix=_("since") + " ")
    with ui.element("div").classes("st-facts"):
        with _fact(_("Last heard")):
            age(seen.positioned_at, look.time_zone, stale_after_s=86_400)
        _said(_("Nearest city"), seen.nearest_city)
        if seen.horizontal_accuracy_m is not None:
            sure = _(CONFIDENCE_WORDS.get(found.confidence or 0, "low"))
            _said(_("Accuracy"), _("within {m} m, {sure} confidence", m=number(seen.horizontal_accuracy_m, 0), sure=sure))
        _said(_("Battery"), _(BATTERY_WORDS[seen.battery]) if seen.battery in BATTERY_WORDS else None)
        with _fact(_("Run")):
            if seen.run_id:
                ui.link(seen.run or "", f"/tracking/runs/{seen.run_id}")
            else:
                ui.label("–")
        _said(_("Brand and client"), " · ".join(filter(None, (seen.brand, seen.client))))
        _said(_("In transit so far"), span(found.total_transit_time) if found.total_transit_time else None)
        _said(_("In storage so far"), span(found.total_storage_time) if found.total_storage_time else None)
        _said(_("MAC address"), seen.mac_address)
        with _fact(_("Last asked for")):
            age(found.last_report_requested_at, look.time_zone)
            if found.failed_fetches:
                badge("warning", n_("{n} failed try", "{n} failed tries", found.failed_fetches))


def _fact(label: str) -> ui.element:
    box = ui.element("div").classes("st-fact")
    with box:
        ui.label(label).classes("st-fact-label")
    return box


def _said(label: str, value: str | None) -> None:
    with _fact(label):
        ui.label(value or "–").classes("st-fact-value")


async def _history(look: Looker, tracker_id: UUID, name: str, days: int) -> None:
    """The map of the chosen days. New positions are offered, not forced: the slider stays where the reader put it."""

    async def ask() -> Sequence[Position]:
        async with look.transaction() as tx:
            at = now()
            return await queries.history(tx, tracker_id, since=at - timedelta(days=days), until=at)

    with ui.element("section").classes("st-stack"):
        with ui.element("div").classes("st-row"):
            ui.label(_("Where it was")).classes("st-h2").props("role=heading aria-level=2")
            ui.element("div").classes("st-grow")
            newer = button(_("Show newer positions"), kind="quiet", icon="update")
            newer.set_visibility(False)
            _range(tracker_id, days)
        drawn = history_map(_tracks(name, await ask()), height="min(56vh, 480px)", zone=look.time_zone, label=_("Where it was"), step_s=300)

    async def newest() -> Any:
        async with look.transaction() as tx:
            return (await queries.tracker(tx, tracker_id, at=now())).seen.positioned_at

    known = {"until": await newest()}

    async def show() -> None:
        drawn.set(history_html(_tracks(name, await ask()), zone=look.time_zone, title=_("Where it was"), step_s=300))
        known["until"] = await newest()
        newer.set_visibility(False)

    newer.on_click(show)
    live_value(newest, lambda at: newer.set_visibility(at != known["until"]), look.topic(TrackerMoved, tracker_id=tracker_id))


def _range(tracker_id: UUID, days: int) -> None:
    choices = ui.element("nav").classes("st-row")
    choices.props["aria-label"] = _("Time")
    with choices:
        for each, words in RANGES.items():
            made = button(_(words), kind="plain" if each == days else "quiet", href=f"/tracking/{tracker_id}?days={each}")
            if each == days:
                made.props("aria-current=true")


def _tracks(name: str, found: Sequence[Position]) -> list[Track]:
    """The way in pieces, cut wherever nothing was heard for long."""
    pieces: list[list[Position]] = []
    for each in found:
        if not pieces or each.recorded_at - pieces[-1][-1].recorded_at > LONGEST_GAP:
            pieces.append([])
        pieces[-1].append(each)
    return [
        Track(name, [each.recorded_at for each in piece], [(each.latitude, each.longitude) for each in piece]) for piece in pieces
    ]


def _positions(look: Looker, tracker_id: UUID, days: int) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, text: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            at = now()
            found, total = await queries.history_page(
                tx, tracker_id, since=at - timedelta(days=days), until=at, page=page, size=size, descending=descending
            )
        return [
            {
                "id": each.recorded_at.isoformat(), "at": each.recorded_at, "city": each.nearest_city or "",
                "accuracy": each.horizontal_accuracy_m, "confidence": _(CONFIDENCE_WORDS.get(each.confidence, "low")),
                "where": f"{each.latitude:.5f}, {each.longitude:.5f}",
            }
            for each in found
        ], total  # fmt: skip

    columns = [
        Column("at", _("Heard"), "moment", zone=look.time_zone),
        Column("city", _("Nearest city"), sortable=False),
        Column("accuracy", _("Accuracy"), "number", unit="m", decimals=0, sortable=False),
        Column("confidence", _("Confidence"), sortable=False),
        Column("where", _("Latitude, longitude"), sortable=False, hidden=True),
    ]
    table(
        columns, ask, sort="at", descending=True, size=10, csv_href=f"/tracking/{tracker_id}/positions.csv?days={days}",
        empty=_("Nobody heard this tracker in this time."), filter_label="", label=_("Positions"),
        topics=(look.topic(TrackerMoved, tracker_id=tracker_id),),
    )  # fmt: skip


def _statuses(look: Looker, tracker_id: UUID) -> None:
    async def ask() -> Sequence[StatusSince]:
        async with look.transaction() as tx:
            return await queries.status_history(tx, tracker_id, most=50)

    def show(found: Sequence[StatusSince]) -> None:
        if not found:
            empty_state(_("It has not moved yet."), _("Its first sure report decides where it stands."), icon="hourglass_empty")
        for each in found:
            with ui.element("article").classes("st-item"):
                badge(STATUS_STATES[each.status], status_word(each.status), icon=STATUS_ICONS[each.status])
                with ui.element("div").classes("st-item-main"):
                    ui.label(each.place or "").classes("st-item-words")
                age(each.recorded_at, look.time_zone)

    live(ask, show, look.topic(TrackerChanged, tracker_id=tracker_id))
