"""When nobody is told, of what, and why: agreed on by those who may, ended early or by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from nicegui import ui

from data.alerts import commands, queries, rules
from data.alerts.events import SuppressionsChanged
from data.alerts.tables import Suppression
from data.core.errors import Refusal
from data.core.time import now
from pages._shell import Looker, field_errors, screen
from pages.alerts._places import Known, known
from pages.alerts._words import kind_words
from ui.badge import State, badge
from ui.dialog import confirm, panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, moment, span, zone

EDIT = "alerts.suppress"


@dataclass(frozen=True, slots=True)
class Shown:
    """The silences, and what they may be about."""

    windows: Sequence[tuple[Suppression, str | None]]
    known: Known
    kinds: Sequence[str]


@screen("/alerts/suppressions", title="Silences", place="alerts", permission="alerts.view")
async def suppressions(look: Looker) -> None:
    assert look.frame

    async def ask() -> Shown:
        async with look.transaction() as tx:
            kinds = dict.fromkeys(kind for _subject, kind in await queries.kinds(tx))
            return Shown(await queries.suppressions(tx, at=now()), await known(look, tx), list(kinds))

    first = await ask()
    if look.may(EDIT):
        with look.frame.actions:
            button(_("Agree on silence"), lambda: _agree(look, first), icon="add", kind="primary")

    def show(found: Shown) -> None:
        if not found.windows:
            empty_state(
                _("People are told of everything."), _("While a freezer defrosts or a repair is under way, nobody need be told."),
                icon="notifications_active",
            )  # fmt: skip
        for window, who in found.windows:
            _window(look, found, window, who)

    live(ask, show, look.topic(SuppressionsChanged), minimum_interval_s=0.5)


def _standing(window: Suppression, at: datetime) -> tuple[State, str]:
    if window.lifted_at:
        return "neutral", _("Ended early")
    if window.ends_at <= at:
        return "neutral", _("Ended")
    return ("waiting", _("To come")) if window.starts_at > at else ("warning", _("Silent now"))


def _about(window: Suppression, found: Known) -> str:
    thing = found.things.get(window.subject_id) if window.subject_id else None
    what = thing.label if thing else _("A thing that is no longer there") if window.subject_id else found.name(window.scope_id)
    kind = kind_words(window.alert_type) if window.alert_type else ""
    return " · ".join(filter(None, (what or _("Everything"), kind)))


def _window(look: Looker, found: Shown, window: Suppression, who: str | None) -> None:
    place = found.known.places.get(window.scope_id) if window.scope_id else None
    there, at = place.zone if place else None, now()
    is_over = window.lifted_at is not None or window.ends_at <= at

    async def end() -> None:
        if await confirm(_("End this silence now?"), _("What is still open is told."), action=_("End it"), danger=False):
            async with look.command() as tx:
                await commands.lift(tx, window.id)

    with ui.element("article").classes("st-item" + (" is-taken" if is_over else "")):
        badge(*_standing(window, at))
        with ui.element("div").classes("st-item-main"):
            ui.label(_about(window, found.known)).classes("st-item-words")
            ui.label(window.reason)
            with ui.element("div").classes("st-soft"):
                ui.label(_("{begin} to {end}", begin=moment(window.starts_at, there), end=moment(window.lifted_at or window.ends_at, there)))
                if who:
                    ui.label(who)
        may = look.may(EDIT, window.scope_id) and (window.scope_id is not None or look.actor.scopes(EDIT) is None)
        if not is_over and may:
            button(_("End it"), end, kind="quiet", icon="notifications_active")


LENGTHS = (timedelta(hours=1), timedelta(hours=4), timedelta(days=1))


def _agree(look: Looker, found: Shown) -> None:
    everywhere = look.actor.scopes(EDIT) is None
    zone_name = look.time_zone
    with panel(_("Agree on silence"), _("Alerts are raised and shown all the same; nobody is told of them.")) as dialog:
        form = Form()
        with form:
            form.select(
                "thing", _("Which thing"), found.known.thing_options(look, EDIT), search=True, help=_("Leave it empty for a whole place.")
            )
            form.select(
                "place", _("Which place"), found.known.place_options(look, EDIT), search=True,
                help=_("Leave both empty for everything.") if everywhere else _("Choose one of your places."),
            )  # fmt: skip
            form.select("kind", _("Only this kind"), {kind: kind_words(kind) for kind in found.kinds})
            begin = now().astimezone(zone(zone_name)).replace(second=0, microsecond=0)
            form.time("starts_at", _("From"), begin.replace(tzinfo=None), zone=zone_name, required=True)
            until = form.time("ends_at", _("Until"), (begin + LENGTHS[0]).replace(tzinfo=None), zone=zone_name, required=True)
            with ui.element("div").classes("st-row"):
                ends = [(span(length), begin + length) for length in LENGTHS]
                ends.append((_("Until the morning"), rules.next_morning(now(), zone_name).astimezone(zone(zone_name))))
                for label, end in ends:
                    text = end.strftime("%Y-%m-%dT%H:%M")
                    button(label, lambda text=text: until.control.set_value(text), kind="quiet")
            form.text("reason", _("Why"), required=True, placeholder=_("Defrosting"))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            thing = found.known.things.get(UUID(values["thing"])) if values["thing"] else None
            scope_id = thing.place.id if thing else UUID(values["place"]) if values["place"] else None
            try:
                async with look.transaction() as tx:
                    await commands.suppress(
                        tx, subject_id=thing.id if thing else None, scope_id=scope_id, alert_type=values["kind"] or None,
                        starts_at=values["starts_at"].replace(tzinfo=zone(zone_name)).astimezone(UTC),
                        ends_at=values["ends_at"].replace(tzinfo=zone(zone_name)).astimezone(UTC), reason=values["reason"],
                    )  # fmt: skip
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Agree"), send, on_cancel=dialog.close)
    dialog.open()
