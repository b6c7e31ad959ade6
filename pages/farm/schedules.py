"""What switches by itself and when: each schedule with its next and its last run, by the farm's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from itertools import groupby
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Invalid, Refusal
from data.core.time import now, zone
from data.farm import commands, queries
from data.farm.events import DeviceRegistered, FarmChanged, ScheduleChanged
from data.farm.queries import Planned
from data.farm.rules import EVERY_DAY, Daily, as_daily, cron_of, next_runs
from data.farm.tables import Device, DeviceType, Farm, SwitchAction
from pages._shell import Looker, field_errors, screen, translated
from pages.farm._words import ACTION_WORDS, DAY_WORDS, RUN_STATES, RUN_WORDS, reason_of, when
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import Field, Form, button
from ui.live import live
from ui.words import _, clock, day, moment

PREVIEW = 5
SIX = time(6)


@dataclass(frozen=True, slots=True)
class _Seen:
    planned: Sequence[Planned]
    relays: Sequence[tuple[Device, Farm]]


@screen("/farm/schedules", title="Schedules", place="farm", permission="farm.view")
async def schedules(look: Looker) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All devices"), kind="quiet", icon="arrow_back", href="/farm")
        if look.may("farm.schedule"):
            button(_("Add a schedule"), lambda: _describe(look), kind="primary", icon="add")

    async def ask() -> _Seen:
        return _Seen(await _planned(look), await _relays(look))

    def show(seen: _Seen) -> None:
        if not seen.planned:
            _nothing_yet(look, has_relays=bool(seen.relays))
        for farm, members in groupby(seen.planned, key=lambda one: one.farm):
            with ui.element("section").classes("st-stack"):
                with ui.element("div"):
                    ui.label(farm.name).classes("st-h2").props("role=heading aria-level=2")
                    ui.label(farm.time_zone).classes("st-soft")
                for one in members:
                    _card(look, one)

    topics = (look.topic(event) for event in (ScheduleChanged, DeviceRegistered, FarmChanged))
    live(ask, show, *topics, minimum_interval_s=0.5)


async def _planned(look: Looker) -> Sequence[Planned]:
    async with look.transaction() as tx:
        return await queries.schedules(tx)


async def _relays(look: Looker) -> Sequence[tuple[Device, Farm]]:
    """What may be planned, with its farm."""
    async with look.transaction() as tx:
        farms = {farm.id: farm for farm in await queries.farms(tx)}
        relays = await queries.devices(tx, only=DeviceType.RELAY)
    return [(relay, farms[relay.farm_id]) for relay in relays if look.may("farm.schedule", relay.farm_id)]


def _nothing_yet(look: Looker, *, has_relays: bool) -> None:
    if not has_relays:
        empty_state(_("Nothing switches by itself yet."), _("Schedules need a relay first."), icon="schedule", action=_("Devices"), href="/farm")
    else:
        empty_state(
            _("Nothing switches by itself yet."), _("A schedule switches a relay at a time of the day."), icon="schedule",
            action=_("Add a schedule"), on_action=lambda: _describe(look),
        )  # fmt: skip


def _card(look: Looker, one: Planned) -> None:
    schedule, zone_name = one.schedule, one.farm.time_zone
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(schedule.name).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.link(one.device.name, f"/farm/devices/{one.device.id}")
                ui.label(_(ACTION_WORDS[schedule.action]))
                ui.label(when(schedule.cron_expression or ""))
            with ui.element("div").classes("st-soft"):
                if schedule.next_run_at:
                    ui.label(_("Next: {when}", when=moment(schedule.next_run_at, zone_name)))
                else:
                    ui.label(_("Does not run while it is paused."))
                if one.last:
                    age(one.last.scheduled_time, zone_name, prefix=_("Last run:") + " ")
            if one.last and (reason := reason_of(one.last.error_message, one.last.error_values)):
                ui.label(reason).classes("st-soft")
        if not schedule.is_enabled:
            badge("neutral", _("Paused"), icon="pause_circle")
        elif one.last:
            badge(RUN_STATES[one.last.status], _(RUN_WORDS[one.last.status]))
        if _may_change(look, one):
            with ui.element("div").classes("st-row"):
                _buttons(look, one)


def _may_change(look: Looker, one: Planned) -> bool:
    is_mine = one.schedule.created_by == look.actor.user_id and look.may("farm.schedule", one.farm.id)
    return is_mine or look.may("farm.edit", one.farm.id)


def _buttons(look: Looker, one: Planned) -> None:
    schedule = one.schedule

    async def enable() -> None:
        async with look.command() as tx:
            await commands.enable_schedule(tx, schedule.id, is_enabled=not schedule.is_enabled)

    async def remove() -> None:
        if await confirm(_("Remove {name}?", name=schedule.name), action=_("Remove"), goes=[schedule.name]):
            async with look.command() as tx:
                await commands.remove_schedule(tx, schedule.id)

    word, icon = (_("Pause"), "pause") if schedule.is_enabled else (_("Let it run"), "play_arrow")
    button(word, enable, kind="quiet", icon=icon)
    button(_("Edit"), lambda: _describe(look, one), kind="quiet", icon="edit")
    button(_("Remove"), remove, kind="quiet", icon="delete")


async def _describe(look: Looker, one: Planned | None = None) -> None:
    """The panel in which a schedule is made or edited; it shows the next runs while one types."""
    relays = await _relays(look)
    if one:
        relays = [(relay, farm) for relay, farm in relays if farm.id == one.farm.id]
    zones = {relay.id: farm.time_zone for relay, farm in relays}
    schedule = one.schedule if one else None
    with panel(_("Edit the schedule") if one else _("Add a schedule")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), schedule.name if schedule else "", required=True, placeholder=_("Light in the morning"))
            names = {relay.id: " · ".join(filter(None, (relay.name, relay.location, farm.name))) for relay, farm in relays}
            first = schedule.device_id if schedule else (relays[0][0].id if len(relays) == 1 else None)
            form.select("device_id", _("Device"), names, first, required=True, search=len(names) > 8)
            actions = {action: _(word) for action, word in ACTION_WORDS.items()}
            form.select("action", _("What to do"), actions, schedule.action if schedule else SwitchAction.ON, required=True)
            times = _Times(form, schedule.cron_expression if schedule else None, zones, first)
            form.number(
                "priority", _("Priority"), schedule.priority if schedule else 0, minimum=0, maximum=10, decimals=0, required=True,
                help=_("Of two schedules at the same time the higher one runs."),
            )  # fmt: skip

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                wanted = {key: values[key] for key in ("name", "action", "priority")} | {"cron_expression": times.cron()}
                async with look.transaction() as tx:
                    if schedule:
                        await commands.edit_schedule(tx, schedule.id, device_id=values["device_id"], **wanted)
                    else:
                        await commands.create_schedule(tx, values["device_id"], **wanted)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


class _Times:
    """When: a time on some days, or a cron expression; with the next runs by the farm's clock beneath."""

    def __init__(self, form: Form, cron: str | None, zones: dict[UUID, str], device_id: UUID | None) -> None:
        self._form, self._zones = form, zones
        daily = as_daily(cron) if cron else Daily(SIX)
        choices = {"daily": _("At a time, on some days"), "cron": _("By a cron expression")}
        self._kind = form.select("kind", _("When"), choices, "daily" if daily else "cron", required=True)
        shown = zones.get(device_id, "") if device_id else ""
        self._clock = form.clock("clock", _("Time"), daily.at if daily else SIX, zone=shown, required=True)
        days = {number: _(word) for number, word in DAY_WORDS.items()}
        chosen = sorted(daily.weekdays) if daily else sorted(EVERY_DAY)
        self._days = form.select("days", _("Days"), days, chosen, multiple=True, required=True)
        self._cron = form.text(
            "cron_expression", _("Cron expression"), cron or Daily(SIX).cron, required=True,
            help=_("Minute, hour, day, month, weekday, such as 0 6 * * MON-FRI."),
        )  # fmt: skip
        with ui.element("div").classes("st-field"):
            ui.label(_("Next runs")).classes("st-field-label")
            self._preview = ui.element("div").classes("st-soft").props("aria-live=polite")
        for field in (self._kind, self._clock, self._days, self._cron, form.fields["device_id"]):
            field.control.on_value_change(self._changed)
        self._changed()

    def cron(self) -> str:
        """What is meant, as a cron expression; Invalid at the field that is wrong."""
        if self._kind.value == "cron":
            return cron_of(self._cron.value or "")
        if not self._clock.value:
            raise Invalid("clock", "Choose a time.")
        if not self._days.value:
            raise Invalid("days", "Choose at least one day.")
        return Daily(self._clock.value, frozenset(self._days.value)).cron

    def _changed(self) -> None:
        is_daily = self._kind.value == "daily"
        for field in (self._clock, self._days):
            field.box.set_visibility(is_daily)
        self._cron.box.set_visibility(not is_daily)
        self._refill(self._cron if is_daily else self._clock, Daily(SIX).cron if is_daily else f"{SIX:%H:%M}")
        if not is_daily:
            self._refill(self._days, sorted(EVERY_DAY))
        self._preview.clear()
        with self._preview:
            try:
                self._show(self.cron())
            except Invalid as reason:
                field = self._form.fields[reason.field]
                field.show_error(translated(reason))

    def _refill(self, hidden: Field, value: Any) -> None:
        """What is out of sight must not hold up the form."""
        if not hidden.value:
            hidden.control.set_value(value)

    def _show(self, cron: str) -> None:
        zone_name = self._zones.get(self._form.fields["device_id"].value)
        if zone_name is None:
            ui.label(_("Choose a device to see when it would run."))
            return
        for run in next_runs(cron, zone(zone_name), after=now(), count=PREVIEW):
            ui.label(f"{day(run, zone_name)}, {clock(run, zone_name)}")
        ui.label(zone_name)
