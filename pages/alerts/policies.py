"""Who is told of what: what holds for a thing, a place or everything, where each value comes from, and what would happen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.tables import Severity
from data.core.errors import Refusal
from data.core.time import now
from data.identity.permissions import PERMISSIONS
from data.notifications.commands import policies as commands
from data.notifications.events import ContactsChanged, PoliciesChanged
from data.notifications.policy import Effective, Said, settle
from data.notifications.preview import Foretold, foretell
from data.notifications.queries import calling
from data.notifications.queries.calling import Circle
from data.notifications.recipients import by_ways
from data.notifications.turns import Act
from pages._shell import Looker, field_errors, screen
from pages.alerts._places import Known, known
from pages.alerts._policy_forms import field_form
from pages.alerts._policy_words import FIELD_WORDS, PARTNERS, origin_words, value_words, ways
from pages.alerts._words import KIND_WORDS, SEVERITY_WORDS, kind_words, sentence
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, clock, day, moment, zone

NOTHING = UUID(int=0)
AHEAD = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the page is about: one thing, one place or everything; one kind or any; one severity."""

    thing: str
    place: str
    kind: str
    severity: Severity
    at: datetime

    def address(self, **changes: str) -> str:
        said = {"thing": self.thing, "place": self.place, "kind": self.kind, "severity": self.severity.value}
        return "/alerts/policies?" + urlencode({k: v for k, v in (said | changes).items() if v})


@dataclass(frozen=True, slots=True)
class Shown:
    """What holds for it, and what would happen."""

    known: Known
    kinds: Sequence[str]
    circle: Circle
    effective: Effective
    own: Mapping[str, Any]
    foretold: Sequence[Foretold]
    zone: str
    at: datetime


@screen("/alerts/policies", title="Who is told", place="alerts", permission="notifications.edit")
async def policies(
    look: Looker, thing: str = "", place: str = "", kind: str = "", severity: Severity = Severity.CRITICAL, at: str = ""
) -> None:
    chosen = Chosen(thing, "" if thing else place, kind, severity, _instant(at, look.time_zone))

    async def ask() -> Shown:
        return await _shown(look, chosen)

    def show(found: Shown) -> None:
        _choices(found, chosen)
        with ui.element("div").classes("st-columns"):
            _fields(look, found, chosen)
            _preview(found, chosen)

    live(ask, show, look.topic(PoliciesChanged), look.topic(ContactsChanged), minimum_interval_s=0.5)


def _instant(text: str, there: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone(there)).astimezone(UTC)
    except ValueError:
        return now().replace(second=0, microsecond=0)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _where(chosen: Chosen, places: Known) -> tuple[UUID | None, UUID | None]:
    """The thing and the place that are meant, as far as one may see them."""
    thing = places.things.get(_id(chosen.thing) or NOTHING)
    place = thing.place if thing else places.places.get(_id(chosen.place) or NOTHING)
    return thing.id if thing else None, place.id if place else None


async def _shown(look: Looker, chosen: Chosen) -> Shown:
    async with look.transaction() as tx:
        places = await known(look, tx)
        circle = await calling.circle(tx, at=chosen.at)
        contacts_at = await calling.callees_between(tx, chosen.at, chosen.at + AHEAD)
        kinds = dict.fromkeys([*KIND_WORDS, *(kind for _subject, kind in await alerts.kinds(tx))])
    thing_id, place_id = _where(chosen, places)
    place = places.places.get(place_id) if place_id else None
    effective = settle(
        circle.policies, subject_id=thing_id or NOTHING, scope_id=place_id, alert_type=chosen.kind, severity=chosen.severity
    )
    there = place.zone if place else circle.zone
    permission = place.permission if place else "cold_chain.view"
    foretold = foretell(
        effective.settled, chosen.severity, at=chosen.at, zone=there, members=circle.members, contacts_at=contacts_at,
        allowed=frozenset(role.value for role in PERMISSIONS[permission]), scope_id=place_id,
    )  # fmt: skip
    own = next((p.values for p in circle.policies if _is_own(p, chosen, thing_id, place_id, chosen.severity)), {})
    return Shown(places, list(kinds), circle, effective, own, foretold, there, chosen.at)


def _is_own(said: Said, chosen: Chosen, thing_id: UUID | None, place_id: UUID | None, severity: Severity | None) -> bool:
    """Whether it is the very row that this page writes."""
    about = (said.subject_id, said.scope_id, said.alert_type or "", said.severity)
    return about == (thing_id, None if thing_id else place_id, chosen.kind, severity)


def _choices(found: Shown, chosen: Chosen) -> None:
    thing_id, place_id = _where(chosen, found.known)
    options = {"": _("Everything")} | {f"p{p.id}": p.name for p in found.known.places.values()}
    options |= {f"t{t.id}": t.label for t in found.known.things.values()}
    value = f"t{thing_id}" if thing_id else f"p{place_id}" if place_id else ""
    kinds = {"": _("Any kind")} | {kind: kind_words(kind) for kind in found.kinds}
    severities = {s.value: _(SEVERITY_WORDS[s]) for s in reversed(Severity)}

    def go_where(picked: str | None) -> None:
        text = picked or ""
        ui.navigate.to(chosen.address(thing=text[1:] if text.startswith("t") else "", place=text[1:] if text.startswith("p") else ""))

    with ui.element("div").classes("st-row"):
        ui.select(options, label=_("For"), value=value, with_input=True, on_change=lambda e: go_where(e.value)).props("outlined dense")
        ui.select(kinds, label=_("Kind"), value=chosen.kind if chosen.kind in kinds else "", with_input=True,
                  on_change=lambda e: ui.navigate.to(chosen.address(kind=e.value or ""))).props("outlined dense")  # fmt: skip
        ui.select(severities, label=_("Severity"), value=chosen.severity.value,
                  on_change=lambda e: ui.navigate.to(chosen.address(severity=e.value))).props("outlined dense")  # fmt: skip


def _fields(look: Looker, found: Shown, chosen: Chosen) -> None:
    thing_id, place_id = _where(chosen, found.known)
    thing = found.known.things[thing_id].name if thing_id else ""
    with ui.element("section").classes("st-card"):
        ui.label(_("What holds")).classes("st-h2").props("role=heading aria-level=2")
        for name, label in FIELD_WORDS.items():
            is_own = name in found.own
            with ui.element("div").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(_(label)).classes("st-soft")
                    for line in value_words(name, found.effective.settled):
                        ui.label(line).classes("st-item-words")
                    with ui.element("div").classes("st-field-origin" + (" is-own" if is_own else "")):
                        ui.icon("edit" if is_own else "subdirectory_arrow_right").props("aria-hidden=true")
                        ui.label(origin_words(name, found.effective, found.known.name(place_id), thing))
                button(_("Change"), lambda name=name: _change(look, found, chosen, name), kind="quiet").props["aria-label"] = (
                    f"{_('Change')}: {_(label)}"
                )


def _change(look: Looker, found: Shown, chosen: Chosen, name: str) -> None:
    thing_id, place_id = _where(chosen, found.known)

    async def save(changes: Mapping[str, Any], is_for_all: bool) -> None:
        severity = None if is_for_all else chosen.severity
        before = next((p.values for p in found.circle.policies if _is_own(p, chosen, thing_id, place_id, severity)), {})
        async with look.transaction() as tx:
            await commands.set_policy(
                tx, {**before, **changes}, subject_id=thing_id, scope_id=None if thing_id else place_id, within=place_id,
                alert_type=chosen.kind or None, severity=severity,
            )  # fmt: skip

    with panel(_(FIELD_WORDS[name]), " · ".join(_meant(found, chosen))) as dialog:
        form = Form()
        with form:
            read = field_form(name, form, found.effective.settled)
            form.check("is_for_all", _("For every severity"))

        async def send(typed: dict[str, Any]) -> dict[str, str] | None:
            try:
                await save(read(typed), typed["is_for_all"])
            except Refusal as reason:
                return {"": " ".join(field_errors(reason).values())}
            dialog.close()
            return None

        async def inherit() -> None:
            async with look.command():
                await save(dict.fromkeys((name, *PARTNERS.get(name, ()))), False)
            dialog.close()

        form.buttons(_("Save"), send, on_cancel=dialog.close)
        if name in found.own:
            button(_("Inherit again"), inherit, kind="quiet", icon="undo")
    dialog.open()


def _meant(found: Shown, chosen: Chosen) -> list[str]:
    thing_id, place_id = _where(chosen, found.known)
    where = found.known.things[thing_id].label if thing_id else found.known.name(place_id) or _("Everything")
    return [where, kind_words(chosen.kind) if chosen.kind else _("Any kind"), _(SEVERITY_WORDS[chosen.severity])]


def _preview(found: Shown, chosen: Chosen) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("What would happen")).classes("st-h2").props("role=heading aria-level=2")
        local = chosen.at.astimezone(zone(found.zone))
        when = ui.input(_("If it began at"), value=local.strftime("%Y-%m-%dT%H:%M")).props("outlined dense type=datetime-local")
        when.on("change", lambda: ui.navigate.to(chosen.address(at=_in_own_zone(when.value, found.zone, chosen))))
        ui.label(
            _("{what} at {time}, and nobody answers:", what=" · ".join(_meant(found, chosen)), time=moment(chosen.at, found.zone))
        ).classes("st-soft")
        if not found.foretold:
            empty_state(_("Nothing happens."), icon="notifications_off")
        last_day = day(chosen.at, found.zone)
        with ui.element("ol").classes("st-story"):
            for line in found.foretold:
                if (this_day := day(line.at, found.zone)) != last_day:
                    last_day = this_day
                    with ui.element("li").classes("st-story-day"):
                        ui.label(this_day)
                _line(line, found)
        ui.label(_("Each person's own wishes count besides: a way that they turned off, or their own quiet hours.")).classes("st-field-help")


def _in_own_zone(text: str, there: str, chosen: Chosen) -> str:
    """What was typed in the place's zone, as the address says it: in the reader's own."""
    at = _instant(text, there) if text else chosen.at
    return at.astimezone(zone()).strftime("%Y-%m-%dT%H:%M")


ICONS = {Act.TELL: "campaign", Act.ESCALATE: "group_add", Act.REMIND: "notification_important", Act.WAIT: "bedtime"}


def _line(line: Foretold, found: Shown) -> None:
    with ui.element("li").classes("st-story-line"):
        ui.icon(ICONS.get(line.act, "notifications_off")).props("aria-hidden=true")
        with ui.element("div").classes("st-item-main"):
            if line.reason:
                ui.label(sentence(line.reason, {k: v.isoformat() if isinstance(v, datetime) else v for k, v in line.values.items()}))
            elif not line.calls:
                ui.label(_("There is nobody to call."))
            for channels, names in by_ways(line.calls).items():
                ui.label(", ".join(names)).classes("st-item-words")
                ui.label(_("by {ways}", ways=ways(channels))).classes("st-soft")
        ui.label(clock(line.at, found.zone)).classes("st-soft st-number")
