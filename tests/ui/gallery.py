"""Every part of `ui` on a few pages with made-up values, to look at: `python -m tests.ui.gallery --port 8123`."""
from __future__ import annotations

import argparse
import asyncio
import math
import random
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from nicegui import app, ui

from ui import dialog, theme
from ui.age import age
from ui.badge import badge, dot
from ui.chart import ChartData, Excursion, Limit, Mark, Series, chart
from ui.empty import empty_state, error_state, no_permission_state
from ui.form import Form, button
from ui.frame import Found, Frame, Look, Organization, Person, Place, frame, use_language_and_theme
from ui.history_map import Track, history_map
from ui.live import live
from ui.map import Fence, Line, Marker, broadcast, fleet, rows
from ui.player import Photo, audio, photos
from ui.table import Column, table
from ui.tile import tile
from ui.words import Reader, _, set_reader, temperature


class Topic:
    """A topic in memory."""

    def __init__(self) -> None:
        self.listeners: set[Callable[[], None]] = set()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.listeners.add(callback)
        return lambda: self.listeners.discard(callback)

    def publish(self) -> None:
        for callback in list(self.listeners):
            callback()


TOPIC = Topic()
STATES = ('ok', 'ok', 'ok', 'warning', 'critical', 'offline', 'waiting')
COUNT = {'n': 0}


def shell(title: str, here: str, language: str, dark: str, demo: bool = True) -> object:
    set_reader(Reader(language, 'Asia/Phnom_Penh', 'c'))
    use_language_and_theme(language, dark)  # type: ignore[arg-type]
    km = language == 'km'
    places = [Place('home', 'ទំព័រដើម' if km else 'Home', 'home', '/'),
              Place('cold', 'ខ្សែត្រជាក់' if km else 'Cold chain', 'ac_unit', '/data', 2),
              Place('farm', 'កសិដ្ឋាន' if km else 'Farm', 'agriculture', '/parts'),
              Place('map', 'ផែនទី' if km else 'Tracking', 'location_on', '/map'),
              Place('deliveries', 'ការដឹកជញ្ជូន' if km else 'Deliveries', 'local_shipping', '/history'),
              Place('trees', 'ដើមឈើ' if km else 'Trees', 'park', '/trees'),
              Place('alerts', 'ការជូនដំណឹង' if km else 'Alerts', 'notifications', '/alerts', 3),
              Place('people', 'មនុស្ស' if km else 'People', 'group', '/people', group='ការគ្រប់គ្រង' if km else 'Administration'),
              Place('settings', 'ការកំណត់' if km else 'Settings', 'settings', '/settings', group='ការគ្រប់គ្រង' if km else 'Administration')]

    async def search(text: str) -> Sequence[Found]:
        await asyncio.sleep(.1)
        return [Found(f'Freezer {i} {text}', f'/data?id={i}', 'Cold chain', 'ac_unit') for i in range(5)] if text != 'x' else []
    return frame(title, places, here, Look(
        person=Person('Sokha Chan', 'sokha@example.org'), organizations=[Organization('a', 'Mekong Fresh Co.'), Organization('b', 'Tonle Sap Farms')],
        organization_id='a', theme=dark, unread=7, search=search, demonstration='Demonstration: these values are made up.' if demo else '',  # type: ignore[arg-type]
        on_sign_out=lambda: ui.notify('signed out'), on_language=lambda chosen: ui.navigate.to(f'?language={chosen}'), profile_href='/me'))


@ui.page('/')
@ui.page('/data')
async def data(language: str = 'en', dark: str = 'light', broken: bool = False) -> None:
    with shell('Cold chain' if language == 'en' else 'ខ្សែត្រជាក់', 'cold', language, dark):  # type: ignore[attr-defined]
        async def ask(page: int, size: int, sort: str, descending: bool, wanted: str) -> tuple[list[dict[str, object]], int]:
            await asyncio.sleep(.2)
            if broken:
                raise RuntimeError('no')
            everything = [{'id': i, 'name': f'Freezer {i}', 'state': (STATES[i % 7], STATES[i % 7].capitalize()), 'now': -18 + math.sin(i) * 6, 'href': f'/unit/{i}',
                           'trend': [(-18 + math.sin(i + k / 3) if k % 11 else None) for k in range(30)], 'heard': datetime.now(UTC) - timedelta(seconds=i * 37), 'site': 'Phnom Penh'} for i in range(1, 84)]
            found = [row for row in everything if wanted.lower() in str(row['name']).lower()]
            if sort:
                found.sort(key=lambda row: str(row[sort]) if sort != 'now' else row[sort], reverse=descending)  # type: ignore[arg-type,return-value]
            return found[(page - 1) * size:page * size], len(found)

        async def measure(start: datetime, end: datetime, points: int) -> ChartData:
            a, b = int(start.timestamp()), int(end.timestamp())
            times = np.arange(a, b, max(1, (b - a) // 20000)) * 1000
            rng = np.random.default_rng(3)
            values = -18 + np.sin(times / 7.2e6) * 2 + rng.normal(0, .3, times.size)
            hour = 3600_000
            spike = (times > (b - 5 * 3600) * 1000) & (times < (b - 4 * 3600) * 1000)
            values[spike] += 7
            values[(times > (b - 12 * 3600) * 1000) & (times < (b - 10 * 3600) * 1000)] = np.nan
            return ChartData([Series('air', 'Air', times, values, 2 * hour if b - a > 10 ** 6 else 10 ** 6), Series('probe', 'Probe', times[::40], values[::40] * .8 - 3)],
                             [Limit(-25, -15, 'Allowed')], [Excursion((b - 5 * 3600) * 1000, (b - 4 * 3600) * 1000, 'Too warm')],
                             [Mark((b - 5 * 3600) * 1000 - 9 * 10 ** 5, 'Door open 12 min', 'door'), Mark((b - 2 * 3600) * 1000, 'Manual log −18.2 °C', 'log')])
        with ui.element('div').classes('st-card'):
            made = chart(measure, title='Freezer 3', unit='°C', csv_href='/x.csv')

        def grow() -> None:
            made.append('air', [int(datetime.now(UTC).timestamp() * 1000)], [-18 + random.random()])
        ui.timer(2, grow)
        table([Column('name', _('Name') if language == 'en' else 'ឈ្មោះ'), Column('state', 'State', 'badge'), Column('now', 'Now', 'number', decimals=1, unit='°C'), Column('trend', 'Last 24 h', 'spark', sortable=False),
               Column('heard', 'Heard', 'age'), Column('site', 'Site', hidden=True)], ask, csv_href='/units.csv', topics=[TOPIC])


@ui.page('/parts')
async def parts(language: str = 'en', dark: str = 'light') -> None:
    with shell('Farm' if language == 'en' else 'កសិដ្ឋាន', 'farm', language, dark) as held:  # type: ignore[attr-defined]
        with ui.element('div').classes('st-tiles'):
            async def switch(desired: bool) -> None:
                await asyncio.sleep(2)
                fan.set(is_on=desired, asked=None, at=datetime.now(UTC), state='ok' if desired else 'neutral')

            async def refuse(desired: bool) -> None:
                await asyncio.sleep(1)
                raise RuntimeError('locked')
            fan = tile('Fan, greenhouse 2', state='ok', icon='mode_fan_off', is_on=True, at=datetime.now(UTC), on_switch=switch, href='/x')
            tile('Pump, pond', state='neutral', icon='water_drop', is_on=False, at=datetime.now(UTC) - timedelta(minutes=3), on_switch=refuse)
            tile('Soil, field 4', state='warning', icon='grass', word='Too dry', value='17.5', unit='%', at=datetime.now(UTC) - timedelta(minutes=8))
            tile('Water tank', state='critical', icon='water', word='Nearly empty', value='4', unit='%', at=datetime.now(UTC))
            tile('Gate', state='offline', icon='sensor_door', word=_('Offline'), at=datetime.now(UTC) - timedelta(hours=7))
            tile('Lamp', state='waiting', icon='lightbulb', is_on=False, asked=True, on_switch=switch, at=datetime.now(UTC))
        with ui.element('div').classes('st-card'), ui.element('div').classes('st-row'):
            for state in ('ok', 'warning', 'critical', 'offline', 'waiting', 'neutral'):
                badge(state)  # type: ignore[arg-type]
                dot(state)  # type: ignore[arg-type]
            age(datetime.now(UTC) - timedelta(seconds=70), stale_after_s=60)
            ui.label(temperature(-18.44))

        async def count() -> int:
            return COUNT['n']
        with ui.element('div').classes('st-card'):
            live(count, lambda n: ui.label(f'count {n}').mark('count'), TOPIC)

            def bump() -> None:
                COUNT['n'] += 1
                held.set_unread(COUNT['n'])
                TOPIC.publish()
            button('Publish', bump)
        with ui.element('div').classes('st-columns'):
            with ui.element('div').classes('st-card'), Form() as form:
                form.text('name', 'Name', required=True)
                form.number('limit', 'Warm limit', -15, unit='°C', help='Above this, somebody is told.', required=True)
                form.select('kind', 'Kind', {'freezer': 'Freezer', 'fridge': 'Fridge'}, 'freezer', required=True)
                form.time('at', 'Starts', zone='Asia/Phnom_Penh')
                form.check('active', 'Active', True)

                async def save(values: dict[str, object]) -> dict[str, str]:
                    await asyncio.sleep(.5)
                    return {'name': 'This name is taken.', '': 'Two things to look at.'}
                form.buttons('Save', save, on_cancel=lambda: None)
            with ui.element('div').classes('st-card'):
                async def remove() -> None:
                    ui.notify(str(await dialog.confirm('Remove freezer 3?', 'Its readings stay in the archive.', action='Remove', goes=['Freezer 3', '2 sensors'])))

                async def secret() -> None:
                    await dialog.ask_secret_once('New device token', 'st_dev_9f3kQz71Lm0aVtYw')
                with ui.element('div').classes('st-row'):
                    button('Primary', kind='primary')
                    button('Remove…', remove, kind='danger')
                    button('Secret…', secret)
                    button('Quiet', kind='quiet')
                empty_state('No sensors yet', 'Add the first one to see its temperature here.', action='Add a sensor', icon='sensors')
                error_state('The database did not answer.', retry=lambda: None)
                no_permission_state()
        with ui.element('div').classes('st-card'):
            audio('/steading-ui/none.ogg', label='Recording of 20 Nov')
            photos([Photo(f'/shade/{i}.svg', f'Tree {i}') for i in range(5)])
    assert isinstance(held, Frame)


@ui.page('/map')
async def map_page(language: str = 'en', dark: str = 'light', n: int = 30) -> None:
    with shell('Tracking', 'map', language, dark, demo=False):  # type: ignore[attr-defined]
        rng = random.Random(4)
        places = [[11.55 + rng.gauss(0, .12), 104.92 + rng.gauss(0, .12)] for _i in range(n)]
        kinds = ['driver', 'tracker', 'unit', 'farm']
        markers = [Marker(i, f'Truck {i}', *places[i], kind=kinds[i % 4], state=STATES[i % 7], at=datetime.now(UTC) - timedelta(seconds=rng.randrange(900)),
                          accuracy_m=rng.choice([None, 20, 400]), heading=rng.randrange(360) if i % 4 == 0 else None, href=f'/t/{i}', detail='38 km/h', layer=kinds[i % 4]) for i in range(n)]
        made = fleet(markers, layers={'driver': 'Drivers', 'tracker': 'Trackers', 'unit': 'Cold units', 'farm': 'Farms'}, height='70vh', room='demo',
                     fences=[Fence('f1', 'Depot', [(11.55, 104.9)], 4000, 'ok', is_editable=True), Fence('f2', 'Market', [(11.6, 104.95), (11.66, 105), (11.6, 105.05)], state='warning')],
                     lines=[Line([(11.5, 104.8), (11.55, 104.9), (11.7, 104.95)], 'Route 4')], on_fence=lambda f: ui.notify(str(f)))
        with ui.element('div').classes('st-row'):
            button('Circle', lambda: made.draw('circle'))
            button('Area', lambda: made.draw('polygon'))
            button('Select 3', lambda: made.select(3))

        async def tick() -> None:
            for p in places:
                p[0] += rng.gauss(0, .001)
                p[1] += rng.gauss(0, .001)
            await broadcast('demo', rows([(i, p[0], p[1], STATES[i % 7]) for i, p in enumerate(places)]))
        ui.timer(1, tick)


@ui.page('/history')
def history(language: str = 'en', dark: str = 'light') -> None:
    with shell('History', 'deliveries', language, dark):  # type: ignore[attr-defined]
        start = datetime.now(UTC) - timedelta(hours=5)
        history_map([Track('Truck 4', [start + timedelta(minutes=5 * i) for i in range(50)], [(11.5 + i * .02, 104.9 + math.sin(i / 6) * .1) for i in range(50)]),
                     Track('Truck 5', [start + timedelta(minutes=5 * i) for i in range(50)], [(11.5 + i * .01, 104.9 - i * .02) for i in range(50)])], zone='Asia/Phnom_Penh', step_s=300)


class Guarded:
    """The content security policy of the product: every script tag gets the nonce of its answer."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope['type'] != 'http':
            await self.inner(scope, receive, send)
            return
        nonce, held, parts = secrets.token_urlsafe(12), [], []

        async def guarded(message: Any) -> None:
            if message['type'] == 'http.response.start':
                headers = dict(message['headers'])
                if b'text/html' in headers.get(b'content-type', b''):
                    held.append(message)
                    return
            elif held and message['type'] == 'http.response.body':
                parts.append(message.get('body', b''))
                if message.get('more_body'):
                    return
                body = b''.join(parts).replace(b'<script', f'<script nonce="{nonce}"'.encode())
                policy = f"default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"
                headers = [(key, value) for key, value in held[0]['headers'] if key not in (b'content-length', b'content-security-policy')]
                await send({**held[0], 'headers': [*headers, (b'content-length', str(len(body)).encode()), (b'content-security-policy', policy.encode())]})
                await send({'type': 'http.response.body', 'body': body})
                return
            await send(message)
        await self.inner(scope, receive, guarded)


if __name__ in {'__main__', '__mp_main__'}:
    parser = argparse.ArgumentParser()
    parser.add_argument('--port', type=int, default=8123)
    from fastapi import Response

    @app.get('/listeners')
    def listeners() -> int:
        return len(TOPIC.listeners)

    @app.get('/shade/{number}.svg')
    def shade(number: int) -> Response:
        return Response(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 60"><rect width="90" height="60" fill="hsl({number * 40} 40% 50%)"/></svg>', media_type='image/svg+xml')
    theme.install(app)
    app.add_middleware(Guarded)
    ui.run(port=parser.parse_args().port, host='127.0.0.1', show=False, reload=False, gzip_middleware_factory=None, title='Steading gallery')
