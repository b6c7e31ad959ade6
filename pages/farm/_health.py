"""How a farm fares, said on top of it: one word, what is wrong now, and what to do about each; or that everything is stopped."""

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from data.alerts.tables import Severity
from data.core.time import now
from data.farm import batches, commands, queries
from data.farm.batches import Fate, Progress, fate
from data.farm.overview import OFFLINE_ALERT, Overview, overview
from data.farm.queries import Tile
from data.farm.tables import Farm
from pages._shell import Looker
from pages.alerts._advice import advice
from pages.alerts._words import SEVERITY_STATE, words
from pages.farm._device_words import contradiction_words
from pages.farm._face import done_of
from pages.farm._health_words import HEALTH_ICONS, HEALTH_STATES, HEALTH_WORDS
from pages.farm._progress import lines, sum_words
from pages.farm._words import degrees
from ui.age import age
from ui.badge import State
from ui.dialog import confirm
from ui.form import button
from ui.words import _, n_, number, temperature_unit

MOST_TROUBLES = 3
STOPPED_ALERT = "farm_stopped"
"""It is said by the card as a whole."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is said on top of a farm."""

    overview: Overview
    tiles: Sequence[Tile]
    stop: Progress | None

    @property
    def farm(self) -> Farm:
        return self.overview.farm


async def ask(look: Looker, farm: Farm) -> Seen:
    async with look.transaction() as tx:
        whole = await overview(tx, farm.id, at=now())
        stop = await batches.last_stop(tx, farm.id) if whole.farm.is_stopped else None
        return Seen(whole, await queries.tiles(tx, farm_id=farm.id), stop)


class Card:
    """The card with the word in it; drawn anew only when it says something else, so that it neither flickers nor is read out again."""

    def __init__(self, look: Looker) -> None:
        self._look, self._said = look, ""
        self._box = ui.element("div").classes("st-stack")

    def push(self, seen: Seen) -> None:
        if (said := _said(seen)) != self._said:
            self._said = said
            with self._box.clear():
                if seen.tiles:
                    show(self._look, seen)


def _said(seen: Seen) -> str:
    """The same for what looks the same."""
    whole, stop = seen.overview, seen.stop
    return repr((
        whole.health, whole.farm.name, whole.farm.stopped_at if whole.farm.is_stopped else None, bool(seen.tiles),
        [(alert.id, alert.severity, alert.message, alert.message_values) for alert in whole.troubles],
        [(one.device.id, one.device.name, one.device.is_online, one.device.contradicted_by, one.device.is_on if one.device.contradicted_by else None)
         for one in seen.tiles if not one.device.is_online or one.device.contradicted_by],
        [(device.id, fate(device, command)) for device, command in stop.lines] if stop else None,
    ))  # fmt: skip


def show(look: Looker, seen: Seen) -> None:
    """What the card says."""
    if seen.farm.is_stopped:
        _stopped(look, seen)
        return
    found = seen.overview.health
    with ui.element("section").classes(f"st-health is-{HEALTH_STATES[found]}").props("role=status"):
        _word(HEALTH_ICONS[found], _(HEALTH_WORDS[found]))
        _troubles(seen)


def _word(icon: str, text: str) -> None:
    with ui.element("div").classes("st-health-word").props("role=heading aria-level=2"):
        ui.icon(icon).props("aria-hidden=true")
        ui.label(text)


def _troubles(seen: Seen) -> None:
    open_now = [one for one in seen.overview.troubles if one.severity is not Severity.INFO and one.alert_type != STOPPED_ALERT]
    for alert in open_now[:MOST_TROUBLES]:
        _trouble(SEVERITY_STATE[alert.severity], words(alert), advice(alert.alert_type), f"/alerts/{alert.id}")
    if (more := len(open_now) - MOST_TROUBLES) > 0:
        ui.link(n_("{n} more alert", "{n} more alerts", more), "/alerts").classes("st-trouble-words")
    told = {alert.subject_id for alert in open_now if alert.alert_type == OFFLINE_ALERT}
    away = [one.device for one in seen.tiles if one.device.is_active and not one.device.is_online and one.device.id not in told]
    if away and not seen.farm.is_stopped:  # then each of them has its own line
        names = ", ".join(dict.fromkeys(device.name for device in away[:5]))
        said = n_("{n} device is offline: {names}", "{n} devices are offline: {names}", len(away), names=names)
        href = f"/farm/devices/{away[0].id}" if len(away) == 1 else ""
        _trouble("offline", said, advice(OFFLINE_ALERT), href)
    for one in seen.tiles:
        if one.device.is_active and one.device.contradicted_by:
            said, what_to_do = contradiction_words(one.device, done_of(one))
            _trouble("warning", f"{one.device.name}: {said}", what_to_do, f"/farm/devices/{one.device.id}")


def _trouble(state: State, said: str, what_to_do: str, href: str) -> None:
    with ui.element("a" if href else "div").classes(f"st-trouble is-{state}") as box:
        if href:
            box.props["href"] = href
        ui.label(said).classes("st-trouble-words")
        if what_to_do:
            with ui.element("div").classes("st-trouble-advice"):
                ui.icon("arrow_forward").props("aria-hidden=true")
                ui.label(what_to_do)


def _stopped(look: Looker, seen: Seen) -> None:
    with ui.element("section").classes("st-health is-critical").props("role=status"):
        _word("dangerous", _("Stopped"))
        stopped_summary(seen.farm, seen.stop)
        with ui.element("div").classes("st-row"):
            if look.may("farm.stop_all", seen.farm.id):
                button(_("Let the farm go on"), lambda: go_on(look, seen.farm), kind="primary", icon="play_arrow")
            if seen.stop:
                button(_("Every device"), icon="list", href=f"/farm/emergency?farm={seen.farm.id}")
        if seen.stop and any(end is not Fate.DONE for end in seen.stop.fates):
            lines(seen.stop, seen.farm.time_zone, is_stop=True, only_open=True)
        _troubles(seen)


def stopped_summary(farm: Farm, stop: Progress | None) -> None:
    """Since when, and how far the stop has come."""
    ui.label(_("The farm is stopped. Nothing is switched on until somebody lets it go on."))
    if farm.stopped_at:
        age(farm.stopped_at, farm.time_zone)
    if stop:
        ui.label(sum_words(stop, is_stop=True)).classes("st-trouble-words")


async def go_on(look: Looker, farm: Farm) -> None:
    """Let a stopped farm go on, once somebody has said so twice."""
    if await confirm(
        _("Let {farm} go on?", farm=farm.name), _("Devices can be switched on again, and schedules run. What is off stays off until then."),
        action=_("Let the farm go on"), danger=False,
    ):  # fmt: skip
        async with look.command() as tx:
            await commands.go_on(tx, farm.id)


def figures(seen: Overview) -> None:
    """The farm in numbers."""
    shown = (
        (_("Devices"), number(seen.devices)), (_("Online"), number(seen.online)), (_("Offline"), number(seen.offline)),
        (_("With an error"), number(seen.in_error)),
        (_("Temperature, mean"), "–" if seen.celsius is None else f"{degrees(seen.celsius)} {temperature_unit()}"),
        (_("Humidity, mean"), "–" if seen.humidity is None else f"{number(seen.humidity, 0)} %"),
        (_("Asked in 24 hours"), number(seen.commands_24h)), (_("Alerts in 24 hours"), number(seen.alerts_24h)),
    )  # fmt: skip
    with ui.element("section").classes("st-card"):
        ui.label(_("The farm in numbers")).classes("st-h2").props("role=heading aria-level=2")
        with ui.element("div").classes("st-figures"):
            for label, value in shown:
                with ui.element("div").classes("st-fact"):
                    ui.label(label).classes("st-fact-label")
                    ui.label(value).classes("st-fact-value st-number")
