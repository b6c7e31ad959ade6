"""Where something has been: a map with a slider of time, complete in itself and served without the internet."""
from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import folium
from branca.element import MacroElement
from folium.plugins import TimestampedGeoJson
from folium.template import Template
from nicegui import ui

from ui.theme import COLOURS, SERIES, STATIC_URL, asset, tokens_css
from ui.words import _, current_language, current_reader, moment


@dataclass(frozen=True)
class Track:
    """The way of one thing: instants (rising) and (latitude, longitude) of equal count, cut wherever nothing was heard."""

    label: str
    times: Sequence[datetime]
    points: Sequence[tuple[float, float]]


class _LocalMap(folium.Map):
    """A folium map whose scripts all come from here."""

    @property
    def default_js(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [('leaflet', asset('vendor/leaflet/leaflet.js')), ('basemap', asset('basemap.js')),
                ('history', asset('history.js'))]

    @property
    def default_css(self) -> list[tuple[str, str]]:  # type: ignore[override]
        return [('leaflet_css', asset('vendor/leaflet/leaflet.css')), ('history_css', asset('history.css'))]


class _LocalSlider(TimestampedGeoJson):
    """The time slider; jQuery and its kin are not needed, and `history.js` writes the dates in the place's zone."""

    default_js = [('iso8601', asset('vendor/iso8601.js')), ('timedimension', asset('vendor/leaflet.timedimension.min.js'))]
    default_css = [('timedimension_css', asset('vendor/leaflet.timedimension.control.css'))]


class _Ground(MacroElement):
    """Puts the shipped vector map (or tiles by address) under a folium map."""

    _template = Template('{% macro script(this, kwargs) %}steadingGround({{ this._parent.get_name() }}, '
                         '{{ this.options|tojson }});{% endmacro %}')

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.options = options


def history_html(tracks: Sequence[Track], *, zone: str = '', tile_url: str = '', attribution: str = '',
                 step_s: int = 60, title: str = '') -> str:
    """A complete HTML page with map and slider. `step_s` is what one step of the slider advances.

    Scripts, styles and base map are addresses of this application. With no points the map says so. Raises ValueError when a
    track has unequal times and points.
    """
    points = [point for track in tracks for point in track.points]
    for track in tracks:
        if len(track.times) != len(track.points):
            raise ValueError(f'{track.label}: {len(track.times)} times but {len(track.points)} points')
    made = _LocalMap(location=_middle(points), zoom_start=7, tiles=None, control_scale=False, zoom_control=True)
    made.add_child(_Ground({
        'base': STATIC_URL, 'tiles': tile_url, 'attribution': attribution, 'language': current_language(),
        'zone': zone or current_reader().zone, 'empty': '' if points else _('No positions in this time.'),
        'bounds': [[min(p[0] for p in points), min(p[1] for p in points)],
                   [max(p[0] for p in points), max(p[1] for p in points)]] if points else None,
        'paths': [[list(point) for point in track.points] for track in tracks],
        'words': {'play': _('Play'), 'back': _('Back'), 'forward': _('Forward')},
        'files': {name: asset(f'basemap/{name}.json') for name in ('world', 'water', 'mainland', 'cities')}}))
    if points:
        features = [feature for i, track in enumerate(tracks) for feature in _features(track, i, zone)]
        slider = _LocalSlider(  # type: ignore[no-untyped-call]
            {'type': 'FeatureCollection', 'features': features}, period=f'PT{max(1, step_s)}S', auto_play=False, loop=False,
            add_last_point=True, transition_time=200, max_speed=20, time_slider_drag_update=True, date_options='', speed_slider=False)
        slider.add_to(made)
    page = made.get_root()
    page.html_lang = current_language()  # type: ignore[attr-defined]
    page.title = html.escape(title or _('History'))  # type: ignore[attr-defined]
    text = str(page.render())
    return text.replace('<head>', f'<head><style>{tokens_css()}</style>', 1)


def _features(track: Track, number: int, zone: str) -> list[dict[str, Any]]:
    colour = SERIES[number % len(SERIES)][0]
    if not track.points:
        return []
    times = [int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000) for at in track.times]
    first, last = moment(track.times[0], zone or None), moment(track.times[-1], zone or None)
    popup = f'<b>{html.escape(track.label)}</b><br>{html.escape(first)} – {html.escape(last)}'
    return [{'type': 'Feature', 'geometry': {'type': 'LineString', 'coordinates': [[lng, lat] for lat, lng in track.points]},
             'properties': {'times': times, 'popup': popup, 'tooltip': html.escape(track.label), 'icon': 'circle',
                            'iconstyle': {'radius': 8, 'weight': 3, 'color': COLOURS['card'][0], 'fillColor': colour, 'fillOpacity': 1},
                            'style': {'color': colour, 'weight': 4, 'opacity': .85}}}]


def _middle(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    if not points:
        return 12.6, 105.0
    return sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points)


class HtmlFrame(ui.element, component=Path(__file__).parent / 'static' / 'html_frame.js'):
    """A complete HTML page inside this one; its scripts get this page's nonce, its theme follows ours."""

    def __init__(self, page: str, height: str, label: str) -> None:
        super().__init__()
        self.props['page'], self.props['height'], self.props['label'] = page, height, label

    def set(self, page: str) -> None:
        """Show another page."""
        self.props['page'] = page


def history_map(tracks: Sequence[Track], *, height: str = '520px', label: str = '', **options: Any) -> HtmlFrame:
    """Draw `history_html` (same options) inside the page being built."""
    words = label or _('History')
    return HtmlFrame(history_html(tracks, title=words, **options), height, words)


def as_json(tracks: Sequence[Track]) -> str:
    """The tracks as GeoJSON text, for a download beside the map; instants are ISO 8601 in UTC."""
    return json.dumps({'type': 'FeatureCollection', 'features': [
        {'type': 'Feature', 'properties': {'label': track.label, 'times': [at.astimezone(UTC).isoformat() for at in track.times]},
         'geometry': {'type': 'LineString', 'coordinates': [[lng, lat] for lat, lng in track.points]}} for track in tracks]},
        ensure_ascii=False)
