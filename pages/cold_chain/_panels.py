"""The panels of a board: each asks for itself, keeps itself current, and says when there is nothing to show."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert
from data.cold_chain.boards import OF_ONE_UNIT, EntityType, Panel, PanelKind
from data.cold_chain.events import PlacesChanged, SensorChanged, TemperatureWritten, UnitChanged
from data.cold_chain.machines import SensorState
from data.cold_chain.queries import excursions, logs, machines, units
from data.cold_chain.queries.units import BY_URGENCY, UnitView
from data.cold_chain.values import UnitStatus
from data.core.bus import Event
from data.core.errors import NotFound, Refusal
from data.core.session import Transaction
from data.core.time import now
from pages._shell import Looker, field_errors
from pages.alerts._words import SEVERITY_WORDS, state, words
from pages.cold_chain._picture import chart_of, statistics_of
from pages.cold_chain._words import STATUS_STATES, STATUS_WORDS, face
from ui.age import age
from ui.badge import badge
from ui.dialog import panel as dialog_panel
from ui.empty import empty_state
from ui.form import Form
from ui.live import live
from ui.words import _, moment, n_, noop, number, percent, span, temperature

KIND_WORDS = {
    PanelKind.COUNTS: noop("How everything is"),
    PanelKind.ATTENTION: noop("What needs somebody"),
    PanelKind.UNITS: noop("Units"),
    PanelKind.CHART: noop("Temperature"),
    PanelKind.STATISTICS: noop("In figures"),
    PanelKind.EXCURSIONS: noop("Excursions"),
    PanelKind.LOGS: noop("Written down by hand"),
    PanelKind.SENSORS: noop("Sensors"),
    PanelKind.NOTE: noop("Note"),
}
SPANS = {"24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
MOST, FEW = 60, 8


@dataclass(frozen=True, slots=True)
class Around:
    """Whose board of what it is, and the stretch of time it shows."""

    look: Looker
    entity_type: EntityType
    entity_id: UUID
    range: str

    async def units(self, tx: Transaction) -> list[UnitView]:
        """The units that the board is about."""
        if self.entity_type is EntityType.UNIT:
            return [await units.unit(tx, self.entity_id)]
        if self.entity_type is EntityType.AREA:
            site_id: UUID | None = (await units.area(tx, self.entity_id)).site_id
        else:
            site_id = self.entity_id if self.entity_type is EntityType.SITE else None
        found, _total = await units.units(tx, limit=1000, site_id=site_id)
        return [one for one in found if self.entity_type is not EntityType.AREA or one.area_id == self.entity_id]


async def draw(around: Around, one: Panel) -> None:
    """One panel's inside."""
    await _DRAWN[one.kind](around, one)


def _live(around: Around, ask: Callable[[Transaction], Awaitable[Any]], show: Callable[[Any], Any], *events: type[Event]) -> None:
    async def asked() -> Any:
        async with around.look.transaction() as tx:
            return await ask(tx)

    live(asked, show, *(around.look.topic(one) for one in events), minimum_interval_s=2.0)


async def _counts(around: Around, _one: Panel) -> None:
    def show(found: Sequence[UnitView]) -> None:
        if not found:
            empty_state(_("No unit here yet."), icon="ac_unit")
            return
        counted = {status: sum(unit.status is status for unit in found) for status in BY_URGENCY}
        with ui.element("div").classes("st-board-counts"):
            for status, count in counted.items():
                if count or status is UnitStatus.OK:
                    with ui.element("div").classes("st-row"):
                        badge(STATUS_STATES[status], _(STATUS_WORDS[status]))
                        ui.label(number(count)).classes("st-fact-value st-number")

    _live(around, around.units, show, UnitChanged, PlacesChanged)


async def _attention(around: Around, _one: Panel) -> None:
    async def ask(tx: Transaction) -> Sequence[Alert]:
        found = await alerts.open_of(tx, [unit.id for unit in await around.units(tx)])
        return sorted(found, key=lambda alert: (alert.acknowledged_at is not None, alert.severity.value != "critical", alert.triggered_at))

    def show(found: Sequence[Alert]) -> None:
        if not found:
            empty_state(_("Nothing needs you now."), icon="task_alt")
        for alert in found[:MOST]:
            with ui.element("article").classes("st-item is-flat"):
                badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
                with ui.element("div").classes("st-item-main"):
                    ui.link(words(alert), f"/alerts/{alert.id}").classes("st-item-words")
                    age(alert.triggered_at)

    _live(around, ask, show, AlertChanged)


async def _units(around: Around, _one: Panel) -> None:
    def show(found: Sequence[UnitView]) -> None:
        if not found:
            empty_state(_("No unit here yet."), icon="ac_unit")
        with ui.element("div").classes("st-board-tiles"):
            for unit in sorted(found, key=lambda one: BY_URGENCY.index(one.status))[:MOST]:
                tile = ui.element("a").classes("st-board-tile")
                tile.props["href"] = f"/cold-chain/units/{unit.id}"
                with tile:
                    ui.label(unit.name).classes("st-item-words")
                    ui.label(temperature(unit.last_celsius)).classes("st-fact-value st-number")
                    badge(*face(unit))
        if len(found) > MOST:
            ui.link(n_("{n} more", "{n} more", len(found) - MOST), "/cold-chain")

    _live(around, around.units, show, UnitChanged, PlacesChanged)


async def _unit_of(around: Around, one: Panel) -> UnitView | None:
    """The unit that a panel is of: its own, else the board's only one, else the one that most needs somebody."""
    async with around.look.transaction() as tx:
        try:
            if one.unit_id:
                return await units.unit(tx, one.unit_id)
        except NotFound:
            return None
        found = await around.units(tx)
    return min(found, key=lambda unit: BY_URGENCY.index(unit.status), default=None)


async def _chart(around: Around, one: Panel) -> None:
    unit = await _unit_of(around, one)
    if unit is None:
        empty_state(_("This unit is not here any more."), _("Take the panel away, or add one of another unit."), icon="search_off")
        return
    ui.link(unit.name, f"/cold-chain/units/{unit.id}").classes("st-soft")
    chart_of(around.look, unit, range=around.range, name=one.id)


async def _statistics(around: Around, one: Panel) -> None:
    unit = await _unit_of(around, one)
    if unit is None:
        empty_state(_("This unit is not here any more."), _("Take the panel away, or add one of another unit."), icon="search_off")
        return
    ui.link(unit.name, f"/cold-chain/units/{unit.id}").classes("st-soft")
    statistics_of(around.look, unit, SPANS[around.range])


async def _excursions(around: Around, _one: Panel) -> None:
    async def ask(tx: Transaction) -> Sequence[excursions.ExcursionView]:
        there = await around.units(tx)
        sites = {unit.site_id for unit in there}
        wanted = excursions.Wanted(site_id=next(iter(sites)) if len(sites) == 1 else None, since=now() - SPANS[around.range])
        found, _total = await excursions.page(tx, wanted, limit=200)
        return [one for one in found if one.excursion.unit_id in {unit.id for unit in there}]

    def show(found: Sequence[excursions.ExcursionView]) -> None:
        if not found:
            empty_state(_("No unit was outside its limits."), icon="task_alt")
        for one in found[:FEW]:
            it = one.excursion
            with ui.element("article").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.link(one.unit_name, f"/cold-chain/excursions/{it.id}").classes("st-item-words")
                    ui.label(f"{moment(it.started_at, one.time_zone)} · {span((it.ended_at or now()) - it.started_at)}").classes("st-soft")
                ui.label(temperature(float(it.peak_celsius))).classes("st-number")
                if it.ended_at is None:
                    badge("critical", _("Still out"))
        if len(found) > FEW:
            ui.link(n_("{n} more", "{n} more", len(found) - FEW), "/cold-chain/excursions")

    _live(around, ask, show, UnitChanged)


async def _logs(around: Around, _one: Panel) -> None:
    async def ask(tx: Transaction) -> Sequence[logs.LogView]:
        wanted = logs.Wanted(unit_ids=[unit.id for unit in await around.units(tx)], since=now() - SPANS[around.range])
        return (await logs.page(tx, wanted, limit=FEW))[0]

    def show(found: Sequence[logs.LogView]) -> None:
        if not found:
            empty_state(_("Nothing was written down."), icon="edit_note")
        for one in found:
            with ui.element("article").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(one.unit_name).classes("st-item-words")
                    ui.label(f"{moment(one.log.recorded_at, one.time_zone)} · {one.log.user_name}").classes("st-soft")
                ui.label(temperature(float(one.log.temperature_celsius))).classes("st-number")
                if not one.log.is_in_range:
                    badge("warning", _("Out of limits"))

    _live(around, ask, show, TemperatureWritten)


async def _sensors(around: Around, _one: Panel) -> None:
    async def ask(tx: Transaction) -> Sequence[machines.SensorView]:
        there = {unit.id for unit in await around.units(tx)}
        found, _total = await machines.sensors(tx, limit=1000, sort="state")
        return [one for one in found if one.device.unit_id in there]

    def show(found: Sequence[machines.SensorView]) -> None:
        worst = [one for one in found if one.state is not SensorState.WORKING or (one.device.battery_percent or 100) <= 20]
        if not found:
            empty_state(_("No sensor watches this yet."), icon="sensors")
        elif not worst:
            empty_state(n_("{n} sensor, and it works.", "{n} sensors, and all of them work.", len(found)), icon="task_alt")
        for one in worst[:FEW]:
            with ui.element("article").classes("st-item is-flat"):
                with ui.element("div").classes("st-item-main"):
                    ui.link(one.device.name or one.device.device_eui, f"/cold-chain/sensors/{one.device.id}").classes("st-item-words")
                    with ui.element("div").classes("st-soft"):
                        age(one.device.last_seen_at, prefix=_("heard") + " ")
                if one.device.battery_percent is not None:
                    ui.label(percent(one.device.battery_percent / 100)).classes("st-number")

    _live(around, ask, show, SensorChanged, UnitChanged)


async def _note(_around: Around, one: Panel) -> None:
    ui.label(one.text).classes("st-note")


_DRAWN: dict[PanelKind, Callable[[Around, Panel], Awaitable[None]]] = {
    PanelKind.COUNTS: _counts, PanelKind.ATTENTION: _attention, PanelKind.UNITS: _units, PanelKind.CHART: _chart,
    PanelKind.STATISTICS: _statistics, PanelKind.EXCURSIONS: _excursions, PanelKind.LOGS: _logs, PanelKind.SENSORS: _sensors,
    PanelKind.NOTE: _note,
}  # fmt: skip


async def add_panel(around: Around, keep: Callable[[Panel], Awaitable[None]]) -> None:
    """Ask for one more panel: what it shows, of which unit where it is of one, or which words."""
    async with around.look.transaction() as tx:
        there = await around.units(tx)
    with dialog_panel(_("Add a panel")) as dialog:
        with Form() as form:
            form.select("kind", _("What it shows"), {kind.value: _(word) for kind, word in KIND_WORDS.items()}, PanelKind.UNITS.value, required=True)
            if around.entity_type is not EntityType.UNIT:
                form.select(
                    "unit_id", _("Unit"), {"": _("The one that most needs somebody")} | {str(one.id): f"{one.site_name} · {one.name}" for one in there}, "",
                    search=True, help=_("For a temperature or its figures."),
                )  # fmt: skip
            form.text("text", _("Words"), help=_("For a note."))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            kind = PanelKind(values["kind"])
            unit_id = values.get("unit_id") if kind in OF_ONE_UNIT else None
            try:
                await keep(Panel(kind, unit_id=UUID(unit_id) if unit_id else None, text=values["text"] if kind is PanelKind.NOTE else ""))
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Add the panel"), send, on_cancel=dialog.close)
    dialog.open()
