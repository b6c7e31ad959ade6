"""One time out of limits: its picture, its size, what it came from, its alert, and what was done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, CorrectiveAction
from data.cold_chain.commands import excursions as commands
from data.cold_chain.commands.excursions import EXPLAIN
from data.cold_chain.events import ExcursionChanged, UnitChanged
from data.cold_chain.queries import excursions as queries
from data.cold_chain.queries import units
from data.cold_chain.queries.excursions import ExcursionView
from data.cold_chain.queries.units import UnitView
from data.cold_chain.values import ExcursionCause
from data.core.errors import Refusal
from pages._shell import Looker, field_errors, screen
from pages.alerts._words import SEVERITY_WORDS, state, words
from pages.cold_chain._excursion_words import (
    PATH,
    address,
    cause_words,
    direction_words,
    face,
    lasted_words,
    peak_words,
    size_words,
)
from pages.cold_chain._picture import chart_of
from pages.cold_chain._report_words import CAUSE_WORDS
from ui.age import age
from ui.badge import badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, full_moment, moment, number, temperature


@dataclass(frozen=True, slots=True)
class Whole:
    """All there is to say of one excursion."""

    view: ExcursionView
    unit: UnitView
    suspected: ExcursionCause
    alert: Alert | None
    actions: Sequence[tuple[CorrectiveAction, str | None]]


@screen(f"{PATH}/{{excursion_id:uuid}}", title="Excursion", place="cold_chain", permission=queries.VIEW)
async def excursion(look: Looker, excursion_id: UUID) -> None:
    assert look.frame and ui.context.client.request

    async def ask() -> Whole:
        async with look.transaction() as tx:
            view = await queries.excursion(tx, excursion_id)
            found = await alerts.alerts(tx, [view.excursion.alert_id]) if view.excursion.alert_id else []
            return Whole(
                view, await units.unit(tx, view.excursion.unit_id), (await queries.suggestions(tx, [view]))[excursion_id],
                found[0] if found else None, await queries.actions(tx, view),
            )  # fmt: skip

    seen = await ask()
    if "from" not in ui.context.client.request.query_params:
        ui.navigate.to(address(seen.view.excursion))
        return
    look.frame.set_title(f"{seen.view.unit_name} · {direction_words(seen.view.excursion)}")
    with look.frame.actions:
        button(_("Excursions"), kind="quiet", icon="arrow_back", href=PATH)
        button(_("Open the unit"), icon="open_in_new", href=f"/cold-chain/units/{seen.unit.id}")
    topics = look.topic(ExcursionChanged), look.topic(UnitChanged, unit_id=seen.unit.id), look.topic(AlertChanged)
    live(ask, lambda one: _facts(look, one), *topics, minimum_interval_s=0.5)
    with ui.element("section").classes("st-card"):
        chart_of(look, seen.unit, height="380px")
    live(ask, _done, *topics, minimum_interval_s=0.5)


def _facts(look: Looker, found: Whole) -> None:
    view, one = found.view, found.view.excursion
    zone = view.time_zone
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-row"):
            badge(*face(one))
            ui.label(f"{view.site_name} · {view.area_name}").classes("st-soft")
        with ui.element("div").classes("st-facts"):
            _fact(_("Began"), moment(one.started_at, zone), full_moment(one.started_at, zone))
            if one.ended_at:
                _fact(_("Over since"), moment(one.ended_at, zone), full_moment(one.ended_at, zone))
            _fact(_("Lasted"), lasted_words(view))
            _fact(_("At worst"), peak_words(view), full_moment(one.peak_at, zone))
            _fact(_("Degree-minutes"), size_words(one), _("How far out of limits, times how long; time that nobody measured is left out."))
            low, high = (None if limit is None else float(limit) for limit in (one.low_celsius, one.high_celsius))
            _fact(_("Limits then"), f"{temperature(low)} – {temperature(high)}")
            _fact(_("Readings"), number(one.reading_count))
            _fact(_("Door"), _("was open") if one.was_door_open else _("not seen open"))
            if one.confirmed_at:
                _fact(_("Alarm since"), moment(one.confirmed_at, zone), full_moment(one.confirmed_at, zone))
        _cause(look, found)


def _fact(label: str, value: str, more: str = "") -> None:
    with ui.element("div").classes("st-fact") as box:
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")
    if more:
        box.props["title"] = more


def _cause(look: Looker, found: Whole) -> None:
    one = found.view.excursion
    with ui.element("div").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.label(_("Cause")).classes("st-soft")
            ui.label(cause_words(one, found.suspected)).classes("st-item-words")
            if one.cause_note:
                ui.label(f"“{one.cause_note}”")
            if one.cause_at:
                with ui.element("div").classes("st-row st-soft"):
                    ui.label(found.view.cause_by or "")
                    age(one.cause_at, found.view.time_zone)
        if look.may(EXPLAIN, found.view.site_id):
            said = one.cause is not ExcursionCause.UNKNOWN
            button(_("Change") if said else _("Say why"), lambda: _explain(look, found), icon="edit", kind="plain" if said else "primary")


def _explain(look: Looker, found: Whole) -> None:
    one = found.view.excursion
    first = one.cause if one.cause is not ExcursionCause.UNKNOWN else found.suspected
    with panel(_("What did it come from?"), f"{found.view.unit_name} · {moment(one.started_at, found.view.time_zone)}") as dialog:
        form = Form()
        with form:
            form.select("cause", _("Cause"), {cause.value: _(CAUSE_WORDS[cause]) for cause in ExcursionCause}, first.value, required=True)
            form.text("note", _("Note"), one.cause_note or "", lines=3)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.set_cause(tx, one.id, cause=ExcursionCause(values["cause"]), note=values["note"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _done(found: Whole) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("What was done")).classes("st-h2").props("role=heading aria-level=2")
        if found.alert:
            with ui.element("article").classes("st-item is-flat"):
                badge(state(found.alert), _(SEVERITY_WORDS[found.alert.severity]))
                with ui.element("div").classes("st-item-main"):
                    ui.link(words(found.alert), f"/alerts/{found.alert.id}").classes("st-item-words")
                    age(found.alert.triggered_at, found.view.time_zone)
        if not found.actions:
            empty_state(_("No action recorded"), _("What is done about an alert is written down there."), icon="build")
        for action, who in found.actions:
            with ui.element("article").classes("st-item is-flat"), ui.element("div").classes("st-item-main"):
                ui.label(action.action_taken).classes("st-item-words")
                ui.label(action.description).classes("st-soft")
                with ui.element("div").classes("st-row st-soft"):
                    ui.label(who or "")
                    age(action.acted_at, found.view.time_zone)
