"""One alert: what is wrong, who is on it, what was decided and why, who heard of it, and what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from nicegui import ui

from data.alerts import queries
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert, AlertStatus, CorrectiveAction, Decision
from data.alerts.values import Ruled
from data.core.time import now
from data.identity import queries as identity
from data.notifications.events import DeliveriesChanged
from data.notifications.queries.heard import Heard, heard, readers_of
from data.notifications.tables import Channel, DeliveryStatus
from pages._shell import Looker, screen
from pages.alerts._advice import advice
from pages.alerts._answers import may_take_on, other_answers, take_on_button
from pages.alerts._places import trouble_now
from pages.alerts._words import RULED_ICONS, RULED_WORDS, SEVERITY_WORDS, kind_words, sentence, standing, state, words
from pages.notifications._words import CHANNEL_ICONS, CHANNEL_WORDS, PURPOSE_WORDS, STATUS_STATES, STATUS_WORDS
from ui.age import age
from ui.badge import badge
from ui.form import button
from ui.live import live
from ui.words import _, clock, day, moment, n_, number, span


@dataclass(frozen=True, slots=True)
class Whole:
    """All there is to say of one alert."""

    alert: Alert
    parent: Alert | None
    parts: Sequence[Alert]
    story: Sequence[Decision]
    heard: Sequence[Heard]
    readers: tuple[int, int]
    actions: Sequence[tuple[CorrectiveAction, str | None]]
    names: Mapping[UUID, str]
    trouble_now: str
    zone: str


@screen("/alerts/{alert_id:uuid}", title="Alert", place="alerts", permission="alerts.view")
async def alert(look: Looker, alert_id: UUID) -> None:
    assert look.frame

    async def ask() -> Whole:
        async with look.transaction() as tx:
            one = await queries.alert(tx, alert_id)
            above = await queries.alerts(tx, [one.parent_id]) if one.parent_id else []
            return Whole(
                one, above[0] if above else None, await queries.children(tx, alert_id), await queries.story(tx, alert_id),
                await heard(tx, alert_id), await readers_of(tx, alert_id), await queries.actions(tx, alert_id=alert_id),
                await queries.names(tx, [one]), await trouble_now(tx, one),
                one.time_zone or (await identity.organization(tx)).time_zone,
            )  # fmt: skip

    first = await ask()
    look.frame.set_title(first.alert.subject_name)
    with look.frame.actions:
        button(_("All alerts"), kind="quiet", icon="arrow_back", href="/alerts")

    def show(found: Whole) -> None:
        _top(look, found)
        with ui.element("div").classes("st-columns"):
            with ui.element("div").classes("st-stack"):
                _story(found)
            with ui.element("div").classes("st-stack"):
                _done(found)
                _parts(found)
                _heard(found)

    live(ask, show, look.topic(AlertChanged, alert_id=alert_id), look.topic(DeliveriesChanged), minimum_interval_s=1.0)


def _top(look: Looker, found: Whole) -> None:
    one = found.alert
    with ui.element("section").classes("st-card st-stack"):
        with ui.element("div").classes("st-row"):
            badge(state(one), _(SEVERITY_WORDS[one.severity]))
            if more := standing(one, now()):
                badge(*more)
            ui.label(kind_words(one.alert_type)).classes("st-soft")
        ui.label(words(one)).classes("st-h2").props("role=heading aria-level=2")
        with ui.element("div").classes("st-facts"):
            _fact(_("Began"), moment(one.triggered_at, found.zone), one.triggered_at)
            for label, at, who in (
                (_("Someone is on it"), one.acknowledged_at, one.acknowledged_by), (_("Over since"), one.resolved_at, one.resolved_by),
            ):  # fmt: skip
                if at:
                    name = found.names.get(who, "") if who else ""
                    _fact(label, " · ".join(filter(None, (name, moment(at, found.zone)))), at)
            if one.resolved_at:
                _fact(_("Lasted"), span(one.resolved_at - one.triggered_at))
            if one.escalation_level:
                _fact(_("Steps of the ladder taken"), number(one.escalation_level))
            if one.status is not AlertStatus.RESOLVED and one.next_step_at and one.next_step_at > now():
                _fact(_("Next step"), clock(one.next_step_at, found.zone))
        if one.status is not AlertStatus.RESOLVED and (todo := advice(one.alert_type)):
            with ui.element("div").classes("st-row"):
                ui.icon("lightbulb").props("aria-hidden=true")
                ui.label(todo).style("flex: 1 1 200px")
        if one.acknowledgement_note:
            ui.label(f"“{one.acknowledgement_note}”")
        if found.parent:
            ui.link(_("Part of: {parent}", parent=words(found.parent)), f"/alerts/{found.parent.id}")
        if one.status is not AlertStatus.RESOLVED and found.trouble_now:
            ui.label(found.trouble_now).classes("st-soft")
        with ui.element("div").classes("st-answers"):
            if may_take_on(look, one):
                take_on_button(look, one)
            if one.href:
                button(_("Open {name}", name=one.subject_name), icon="open_in_new", href=one.href)
        with ui.element("div").classes("st-row"):
            other_answers(look, one, found.zone, found.trouble_now)


def _fact(label: str, value: str, at: datetime | None = None) -> None:
    with ui.element("div").classes("st-fact"):
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")
        if at:
            age(at)


def _story(found: Whole) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("What was decided, and why")).classes("st-h2").props("role=heading aria-level=2")
        last_day = ""
        with ui.element("ol").classes("st-story"):
            for line in found.story:
                if (this_day := day(line.decided_at, found.zone)) != last_day:
                    last_day = this_day
                    with ui.element("li").classes("st-story-day"):
                        ui.label(this_day)
                ruled = Ruled(line.decision)
                with ui.element("li").classes("st-story-line"):
                    ui.icon(RULED_ICONS[ruled]).props("aria-hidden=true")
                    with ui.element("div").classes("st-item-main"):
                        ui.label(_(RULED_WORDS[ruled])).classes("st-item-words")
                        ui.label(sentence(line.reason, line.reason_values)).classes("st-soft")
                    ui.label(clock(line.decided_at, found.zone)).classes("st-soft st-number")


def _heard(found: Whole) -> None:
    total, read = found.readers
    with ui.element("section").classes("st-card"):
        ui.label(_("Who heard of it")).classes("st-h2").props("role=heading aria-level=2")
        if total:
            ui.label(
                n_("In {n} inbox", "In {n} inboxes", total) + " · " + n_("read by {n}", "read by {n}", read)
            ).classes("st-soft")
        reached = [h for h in found.heard if h.status is not DeliveryStatus.SUPPRESSED and h.channel is not Channel.IN_APP]
        for one in reached:
            _message(found, one)
        kept = [h for h in found.heard if h.status is DeliveryStatus.SUPPRESSED]
        if not reached and not total:
            ui.label(_("Nobody yet.")).classes("st-soft")
        if kept:
            with ui.expansion(n_("{n} was not sent", "{n} were not sent", len(kept))).classes("st-more"):
                for one in kept:
                    _message(found, one)


def _message(found: Whole, one: Heard) -> None:
    with ui.element("div").classes("st-item is-flat"):
        ui.icon(CHANNEL_ICONS[one.channel]).props("aria-hidden=true").props["title"] = _(CHANNEL_WORDS[one.channel])
        with ui.element("div").classes("st-item-main"):
            ui.label(f"{one.name} · {_(CHANNEL_WORDS[one.channel])}").classes("st-item-words")
            ui.label(" · ".join(filter(None, (_(PURPOSE_WORDS[one.purpose]), _(one.why_not) if one.why_not else "")))).classes("st-soft")
        badge(STATUS_STATES[one.status], _(STATUS_WORDS[one.status]))
        ui.label(clock(one.delivered_at or one.sent_at or one.at, found.zone)).classes("st-soft st-number")


def _done(found: Whole) -> None:
    if not found.actions:
        return
    with ui.element("section").classes("st-card"):
        ui.label(_("What was done")).classes("st-h2").props("role=heading aria-level=2")
        for action, who in found.actions:
            with ui.element("article").classes("st-item is-flat"), ui.element("div").classes("st-item-main"):
                ui.label(action.action_taken).classes("st-item-words")
                ui.label(action.description)
                ui.label(" · ".join(filter(None, (who, moment(action.acted_at, found.zone))))).classes("st-soft")
                if action.photo_file_id:
                    address = f"/alerts/photos/{action.id}"
                    with ui.link(target=address, new_tab=True).props(f'aria-label="{_("Open the photo")}"'):
                        ui.element("img").classes("st-evidence").props(f'src="{address}" loading=lazy alt="{_("Photo")}"')


def _parts(found: Whole) -> None:
    if not found.parts:
        return
    with ui.element("section").classes("st-card"):
        ui.label(_("Parts of it")).classes("st-h2").props("role=heading aria-level=2")
        for part in found.parts:
            with ui.element("div").classes("st-item is-flat"):
                badge(state(part), _(SEVERITY_WORDS[part.severity]))
                with ui.element("div").classes("st-item-main"):
                    ui.link(words(part), f"/alerts/{part.id}").classes("st-item-words")
                age(part.triggered_at)
