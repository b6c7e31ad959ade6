"""Lists: the server pages, sorts and filters; a row opens the thing; on a phone each row is a card."""
from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from nicegui import events, ui

from ui.live import Merging, Topic, explain, page_spawn
from ui.words import _, ago, current_language, full_moment, moment, number

CellKind = Literal['text', 'number', 'badge', 'age', 'moment', 'spark', 'link']
Row = Mapping[str, Any]
Ask = Callable[[int, int, str, bool, str], Awaitable[tuple[Sequence[Row], int]]]
SIZES = (10, 25, 50, 100)


@dataclass(frozen=True)
class Column:
    """One column. What a row holds under `key`, by kind:

    text str · number float (shown with `decimals` and `unit`) · badge (state, words) · age and moment datetime ·
    spark sequence of float or None · link (words, href). `hidden` columns are offered in the column choice.
    """

    key: str
    label: str
    kind: CellKind = 'text'
    sortable: bool = True
    hidden: bool = False
    decimals: int | None = None
    unit: str = ''
    zone: str = ''


@dataclass
class Asked:
    """What the reader wants to see: page from 1, rows a page, column key, direction, and the typed filter."""

    page: int = 1
    size: int = 25
    sort: str = ''
    descending: bool = False
    filter: str = ''
    columns: str = ''


class Table(ui.element, component=Path(__file__).parent / 'static' / 'rows.js'):
    """See `table`. `refresh()` asks again for the same page."""

    def __init__(self, columns: Sequence[Column], ask: Ask, *, name: str, first: Asked, csv_href: str, empty: str,
                 filter_label: str, label: str) -> None:
        super().__init__()
        self._columns, self._ask, self._endings = list(columns), ask, list[Callable[[], None]]()
        self.asked = self._from_address(name, first)
        self._rows: list[dict[str, Any]] = []
        self._total = 0
        self.props['columns'] = [asdict(column) for column in self._columns]
        self.props['asked'] = asdict(self.asked)
        self.props['name'], self.props['csv-href'] = name, csv_href
        self.props['filtering'] = bool(filter_label)
        self.props['answer'] = None
        self.props['words'] = {
            'filter': filter_label, 'columns': _('Columns'), 'csv': _('Download CSV'), 'empty': empty, 'label': label,
            'none': _('Nothing matches this filter.'), 'clear': _('Clear the filter'), 'retry': _('Try again'),
            'next': _('Next page'), 'previous': _('Previous page'), 'sizes': _('Rows a page'), 'of': _('of'),
            'sort': _('Sort by'), 'loading': _('Loading'), 'lang': current_language(), 'open': _('Open'),
            'ascending': _('ascending'), 'descending': _('descending'), 'list': list(SIZES)}
        self._merging = Merging(self._answer, spawn=page_spawn('table'))
        self.on('ask', self._asked)
        self._merging.poke()

    def refresh(self) -> None:
        """Ask again; many calls while one question runs make one more question."""
        self._merging.poke()

    def watch(self, *topics: Topic) -> Table:
        """Ask again whenever one of the topics changes, as long as the table lives."""
        self._endings += [topic.subscribe(self.refresh) for topic in topics]
        return self

    def _asked(self, event: events.GenericEventArguments) -> None:
        wanted = event.args if isinstance(event.args, dict) else {}
        keys = {column.key for column in self._columns if column.sortable}
        size = int(wanted.get('size') or self.asked.size)
        sort = str(wanted.get('sort') or '')
        self.asked = Asked(page=max(1, int(wanted.get('page') or 1)), size=size if size in SIZES else SIZES[1],
                           sort=sort if sort in keys else '', descending=bool(wanted.get('descending')),
                           filter=str(wanted.get('filter') or '')[:200], columns=str(wanted.get('columns') or ''))
        self._merging.poke()

    async def _answer(self) -> None:
        wanted = self.asked
        try:
            rows, total = await self._ask(wanted.page, wanted.size, wanted.sort, wanted.descending, wanted.filter)
            if self.is_deleted or self._client() is None:
                return
            with self:
                self._rows = [self._cells(row) for row in rows]
        except Exception as exc:  # an edge: shown in the table with a retry
            self._send({'error': explain(exc)})
            return
        self._total = total
        self._send({'rows': self._rows, 'total': total, 'page': wanted.page})

    def _send(self, answer: dict[str, Any]) -> None:
        if self.is_deleted:
            return
        with self._props.suspend_updates():
            self._props['answer'] = answer
        self.run_method('set', answer)

    def _cells(self, row: Row) -> dict[str, Any]:
        cells: dict[str, Any] = {'id': str(row.get('id', '')), 'href': row.get('href', '')}
        for column in self._columns:
            cells[column.key] = _cell(column, row.get(column.key))
        return cells

    def _from_address(self, name: str, first: Asked) -> Asked:
        request = self.client.request
        query: Mapping[str, str] = request.query_params if request is not None else {}
        prefix = f'{name}.' if name else ''

        def whole(key: str, otherwise: int) -> int:
            text = query.get(prefix + key, '')
            return int(text) if text.isdigit() else otherwise
        size = whole('size', first.size)
        return Asked(page=max(1, whole('page', 1)), size=size if size in SIZES else first.size,
                     sort=query.get(prefix + 'sort', first.sort),
                     descending=query.get(prefix + 'dir', 'desc' if first.descending else 'asc') == 'desc',
                     filter=query.get(prefix + 'q', first.filter)[:200], columns=query.get(prefix + 'cols', ''))

    def _handle_delete(self) -> None:
        self._merging.close()
        for end in self._endings:
            end()
        super()._handle_delete()

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        shown: list[Any] = [column.label for column in self._columns]
        for row in self._rows:
            shown += [cell.get('text') if isinstance(cell, dict) else cell for cell in row.values()]
        if not self._rows:
            shown.append(self._props['words']['empty'])
        answer = self._props.get('answer') or {}
        return [*shown, answer.get('error')]


def _cell(column: Column, value: Any) -> Any:
    if value is None:
        return {'text': _('never')} if column.kind == 'age' else ''
    if column.kind == 'number':
        unit = f' {column.unit}' if column.unit else ''
        return f'{number(float(value), column.decimals)}{unit}'.replace('-', '−')
    if column.kind == 'badge':
        return {'state': value[0], 'text': value[1]}
    if column.kind in ('age', 'moment') and isinstance(value, datetime):
        at = value if value.tzinfo else value.replace(tzinfo=UTC)
        text = ago(at) if column.kind == 'age' else moment(at, column.zone or None)
        return {'text': text, 'at': int(at.timestamp() * 1000), 'title': full_moment(at, column.zone or None)}
    if column.kind == 'spark':
        return {'spark': [None if one is None or math.isnan(one) else round(float(one), 3) for one in value]}
    if column.kind == 'link':
        return {'text': value[0], 'href': value[1]}
    return str(value)


def table(columns: Sequence[Column], ask: Ask, *, name: str = '', sort: str = '', descending: bool = False, size: int = 25,
          csv_href: str = '', empty: str = '', filter_label: str | None = None, label: str = '',
          topics: Sequence[Topic] = ()) -> Table:
    """Draw a list. `ask(page, size, sort, descending, filter)` answers (rows, total); page counts from 1.

    A row is a mapping with `id`, optionally `href` (clicking the row opens it) and a value for each column. State lives in
    the address (`?page=2&sort=name&dir=desc&q=…`), prefixed by `name.` where a page has several lists. `csv_href` gets
    `sort`, `dir` and `q` appended. `filter_label=''` leaves the filter out. `empty` is said when there are no rows at all.
    """
    made = Table(columns, ask, name=name, csv_href=csv_href, empty=empty or _('Nothing here yet.'), label=label,
                 first=Asked(size=size, sort=sort, descending=descending),
                 filter_label=_('Filter') if filter_label is None else filter_label)
    return made.watch(*topics)
