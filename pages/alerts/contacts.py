"""Who is called when it matters, in which order, and who is on call this week."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.core.time import now
from data.identity import queries as identity
from data.notifications.commands import contacts as commands
from data.notifications.events import ContactsChanged
from data.notifications.queries import contacts as queries
from data.notifications.queries.contacts import ContactView
from data.notifications.roster import Span, gaps, within
from data.notifications.tables import EscalationContact, OnCallShift
from pages._shell import Looker, field_errors, screen
from pages.alerts._places import Known, known
from ui.badge import badge
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import LANGUAGES, _, clock, day, noop, zone

EDIT = "contacts.edit"
PRIORITIES = {0: noop("First"), 1: noop("Second"), 2: noop("Third"), 3: noop("Fourth"), 4: noop("Later")}


@dataclass(frozen=True, slots=True)
class Shown:
    """The list, and one week of the roster, whose days begin at midnight of the organization's zone."""

    contacts: Sequence[ContactView]
    shifts: Sequence[tuple[OnCallShift, EscalationContact]]
    known: Known
    people: Mapping[str, str]
    zone: str
    monday: date

    def midnight(self, number: int) -> datetime:
        return datetime.combine(self.monday + timedelta(days=number), time(0), zone(self.zone)).astimezone(UTC)


@screen("/alerts/contacts", title="Who is called", place="alerts", permission="contacts.view")
async def contacts(look: Looker, week: str = "") -> None:
    assert look.frame

    async def ask() -> Shown:
        async with look.transaction() as tx:
            at, there = now(), (await identity.organization(tx)).time_zone
            today = at.astimezone(zone(there)).date()
            asked = _day(week) or today
            monday = asked - timedelta(days=asked.weekday())
            people = {str(m.user_id): m.name for m in await queries.people(tx)} if look.may(EDIT) else {}
            shown = Shown(await queries.contacts(tx, at=at), (), await known(look, tx), people, there, monday)
            shifts = await queries.shifts(tx, shown.midnight(0), shown.midnight(7))
            return Shown(shown.contacts, shifts, shown.known, people, there, monday)

    first = await ask()
    if look.may(EDIT):
        with look.frame.actions:
            button(_("Add a contact"), lambda: _edit(look, first, None), icon="add", kind="primary")

    def show(found: Shown) -> None:
        _now(found)
        _list(look, found)
        if found.contacts:
            _roster(look, found)

    live(ask, show, look.topic(ContactsChanged), minimum_interval_s=0.5)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _now(found: Shown) -> None:
    on_call = [view.contact.name for view in found.contacts if view.is_on_call]
    if on_call:
        with ui.element("div").classes("st-row"):
            badge("ok", _("On call now"), icon="support_agent")
            ui.label(", ".join(on_call)).classes("st-item-words")
    elif found.contacts:
        with ui.element("div").classes("st-row"):
            badge("warning", _("Nobody is on call now"))
            ui.label(_("The contacts are called in their order.")).classes("st-soft")


def _list(look: Looker, found: Shown) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("Contacts")).classes("st-h2").props("role=heading aria-level=2")
        if not found.contacts:
            empty_state(
                _("Nobody is on the list yet."), _("When nobody answers an alert, these people are called, one step after the other."),
                icon="contact_phone",
            )  # fmt: skip
        for view in found.contacts:
            _contact(look, found, view)


def _contact(look: Looker, found: Shown, view: ContactView) -> None:
    contact = view.contact
    reached = filter(None, (contact.phone or view.user_phone, contact.email or view.user_email))
    with ui.element("article").classes("st-item is-flat" + ("" if contact.is_active else " is-taken")):
        badge("neutral", _(PRIORITIES[min(contact.priority, 4)]), icon="priority_high")
        with ui.element("div").classes("st-item-main"):
            ui.label(contact.name).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(" · ".join(reached) or _("By what they chose in their own settings"))
                if contact.scope_id:
                    ui.label(_("Only for {place}", place=found.known.name(contact.scope_id) or "–"))
        if view.is_on_call:
            badge("ok", _("On call"), icon="support_agent")
        if not contact.is_active:
            badge("neutral", _("Paused"))
        if _may(look, contact.scope_id):
            button(_("Edit"), lambda: _edit(look, found, contact), kind="quiet", icon="edit")
            button(_("Remove"), lambda: _remove(look, contact), kind="quiet", icon="delete")


def _may(look: Looker, scope_id: UUID | None) -> bool:
    return look.may(EDIT, scope_id) and (scope_id is not None or look.actor.scopes(EDIT) is None)


async def _remove(look: Looker, contact: EscalationContact) -> None:
    async def undo() -> None:
        async with look.command() as tx:
            await commands.restore_contact(tx, contact.id)
        bar.delete()

    is_done = False
    async with look.command() as tx:
        await commands.remove_contact(tx, contact.id)
        is_done = True
    if not is_done:  # the refusal has been told
        return
    with look.page, ui.element("div").classes("st-undo").props("role=status") as bar:
        ui.label(_("{name} is off the list.", name=contact.name))
        button(_("Undo"), undo, icon="undo", kind="quiet")
        button(_("Close"), bar.delete, kind="quiet")


def _edit(look: Looker, found: Shown, contact: EscalationContact | None) -> None:
    with panel(_("A contact") if contact else _("Add a contact")) as dialog:
        form = Form()
        with form:
            chosen = str(contact.user_id) if contact and contact.user_id else None
            form.select(
                "user_id", _("One of the people here"), found.people, chosen, search=True, help=_("Leave it empty for somebody from outside.")
            )
            form.text("name", _("Name"), contact.name if contact else "")
            form.text("phone", _("Telephone"), (contact.phone or "") if contact else "", placeholder="+85512345678", mode="tel")
            form.text("email", _("E-mail"), (contact.email or "") if contact else "", mode="email")
            form.select("priority", _("Called"), {n: _(w) for n, w in PRIORITIES.items()}, min(contact.priority, 4) if contact else 0, required=True)
            form.select(
                "scope_id", _("Only for this place"), found.known.place_options(look, EDIT),
                str(contact.scope_id) if contact and contact.scope_id else None, required=look.actor.scopes(EDIT) is not None,
            )  # fmt: skip
            form.select("language", _("Language"), LANGUAGES, contact.language if contact else "en", required=True)
            if contact:
                form.check("is_active", _("Is called"), contact.is_active)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            for key in ("user_id", "scope_id"):
                values[key] = UUID(values[key]) if values[key] else None
            try:
                async with look.transaction() as tx:
                    if contact:
                        await commands.edit_contact(tx, contact.id, **values)
                    else:
                        await commands.add_contact(tx, **values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _roster(look: Looker, found: Shown) -> None:
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-head"):
            ui.label(_("On call")).classes("st-h2 st-grow").props("role=heading aria-level=2")
            for label, icon, days in ((_("The week before"), "chevron_left", -7), (_("The week after"), "chevron_right", 7)):
                address = f"/alerts/contacts?week={(found.monday + timedelta(days=days)).isoformat()}"
                button("", icon=icon, kind="quiet", href=address).props["aria-label"] = label
            if look.may(EDIT):
                button(_("Add a shift"), lambda: _add_shift(look, found), icon="add")
        ui.label(_("Whoever is on call is told first. Times of {zone}.", zone=found.zone)).classes("st-soft")
        spans = [(shift.starts_at, shift.ends_at) for shift, _contact in found.shifts]
        empty = gaps(spans, found.midnight(0), found.midnight(7))
        with ui.element("div").classes("st-week"):
            for number in range(7):
                _day_of(look, found, number, empty)


def _day_of(look: Looker, found: Shown, number: int, empty: Sequence[tuple[datetime, datetime]]) -> None:
    begin, end = found.midnight(number), found.midnight(number + 1)
    is_today = begin <= now() < end
    with ui.element("div").classes("st-week-day" + (" is-today" if is_today else "")):
        ui.label(day(begin, found.zone)).classes("st-week-name")
        for part, draw in sorted(_parts(look, found, begin, end, empty), key=lambda one: one[0]):
            draw(part)


def _parts(
    look: Looker, found: Shown, begin: datetime, end: datetime, empty: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[Span, Callable[[Span], None]]]:
    """What there is of shifts and gaps on one day, and how each is drawn."""
    for shift, contact in found.shifts:
        if part := within((shift.starts_at, shift.ends_at), begin, end):
            yield part, partial(_shift, look, found, shift, contact)
    for gap in empty:
        if part := within(gap, begin, end):
            yield part, partial(_gap, found)


def _gap(found: Shown, part: Span) -> None:
    with ui.element("div").classes("st-shift is-gap"):
        ui.label(_hours(part, found.zone))
        ui.label(_("Nobody"))


def _hours(part: Span, there: str) -> str:
    end = clock(part[1], there)
    return f"{clock(part[0], there)}–{'24:00' if end == '00:00' else end}"


def _shift(look: Looker, found: Shown, shift: OnCallShift, contact: EscalationContact, part: Span) -> None:
    async def remove() -> None:
        goes = [f"{contact.name} · {clock(shift.starts_at, found.zone)}–{clock(shift.ends_at, found.zone)}"]
        if await confirm(_("Take this shift off the roster?"), goes=goes, action=_("Take it off")):
            async with look.command() as tx:
                await commands.remove_shift(tx, shift.id)

    may = _may(look, contact.scope_id)
    box = ui.element("button" if may else "div").classes("st-shift")
    if may:
        box.props("type=button").on("click", remove)
    with box:
        ui.label(_hours(part, found.zone))
        ui.label(contact.name + (f" · {shift.note}" if shift.note else ""))


def _add_shift(look: Looker, found: Shown) -> None:
    mine = {str(v.contact.id): v.contact.name for v in found.contacts if v.contact.is_active and _may(look, v.contact.scope_id)}
    with panel(_("Add a shift")) as dialog:
        form = Form()
        with form:
            form.select("contact_id", _("Who"), mine, next(iter(mine), None), required=True)
            begin = datetime.combine(max(found.monday, now().astimezone(zone(found.zone)).date()), time(18))
            form.time("starts_at", _("From"), begin, zone=found.zone, required=True)
            form.time("ends_at", _("Until"), begin + timedelta(hours=12), zone=found.zone, required=True)
            form.text("note", _("Note"))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            begin, end = (values[key].replace(tzinfo=zone(found.zone)).astimezone(UTC) for key in ("starts_at", "ends_at"))
            try:
                async with look.transaction() as tx:
                    await commands.add_shift(tx, UUID(values["contact_id"]), starts_at=begin, ends_at=end, note=values["note"])
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Add the shift"), send, on_cancel=dialog.close)
    dialog.open()
