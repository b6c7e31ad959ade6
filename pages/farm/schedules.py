"""What switches by itself and when: each schedule with its next and its last run, by the farm's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from nicegui import ui

from data.farm import commands, queries
from data.farm.events import DeviceRegistered, FarmChanged, ScheduleChanged
from data.farm.queries import Planned
from data.farm.rules import SWITCHED
from data.farm.tables import Device, Farm, ScheduleExecution, ScheduleType
from data.farm.trials import try_out
from pages._shell import Looker, screen
from pages.farm._schedule_form import describe
from pages.farm._schedule_words import PHASE_WORDS, POLICY_WORDS, does, said
from pages.farm._words import QUANTITY_WORDS, RUN_STATES, RUN_WORDS, reason_of
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _, moment, number

MOST_FAILURES = 3


@dataclass(frozen=True, slots=True)
class _Seen:
    planned: Sequence[Planned]
    choices: Sequence[tuple[Device, Farm]]
    probes: Mapping[UUID, str]
    sources: Mapping[str, str]


@screen("/farm/schedules", title="Schedules", place="farm", permission="farm.view")
async def schedules(look: Looker, schedule: str = "") -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All devices"), kind="quiet", icon="arrow_back", href="/farm")
        if look.may("farm.schedule"):
            button(_("Add a schedule"), lambda: _describe(look), kind="primary", icon="add")

    async def ask() -> _Seen:
        return await _seen(look)

    def show(seen: _Seen) -> None:
        if not seen.planned:
            _nothing_yet(look, has_devices=bool(seen.choices))
        if any(one.farm.is_stopped for one in seen.planned):
            with ui.element("div").classes("st-row").props("role=status"):
                badge("critical", _("The farm is stopped. Nothing is switched on until somebody lets it go on."), icon="emergency_home")
        for farm, members in groupby(seen.planned, key=lambda one: one.farm):
            with ui.element("section").classes("st-stack"):
                with ui.element("div"):
                    ui.label(farm.name).classes("st-h2").props("role=heading aria-level=2")
                    ui.label(farm.time_zone).classes("st-soft")
                for one in members:
                    if not schedule or str(one.schedule.id) == schedule:
                        _card(look, one, seen.probes)
        if schedule:
            button(_("All schedules"), kind="quiet", href="/farm/schedules")

    topics = (look.topic(event) for event in (ScheduleChanged, DeviceRegistered, FarmChanged))
    live(ask, show, *topics, minimum_interval_s=0.5)


async def _seen(look: Looker) -> _Seen:
    async with look.transaction() as tx:
        listed = await queries.schedules(tx)
        farms = {farm.id: farm for farm in await queries.farms(tx)}
        devices = await queries.devices(tx)
    choices = [(one, farms[one.farm_id]) for one in devices if one.device_type.value in SWITCHED and _may_plan(look, farms[one.farm_id])]
    probes = {one.id: one.name for one in devices}
    sources = {
        f"{one.id} {kind}": f"{_(QUANTITY_WORDS.get(kind, kind))} · {one.name} ({number(known['value'], 1)} {known['unit']})"
        for kind in sorted({kind for one in devices for kind in one.latest} - {"power"}, key=lambda kind: (kind != "temperature", kind))
        for one in devices if (known := one.latest.get(kind))
    }  # fmt: skip
    return _Seen(listed, choices, probes, sources)


def _may_plan(look: Looker, farm: Farm) -> bool:
    return look.may("farm.edit", farm.id) or (look.may("farm.schedule", farm.id) and farm.may_keepers_schedule)


async def _describe(look: Looker, one: Planned | None = None) -> None:
    seen = await _seen(look)
    await describe(look, seen.choices, seen.probes, seen.sources, one)


def _nothing_yet(look: Looker, *, has_devices: bool) -> None:
    if not has_devices:
        empty_state(_("Nothing switches by itself yet."), _("Schedules need a relay first."), icon="schedule", action=_("Devices"), href="/farm")
    else:
        empty_state(
            _("Nothing switches by itself yet."), _("A schedule switches a relay at a time of the day."), icon="schedule",
            action=_("Add a schedule"), on_action=lambda: _describe(look),
        )  # fmt: skip


def _card(look: Looker, one: Planned, probes: Mapping[UUID, str]) -> None:
    schedule, zone_name = one.schedule, one.farm.time_zone
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(schedule.name).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.link(one.device.name, f"/farm/devices/{one.device.id}")
                ui.label(does(schedule))
                ui.label(said(schedule, probes))
            with ui.element("div").classes("st-soft"):
                _next(one)
                if one.last:
                    age(one.last.scheduled_time, zone_name, prefix=_("Last run:") + " ")
            if one.last and (reason := reason_of(one.last.error_message, one.last.error_values)):
                ui.label(reason).classes("st-soft")
        _state(one)
        with ui.element("div").classes("st-row"):
            button(_("Past runs"), lambda: _runs(look, one), kind="quiet", icon="history")
            if look.may("farm.switch", one.farm.id):
                button(_("Run now"), lambda: _run_now(look, one), kind="quiet", icon="bolt")
            if _may_change(look, one):
                _buttons(look, one)


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


async def _run_now(look: Looker, one: Planned) -> None:
    async with look.transaction() as tx:
        trial = await try_out(tx, one.schedule.id)
    text = _("{device}: {what}. It runs at once, whatever else is planned.", device=one.device.name, what=does(one.schedule))
    obstacles = [_(message, **values) for message, values in trial.obstacles]
    if await confirm(_("Run {name} now?", name=one.schedule.name), text, action=_("Run now"), goes=obstacles, danger=False):
        async with look.command() as tx:
            await commands.run_now(tx, one.schedule.id)


def _buttons(look: Looker, one: Planned) -> None:
    schedule = one.schedule

    async def enable() -> None:
        async with look.command() as tx:
            await commands.enable_schedule(tx, schedule.id, is_enabled=not schedule.is_enabled)

    async def duplicate() -> None:
        async with look.command() as tx:
            await commands.duplicate_schedule(tx, schedule.id, name=_("{name} (copy)", name=schedule.name))

    async def remove() -> None:
        if await confirm(_("Remove {name}?", name=schedule.name), action=_("Remove"), goes=[schedule.name]):
            async with look.command() as tx:
                await commands.remove_schedule(tx, schedule.id)

    word, icon = (_("Pause"), "pause") if schedule.is_enabled else (_("Let it run"), "play_arrow")
    button(word, enable, kind="quiet", icon=icon)
    button(_("Edit"), lambda: _describe(look, one), kind="quiet", icon="edit")
    button(_("Copy"), duplicate, kind="quiet", icon="content_copy")
    button(_("Remove"), remove, kind="quiet", icon="delete")


async def _runs(look: Looker, one: Planned) -> None:
    """What became of the last runs, those that fell into an outage with what was done about them."""
    async with look.transaction() as tx:
        runs = await queries.executions_of(tx, one.schedule.id, limit=30)
    with panel(_("Runs of {name}", name=one.schedule.name)) as dialog:
        if not runs:
            ui.label(_("It has not run yet.")).classes("st-soft")
        for run in runs:
            _run(one, run)
        with ui.element("div").classes("st-panel-buttons"):
            button(_("Close"), dialog.close, kind="plain")
    dialog.open()


def _run(one: Planned, run: ScheduleExecution) -> None:
    with ui.element("div").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.label(moment(run.scheduled_time, one.farm.time_zone, seconds=True)).classes("st-item-words")
            if reason := reason_of(run.error_message, run.error_values):
                ui.label(reason).classes("st-soft")
            if run.missed_policy:
                ui.label(_("In an outage: {what}", what=_(POLICY_WORDS[run.missed_policy]))).classes("st-soft")
        badge(RUN_STATES[run.status], _(RUN_WORDS[run.status]))
