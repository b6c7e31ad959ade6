"""Every alert: what needs somebody now, what somebody is on, what was put off or silenced, and what is over."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from nicegui import ui

from data.alerts import commands, queries
from data.alerts.events import AlertChanged
from data.alerts.queries import Wanted
from data.alerts.tables import Alert, Severity
from data.core.time import now
from pages._attention import SOURCES, Matter, Source, Urgency
from pages._shell import Looker, screen
from pages.alerts import _files  # noqa: F401 - its routes
from pages.alerts._answers import may_take_on, take_on_button
from pages.alerts._words import (
    DOMAIN_WORDS,
    SEVERITY_STATE,
    SEVERITY_WORDS,
    STATUS_WORDS,
    kind_words,
    standing,
    state,
    words,
)
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.table import Column, table
from ui.words import _, n_, noop, number, span

MOST_CARDS = 100
VIEWS = {
    "open": noop("Open"), "mine": noop("Mine"), "snoozed": noop("Put off"), "suppressed": noop("Silenced"), "all": noop("All"),
}  # fmt: skip
NOTHING = {
    "open": noop("Nothing needs you now."), "mine": noop("You are on none of them."), "snoozed": noop("None is put off."),
    "suppressed": noop("None is silenced."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """One view of what is open."""

    alerts: Sequence[Alert]
    total: int
    counts: Mapping[str, int]
    parts: Mapping[UUID, int]
    names: Mapping[UUID, str]
    at: datetime


@screen("/alerts", title="Alerts", place="alerts", permission="alerts.view")
async def alerts(look: Looker, view: str = "open", severity: Severity | None = None, domain: str = "", q: str = "") -> None:
    wanted = Wanted(view if view in VIEWS else "open", severity, domain if domain in DOMAIN_WORDS else "", q[:200], is_whole=True)
    chosen: set[UUID] = set()

    async def ask() -> Shown:
        async with look.transaction() as tx:
            at = now()
            found, total = await queries.page(tx, wanted, limit=MOST_CARDS, at=at) if wanted.view != "all" else ([], 0)
            return Shown(
                found, total, await queries.counts(tx, at=at), await queries.parts(tx, [a.id for a in found]), await queries.names(tx, found), at
            )

    def show(found: Shown) -> None:
        _views(wanted, found.counts)
        _narrowing(wanted)
        if wanted.view != "all":
            chosen.intersection_update(a.id for a in found.alerts)
            _cards(look, wanted, found, chosen, lambda: part.refresh())

    part = live(ask, show, look.topic(AlertChanged), minimum_interval_s=0.5)
    if wanted.view == "all":
        _history(look, wanted)


def _address(wanted: Wanted, **changes: str) -> str:
    said = {"view": wanted.view, "severity": wanted.severity.value if wanted.severity else "", "domain": wanted.domain, "q": wanted.search}
    return "/alerts?" + urlencode({key: value for key, value in (said | changes).items() if value})


def _views(wanted: Wanted, counts: Mapping[str, int]) -> None:
    with ui.element("nav").classes("st-row").props(f'aria-label="{_("Views")}"'):
        for view, label in VIEWS.items():
            link = ui.element("a").classes("st-plain" + (" is-here" if view == wanted.view else ""))
            link.props["href"], link.props["aria-current"] = _address(wanted, view=view), "page" if view == wanted.view else "false"
            with link:
                ui.label(_(label))
                if counts.get(view):
                    ui.label(number(counts[view])).classes("st-number st-soft")


def _narrowing(wanted: Wanted) -> None:
    severities = {"": _("Any severity")} | {s.value: _(SEVERITY_WORDS[s]) for s in reversed(Severity)}
    domains = {"": _("Everywhere")} | {key: _(label) for key, label in DOMAIN_WORDS.items()}
    with ui.element("div").classes("st-row"):
        for key, options, value in (
            ("severity", severities, wanted.severity.value if wanted.severity else ""), ("domain", domains, wanted.domain),
        ):  # fmt: skip
            label = _("Severity") if key == "severity" else _("Where")
            ui.select(
                options, value=value, on_change=lambda e, key=key: ui.navigate.to(_address(wanted, **{key: e.value or ""}))
            ).props(f'outlined dense options-dense=false aria-label="{label}"')


def _cards(look: Looker, wanted: Wanted, found: Shown, chosen: set[UUID], redraw: Callable[[], None]) -> None:
    if not found.alerts:
        empty_state(_(NOTHING[wanted.view]), _("New alerts appear here by themselves."), icon="task_alt")
        return
    free = [alert for alert in found.alerts if may_take_on(look, alert)]
    if len(free) > 1:
        _several(look, free, chosen, redraw)
    for alert in found.alerts:
        _card(look, alert, found, chosen if len(free) > 1 else None)
    if found.total > len(found.alerts):
        ui.label(_("{n} more; narrow the list to see them.", n=number(found.total - len(found.alerts)))).classes("st-soft")


def _several(look: Looker, free: Sequence[Alert], chosen: set[UUID], redraw: Callable[[], None]) -> None:
    async def take_on_all() -> None:
        if not chosen:
            ui.notify(_("Choose some first."), position="top")
            return
        async with look.command() as tx:
            count = await commands.acknowledge_several(tx, list(chosen))
            ui.notify(n_("You are on {n} alert.", "You are on {n} alerts.", count), position="top")
        chosen.clear()

    def choose_all() -> None:
        everything = {alert.id for alert in free}
        is_all = everything <= chosen
        chosen.clear() if is_all else chosen.update(everything)
        redraw()

    with ui.element("div").classes("st-row"):
        button(_("Choose all"), choose_all, icon="select_all", kind="quiet")
        button(_("I am on these"), take_on_all, icon="done_all", kind="quiet")


def _card(look: Looker, alert: Alert, found: Shown, chosen: set[UUID] | None) -> None:
    taken = " is-taken" if alert.acknowledged_at or alert.is_suppressed else ""
    with ui.element("article").classes("st-item" + taken):
        if chosen is not None and may_take_on(look, alert):
            ui.checkbox(
                value=alert.id in chosen, on_change=lambda e: chosen.add(alert.id) if e.value else chosen.discard(alert.id)
            ).props(f'aria-label="{_("Choose")}"')
        badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
        with ui.element("div").classes("st-item-main"):
            ui.link(words(alert), f"/alerts/{alert.id}").classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                age(alert.triggered_at, alert.time_zone)
                ui.label(kind_words(alert.alert_type))
                if found.parts.get(alert.id):
                    ui.label(n_("{n} part", "{n} parts", found.parts[alert.id]))
                if alert.acknowledged_by:
                    ui.label(_("{who} is on it", who=found.names.get(alert.acknowledged_by, "–")))
                if alert.acknowledgement_note:
                    ui.label(f"“{alert.acknowledgement_note}”")
        if (more := standing(alert, found.at)) and not alert.acknowledged_by:
            badge(*more)
        if may_take_on(look, alert):
            take_on_button(look, alert, kind="plain")


def _history(look: Looker, wanted: Wanted) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        narrowed = Wanted("all", wanted.severity, wanted.domain, search)
        async with look.transaction() as tx:
            rows, total = await queries.page(tx, narrowed, offset=(page - 1) * size, limit=size)
        return [
            {
                "id": a.id,
                "href": f"/alerts/{a.id}",
                "severity": (SEVERITY_STATE[a.severity] if a.resolved_at is None else "ok", _(SEVERITY_WORDS[a.severity])),
                "what": words(a),
                "kind": kind_words(a.alert_type),
                "status": _(STATUS_WORDS[a.status]),
                "triggered_at": a.triggered_at,
                "resolved_at": a.resolved_at,
                "lasted": span(a.resolved_at - a.triggered_at) if a.resolved_at else "",
            }
            for a in rows
        ], total

    columns = [
        Column("severity", _("Severity"), "badge", sortable=False),
        Column("what", _("What"), sortable=False),
        Column("kind", _("Kind"), sortable=False),
        Column("status", _("Status"), sortable=False),
        Column("triggered_at", _("Began"), "moment", sortable=False),
        Column("resolved_at", _("Over since"), "moment", sortable=False),
        Column("lasted", _("Lasted"), sortable=False),
    ]
    narrowed = urlencode({k: v for k, v in (("severity", wanted.severity.value if wanted.severity else ""), ("domain", wanted.domain)) if v})
    table(
        columns, ask, empty=_("There have been no alerts."), filter_label=_("Find by name"), csv_href="/alerts/list.csv" + (f"?{narrowed}" if narrowed else "")
    ).watch(look.topic(AlertChanged))
    if look.may("farm.view"):
        days = queries.SHOWN_FOR.days
        ui.label(_("What has been over on a farm for {days} days is found by its name.", days=days)).classes("st-soft")


URGENCIES: dict[Severity, Urgency] = {
    Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "waiting",
}  # fmt: skip
ICONS = {"cold_chain": "ac_unit", "farm": "agriculture", "tracking": "share_location", "deliveries": "local_shipping", "trees": "park"}


async def _open(look: Looker) -> list[Matter]:
    async with look.transaction() as tx:
        found, _total = await queries.page(tx, Wanted("open", is_whole=True), limit=50)
    at = now()
    return [
        Matter(
            URGENCIES[a.severity],
            words(a), _cure(a), a.triggered_at, ICONS.get(a.subject_kind.split(".")[0], "warning"),
            is_taken=a.acknowledged_at is not None or a.is_suppressed or (a.snoozed_until_at is not None and a.snoozed_until_at > at),
        )
        for a in found
    ]  # fmt: skip


def _cure(alert: Alert) -> str:
    """What only waits for somebody is done on its own page; what is wrong is answered on the alert's."""
    return alert.href if alert.severity is Severity.INFO and alert.href else f"/alerts/{alert.id}"


SOURCES.append(Source("alerts.view", _open, (AlertChanged,)))
