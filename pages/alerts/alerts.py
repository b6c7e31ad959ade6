"""Every alert, what is open first; one is acknowledged or closed where it stands."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nicegui import ui

from data.alerts import commands, queries
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, Severity
from pages._attention import SOURCES, Matter, Source, Urgency
from pages._shell import Looker, screen
from pages.alerts._words import SEVERITY_WORDS, STATUS_WORDS, state, words
from ui.age import age
from ui.badge import badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.table import Column, table
from ui.words import _


@screen("/alerts", title="Alerts", place="alerts", permission="alerts.view")
async def alerts(look: Looker) -> None:
    async def ask() -> Sequence[Alert]:
        async with look.transaction() as tx:
            return await queries.open_alerts(tx)

    def show(found: Sequence[Alert]) -> None:
        if not found:
            empty_state(_("Nothing needs you now."), _("New alerts appear here by themselves."), icon="task_alt")
        for alert in found:
            _card(look, alert)

    with ui.element("section").classes("st-stack"):
        ui.label(_("Open")).classes("st-h2").props("role=heading aria-level=2")
        live(ask, show, look.topic(AlertChanged), minimum_interval_s=0.5)
        ui.label(_("History")).classes("st-h2").props("role=heading aria-level=2")
        _history(look)


def _card(look: Looker, alert: Alert) -> None:
    with ui.element("article").classes("st-item"):
        badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
        with ui.element("div").classes("st-item-main"):
            with ui.element("div"):
                if alert.href:
                    ui.link(words(alert), alert.href).classes("st-item-words")
                else:
                    ui.label(words(alert)).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                age(alert.triggered_at)
                if alert.acknowledged_at:
                    ui.label(_("Someone is on it"))
                    if alert.acknowledgement_note:
                        ui.label(f"“{alert.acknowledgement_note}”")
        if not alert.acknowledged_at and look.may("alerts.acknowledge", alert.scope_id):
            button(_("I am on it"), lambda: _acknowledge(look, alert.id), icon="front_hand")
        if look.may("alerts.resolve", alert.scope_id):
            button(_("Close"), lambda: _close(look, alert), kind="quiet")


async def _acknowledge(look: Looker, alert_id: UUID) -> None:
    async with look.command() as tx:
        await commands.acknowledge(tx, alert_id)


def _close(look: Looker, alert: Alert) -> None:
    with panel(_("Close this alert"), words(alert)) as dialog:
        form = Form()
        with form:
            form.text("because", _("Why is it over?"), required=True, lines=2)

        async def send(values: dict[str, Any]) -> None:
            async with look.transaction() as tx:
                await commands.resolve(tx, alert.id, because=values["because"])
            dialog.close()

        form.buttons(_("Close the alert"), send, on_cancel=dialog.close)
    dialog.open()


def _history(look: Looker) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            rows, total = await queries.page(tx, queries.Wanted(search=search), offset=(page - 1) * size, limit=size)
        return [
            {
                "id": a.id,
                "href": a.href or "",
                "severity": (state(a), _(SEVERITY_WORDS[a.severity])),
                "what": words(a),
                "status": _(STATUS_WORDS[a.status]),
                "triggered_at": a.triggered_at,
                "resolved_at": a.resolved_at,
            }
            for a in rows
        ], total

    columns = [
        Column("severity", _("Severity"), "badge", sortable=False),
        Column("what", _("What"), sortable=False),
        Column("status", _("Status"), sortable=False),
        Column("triggered_at", _("Began"), "moment", sortable=False),
        Column("resolved_at", _("Over since"), "moment", sortable=False),
    ]
    table(columns, ask, empty=_("There have been no alerts."), filter_label=_("Find by name")).watch(look.topic(AlertChanged))


URGENCIES: dict[Severity, Urgency] = {
    Severity.CRITICAL: "critical", Severity.WARNING: "warning", Severity.INFO: "waiting",
}  # fmt: skip


async def _open(look: Looker) -> list[Matter]:
    async with look.transaction() as tx:
        found = await queries.open_alerts(tx, limit=50)
    icons = {"cold_chain": "ac_unit", "farm": "agriculture", "tracking": "share_location", "deliveries": "local_shipping", "trees": "park"}
    return [
        Matter(
            URGENCIES[a.severity],
            words(a), a.href or "/alerts", a.triggered_at, icons.get(a.subject_kind.split(".")[0], "warning"),
            is_taken=a.acknowledged_at is not None,
        )
        for a in found
    ]  # fmt: skip


SOURCES.append(Source("alerts.view", _open, (AlertChanged,)))
