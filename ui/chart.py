"""Measurements over time: zooming asks for detail, limits are bands, excursions are shaded, and a gap stays a gap."""
from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from nicegui import events, ui
from nicegui.elements import plotly as _registers_the_bundled_plotly  # noqa: F401  (the import map then knows it)

from ui.downsample import Times, Values, downsample
from ui.live import Merging, Topic, explain, page_spawn
from ui.words import _, current_language, current_reader

RANGES: dict[str, timedelta] = {'1h': timedelta(hours=1), '24h': timedelta(days=1), '7d': timedelta(days=7),
                                '30d': timedelta(days=30), '1y': timedelta(days=365), '5y': timedelta(days=1826)}
USUAL = ('1h', '24h', '7d', '30d', '1y')
MAX_POINTS = 2000


@dataclass(frozen=True)
class Series:
    """One line. `times_ms` epoch milliseconds, `values` in the reader's unit (NaN where nothing was measured).

    More than `gap_ms` between two points is drawn as a gap; None draws gaps only at NaN. With `low` and `high` each point
    is the average of a piece of time, and the band between them is drawn around the line. `is_below` puts it into the
    smaller picture underneath, which has a unit of its own.
    """

    key: str
    name: str
    times_ms: Times
    values: Values
    gap_ms: float | None = None
    low: Values | None = None
    high: Values | None = None
    is_below: bool = False


@dataclass(frozen=True)
class Limit:
    """The band in which values are fine, either end may be open; `label` names it in the picture.

    It holds from `start_ms` to `end_ms`, each None: as far as one can see.
    """

    low: float | None = None
    high: float | None = None
    label: str = ''
    start_ms: int | None = None
    end_ms: int | None = None


@dataclass(frozen=True)
class Excursion:
    """A stretch out of bounds, shaded; `end_ms` None means it still lasts. `state` is 'critical' or 'warning'."""

    start_ms: int
    end_ms: int | None
    label: str = ''
    state: str = 'critical'


@dataclass(frozen=True)
class Mark:
    """Something that happened at one moment: `kind` is 'door', 'log', 'action' or 'note'."""

    at_ms: int
    label: str
    kind: str = 'note'


@dataclass(frozen=True)
class Lane:
    """When something was on, as a row of its own under the lines: pieces of time and how much of each it was on, 0 to 1.

    A piece is as high as its share; between two pieces that do not touch nothing is known.
    """

    key: str
    name: str
    starts_ms: Values
    ends_ms: Values
    shares: Values


@dataclass(frozen=True)
class ChartData:
    """The answer to one question; lines may be raw, they are thinned to `MAX_POINTS` here. `note` stands beside the picture."""

    series: Sequence[Series]
    limits: Sequence[Limit] = ()
    excursions: Sequence[Excursion] = ()
    marks: Sequence[Mark] = field(default_factory=tuple)
    lanes: Sequence[Lane] = ()
    note: str = ''

    def packed(self) -> dict[str, Any]:
        """What the browser gets of it."""
        each = max(200, MAX_POINTS // max(1, len(self.series)))
        return {'series': [_drawn(line, each) for line in self.series], 'limits': [vars(one) for one in self.limits],
                'excursions': [vars(one) for one in self.excursions], 'marks': [vars(one) for one in self.marks],
                'lanes': [_laid(lane) for lane in self.lanes], 'note': self.note}


Ask = Callable[[datetime, datetime, int], Awaitable[ChartData]]


class Chart(ui.element, component=Path(__file__).parent / 'static' / 'series.js'):
    """See `chart`. `refresh()` asks again for what is on screen; `append` grows it; `show_range('7d')` changes it."""

    def __init__(self, ask: Ask, *, first: str, unit: str, zone: str, title: str, csv_href: str, height: str,
                 ranges: Sequence[str], name: str, unit_below: str) -> None:
        super().__init__()
        self._ask, self._endings = ask, list[Callable[[], None]]()
        self._title = title
        query = self.client.request.query_params if self.client.request is not None else {}
        prefix = f'{name}.' if name else ''
        self.range = first
        self._window: tuple[datetime, datetime] | None = None
        try:
            start, end = int(query[prefix + 'from']), int(query[prefix + 'to'])
            self.range, self._window = '', (_at(start), _at(end))
        except (KeyError, ValueError, OverflowError):
            if query.get(prefix + 'range', '') in RANGES:
                self.range = query[prefix + 'range']
        words = {'1h': _('1 h'), '24h': _('24 h'), '7d': _('7 d'), '30d': _('30 d'), '1y': _('1 y'), '5y': _('5 y'), 'on': _('on'), 'off': _('off'), 'png': _('Save picture'),
                 'csv': _('Download CSV'), 'none': _('Nothing was measured in this time.'), 'retry': _('Try again'),
                 'range': _('Time range'), 'loading': _('Loading'), 'custom': _('Custom'), 'from': _('From'), 'to': _('To'),
                 'show': _('Show'), 'lang': current_language(), 'title': title, 'below': unit_below}
        for key, value in {'words': words, 'zone': zone, 'unit': unit, 'csv-href': csv_href, 'height': height, 'name': name,
                           'ranges': list(ranges), 'range': self.range, 'answer': None}.items():
            self.props[key] = value
        self._merging = Merging(self._answer, spawn=page_spawn('chart'))
        self.on('range', self._ranged)
        self.on('zoom', self._zoomed)
        self._merging.poke()

    def refresh(self) -> None:
        """Ask again for the same range, the end moving with the clock unless zoomed in."""
        self._merging.poke()

    def show_range(self, name: str) -> None:
        """Show one of `RANGES` up to now."""
        self.range, self._window = (name if name in RANGES else '24h'), None
        self._merging.poke()

    def watch(self, *topics: Topic) -> Chart:
        """Ask again whenever one of the topics changes. For fast streams prefer `append`."""
        self._endings += [topic.subscribe(self.refresh) for topic in topics]
        return self

    def append(self, key: str, times_ms: Sequence[int], values: Sequence[float]) -> None:
        """Add newer points to one line without asking; they scroll in while the chart shows the present."""
        self.run_method('append', {'key': key, 'x': _packed(times_ms, '<f8'), 'y': _packed(values, '<f4')})

    @property
    def window(self) -> tuple[datetime, datetime]:
        """What is shown: start and end, in UTC."""
        if self._window is not None:
            return self._window
        now = datetime.now(UTC)
        return now - RANGES[self.range], now

    def _ranged(self, event: events.GenericEventArguments) -> None:
        self.show_range(str(event.args))

    def _zoomed(self, event: events.GenericEventArguments) -> None:
        try:
            start, end = float(event.args['start']), float(event.args['end'])
            window = (_at(start), _at(end))
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            return
        if end - start >= 1000:
            self.range, self._window = '', window
            self._merging.poke()

    async def _answer(self) -> None:
        start, end = self.window
        try:
            data = await self._ask(start, end, MAX_POINTS)
        except Exception as exc:  # an edge: shown over the chart with a retry
            self._send({'error': explain(exc)})
            return
        self._send({'start': start.timestamp() * 1000, 'end': end.timestamp() * 1000, 'range': self.range} | data.packed())

    def _send(self, answer: dict[str, Any]) -> None:
        if self.is_deleted:
            return
        with self._props.suspend_updates():
            self._props['answer'] = answer
        self.run_method('set', answer)

    def _handle_delete(self) -> None:
        self._merging.close()
        for end in self._endings:
            end()
        super()._handle_delete()

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        answer = self._props.get('answer') or {}
        names = [line['name'] for line in (*answer.get('series', ()), *answer.get('lanes', ()))]
        return [self._title, answer.get('error'), answer.get('note'), *names, *(mark['label'] for mark in answer.get('marks', ()))]


def _at(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _packed(numbers: Any, dtype: str) -> str:
    return base64.b64encode(np.asarray(numbers, dtype=dtype).tobytes()).decode()


def _laid(lane: Lane) -> dict[str, Any]:
    return {'key': lane.key, 'name': lane.name, 'starts': _packed(lane.starts_ms, '<f8'), 'ends': _packed(lane.ends_ms, '<f8'),
            'shares': _packed(lane.shares, '<f4')}


def _drawn(line: Series, max_points: int) -> dict[str, Any]:
    """One line for the browser: pieces joined with NaN between them, so that the pen is lifted at every gap."""
    told = {'key': line.key, 'name': line.name, 'gap': line.gap_ms, 'below': line.is_below}
    if line.low is not None and line.high is not None:
        cuts = np.flatnonzero(np.diff(line.times_ms) > (line.gap_ms or np.inf)) + 1
        lifted = [np.insert(one.astype('<f4'), cuts, np.nan) for one in (line.values, line.low, line.high)]
        moments = np.insert(line.times_ms.astype('<f8'), cuts, line.times_ms[cuts - 1] + 1)
        return told | {'x': _packed(moments, '<f8')} | dict(zip(('y', 'low', 'high'), (_packed(one, '<f4') for one in lifted), strict=True))
    pieces = downsample(line.times_ms, line.values, line.gap_ms, max_points)
    times = [part for piece in pieces for part in (piece.times_ms.astype('<f8'), piece.times_ms[-1:].astype('<f8') + 1)]
    values = [part for piece in pieces for part in (piece.values.astype('<f4'), np.full(1, np.nan, '<f4'))]
    return told | {'x': _packed(np.concatenate(times) if times else [], '<f8'),
                   'y': _packed(np.concatenate(values) if values else [], '<f4')}


def chart(ask: Ask, *, title: str = '', unit: str = '', range: str = '24h', zone: str = '', csv_href: str = '',
          height: str = '360px', ranges: Sequence[str] = USUAL, name: str = '', topics: Sequence[Topic] = (),
          unit_below: str = '') -> Chart:
    """Draw a chart. `ask(start, end, max_points)` (aware UTC datetimes) answers a `ChartData` for that stretch.

    `zone` is the place's IANA zone (default the reader's); range and zoom live in the address (`?range=7d` or `?from=…&to=…`
    in epoch ms, prefixed by `name.`). `unit_below` is that of the smaller picture, where there is one. `csv_href` gets `from` and `to` appended. Exceptions of `ask` are explained in place.
    """
    made = Chart(ask, first=range, unit=unit, zone=zone or current_reader().zone, title=title, csv_href=csv_href,
                 height=height, ranges=ranges, name=name, unit_below=unit_below)
    return made.watch(*topics)
