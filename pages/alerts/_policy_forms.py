"""One field of a policy is said anew, or given back to where it is inherited from."""

from collections.abc import Callable, Mapping
from datetime import time
from typing import Any

from nicegui import ui

from data.alerts.tables import Severity
from data.identity.tables import Role
from data.notifications.policy import EVERY_DAY, MOST_STEPS, Settled, Step
from pages.alerts._policy_words import day_names, reach, yes_or_no
from pages.alerts._words import ROLE_WORDS, SEVERITY_WORDS, WAYS
from ui.form import Form, button
from ui.words import _

Read = Callable[[Mapping[str, Any]], dict[str, Any]]
"""What was typed → the fields of a policy."""

TOLD_ROLES = (Role.OWNER, Role.ADMIN, Role.MANAGER, Role.STAFF, Role.VIEWER, Role.KEEPER, Role.ASSESSOR)


def field_form(name: str, form: Form, settled: Settled) -> Read:
    """Draw the controls of that field with what holds now."""
    match name:
        case "is_enabled" | "are_contacts_told" | "are_resolved_sent":
            form.select("value", _("Shall it be so?"), {True: yes_or_no(True), False: yes_or_no(False)}, getattr(settled, name), required=True)
            return lambda typed: {name: typed["value"]}
        case "least_severity":
            form.select("value", _("Severity"), {s.value: _(SEVERITY_WORDS[s]) for s in Severity}, settled.least_severity, required=True)
            return lambda typed: {name: typed["value"]}
        case "initial_channels":
            form.select("value", _("By"), {way: _(word) for way, word in WAYS.items()}, list(settled.initial_channels), required=True, multiple=True)
            return lambda typed: {name: tuple(typed["value"])}
        case "notify_roles":
            form.select("value", _("Roles"), {r.value: _(ROLE_WORDS[r]) for r in TOLD_ROLES}, list(settled.notify_roles), multiple=True)
            ui.label(_("Whoever belongs to the place itself is told besides.")).classes("st-field-help")
            return lambda typed: {name: tuple(typed["value"])}
        case "is_acknowledgement_required":
            form.check("value", _("Somebody must answer"), settled.is_acknowledgement_required)
            form.number("minutes", _("Within"), settled.acknowledgement_deadline_minutes, unit=_("minutes"), decimals=0, minimum=1, maximum=1440)
            return lambda typed: {name: typed["value"], "acknowledgement_deadline_minutes": typed["minutes"]}
        case "are_reminders_enabled":
            form.check("value", _("Remind those who know"), settled.are_reminders_enabled)
            form.number("minutes", _("Every"), settled.reminder_minutes, unit=_("minutes"), decimals=0, minimum=5, maximum=10080)
            return lambda typed: {name: typed["value"], "reminder_minutes": typed["minutes"]}
        case "quiet_from":
            return _quiet(form, settled)
        case "days":
            form.select("value", _("Days"), dict(day_names()), list(settled.days or EVERY_DAY), required=True, multiple=True)
            return lambda typed: {name: tuple(sorted(typed["value"]))}
        case _:
            return _steps(settled)


def _quiet(form: Form, settled: Settled) -> Read:
    form.check("value", _("There are quiet hours"), settled.quiet_from != settled.quiet_until)
    form.clock("begin", _("From"), settled.quiet_from or time(22))
    form.clock("end", _("Until"), settled.quiet_until or time(6))
    ui.label(_("By the clocks of the place. What is critical is told all the same.")).classes("st-field-help")

    def read(typed: Mapping[str, Any]) -> dict[str, Any]:
        begin, end = (typed["begin"], typed["end"]) if typed["value"] else (time(0), time(0))
        return {"quiet_from": begin, "quiet_until": end}

    return read


def _steps(settled: Settled) -> Read:
    """Rows of their own: minutes, ways, and whom they call."""
    rows: list[dict[str, Any]] = [step.raw() for step in settled.steps]
    box = ui.element("div").classes("st-stack")

    def draw() -> None:
        box.clear()
        with box:
            if not rows:
                ui.label(_("Nobody else is called.")).classes("st-soft")
            for number, row in enumerate(rows):
                _row(number, row)
            if len(rows) < MOST_STEPS:
                button(_("Add a step"), add, icon="add", kind="quiet")
            if rows:
                ui.checkbox(_("Repeat the last step"), value=rows[-1]["repeat"]).bind_value(rows[-1], "repeat")

    def _row(number: int, row: dict[str, Any]) -> None:
        with ui.element("div").classes("st-row"):
            ui.number(_("Minutes later"), min=1, max=1440, precision=0).props("outlined dense").bind_value(row, "after_minutes")
            reaches = {0: reach(0), 1: reach(1), 2: reach(2), None: reach(None)}
            ui.select({str(k): v for k, v in reaches.items()}, label=_("Calls"), value=str(row["priority"]),
                      on_change=lambda e, row=row: row.update(priority=None if e.value == "None" else int(e.value))).props("outlined dense")  # fmt: skip
            outgoing = {way: _(word) for way, word in WAYS.items() if way != "in_app"}
            ui.select(outgoing, label=_("By"), multiple=True).props("outlined dense").bind_value(row, "channels")
            button(_("Remove"), lambda number=number: remove(number), kind="quiet", icon="delete")

    def add() -> None:
        for row in rows:
            row["repeat"] = False
        rows.append(Step(15, ("push", "email", "sms"), None).raw())
        draw()

    def remove(number: int) -> None:
        del rows[number]
        draw()

    draw()
    return lambda typed: {"steps": tuple(Step.of(row | {"after_minutes": row["after_minutes"] or 0}) for row in rows)}
