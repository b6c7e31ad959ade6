"""A schedule is described by the simple things first: every day at, between, from sunrise, in cycles, when it is too hot."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Invalid, Refusal
from data.farm import commands
from data.farm.planned import timing_of_row
from data.farm.queries import Planned
from data.farm.rules import EVERY_DAY, TEMPLATES, Step, Timing, cron_of, timing_of
from data.farm.tables import Device, Farm, MissedPolicy, SwitchAction
from pages._shell import Looker, field_errors
from pages.farm._schedule_preview import Preview
from pages.farm._schedule_words import POLICY_WORDS, SIGN_WORDS, TEMPLATE_WORDS, condition_words
from pages.farm._words import ACTION_WORDS, DAY_WORDS
from ui.dialog import panel
from ui.form import Field, Form
from ui.words import _, noop

TIMES, BETWEEN, SUN, CYCLE, CONDITION, STEPS, CRON = "times", "between", "sun", "cycle", "condition", "steps", "cron"
KIND_WORDS = {
    TIMES: noop("Every day at certain times"), BETWEEN: noop("Between two times of the day"), SUN: noop("From sunrise or sunset"),
    CYCLE: noop("In cycles, on and off"), CONDITION: noop("When it is too hot, too cold, too damp…"), STEPS: noop("Step by step"),
    CRON: noop("By a cron expression"),
}  # fmt: skip
SHOWN: Mapping[str, frozenset[str]] = {
    TIMES: frozenset({"action", "times", "weekdays", "lasts"}),
    BETWEEN: frozenset({"action", "start_time", "end_time", "weekdays"}),
    SUN: frozenset({"action", "sun_event", "sun_offset_minutes", "weekdays", "lasts"}),
    CYCLE: frozenset({"on_duration_s", "off_duration_s", "from_time", "to_time", "weekdays"}),
    CONDITION: frozenset({"action", "probe", "operator", "value", "until", "fail_safe_action", "silent_after_s"}),
    STEPS: frozenset({"times", "weekdays", "steps"}),
    CRON: frozenset({"action", "cron_expression", "lasts"}),
}  # fmt: skip
SIX, EVENING = time(6), time(18)
TOO_SIMPLE = "Write times such as 06:00, 12:00, 18:00, all at the same minute of their hour."


async def describe(look: Looker, choices: Sequence[tuple[Device, Farm]], probes: Mapping[UUID, str], sources: Mapping[str, str], one: Planned | None = None) -> None:
    """The panel in which a schedule is made or edited; its week is shown while one types.

    `sources` are the probes' values that a condition may ask for: {"device_id sensor_type": words}.
    """
    if one:
        choices = [(device, farm) for device, farm in choices if farm.id == one.farm.id]
    schedule = one.schedule if one else None
    with panel(_("Edit the schedule") if one else _("Add a schedule")) as dialog:
        form = Form()
        with form:
            fields = _Fields(form, choices, probes, sources, one)
            preview = Preview(look, fields.wanted, schedule.id if schedule else None)
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
                return {_FIELD.get(key, key): words for key, words in field_errors(reason).items()}
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


_FIELD = {"action_duration_s": "lasts", "condition": "probe"}


class _Fields:
    """What is asked for; by the kind that is chosen some of it is out of sight."""

    def __init__(
        self, form: Form, choices: Sequence[tuple[Device, Farm]], probes: Mapping[UUID, str], sources: Mapping[str, str], one: Planned | None
    ) -> None:
        self._form, self._one = form, one
        schedule = one.schedule if one else None
        self._before = timing_of_row(schedule) if schedule else Timing(start_time=SIX)
        self._is_complex = bool(self._before.condition) and "device_id" not in (self._before.condition or {})
        kind = _kind_of(self._before)
        if not one:
            templates = {name: _(words) for name, words in TEMPLATE_WORDS.items()}
            template = form.select("template", _("Start from a template"), templates)
            template.control.on_value_change(self._take_template)
        names = {device.id: " · ".join(filter(None, (device.name, device.location, farm.name))) for device, farm in choices}
        first = schedule.device_id if schedule else (choices[0][0].id if len(choices) == 1 else None)
        form.select("device_id", _("Device"), names, first, required=True, search=len(names) > 8)
        form.text("name", _("Name"), schedule.name if schedule else "", required=True, placeholder=_("Light in the morning"))
        form.select("kind", _("When"), {key: _(words) for key, words in KIND_WORDS.items()}, kind, required=True)
        actions = {action: _(word) for action, word in ACTION_WORDS.items()}
        form.select("action", _("What to do"), actions, schedule.action if schedule else SwitchAction.ON, required=True)
        self._clock_fields(form)
        self._condition_fields(form, sources, probes)
        self._further(form, schedule.priority if schedule else 0)
        self._first = {key: field.control.value for key, field in form.fields.items()}
        form.fields["kind"].control.on_value_change(self._changed)
        self._changed()

    @property
    def kind(self) -> str:
        return str(self._value("kind") or TIMES)

    @property
    def action(self) -> SwitchAction:
        return SwitchAction.ON if self.kind in (CYCLE, STEPS) else SwitchAction(self._value("action") or "on")

    def wanted(self) -> tuple[UUID | None, Timing, str, str, int]:
        """The device, the timing, what to do, the name and the priority, as they are typed."""
        timing = timing_of(self.timing(), action=self.action.value, has_place=True)
        return self._value("device_id"), timing, self.action.value, self._value("name") or "", self._value("priority") or 0

    def timing(self) -> Timing:
        """What is meant; Invalid at the field that is wrong."""
        days = self._value("weekdays")
        weekdays = tuple(sorted(days)) if days is not None and set(days) != EVERY_DAY and self.kind not in (CONDITION, CRON) else None
        policy = self._value("missed_policy")
        common = Timing(
            weekdays=weekdays, start_date=self._value("start_date"), end_date=self._value("end_date"),
            missed_policy=policy.value if policy else None,
        )  # fmt: skip
        lasts = self._value("lasts")
        action_duration_s = round(lasts * 60) if lasts else None
        if self.kind == BETWEEN:
            return replace(common, start_time=self._needed("start_time"), end_time=self._needed("end_time"))
        if self.kind == SUN:
            return replace(
                common, sun_event=self._needed("sun_event"), sun_offset_minutes=self._value("sun_offset_minutes") or 0,
                action_duration_s=action_duration_s,
            )  # fmt: skip
        if self.kind == CYCLE:
            on_s, off_s = round(self._needed("on_duration_s") * 60), round(self._needed("off_duration_s") * 60)
            start, end = self._value("from_time"), self._value("to_time")
            return replace(common, schedule_type="duration_based", on_duration_s=on_s, off_duration_s=off_s, start_time=start, end_time=end,
                           repeat_count=self._before.repeat_count if self._before.schedule_type == "duration_based" else None)  # fmt: skip
        if self.kind == CONDITION:
            return self._conditional(common)
        if self.kind == CRON:
            return replace(common, cron_expression=cron_of(self._value("cron_expression") or ""), action_duration_s=action_duration_s)
        timed = replace(common, **_times_of(self._value("times") or ""))
        return replace(timed, steps=_steps_of(self._value("steps") or "")) if self.kind == STEPS else replace(timed, action_duration_s=action_duration_s)

    def _conditional(self, common: Timing) -> Timing:
        silent = self._value("silent_after_s")
        rest = replace(
            common, schedule_type="condition_based", fail_safe_action=self._value("fail_safe_action"),
            silent_after_s=round(silent * 60) if silent else None, minimum_on_s=self._before.minimum_on_s, minimum_off_s=self._before.minimum_off_s,
            start_time=self._before.start_time if self._before.condition else None, end_time=self._before.end_time if self._before.condition else None,
        )  # fmt: skip
        if self._is_complex and not self._value("probe"):
            return replace(rest, condition=self._before.condition)
        device_id, sensor_type = self._needed("probe").split(" ", 1)
        leaf = {"device_id": device_id, "sensor_type": sensor_type, "operator": self._needed("operator"), "value": self._needed("value")}
        until = self._value("until")
        return replace(rest, condition=leaf if until is None else leaf | {"until": until})

    def _clock_fields(self, form: Form) -> None:
        before = self._before
        form.text("times", _("Times"), _times_words(before) or "06:00", placeholder="06:00, 12:00, 18:00", help=_("Several with commas between them."), required=True)
        form.clock("start_time", _("From"), before.start_time or SIX, required=True)
        form.clock("end_time", _("To"), before.end_time or EVENING, help=_("Where it is earlier, it ends on the next day."), required=True)
        form.select("sun_event", _("From"), {"sunrise": _("Sunrise"), "sunset": _("Sunset")}, before.sun_event or "sunrise", required=True)
        form.number(
            "sun_offset_minutes", _("Minutes after it"), before.sun_offset_minutes or 0, unit="min", minimum=-720, maximum=720, decimals=0,
            help=_("Less than 0 is before it."),
        )  # fmt: skip
        form.number("on_duration_s", _("On for"), _minutes(before.on_duration_s) or 10, unit="min", minimum=0.1, maximum=1440, required=True)
        form.number("off_duration_s", _("Then off for"), _minutes(before.off_duration_s) or 15, unit="min", minimum=0.1, maximum=1440, required=True)
        is_cycle = before.schedule_type == "duration_based"
        form.clock("from_time", _("Only from"), before.start_time if is_cycle else None, help=_("Empty: day and night."))
        form.clock("to_time", _("Only until"), before.end_time if is_cycle else None)
        form.text(
            "steps", _("Seconds on, off, on…"), ", ".join(str(step.duration_s) for step in before.steps or ()) or "30, 10, 30, 10",
            help=_("In turn on and off, up to 20. At the end it is off."), required=True,
        )  # fmt: skip
        form.text("cron_expression", _("Cron expression"), before.cron_expression or "0 6 * * *",
                  help=_("Minute, hour, day, month, weekday, such as 0 6 * * MON-FRI."), required=True)  # fmt: skip
        days = {number: _(word) for number, word in DAY_WORDS.items()}
        form.select("weekdays", _("Days"), days, sorted(before.weekdays or _days_of(before) or EVERY_DAY), multiple=True, required=True)
        form.number("lasts", _("For how long"), _minutes(before.action_duration_s), unit="min", minimum=0.1, maximum=60,
                    help=_("Then it is switched back. Empty: it stays as it is."))  # fmt: skip

    def _condition_fields(self, form: Form, sources: Mapping[str, str], probes: Mapping[UUID, str]) -> None:
        leaf = self._before.condition if self._before.condition and not self._is_complex else {}
        if self._is_complex:
            ui.label(_("While {condition}", condition=condition_words(self._before.condition or {}, probes))).classes("st-soft")
        chosen = f"{leaf['device_id']} {leaf['sensor_type']}" if leaf else (next(iter(sources), None) if not self._is_complex else None)
        form.select("probe", _("What is measured"), sources, chosen if chosen in sources else None, search=len(sources) > 8,
                    help=_("Empty: as it is said above.") if self._is_complex else "")  # fmt: skip
        form.select("operator", _("When it"), {key: _(words) for key, words in SIGN_WORDS.items()}, leaf.get("operator", ">"), required=True)
        form.number("value", _("this value"), leaf.get("value", 30), required=True)
        form.number("until", _("Until it has passed"), leaf.get("until"), help=_("A little apart, so that it does not switch to and fro."))
        safe = {"off": _("Switch off"), "on": _("Switch on")}
        form.select("fail_safe_action", _("When the probe falls silent"), safe, self._before.fail_safe_action or "off", required=True)
        form.number("silent_after_s", _("Silent after"), _minutes(self._before.silent_after_s) or 15, unit="min", minimum=0.5, maximum=1440, required=True)

    def _further(self, form: Form, priority: int) -> None:
        with ui.expansion(_("More")).classes("st-more"):
            form.number("priority", _("Priority"), priority, minimum=0, maximum=10, decimals=0, help=_("Of two schedules at the same time the higher one runs."))
            form.date("start_date", _("First day"), self._before.start_date)
            form.date("end_date", _("Last day"), self._before.end_date)
            policies = {policy: _(words) for policy, words in POLICY_WORDS.items()}
            chosen = MissedPolicy(self._before.missed_policy) if self._one and self._before.missed_policy else None
            form.select("missed_policy", _("What fell into an outage"), policies, chosen)

    def _take_template(self, _event: Any) -> None:
        if not (name := self._value("template")):
            return
        priority, timing = TEMPLATES[name]
        values: dict[str, Any] = {
            "kind": _kind_of(timing), "action": SwitchAction.ON, "times": _times_words(timing) or "06:00", "priority": priority,
            "lasts": _minutes(timing.action_duration_s), "weekdays": sorted(EVERY_DAY),
        }  # fmt: skip
        if timing.on_duration_s:
            values |= {"on_duration_s": _minutes(timing.on_duration_s), "off_duration_s": _minutes(timing.off_duration_s), "from_time": "", "to_time": ""}
        if timing.steps:
            values["steps"] = ", ".join(str(step.duration_s) for step in timing.steps)
        if not self._value("name"):
            values["name"] = _(TEMPLATE_WORDS[name]).split(":")[0]
        for key, value in values.items():
            self._form.fields[key].control.set_value(value)

    def _changed(self, _event: Any = None) -> None:
        for key in frozenset().union(*SHOWN.values()):
            field = self._form.fields[key]
            field.box.set_visibility(key in SHOWN[self.kind])
            if key not in SHOWN[self.kind] and not field.control.value:
                field.control.set_value(self._first[key])  # what is out of sight must not hold up the form

    def _value(self, key: str) -> Any:
        field: Field | None = self._form.fields.get(key)
        return field.value if field else None

    def _needed(self, key: str) -> Any:
        if (value := self._value(key)) in (None, ""):
            raise Invalid(key, "Please fill this in.")
        return value


def _kind_of(timing: Timing) -> str:
    if timing.schedule_type == "condition_based":
        return CONDITION
    if timing.schedule_type == "duration_based":
        return CYCLE
    if timing.sun_event:
        return SUN
    if timing.steps and _times_words(timing):
        return STEPS
    if timing.end_time:
        return BETWEEN
    return TIMES if _times_words(timing) else CRON


def _times_words(timing: Timing) -> str:
    """The times of the day, where a cron expression says nothing but these."""
    if timing.start_time:
        return f"{timing.start_time:%H:%M}"
    minute, hours, *rest = (timing.cron_expression or "").split() or ("", "")
    if not (minute.isdigit() and hours and all(hour.isdigit() for hour in hours.split(",")) and rest[:2] == ["*", "*"]):
        return ""
    if rest[2] != "*" and not all(day.isdigit() for day in rest[2].split(",")):
        return ""
    return ", ".join(f"{int(hour):02}:{int(minute):02}" for hour in hours.split(","))


def _days_of(timing: Timing) -> set[int] | None:
    rest = (timing.cron_expression or "").split()[4:]
    return {int(day) or 7 for day in rest[0].split(",")} if rest and rest[0] != "*" and _times_words(timing) else None


def _times_of(text: str) -> dict[str, Any]:
    """`start_time` for one time of the day, a cron expression for several."""
    try:
        times = sorted({time.fromisoformat(part.strip().zfill(5)) for part in text.replace(";", ",").split(",") if part.strip()})
    except ValueError:
        raise Invalid("times", TOO_SIMPLE) from None
    if not times or len({one.minute for one in times}) > 1:
        raise Invalid("times", TOO_SIMPLE)
    if len(times) == 1:
        return {"start_time": times[0].replace(second=0, microsecond=0)}
    return {"cron_expression": f"{times[0].minute} {','.join(str(one.hour) for one in times)} * * *"}


def _steps_of(text: str) -> tuple[Step, ...]:
    try:
        lengths = [int(part) for part in text.replace(";", ",").split(",") if part.strip()]
    except ValueError:
        raise Invalid("steps", "Write seconds with commas between them, such as 30, 10, 30.") from None
    return tuple(Step("off" if n % 2 else "on", length) for n, length in enumerate(lengths))


def _minutes(seconds: int | None) -> float | None:
    return None if seconds is None else round(seconds / 60, 3)
