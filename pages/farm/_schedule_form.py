"""A schedule is described by the simple things first: every day at, between, from sunrise, in cycles, when it is too hot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time
from decimal import Decimal
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Invalid, Refusal
from data.farm import commands
from data.farm.planned import timing_of_row
from data.farm.queries import Planned
from data.farm.rules import EVERY_DAY, TEMPLATES, Timing, cron_of, timing_of
from data.farm.rules.planning import SETTINGS_OF
from data.farm.tables import Device, Farm, MissedPolicy, SwitchAction
from pages._shell import Looker, field_errors
from pages.farm._schedule_condition import Condition
from pages.farm._schedule_parts import Source
from pages.farm._schedule_preview import Preview
from pages.farm._schedule_steps import Steps
from pages.farm._schedule_typed import (
    BETWEEN,
    BY_THE_CLOCK,
    CONDITION,
    CRON,
    CYCLE,
    KIND_WORDS,
    START_WORDS,
    STEPS,
    SUN,
    TIMES,
    days_of,
    kind_of,
    minutes,
    seconds,
    times_of,
    times_words,
)
from pages.farm._schedule_words import POLICY_HELP, POLICY_WORDS, TEMPLATE_WORDS
from pages.farm._words import ACTION_WORDS, DAY_WORDS
from ui.dialog import panel
from ui.form import Field, Form
from ui.words import _, noop

SHOWN: Mapping[str, frozenset[str]] = {
    TIMES: frozenset({"action", "times", "weekdays", "lasts", "start_date", "end_date"}),
    BETWEEN: frozenset({"action", "start_time", "end_time", "weekdays", "start_date", "end_date"}),
    SUN: frozenset({"action", "sun_event", "sun_offset_minutes", "weekdays", "lasts", "sun_until", "start_date", "end_date"}),
    CYCLE: frozenset({
        "on_duration_s", "off_duration_s", "starts", "repeat_count", "from_time", "to_time", "weekdays", "start_date", "end_date",
    }),
    CONDITION: frozenset({
        "action", "fail_safe_action", "silent_after_s", "minimum_on_s", "minimum_off_s", "longest_run_s", "from_time", "to_time", "weekdays",
        "start_date", "end_date",
    }),
    STEPS: frozenset({"starts", "times", "weekdays", "start_date", "end_date"}),
    CRON: frozenset({"action", "cron_expression", "lasts", "start_date", "end_date"}),
}  # fmt: skip
VALUES = ("value_command", "value", "off_value")
SETTING_WORDS = {"set_speed": noop("Speed, 0 to 100 %"), "set_value": noop("Value, 0 to 255"), "set_angle": noop("Angle, 0 to 180°")}
SIX, EVENING = time(6), time(18)
_FIELD = {"action_duration_s": "lasts"}


@dataclass(frozen=True, slots=True)
class Choices:
    """What the form offers: devices with their farms, the names of probes, and their values that a condition may ask for."""

    devices: Sequence[tuple[Device, Farm]]
    probes: Mapping[UUID, str]
    sources: Mapping[UUID, Mapping[str, Source]]


async def describe(look: Looker, choices: Choices, one: Planned | None = None) -> None:
    """The panel in which a schedule is made or edited; its week is shown while one types."""
    if one:
        choices = replace(choices, devices=[(device, farm) for device, farm in choices.devices if farm.id == one.farm.id])
    schedule = one.schedule if one else None
    with panel(_("Edit the schedule") if one else _("Add a schedule"), persistent=True) as dialog:
        form = Form()
        with form:
            fields = _Fields(form, choices, one)
            preview = Preview(look, fields.wanted, schedule.id if schedule else None)
        fields.on_change = preview.poke
        for field in form.fields.values():
            field.control.on_value_change(preview.poke)
        preview.poke()

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                wanted = {
                    "name": values["name"], "action": fields.action, "timing": fields.timing(), "priority": values["priority"] or 0,
                }  # fmt: skip
                async with look.transaction() as tx:
                    if schedule:
                        await commands.edit_schedule(tx, schedule.id, device_id=values["device_id"], **wanted)
                    else:
                        await commands.create_schedule(tx, values["device_id"], **wanted)
            except Refusal as reason:
                return fields.show({_shown_at(key, fields.kind): words for key, words in field_errors(reason).items()})
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _shown_at(key: str, kind: str) -> str:
    """Where the form shows what a command says of a field."""
    if key == "end_time" and kind == SUN:
        return "sun_until"
    if key == "sun_event" and kind in (CYCLE, STEPS):
        return "starts"
    if kind in (CYCLE, CONDITION) and key in ("start_time", "end_time"):
        return "from_time" if key == "start_time" else "to_time"
    if kind in (TIMES, STEPS) and key in ("start_time", "cron_expression"):
        return "times"
    return _FIELD.get(key, key)


class _Fields:
    """What is asked for; by the kind and the device that are chosen some of it is out of sight."""

    def __init__(self, form: Form, choices: Choices, one: Planned | None) -> None:
        self._form, self._one, self._choices = form, one, choices
        self.on_change: Any = lambda: None
        schedule = one.schedule if one else None
        self._before = timing_of_row(schedule) if schedule else Timing(start_time=SIX)
        self._devices = {device.id: device for device, _farm in choices.devices}
        self._farms = {device.id: farm for device, farm in choices.devices}
        if not one:
            templates = {name: _(words) for name, words in TEMPLATE_WORDS.items()}
            form.select("template", _("Start from a template"), templates).control.on_value_change(self._take_template)
        names = {device.id: " · ".join(filter(None, (device.name, device.location, farm.name))) for device, farm in choices.devices}
        first = schedule.device_id if schedule else (choices.devices[0][0].id if len(choices.devices) == 1 else None)
        form.select("device_id", _("Device"), names, first, required=True, search=len(names) > 8)
        form.text("name", _("Name"), schedule.name if schedule else "", required=True, placeholder=_("Light in the morning"))
        form.select("kind", _("When"), {key: _(words) for key, words in KIND_WORDS.items()}, kind_of(self._before), required=True)
        actions = {action: _(word) for action, word in ACTION_WORDS.items()}
        form.select("action", _("What to do"), actions, schedule.action if schedule else SwitchAction.ON, required=True)
        self._value_fields(form)
        self._clock_fields(form)
        self._steps = Steps(self._before.steps or (), self._poke)
        self._rows = ui.element("div")
        self._condition: Condition | None = None
        self._condition_farm: UUID | None = None
        self._condition_fields(form)
        self._further(form, schedule.priority if schedule else 0)
        self._first = {key: field.control.value for key, field in form.fields.items()}
        for key in ("kind", "starts", "device_id", "missed_policy"):
            form.fields[key].control.on_value_change(self._changed)
        self._changed()

    @property
    def kind(self) -> str:
        return str(self._value("kind") or TIMES)

    @property
    def action(self) -> SwitchAction:
        return SwitchAction.ON if self.kind in (CYCLE, STEPS) or self._is_servo else SwitchAction(self._value("action") or "on")

    def wanted(self) -> tuple[UUID | None, Timing, str, str, int]:
        """The device, the timing, what to do, the name and the priority, as they are typed."""
        timing = timing_of(self.timing(), action=self.action.value, has_place=True)
        return self._value("device_id"), timing, self.action.value, self._value("name") or "", self._value("priority") or 0

    def show(self, errors: Mapping[str, str]) -> dict[str, str]:
        """Show what is wrong at the steps and at the condition; the rest is for the form."""
        rest = dict(errors)
        for key in list(rest):
            if key == "steps":
                self._steps.show_error(rest.pop(key))
            elif key.startswith("condition") and self._condition:
                self._condition.show_error(key, rest.pop(key))
        return rest

    def timing(self) -> Timing:
        """What is meant; Invalid at the field that is wrong."""
        days = self._value("weekdays")
        weekdays = tuple(sorted(days)) if days is not None and set(days) != EVERY_DAY and self.kind != CRON else None
        policy = self._value("missed_policy")
        common = Timing(
            weekdays=weekdays, start_date=self._value("start_date"), end_date=self._value("end_date"),
            missed_policy=policy.value if policy else None, **self._values(),
        )  # fmt: skip
        lasts = seconds(self._value("lasts"))
        if self.kind == BETWEEN:
            return replace(common, start_time=self._needed("start_time"), end_time=self._needed("end_time"))
        if self.kind == SUN:
            return replace(
                common, sun_event=self._needed("sun_event"), sun_offset_minutes=self._value("sun_offset_minutes") or 0, action_duration_s=lasts,
                end_time=self._value("sun_until"),
            )  # fmt: skip
        window = {"start_time": self._value("from_time"), "end_time": self._value("to_time")}
        sun = {"sun_event": self._value("starts"), "sun_offset_minutes": self._value("sun_offset_minutes") or 0} if self._is_by_the_sun else {}
        if self.kind == CYCLE:
            window |= {"start_time": None, **sun} if sun else {}
            on_s, off_s = seconds(self._needed("on_duration_s")), seconds(self._needed("off_duration_s"))
            return replace(
                common, schedule_type="duration_based", on_duration_s=on_s, off_duration_s=off_s, repeat_count=self._value("repeat_count"), **window
            )
        if self.kind == CONDITION:
            return replace(
                common, schedule_type="condition_based", condition=self._condition.read() if self._condition else None,
                fail_safe_action=self._value("fail_safe_action"), silent_after_s=seconds(self._value("silent_after_s")),
                minimum_on_s=seconds(self._value("minimum_on_s")), minimum_off_s=seconds(self._value("minimum_off_s")),
                longest_run_s=seconds(self._value("longest_run_s")), **window,
            )  # fmt: skip
        if self.kind == CRON:
            return replace(common, cron_expression=cron_of(self._value("cron_expression") or ""), action_duration_s=lasts)
        timed = replace(common, **(sun or times_of(self._value("times") or "")))
        return replace(timed, steps=self._steps.read()) if self.kind == STEPS else replace(timed, action_duration_s=lasts)

    @property
    def _is_by_the_sun(self) -> bool:
        """Whether a cycle or a sequence begins with the sun."""
        return self.kind in (CYCLE, STEPS) and self._value("starts") in ("sunrise", "sunset")

    def _values(self) -> dict[str, Any]:
        """To what a device that can be set is set."""
        if not self._ways:
            return {}
        value, off_value = self._value("value"), self._value("off_value")
        return {
            "value": None if value is None else Decimal(str(value)), "off_value": None if off_value is None else Decimal(str(off_value)),
            "value_command": self._value("value_command") if self._value("value_command") in self._ways else None,
        }  # fmt: skip

    @property
    def _ways(self) -> tuple[str, ...]:
        device = self._devices.get(self._value("device_id"))
        return SETTINGS_OF.get(device.device_type.value, ()) if device else ()

    @property
    def _is_servo(self) -> bool:
        return self._ways == SETTINGS_OF["servo"]

    def _value_fields(self, form: Form) -> None:
        before = self._before
        form.select("value_command", _("How it is set"), {key: _(words) for key, words in SETTING_WORDS.items()}, before.value_command or "set_speed", required=True)
        form.number("value", _("Set to"), None if before.value is None else float(before.value), minimum=0, maximum=255, help=_("Empty: just on."))
        form.number(
            "off_value", _("Afterwards set to"), None if before.off_value is None else float(before.off_value), minimum=0, maximum=255,
            help=_("Empty: off. A fan may go on slowly instead."),
        )  # fmt: skip

    def _clock_fields(self, form: Form) -> None:
        before = self._before
        starts = {key: _(words) for key, words in START_WORDS.items()}
        form.select("starts", _("It begins"), starts, before.sun_event or BY_THE_CLOCK, required=True)
        form.text("times", _("Times"), times_words(before) or "06:00", placeholder="06:00, 12:00, 18:00", help=_("Several with commas between them."), required=True)
        form.clock("start_time", _("From"), before.start_time or SIX, required=True)
        form.clock("end_time", _("To"), before.end_time or EVENING, help=_("Where it is earlier, it ends on the next day."), required=True)
        form.select("sun_event", _("From"), {"sunrise": _("Sunrise"), "sunset": _("Sunset")}, before.sun_event or "sunrise", required=True)
        form.number(
            "sun_offset_minutes", _("Minutes after it"), before.sun_offset_minutes or 0, unit=_("min"), minimum=-720, maximum=720, decimals=0,
            help=_("Less than 0 is before it."),
        )  # fmt: skip
        form.clock("sun_until", _("Until"), before.end_time if before.sun_event else None, help=_("Or say below for how long."))
        form.number("on_duration_s", _("On for"), minutes(before.on_duration_s) or 10, unit=_("min"), minimum=0.1, maximum=60, required=True)
        form.number("off_duration_s", _("Then off for"), minutes(before.off_duration_s) or 15, unit=_("min"), minimum=0.1, maximum=1440, required=True)
        form.number("repeat_count", _("How often"), before.repeat_count, unit=_("times"), minimum=1, maximum=10_000, decimals=0, help=_("Empty: again and again."))
        form.text("cron_expression", _("Cron expression"), before.cron_expression or "0 6 * * *",
                  help=_("Minute, hour, day, month, weekday, such as 0 6 * * MON-FRI."), required=True)  # fmt: skip

    def _condition_fields(self, form: Form) -> None:
        before = self._before
        has_window = before.schedule_type != "time_based"
        form.clock("from_time", _("Only from"), before.start_time if has_window else None, help=_("Empty: day and night."))
        form.clock("to_time", _("Only until"), before.end_time if has_window else None)
        days = {number: _(word) for number, word in DAY_WORDS.items()}
        form.select("weekdays", _("Days"), days, sorted(before.weekdays or days_of(before) or EVERY_DAY), multiple=True, required=True)
        form.number("lasts", _("For how long"), minutes(before.action_duration_s), unit=_("min"), minimum=0.1, maximum=60,
                    help=_("Then it is switched back. Empty: it stays as it is."))  # fmt: skip
        form.number("minimum_on_s", _("On for at least"), _or(minutes(before.minimum_on_s), 1), unit=_("min"), minimum=0, maximum=1440, required=True)
        form.number("minimum_off_s", _("Off for at least"), _or(minutes(before.minimum_off_s), 1), unit=_("min"), minimum=0, maximum=1440, required=True,
                    help=_("So that it does not switch to and fro."))  # fmt: skip
        form.number("longest_run_s", _("At a stretch at most"), minutes(before.longest_run_s), unit=_("min"), minimum=0.2, maximum=1440,
                    help=_("Then it rests, and somebody is told. Empty: for as long as it takes."))  # fmt: skip
        safe = {"off": _("Switch off"), "on": _("Switch on")}
        form.select("fail_safe_action", _("When the probe falls silent"), safe, before.fail_safe_action or "off", required=True)
        form.number("silent_after_s", _("Silent after"), minutes(before.silent_after_s) or 15, unit=_("min"), minimum=0.2, maximum=1440, required=True)

    def _further(self, form: Form, priority: int) -> None:
        with ui.expansion(_("More")).classes("st-more"):
            form.number("priority", _("Priority"), priority, minimum=0, maximum=10, decimals=0, help=_("Of two schedules at the same time the higher one runs."))
            form.date("start_date", _("First day"), self._before.start_date)
            form.date("end_date", _("Last day"), self._before.end_date)
            policies = {policy: _(words) for policy, words in POLICY_WORDS.items()}
            chosen = MissedPolicy(self._before.missed_policy) if self._one and self._before.missed_policy else None
            form.select("missed_policy", _("What fell into an outage"), policies, chosen)
            self._policy = ui.label().classes("st-field-help").props("aria-live=polite")

    def _take_template(self, _event: Any) -> None:
        if not (name := self._value("template")):
            return
        priority, timing = TEMPLATES[name]
        values: dict[str, Any] = {
            "kind": kind_of(timing), "action": SwitchAction.ON, "times": times_words(timing) or "06:00", "priority": priority,
            "lasts": minutes(timing.action_duration_s), "weekdays": sorted(EVERY_DAY), "starts": BY_THE_CLOCK,
        }  # fmt: skip
        if timing.on_duration_s:
            values |= {
                "on_duration_s": minutes(timing.on_duration_s), "off_duration_s": minutes(timing.off_duration_s), "from_time": "", "to_time": "",
                "repeat_count": timing.repeat_count,
            }  # fmt: skip
        if timing.steps:
            self._steps.take(timing.steps)
        if not self._value("name"):
            values["name"] = _(TEMPLATE_WORDS[name]).split(":")[0]
        for key, value in values.items():
            self._form.fields[key].control.set_value(value)

    def _changed(self, _event: Any = None) -> None:
        shown = set(SHOWN[self.kind])
        ways = self._ways
        if self._is_by_the_sun:
            shown = shown - {"times", "from_time"} | {"sun_offset_minutes"}
        shown |= set(VALUES) if ways else set()
        shown -= {"value_command"} if len(ways) == 1 else set()
        shown -= {"action"} if self._is_servo else set()
        for key in (*frozenset().union(*SHOWN.values()), *VALUES):
            field = self._form.fields[key]
            field.box.set_visibility(key in shown)
            if key not in shown and not field.control.value:
                field.control.set_value(self._first[key])  # what is out of sight must not hold up the form
        self._steps.box.set_visibility(self.kind == STEPS)
        self._rows.set_visibility(self.kind == CONDITION)
        self._for_farm()
        policy = self._value("missed_policy") or (MissedPolicy.RECONCILE if self.kind in (BETWEEN, CYCLE, CONDITION) else MissedPolicy.SKIP)
        self._policy.set_text(_(POLICY_HELP[policy]))
        self._poke()

    def _for_farm(self) -> None:
        """A condition asks for the probes of the device's own farm."""
        farm = self._farms.get(self._value("device_id"))
        farm_id = farm.id if farm else next((one.id for one in self._farms.values()), None)
        if self._condition is None or farm_id != self._condition_farm:
            kept = self._before.condition if self._one and self._condition is None else None
            self._condition_farm = farm_id
            self._rows.clear()
            with self._rows:
                known = self._choices.sources.get(farm_id, {}) if farm_id else {}
                self._condition = Condition(kept, known, self._choices.probes, self._poke)

    def _poke(self) -> None:
        self.on_change()

    def _value(self, key: str) -> Any:
        field: Field | None = self._form.fields.get(key)
        return field.value if field else None

    def _needed(self, key: str) -> Any:
        if (value := self._value(key)) in (None, ""):
            raise Invalid(key, "Please fill this in.")
        return value


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
