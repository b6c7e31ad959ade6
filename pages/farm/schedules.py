"""What switches by itself and when: each schedule with its next and its last run, by the farm's clock."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from uuid import UUID

from nicegui import ui

from data.core.time import now
from data.farm import commands, ledger, queries
from data.farm.events import DeviceRegistered, FarmChanged, ScheduleChanged
from data.farm.ledger import Outage
from data.farm.queries import Planned
from data.farm.rules import PLANNED
from data.farm.tables import Device, Farm, ScheduleType
from pages._shell import Looker, screen
from pages.farm._schedule_form import Choices, describe
from pages.farm._schedule_many import Chosen
from pages.farm._schedule_parts import TEMPERATURE, Source
from pages.farm._schedule_runs import copy_elsewhere, dry_run, past_runs, run_at_once
from pages.farm._schedule_week import week
from pages.farm._schedule_words import PHASE_WORDS, does, said
from pages.farm._words import QUANTITY_WORDS, RUN_STATES, RUN_WORDS, reason_of
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _, moment, n_, number, temperature, temperature_unit

MOST_FAILURES = 3
TOLD_FOR = timedelta(hours=24)
"""For how long after an outage the list itself tells of it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    planned: Sequence[Planned]
    choices: Choices
    outages: Sequence[Outage]


@screen("/farm/schedules", title="Schedules", place="farm", permission="farm.view")
async def schedules(look: Looker, schedule: str = "", view: str = "") -> None:
    assert look.frame
    is_week = view == "week"
    with look.frame.actions:
        if is_week:
            button(_("As a list"), kind="quiet", icon="list", href="/farm/schedules")
        else:
            button(_("The week"), kind="quiet", icon="view_week", href="/farm/schedules?view=week")
        if look.may("farm.schedule"):
            button(_("Add a schedule"), lambda: _describe(look), kind="primary", icon="add")
    if is_week:
        week(look)
        return
    chosen = Chosen(look)

    async def ask() -> _Seen:
        return await _seen(look)

    def show(seen: _Seen) -> None:
        chosen.keep({one.schedule.id: one.schedule.name for one in seen.planned})
        if not seen.planned:
            _nothing_yet(look, has_devices=bool(seen.choices.devices))
        if any(one.farm.is_stopped for one in seen.planned):
            with ui.element("div").classes("st-row").props("role=status"):
                badge("critical", _("The farm is stopped. Nothing is switched on until somebody lets it go on."), icon="emergency_home")
        for outage in seen.outages:
            _told(outage)
        for farm, members in groupby(seen.planned, key=lambda one: one.farm):
            with ui.element("section").classes("st-stack"):
                with ui.element("div"):
                    ui.label(farm.name).classes("st-h2").props("role=heading aria-level=2")
                    ui.label(farm.time_zone).classes("st-soft")
                for one in members:
                    if not schedule or str(one.schedule.id) == schedule:
                        _card(look, one, seen.choices.probes, chosen)
        if schedule:
            button(_("All schedules"), kind="quiet", href="/farm/schedules")

    topics = (look.topic(event) for event in (ScheduleChanged, DeviceRegistered, FarmChanged))
    live(ask, show, *topics, minimum_interval_s=0.5)


async def _seen(look: Looker) -> _Seen:
    at = now()
    async with look.transaction() as tx:
        listed = await queries.schedules(tx)
        farms = {farm.id: farm for farm in await queries.farms(tx)}
        devices = await queries.devices(tx)
        outages = [one for one in await ledger.outages(tx, at=at) if at - one.noticed_at < TOLD_FOR]
    offered = [(one, farms[one.farm_id]) for one in devices if one.device_type.value in PLANNED and _may_plan(look, farms[one.farm_id])]
    sources = {farm_id: _sources([one for one in devices if one.farm_id == farm_id]) for farm_id in farms}
    return _Seen(listed, Choices(offered, {one.id: one.name for one in devices}, sources), outages)


def _sources(devices: Sequence[Device]) -> dict[str, Source]:
    """What conditions may ask for on a farm: temperatures first, each with what it says now."""
    kinds = sorted({kind for one in devices for kind in one.latest} - {"power"}, key=lambda kind: (kind != TEMPERATURE, kind))
    found: dict[str, Source] = {}
    for kind in kinds:
        for one in devices:
            if known := one.latest.get(kind):
                is_warm = kind == TEMPERATURE
                says = temperature(known["value"]) if is_warm else f"{number(known['value'], 1)} {known['unit']}"
                found[f"{one.id} {kind}"] = Source(f"{_(QUANTITY_WORDS.get(kind, kind))} · {one.name} ({says})", temperature_unit() if is_warm else known["unit"])
    return found


def _may_plan(look: Looker, farm: Farm) -> bool:
    return look.may("farm.edit", farm.id) or (look.may("farm.schedule", farm.id) and farm.may_keepers_schedule)


async def _describe(look: Looker, one: Planned | None = None) -> None:
    choices = (await _seen(look)).choices
    with look.page:  # the list may be drawn anew meanwhile
        if choices.devices:
            await describe(look, choices, one)
        else:
            ui.notify(_("There is no device for which you may plan anything."), type="warning", position="top")


def _nothing_yet(look: Looker, *, has_devices: bool) -> None:
    if not has_devices:
        empty_state(_("Nothing switches by itself yet."), _("Schedules need a relay first."), icon="schedule", action=_("Devices"), href="/farm")
    else:
        empty_state(
            _("Nothing switches by itself yet."), _("A schedule switches a relay at a time of the day."), icon="schedule",
            action=_("Add a schedule"), on_action=lambda: _describe(look),
        )  # fmt: skip


def _told(one: Outage) -> None:
    """That something fell into an outage is said where its schedules are, for a day."""
    with ui.element("div").classes("st-row").props("role=status"):
        badge("warning", n_("{n} run of {farm} fell into an outage.", "{n} runs of {farm} fell into an outage.", one.runs, farm=one.farm.name), icon="history")
        ui.link(_("See what was done about it"), f"/farm/ledger?farm={one.farm.id}&only=outage")


def _card(look: Looker, one: Planned, probes: Mapping[UUID, str], chosen: Chosen) -> None:
    schedule, zone_name = one.schedule, one.farm.time_zone
    may_change = _may_change(look, one)
    with ui.element("article").classes("st-item"):
        if may_change:
            chosen.box(schedule.id, schedule.name)
        with ui.element("div").classes("st-item-main"):
            ui.label(schedule.name).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.link(one.device.name, f"/farm/devices/{one.device.id}")
                ui.label(does(schedule))
                ui.label(said(schedule, probes))
                if schedule.priority:
                    ui.label(_("Priority {priority}", priority=schedule.priority))
            with ui.element("div").classes("st-soft"):
                _next(one)
                if one.last:
                    age(one.last.scheduled_time, zone_name, prefix=_("Last run:") + " ")
            if one.last and (reason := reason_of(one.last.error_message, one.last.error_values)):
                ui.label(reason).classes("st-soft")
        _state(one)
        with ui.element("div").classes("st-row"):
            if look.may("farm.switch", one.farm.id):
                button(_("Run now"), lambda: run_at_once(look, one), kind="quiet", icon="bolt")
            if may_change:
                _buttons(look, one)
            _menu(look, one, chosen, may_change=may_change)


def _next(one: Planned) -> None:
    schedule = one.schedule
    if not schedule.is_enabled:
        ui.label(_("Does not run while it is paused."))
    elif schedule.schedule_type is ScheduleType.CONDITION:
        ui.label(_(PHASE_WORDS[schedule.phase]) if schedule.phase in PHASE_WORDS else _("Is looked at every few seconds."))
    elif schedule.next_run_at:
        ui.label(_("Next: {when}", when=moment(schedule.next_run_at, one.farm.time_zone)))
    else:
        ui.label(_("Does not run any more: its last day is over."))


def _state(one: Planned) -> None:
    if not one.schedule.is_enabled:
        badge("neutral", _("Paused"), icon="pause_circle")
    elif one.schedule.failure_count >= MOST_FAILURES:
        badge("critical", _("Failed {count} times", count=one.schedule.failure_count))
    elif one.last:
        badge(RUN_STATES[one.last.status], _(RUN_WORDS[one.last.status]))


def _may_change(look: Looker, one: Planned) -> bool:
    is_mine = one.schedule.created_by == look.actor.user_id and _may_plan(look, one.farm)
    return is_mine or look.may("farm.edit", one.farm.id)


def _buttons(look: Looker, one: Planned) -> None:
    schedule = one.schedule

    async def enable() -> None:
        async with look.command() as tx:
            await commands.enable_schedule(tx, schedule.id, is_enabled=not schedule.is_enabled)

    word, icon = (_("Pause"), "pause") if schedule.is_enabled else (_("Let it run"), "play_arrow")
    button(word, enable, kind="quiet", icon=icon)
    button(_("Edit"), lambda: _describe(look, one), kind="quiet", icon="edit")


def _menu(look: Looker, one: Planned, chosen: Chosen, *, may_change: bool) -> None:
    """What is wanted seldom."""
    more = button(_("More"), kind="quiet", icon="more_horiz")
    more.props["aria-label"] = _("More about {name}", name=one.schedule.name)

    async def on_page(act: Awaitable[None]) -> None:
        with look.page:  # the card may be drawn anew meanwhile
            await act

    with more, ui.menu():
        ui.menu_item(_("Past runs"), lambda: on_page(past_runs(look, one)))
        ui.menu_item(_("What would it do now?"), lambda: on_page(dry_run(look, one)))
        if look.may("farm.schedule"):
            ui.menu_item(_("Copy to devices"), lambda: on_page(copy_elsewhere(look, one)))
        if may_change:
            ui.menu_item(_("Remove"), lambda: on_page(chosen.remove({one.schedule.id: one.schedule.name})))
