"""One live map: everything that has a place moves on it smoothly, says how old it is, and opens with a click."""
from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from nicegui import background_tasks, core, events, ui
from nicegui.elements import leaflet as _bundled_leaflet
from numpy.typing import NDArray

from ui.badge import WORDS
from ui.live import on_connect
from ui.theme import STATIC_URL, asset
from ui.words import _, current_language, full_moment

LEAFLET = Path(_bundled_leaflet.__file__).parent / 'dist'
STATES = ('ok', 'warning', 'critical', 'offline', 'waiting', 'neutral')
KIND_ICONS: dict[str, str] = {'tracker': 'location_on', 'driver': 'local_shipping', 'unit': 'ac_unit', 'gateway': 'cell_tower', 'device': 'sensors',
                              'farm': 'agriculture', 'order': 'inventory_2', 'tree': 'park', 'person': 'person',
                              'depot': 'warehouse', 'stop': 'flag', 'alert': 'warning'}


@dataclass(frozen=True)
class Marker:
    """Something on the map. `index` names it in binary updates, so it must mean the same for everybody in a room.

    `layer` groups it for the layer switches; `kind` chooses the icon; `state` is one of `STATES`; `accuracy_m` is drawn as
    a circle while hovered or selected; `heading` in degrees from north.
    """

    index: int
    label: str
    latitude: float
    longitude: float
    kind: str = 'tracker'
    state: str = 'ok'
    at: datetime | None = None
    accuracy_m: float | None = None
    heading: float | None = None
    href: str = ''
    detail: str = ''
    layer: str = ''


@dataclass(frozen=True)
class Fence:
    """An area: a circle (one point and `radius_m`) or a polygon; points are (latitude, longitude)."""

    id: str
    label: str
    points: Sequence[tuple[float, float]]
    radius_m: float | None = None
    state: str = 'neutral'
    layer: str = ''
    is_editable: bool = False


@dataclass(frozen=True)
class Line:
    """A path such as a route; points are (latitude, longitude)."""

    points: Sequence[tuple[float, float]]
    label: str = ''
    state: str = 'waiting'
    layer: str = ''
    is_dashed: bool = False


@dataclass(frozen=True)
class Tiles:
    """A raster base map by address template (`https://…/{z}/{x}/{y}.png`) and its attribution; '' draws the shipped one."""

    url: str = ''
    attribution: str = ''
    max_zoom: int = 19


@dataclass
class _Rooms:
    names: set[str] = field(default_factory=set)


def rows(changes: Sequence[tuple[int, float, float, str]]) -> NDArray[np.int32]:
    """(index, latitude, longitude, state) tuples as the int32 rows that `broadcast` and `Fleet.move_markers` take."""
    made = np.empty((len(changes), 4), dtype='<i4')
    for i, (index, latitude, longitude, state) in enumerate(changes):
        made[i] = (index, round(latitude * 1e6), round(longitude * 1e6), STATES.index(state))
    return made


async def broadcast(room: str, changed: NDArray[np.int32], at: datetime | None = None) -> None:
    """Send int32 rows (index, lat·1e6, lng·1e6, status) to every map in the room, encoded once.

    `at` is when they were true (default now); a fifth column says it for each row, in seconds since 1970 (unsigned).
    Maps enter rooms by `Fleet.join`, after the page has checked the right.
    """
    message = {'r': room, 'b': _packed(changed), 'c': changed.shape[1], 'at': _epoch_ms(at)}
    await core.sio.emit('fleet', message, room=f'fleet:{room}')


def _packed(changed: NDArray[np.int32]) -> bytes:
    return np.ascontiguousarray(changed, dtype='<i4').tobytes()


def _epoch_ms(at: datetime | None) -> int:
    return int((at or datetime.now(UTC)).timestamp() * 1000)


class Fleet(ui.element, component=Path(__file__).parent / 'static' / 'fleet.js', esm={'nicegui-leaflet': str(LEAFLET)}):
    """See `fleet`. `set_markers` replaces all, `move_markers` sends differences to this screen, `join` hears a room."""

    def __init__(self, *, tiles: Tiles, layers: Mapping[str, str], center: tuple[float, float] | None, zoom: int, height: str,
                 label: str, zone: str | None, fullscreen_href: str,
                 on_select: Callable[[int], Any] | None, on_fence: Callable[[dict[str, Any]], Any] | None) -> None:
        super().__init__()
        self.add_resource(LEAFLET)
        self._zone, self._rooms = zone, _Rooms()
        self._labels: list[str] = []
        words = {'open': _('Open'), 'accuracy': _('within {m} m'), 'layers': _('Layers'), 'fit': _('Show everything'),
                 'items': _('{n} here'), 'lang': current_language(), 'label': label or _('Map'), 'finish': _('Finish'),
                 'cancel': _('Cancel'), 'draw_circle': _('Press the middle, then the edge.'),
                 'draw_polygon': _('Press each corner, then Finish.'), 'zoom_in': _('Zoom in'), 'zoom_out': _('Zoom out'),
                 'close': _('Close'), 'states': {state: _(word) for state, word in WORDS.items()}}
        parts = {'basemap': asset('basemap.js'), 'markers': asset('map_markers.js'), 'draw': asset('map_draw.js'), 'base': STATIC_URL,
                 'files': {name: asset(f'basemap/{name}.json') for name in ('world', 'water', 'mainland', 'cities')}}
        given: dict[str, Any] = {'words': words, 'parts': parts, 'tiles': vars(tiles), 'layers': dict(layers), 'icons': KIND_ICONS,
                 'center': center, 'zoom': zoom, 'height': height, 'markers': [], 'fences': [], 'lines': [],
                 'large': fullscreen_href, 'overlay': None}
        for key, value in given.items():
            self.props[key] = value
        if on_select is not None:
            self.on('select', lambda event: on_select(int(event.args)))
        if on_fence is not None:
            self.on('fence', lambda event: on_fence(_fence_drawn(event)))
        self._forget = on_connect(self.client, self._enter)

    def set_markers(self, markers: Sequence[Marker]) -> None:
        """Replace all markers; those that stay (same index) move there smoothly."""
        self._labels = [marker.label for marker in markers]
        self._put('markers', [self._marker(marker) for marker in markers])

    def set_fences(self, fences: Sequence[Fence]) -> None:
        """Replace all areas."""
        self._put('fences', [vars(fence) for fence in fences])

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Replace all paths."""
        self._put('lines', [vars(line) for line in lines])

    def set_overlay(self, geojson: dict[str, Any] | None) -> None:
        """An extra GeoJSON of lines (roads, canals, field borders) under the markers; None removes it."""
        self._put('overlay', (geojson,))  # in a tuple, so that all maps share the one

    def move_markers(self, changed: NDArray[np.int32], at: datetime | None = None) -> None:
        """Send int32 rows (see `rows` and `broadcast`) to this screen only."""
        packed = base64.b64encode(_packed(changed)).decode()
        self.run_method('move', packed, _epoch_ms(at), changed.shape[1])

    def fly_to(self, latitude: float, longitude: float, zoom: int = 15) -> None:
        """Bring a place into view."""
        self.run_method('fly', latitude, longitude, zoom)

    def select(self, index: int) -> None:
        """Open the popup of a marker and bring it into view."""
        self.run_method('select', index)

    def draw(self, kind: str, fence_id: str = '') -> None:
        """Let the person draw a 'circle' or a 'polygon'; the result comes to `on_fence` with this id."""
        self.run_method('drawing', kind, fence_id)

    def join(self, room: str) -> None:
        """Hear `broadcast`s to this room; the caller has checked that the reader may. Ends with the map."""
        self._rooms.names.add(room)
        self._enter()

    def leave(self, room: str) -> None:
        """Hear that room no more."""
        self._rooms.names.discard(room)
        for sid in self._sockets():
            background_tasks.create(_as_coroutine(core.sio.leave_room(sid, f'fleet:{room}')), name='leave map room')
        self.run_method('hear', sorted(self._rooms.names))

    def _enter(self) -> None:
        if self.is_deleted or not self._rooms.names:
            return
        for sid in self._sockets():
            for room in self._rooms.names:
                background_tasks.create(_as_coroutine(core.sio.enter_room(sid, f'fleet:{room}')), name='enter map room')
        self._put('rooms', sorted(self._rooms.names), method='hear')

    def _sockets(self) -> list[str]:
        client = self._client()
        return [] if client is None else list(client._socket_to_document_id)

    def _put(self, key: str, value: Any, method: str = 'put') -> None:
        with self._props.suspend_updates():
            self._props[key] = tuple(value) if isinstance(value, list) else value  # of a list each item would be observed
        if method == 'put':
            self.run_method('put', key, value)
        else:
            self.run_method(method, value)

    def _marker(self, marker: Marker) -> dict[str, Any]:
        made = {key: value for key, value in vars(marker).items() if value not in (None, '')}
        if marker.at is not None:
            at = marker.at if marker.at.tzinfo else marker.at.replace(tzinfo=UTC)
            made['at'], made['at_title'] = int(at.timestamp() * 1000), full_moment(at, self._zone)
        return made

    def _handle_delete(self) -> None:
        self._forget()
        names, self._rooms.names = self._rooms.names, set()
        for sid in self._sockets():
            for room in names:
                background_tasks.create(_as_coroutine(core.sio.leave_room(sid, f'fleet:{room}')), name='leave map room')
        super()._handle_delete()

    def _displayed_contents(self, *, only_visible: bool) -> list[Any]:
        return [*self._labels, *self._props.get('layers', {}).values(), *(one['label'] for one in self._props.get('fences', ()))]


async def _as_coroutine(awaitable: Any) -> None:
    await awaitable


def _fence_drawn(event: events.GenericEventArguments) -> dict[str, Any]:
    given = event.args if isinstance(event.args, dict) else {}
    points = [(float(a), float(b)) for a, b in given.get('points', [])][:500]
    radius = given.get('radius_m')
    return {'id': str(given.get('id', '')), 'points': points, 'radius_m': None if radius is None else float(radius)}


_under: dict[str, Any] | None = None


def use_overlay(geojson: dict[str, Any] | None) -> None:
    """Draw these lines under every map from now on: roads and rivers that the base map does not have (main says which)."""
    global _under
    _under = geojson


def fleet(markers: Sequence[Marker] = (), *, fences: Sequence[Fence] = (), lines: Sequence[Line] = (), tiles: Tiles = Tiles(),
          layers: Mapping[str, str] | None = None, center: tuple[float, float] | None = None, zoom: int = 6,
          height: str = '480px', label: str = '', zone: str | None = None, fullscreen_href: str = '', room: str = '',
          on_select: Callable[[int], Any] | None = None, on_fence: Callable[[dict[str, Any]], Any] | None = None) -> Fleet:
    """Draw the map. Without `center` (latitude, longitude) it shows all that is on it.

    `layers` maps `Marker.layer`/`Fence.layer`/`Line.layer` to the words of a switch. `on_select(index)` hears a press on a
    marker; `on_fence({'id', 'points', 'radius_m'})` hears a drawn or dragged area (id '' when new).
    """
    made = Fleet(tiles=tiles, layers=layers or {}, center=center, zoom=zoom, height=height, label=label, zone=zone,
                 fullscreen_href=fullscreen_href, on_select=on_select, on_fence=on_fence)
    if _under:
        made.set_overlay(_under)
    if markers:
        made.set_markers(markers)
    if fences:
        made.set_fences(fences)
    if lines:
        made.set_lines(lines)
    if room:
        made.join(room)
    return made
