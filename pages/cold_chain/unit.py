"""One unit: how warm it is now, its past with its limits, its sensors, and what they said last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from nicegui import ui

from data.alerts import queries as alerts
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert
from data.cold_chain import rules
from data.cold_chain.events import UnitChanged
from data.cold_chain.queries import points, units
from data.cold_chain.queries.points import DoorView, Points, ReadingView
from data.cold_chain.queries.units import UnitView
from data.cold_chain.rules import Rule
from data.cold_chain.tables import Device
from data.core.time import epoch_ms, now
from pages._shell import Looker, screen
from pages.alerts._words import SEVERITY_WORDS, state, words
from pages.cold_chain import _downloads  # noqa: F401 - its routes
from pages.cold_chain._forms import EDIT, add_sensor, set_limits
from pages.cold_chain._words import TYPE_WORDS, face, limits
from ui.age import age
from ui.badge import badge
from ui.chart import Chart, ChartData, Excursion, Limit, Mark, Series, chart
from ui.empty import empty_state
from ui.form import button
from ui.live import live, live_value
from ui.words import _, number, percent, temperature, temperature_unit, temperature_value

MOST_EXCURSIONS = 100


@dataclass(frozen=True, slots=True)
class _Seen:
    unit: UnitView
    alerts: Sequence[Alert]
    sensors: Sequence[Device]
    readings: Sequence[ReadingView]


@screen("/cold-chain/units/{unit_id:uuid}", title="Unit", place="cold_chain", permission="cold_chain.view")
async def unit(look: Looker, unit_id: UUID) -> None:
    assert look.frame

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(
                await units.unit(tx, unit_id),
                await alerts.open_of(tx, [unit_id]),
                await units.sensors(tx, unit_id),
                await points.last_readings(tx, unit_id, until=now(), limit=10),
            )

    seen = await ask()
    look.frame.set_title(seen.unit.name)
    with look.frame.actions:
        button(_("All units"), kind="quiet", icon="arrow_back", href="/cold-chain")
        if look.may(EDIT, seen.unit.site_id):
            button(_("Limits"), lambda: set_limits(look, unit_id), icon="tune")
            button(_("Add a sensor"), lambda: add_sensor(look, seen.unit), icon="add")
    topics = look.topic(UnitChanged, unit_id=unit_id), look.topic(AlertChanged)
    live(ask, lambda one: _now(look, one), *topics, minimum_interval_s=0.3)
    with ui.element("section").classes("st-card"):
        Moving(look, seen.unit)
    with ui.element("div").classes("st-columns"):
        live(ask, lambda one: _readings(one), look.topic(UnitChanged, unit_id=unit_id), minimum_interval_s=1.0)
        live(ask, lambda one: _sensors(look, one), look.topic(UnitChanged, unit_id=unit_id), minimum_interval_s=2.0)


def _now(look: Looker, seen: _Seen) -> None:
    unit = seen.unit
    for alert in seen.alerts:
        with ui.element("article").classes("st-item"):
            badge(state(alert), _(SEVERITY_WORDS[alert.severity]))
            with ui.element("div").classes("st-item-main"):
                ui.link(words(alert), "/alerts").classes("st-item-words")
                age(alert.triggered_at, unit.time_zone)
    with ui.element("section").classes("st-card"):
        with ui.element("div").classes("st-head"):
            badge(*face(unit))
        with ui.element("div").classes("st-facts"):
            with _fact(_("Temperature")):
                ui.label(temperature(unit.last_celsius)).classes("st-fact-value")
            with _fact(_("Measured")):
                stale = unit.rule.interval.total_seconds() * 1.1 + 30
                age(unit.last_reading_at, unit.time_zone, stale_after_s=stale)
            _said(_("Limits"), limits(unit.rule))
            _said(_("Alarm after"), _("{minutes} min", minutes=number(unit.rule.delay.total_seconds() / 60)))
            if unit.out_of_range_since_at:
                with _fact(_("Out of limits since")):
                    age(unit.out_of_range_since_at, unit.time_zone)
            if unit.door_is_open is not None:
                with _fact(_("Door open") if unit.door_is_open else _("Door shut")):
                    age(unit.door_changed_at, unit.time_zone)
            _said(_("Kind"), _(TYPE_WORDS[unit.unit_type]))
            _said(_("Place"), f"{unit.site_name} · {unit.area_name}")


def _fact(label: str) -> ui.element:
    box = ui.element("div").classes("st-fact")
    with box:
        ui.label(label).classes("st-fact-label")
    return box


def _said(label: str, value: str) -> None:
    with _fact(label):
        ui.label(value).classes("st-fact-value")


def _sensors(look: Looker, seen: _Seen) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("Sensors")).classes("st-h2").props("role=heading aria-level=2")
        if not seen.sensors:
            may = look.may(EDIT, seen.unit.site_id)
            empty_state(
                _("No sensor watches this unit yet."), icon="sensors", action=_("Add a sensor") if may else "",
                on_action=lambda: add_sensor(look, seen.unit),
            )  # fmt: skip
        for sensor in seen.sensors:
            with ui.element("article").classes("st-item"), ui.element("div").classes("st-item-main"):
                ui.label(sensor.name or sensor.device_eui).classes("st-item-words")
                with ui.element("div").classes("st-row st-soft"):
                    if sensor.name:
                        ui.label(sensor.device_eui)
                    if sensor.is_primary and len(seen.sensors) > 1:
                        ui.label(_("speaks for the unit"))
                    if sensor.battery_percent is not None:
                        ui.label(_("battery {share}", share=percent(sensor.battery_percent / 100)))
                    elif sensor.battery_v is not None:
                        ui.label(_("battery {volts} V", volts=number(float(sensor.battery_v), 2)))
                    if sensor.signal_dbm is not None:
                        ui.label(f"{number(sensor.signal_dbm)} dBm")
                    if sensor.last_seen_at:
                        age(sensor.last_seen_at, seen.unit.time_zone, prefix=_("heard") + " ")
                    else:
                        ui.label(_("not heard yet"))


def _readings(seen: _Seen) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("Last readings")).classes("st-h2").props("role=heading aria-level=2")
        if not seen.readings:
            empty_state(_("Nothing has been measured yet."), _("The first reading appears here by itself."), icon="thermostat")
        for one in seen.readings:
            with ui.element("div").classes("st-head"):
                ui.label(temperature(one.celsius)).classes("st-item-words st-number")
                if one.humidity_percent is not None:
                    ui.label(percent(one.humidity_percent / 100)).classes("st-soft")
                if rules.is_out(seen.unit.rule, one.celsius):
                    badge("warning", _("Out of limits"))
                ui.element("span").classes("st-grow")
                age(one.recorded_at, seen.unit.time_zone)


class Moving:
    """The chart, which grows by what is new and asks again only when something else changed."""

    def __init__(self, look: Looker, unit: UnitView) -> None:
        self._look, self._unit = look, unit
        self._newest_ms: dict[str, int] = {}
        self._state = self._described(unit)
        self.chart: Chart = chart(
            self._ask, title=unit.name, unit=temperature_unit(), zone=unit.time_zone, height="380px",
            csv_href=f"/cold-chain/units/{unit.id}/readings.csv",
        )  # fmt: skip
        live_value(self._ask_news, self._push, look.topic(UnitChanged, unit_id=unit.id), minimum_interval_s=0.2)

    @staticmethod
    def _described(unit: UnitView) -> tuple[object, ...]:
        """What the picture shows besides the line."""
        return unit.status, unit.rule, unit.door_changed_at

    async def _ask(self, start: datetime, end: datetime, max_points: int) -> ChartData:
        async with self._look.transaction() as tx:
            unit = await units.unit(tx, self._unit.id)
            found = await points.points(tx, unit.id, start, end)
            doors = await points.doors(tx, unit.id, start, end)
            names = {sensor.id: sensor.name or sensor.device_eui for sensor in await units.sensors(tx, unit.id)}
        for one in found:
            self._newest_ms[str(one.device_id)] = max(int(one.times_ms[-1]), self._newest_ms.get(str(one.device_id), 0))
        lines = [_line(one, names.get(one.device_id, _("Temperature")), unit) for one in found]
        shaded = [dark for one in found[:1] for dark in excursions(one, unit.rule)]
        return ChartData(lines, [_band(unit.rule)], shaded, [_mark(door) for door in doors])

    async def _ask_news(self) -> tuple[UnitView, Sequence[Points]]:
        after = datetime.fromtimestamp(max(self._newest_ms.values(), default=0) / 1000, UTC)
        async with self._look.transaction() as tx:
            unit = await units.unit(tx, self._unit.id)
            return unit, await points.newest(tx, unit.id, after)

    def _push(self, news: tuple[UnitView, Sequence[Points]]) -> None:
        unit, found = news
        before, self._state = self._state, self._described(unit)
        fresh = {str(one.device_id): one for one in found if one.times_ms.size}
        if not fresh or self._state != before or not fresh.keys() <= self._newest_ms.keys():
            self.chart.refresh()
            return
        for key, one in fresh.items():
            is_new = one.times_ms > self._newest_ms[key]
            self.chart.append(key, one.times_ms[is_new].tolist(), _shown(one)[is_new].tolist())
            self._newest_ms[key] = int(one.times_ms[-1])


def _shown(one: Points) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(temperature_value(one.celsius), dtype=np.float64)  # type: ignore[arg-type]


def _line(one: Points, name: str, unit: UnitView) -> Series:
    apart = max(unit.rule.interval, one.gap) if one.gap else unit.rule.interval
    return Series(str(one.device_id), name, one.times_ms, _shown(one), apart.total_seconds() * 3000)


def _band(rule: Rule) -> Limit:
    low, high = (None if limit is None else temperature_value(limit) for limit in (rule.low_celsius, rule.high_celsius))
    return Limit(low, high, _("Limits"))


def excursions(one: Points, rule: Rule) -> list[Excursion]:
    """The stretches in which a sensor's readings were outside the limits; the last may still last."""
    low = -np.inf if rule.low_celsius is None else rule.low_celsius
    high = np.inf if rule.high_celsius is None else rule.high_celsius
    is_out = np.concatenate([[False], (one.celsius.round(2) < low) | (one.celsius.round(2) > high), [False]])
    edges = np.flatnonzero(is_out[1:] != is_out[:-1])
    starts, ends = edges[::2], edges[1::2]
    last = one.times_ms.size
    return [
        Excursion(int(one.times_ms[start]), None if end == last else int(one.times_ms[end]))
        for start, end in list(zip(starts, ends, strict=True))[-MOST_EXCURSIONS:]
    ]


def _mark(door: DoorView) -> Mark:
    return Mark(epoch_ms(door.recorded_at), _("Door opened") if door.is_open else _("Door shut"), "door")
