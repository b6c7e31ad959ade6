"""A unit's past as a picture that keeps itself current, and the same stretch of time in figures."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from nicegui import ui

from data.cold_chain.events import UnitChanged
from data.cold_chain.limits import Span, within
from data.cold_chain.queries import hours, points, units
from data.cold_chain.queries.hours import Summary
from data.cold_chain.queries.limits import limits
from data.cold_chain.queries.marks import Marks, marks
from data.cold_chain.queries.points import Points
from data.cold_chain.queries.units import UnitView
from data.core.session import Transaction
from data.core.time import now
from pages._shell import Looker
from pages.cold_chain import _drawing
from ui.chart import Chart, ChartData, chart
from ui.empty import empty_state
from ui.live import live, live_value
from ui.words import _, number, percent, temperature, temperature_unit

REDRAW_S = 30.0
"""Where a point is a piece of time, one more reading changes little: such a picture is asked for again at most this often."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was asked about a stretch of a unit's time."""

    unit: UnitView
    points: Sequence[Points]
    spans: Sequence[Span]
    marks: Marks
    summaries: Sequence[Summary]
    sensors: dict[UUID, str]
    primary_id: UUID | None

    def drawn(self) -> ChartData:
        """It as a picture, in the reader's words."""
        names = _drawing.names(self.sensors, self.points)
        return ChartData(
            [line for one in self.points for line in _drawing.lines(one, names[one.device_id], self.unit.rule.interval)],
            _drawing.bands(self.spans), _drawing.shades(self.marks, self.points, self.spans), _drawing.marks(self.marks),
        )  # fmt: skip

    @property
    def summary(self) -> Summary | None:
        """That of the sensor that speaks for the unit, else of the one that said most."""
        by_count = sorted(self.summaries, key=lambda one: (one.device_id == self.primary_id, one.reading_count))
        return by_count[-1] if by_count else None


async def past(tx: Transaction, unit_id: UUID, start: datetime, end: datetime) -> Past:
    """Everything that a picture of that stretch shows."""
    unit = await units.unit(tx, unit_id)
    drawn = await points.points(tx, unit_id, start, end)
    held = (await limits(tx, [unit_id], start)).get(unit_id, ())
    sensors = await units.sensors(tx, unit_id)
    return Past(
        unit, sorted(drawn, key=lambda one: str(one.device_id)), within(held, start, end), await marks(tx, unit_id, start, end),
        await hours.summaries(tx, unit_id, start, end), {one.id: one.name or one.device_eui for one in sensors},
        next((one.id for one in sensors if one.is_primary), None),
    )  # fmt: skip


class Picture:
    """The chart, which grows by what is new and asks again only when something else changed."""

    def __init__(
        self, look: Looker, unit: UnitView, *, range: str, name: str, height: str, tell: Callable[[Past], object] | None
    ) -> None:
        self._look, self._unit, self._tell = look, unit, tell
        self._newest_ms: dict[str, int] = {}
        self._is_whole, self._asked_at = True, 0.0
        self._state = self._described(unit)
        self.chart: Chart = chart(
            self._ask, title=unit.name, unit=temperature_unit(), unit_below="%", zone=unit.time_zone, height=height, range=range,
            name=name, csv_href=f"/cold-chain/units/{unit.id}/readings.csv",
        )  # fmt: skip
        live_value(self._ask_news, self._push, look.topic(UnitChanged, unit_id=unit.id), minimum_interval_s=0.2)

    @staticmethod
    def _described(unit: UnitView) -> tuple[object, ...]:
        """What the picture shows besides the line."""
        return unit.status, unit.rule, unit.door_changed_at

    async def _ask(self, start: datetime, end: datetime, max_points: int) -> ChartData:
        async with self._look.transaction() as tx:
            found = await past(tx, self._unit.id, start, end)
        self._is_whole, self._asked_at = all(one.band is None for one in found.points), time.monotonic()
        self._newest_ms = {str(one.device_id): int(one.times_ms[-1]) for one in found.points}
        if self._tell:
            self._tell(found)
        return found.drawn()

    async def _ask_news(self) -> tuple[UnitView, Sequence[Points]]:
        async with self._look.transaction() as tx:
            unit = await units.unit(tx, self._unit.id)
            if not self._is_whole:
                return unit, []
            after = datetime.fromtimestamp(max(self._newest_ms.values(), default=0) / 1000, UTC)
            return unit, await points.newest(tx, unit.id, after)

    def _push(self, news: tuple[UnitView, Sequence[Points]]) -> None:
        unit, found = news
        before, self._state = self._state, self._described(unit)
        if not self._is_whole:
            if self._state != before or time.monotonic() - self._asked_at >= REDRAW_S:
                self.chart.refresh()
            return
        fresh = {str(one.device_id): one for one in found if one.times_ms.size}
        if not fresh or self._state != before or not fresh.keys() <= self._newest_ms.keys():
            self.chart.refresh()
            return
        for key, one in fresh.items():
            for line in _drawing.lines(one, "", unit.rule.interval):
                is_new = line.times_ms > self._newest_ms[key]
                self.chart.append(line.key, line.times_ms[is_new].tolist(), line.values[is_new].tolist())
            self._newest_ms[key] = int(one.times_ms[-1])


def chart_of(
    look: Looker, unit: UnitView, *, range: str = "24h", name: str = "", height: str = "380px",
    tell: Callable[[Past], object] | None = None,
) -> Picture:  # fmt: skip
    """Draw a unit's chart; `tell` hears of each stretch that is shown. `name` tells several on one page apart."""
    return Picture(look, unit, range=range, name=name, height=height, tell=tell)


def statistics_of(look: Looker, unit: UnitView, length: timedelta) -> None:
    """The last stretch of that length in figures, current by itself."""

    async def ask() -> Summary | None:
        end = now()
        async with look.transaction() as tx:
            found = await hours.summaries(tx, unit.id, end - length, end)
            primary = next((one.id for one in await units.sensors(tx, unit.id) if one.is_primary), None)
        return max(found, key=lambda one: (one.device_id == primary, one.reading_count), default=None)

    live(ask, figures, look.topic(UnitChanged, unit_id=unit.id), minimum_interval_s=10.0)


def figures(summary: Summary | None) -> None:
    """A stretch of time in figures."""
    if summary is None:
        empty_state(_("Nothing was measured in this time."), icon="functions")
        return
    with ui.element("div").classes("st-facts"):
        _said(_("Coldest"), temperature(summary.low))
        _said(_("Warmest"), temperature(summary.high))
        _said(_("Average"), temperature(summary.average))
        _said(_("Kinetic mean"), temperature(summary.mean_kinetic), _("One constant temperature that ages what is stored as much."))
        _said(_("Within limits"), _share(summary.share_within))
        _said(_("Readings"), number(summary.reading_count))
        if summary.humidity_average is not None:
            _said(_("Humidity"), percent(summary.humidity_average / 100))


def _share(share: float) -> str:
    """100 % only where it is all of it."""
    return percent(share if share in (0, 1) else min(max(share, 0.001), 0.999), 0 if share in (0, 1) else 1)


def _said(label: str, value: str, more: str = "") -> None:
    with ui.element("div").classes("st-fact") as box:
        ui.label(label).classes("st-fact-label")
        ui.label(value).classes("st-fact-value")
    if more:
        box.props["title"] = more
