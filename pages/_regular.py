"""Reports that come of their own accord: which, when, to whom, and what became of the last, with all that can be done about them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.core.sheet import Paper
from data.flows.regular import listing, ordering
from data.flows.regular.listing import Reader, Regular
from data.flows.regular.ordering import Order
from data.platform.events import BackgroundJobChanged, RegularReportsChanged
from data.platform.rhythm import Rhythm
from data.platform.tables import ReportRun, ReportSchedule
from data.platform.values import Every, RunStatus
from pages import _reports as shared
from pages._shell import Looker, field_errors
from pages.alerts._words import sentence
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, moment, n_, noop

EVERY_WORDS: Mapping[Every, str] = {Every.DAY: noop("Each day"), Every.WEEK: noop("Each week"), Every.MONTH: noop("Each month")}
ABOUT_WORDS: Mapping[Every, str] = {
    Every.DAY: noop("It is about the day before."), Every.WEEK: noop("It is about the last whole week, from Monday to Sunday."),
    Every.MONTH: noop("It is about the last whole month."),
}  # fmt: skip
WEEKDAYS = (noop("Monday"), noop("Tuesday"), noop("Wednesday"), noop("Thursday"), noop("Friday"), noop("Saturday"), noop("Sunday"))


@dataclass(frozen=True, slots=True)
class Asking:
    """What a domain's form asks besides: `fields` draws it (for what was ordered, or anew), `read` makes it a kind and a question."""

    domain: str
    fields: Callable[[Form, ReportSchedule | None], None]
    read: Callable[[Mapping[str, Any]], tuple[str, Mapping[str, Any]]]
    kind: Callable[[str], str]
    days: Callable[..., str]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is, who can be chosen, and whether others than these may be sent anything."""

    regular: Sequence[Regular]
    candidates: Sequence[Reader]
    may_leave: bool


def sent_regularly(look: Looker, asking: Asking) -> None:
    """The section of a page of reports."""

    async def ask() -> Found:
        async with look.transaction() as tx:
            return Found(
                await listing.regular(tx, asking.domain), await listing.candidates(tx, asking.domain), await listing.may_leave(tx)
            )

    def show(found: Found) -> None:
        with ui.element("div").classes("st-head"):
            ui.label(_("Sent regularly")).classes("st-h2").props("role=heading aria-level=2")
            if look.actor.user_id:
                button(_("Order a regular report"), lambda: _edit(look, asking, found, None), icon="add")
        if not found.regular:
            empty_state(_("No report is sent regularly."), _("Order one, and it comes by e-mail each day, week or month."), icon="schedule_send")
        for one in found.regular:
            _row(look, asking, found, one)

    live(ask, show, look.topic(RegularReportsChanged), look.topic(BackgroundJobChanged), minimum_interval_s=0.5)


def when_words(schedule: ReportSchedule) -> str:
    """'Each week, Monday 07:00'."""
    clock = schedule.at_time.strftime("%H:%M")
    match schedule.every:
        case Every.DAY:
            return _("Each day, {time}", time=clock)
        case Every.WEEK:
            return _("Each week, {day} {time}", day=_(WEEKDAYS[schedule.on_day]), time=clock)
        case Every.MONTH:
            return _("Each month, on day {day}, {time}", day=schedule.on_day, time=clock)


def _row(look: Looker, asking: Asking, found: Found, one: Regular) -> None:
    schedule = one.schedule
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(f"{asking.kind(schedule.kind)} · {schedule.title}").classes("st-item-words")
            with ui.element("div").classes("st-row st-soft"):
                ui.label(when_words(schedule)).props(f'title="{one.zone}"')
                if schedule.next_due_at:
                    ui.label(_("next {time}", time=moment(schedule.next_due_at, one.zone)))
                else:
                    badge("offline", _("Paused"), icon="pause")
            ui.label(_("To: {people}", people=", ".join(one.recipients) or _("nobody"))).classes("st-soft")
            ui.label(_("ordered by {name}", name=one.ordered_by or _("somebody who has left"))).classes("st-soft")
            if one.runs:
                _fate(look, asking, one, one.runs[0])
        if one.may_change:
            with ui.element("div").classes("st-row"):
                is_under_way = bool(one.runs) and one.runs[0].status in (RunStatus.MAKING, RunStatus.SENDING)
                now_button = button(_("Send now"), lambda: _send_now(look, schedule.id), kind="quiet", icon="send")
                now_button.set_enabled(not is_under_way)
                button(_("Change"), lambda: _edit(look, asking, found, schedule), kind="quiet")
                if schedule.next_due_at:
                    button(_("Pause"), lambda: _pause(look, schedule.id), kind="quiet")
                else:
                    button(_("Go on"), lambda: _go_on(look, schedule.id), kind="quiet")
                button(_("Delete"), lambda: _delete(look, asking, schedule), kind="quiet")


def _fate(look: Looker, asking: Asking, one: Regular, run: ReportRun) -> None:
    """What became of the last one, and behind it of those before."""
    with ui.element("div").classes("st-row"):
        _badge(run)
        ui.label(asking.days(run.first_day, run.last_day)).classes("st-soft")
        age(run.finished_at or run.due_at, one.zone)
        if run.passed_over:
            ui.label(n_("{n} earlier time was passed over", "{n} earlier times were passed over", run.passed_over)).classes("st-soft")
        if len(one.runs) > 1:
            button(_("Earlier ones"), lambda: _earlier(asking, one), kind="quiet")
    for line in _why(run):
        ui.label(line).classes("st-soft")


def _badge(run: ReportRun) -> None:
    match run.status:
        case RunStatus.MAKING:
            badge("waiting", _("Being made"))
        case RunStatus.SENDING:
            badge("waiting", _("On its way"))
        case RunStatus.SENT:
            badge("ok", n_("Sent to {n} person", "Sent to {n} people", len(run.recipients)))
        case RunStatus.FAILED:
            badge("critical", _("Not made") if run.report_id is None or not run.recipients else _("Did not reach everybody"))


def _why(run: ReportRun) -> list[str]:
    lines = [sentence(run.error, run.error_values)] if run.error else []
    return lines + [f"{_(one['to'])}: {_(one['why_not'])}" for one in run.recipients if one.get("why_not")]


def _earlier(asking: Asking, one: Regular) -> None:
    with panel(_("Earlier ones"), f"{asking.kind(one.schedule.kind)} · {one.schedule.title}") as dialog:
        for run in one.runs:
            with ui.element("article").classes("st-item is-flat"), ui.element("div").classes("st-item-main"):
                with ui.element("div").classes("st-row"):
                    _badge(run)
                    ui.label(asking.days(run.first_day, run.last_day)).classes("st-soft")
                    ui.label(moment(run.due_at, one.zone)).classes("st-soft")
                for line in _why(run):
                    ui.label(line).classes("st-soft")
    dialog.open()


def _edit(look: Looker, asking: Asking, found: Found, schedule: ReportSchedule | None) -> None:
    with panel(_("Change a regular report") if schedule else _("Order a regular report")) as dialog:
        form = Form()
        with form:
            asking.fields(form, schedule)
            _when(form, schedule)
            _whom(look, form, found, schedule)
            _paper(look, form, schedule)

        async def save(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                wanted = _order(asking, values)
                async with look.transaction() as tx:
                    if schedule:
                        await ordering.change(tx, schedule.id, wanted)
                    else:
                        await ordering.order(tx, wanted)
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Save"), save, on_cancel=dialog.close)
    dialog.open()


def _when(form: Form, schedule: ReportSchedule | None) -> None:
    every = schedule.every if schedule else Every.WEEK
    with shared.beside():
        chosen = form.select("every", _("How often"), {one.value: _(said) for one, said in EVERY_WORDS.items()}, every.value, required=True)
        form.clock("at_time", _("At"), schedule.at_time if schedule else time(7), required=True, help=_("By the clock of the place that it is about."))
    weekday = form.select(
        "weekday", _("On"), {place: _(said) for place, said in enumerate(WEEKDAYS)}, schedule.on_day if schedule and every is Every.WEEK else 0, required=True
    )
    month_day = form.select(
        "month_day", _("On day"), {day: str(day) for day in range(1, 29)}, schedule.on_day if schedule and every is Every.MONTH else 1, required=True
    )
    about = ui.label().classes("st-soft")

    def show() -> None:
        now_chosen = Every(chosen.value)
        weekday.box.set_visibility(now_chosen is Every.WEEK)
        month_day.box.set_visibility(now_chosen is Every.MONTH)
        about.set_text(_(ABOUT_WORDS[now_chosen]))

    chosen.control.on_value_change(show)
    show()


def _whom(look: Looker, form: Form, found: Found, schedule: ReportSchedule | None) -> None:
    people = {str(one.user_id): one.name if one.email else _("{name} (no e-mail address)", name=one.name) for one in found.candidates}
    mine = [str(look.actor.user_id)] if str(look.actor.user_id) in people else []
    chosen = [one for one in schedule.member_ids if one in people] if schedule else mine
    has_others = found.may_leave or bool(schedule and schedule.addresses)
    form.select("member_ids", _("To these people"), people, chosen, required=not has_others, multiple=True, search=len(people) > 12)
    if has_others:
        form.text(
            "addresses", _("And to these addresses"), "\n".join(schedule.addresses) if schedule else "", lines=2, mode="email",
            help=_("One on each line. Each can end it for themselves."),
        )  # fmt: skip


def _paper(look: Looker, form: Form, schedule: ReportSchedule | None) -> None:
    shared.paper_fields(look, form)
    if schedule:
        for name in ("language", "units", "paper"):
            form.fields[name].control.set_value(getattr(schedule, name))


def _order(asking: Asking, values: Mapping[str, Any]) -> Order:
    every = Every(values["every"])
    on_day = {Every.DAY: 0, Every.WEEK: values["weekday"], Every.MONTH: values["month_day"]}[every]
    kind, question = asking.read(values)
    return Order(
        asking.domain, kind, question, Rhythm(every, values["at_time"], on_day), Paper(values["language"], values["units"], values["paper"]),
        [UUID(one) for one in values["member_ids"] or ()], (values.get("addresses") or "").splitlines(),
    )  # fmt: skip


async def _send_now(look: Looker, schedule_id: UUID) -> None:
    async with look.command() as tx:
        await ordering.send_now(tx, schedule_id)


async def _pause(look: Looker, schedule_id: UUID) -> None:
    async with look.command() as tx:
        await ordering.pause(tx, schedule_id)


async def _go_on(look: Looker, schedule_id: UUID) -> None:
    async with look.command() as tx:
        await ordering.go_on(tx, schedule_id)


async def _delete(look: Looker, asking: Asking, schedule: ReportSchedule) -> None:
    goes = f"{asking.kind(schedule.kind)} · {schedule.title} · {when_words(schedule)}"
    if await confirm(_("Send this report no more?"), _("Reports that were made stay."), action=_("Delete"), goes=[goes]):
        async with look.command() as tx:
            await ordering.delete(tx, schedule.id)
