"""The worker and the manifest speak of files that are there, and a browser takes a new worker whenever anything changed."""
from __future__ import annotations

import json
import re

from ui import offline
from ui.theme import COLOURS, STATIC, STATIC_URL

KEPT = ('/offline', '/a')


def version(text: str) -> str:
    return re.findall(r'const VERSION = "(\w+)"', text)[0]


def test_every_file_that_the_worker_keeps_is_there() -> None:
    text = offline.worker(KEPT, has_push=False)
    assets = json.loads(re.findall(r'const ASSETS = (\[.*?\]);', text)[0])
    assert len(assets) > 8
    for address in [*assets, *re.findall(r'importScripts\("([^"]+)"\)', text)]:
        path, _query = address.removeprefix(f'{STATIC_URL}/').split('?v=')
        assert (STATIC / path).is_file(), address
    assert json.loads(re.findall(r'const KEPT = (\[.*?\]);', text)[0]) == list(KEPT)


def test_a_worker_has_another_version_as_soon_as_anything_it_stands_on_differs() -> None:
    """Each asset's address holds the fingerprint of its content."""
    parts = (['/a.css?v=1'], KEPT, 'code', False, ':root{}')
    others = [(['/a.css?v=2'], *parts[1:]), (parts[0], ('/offline',), *parts[2:]), (*parts[:2], 'other', *parts[3:]), (*parts[:3], True, parts[4]), (*parts[:4], '')]
    assert len({offline.version_of(*each) for each in (parts, *others)}) == 6
    assert offline.version_of(*parts) == offline.version_of(*parts)


def test_the_worker_takes_push_along_only_where_that_is_served() -> None:
    assert offline.PUSH in offline.worker(KEPT, has_push=True)
    assert offline.PUSH not in offline.worker(KEPT, has_push=False)
    assert version(offline.worker(KEPT, has_push=True)) != version(offline.worker(KEPT, has_push=False))


def test_the_manifest_takes_its_colours_from_the_theme_and_its_icons_from_our_files() -> None:
    made = offline.manifest('Steading', 'From the farm to the doorstep.', 'km')
    assert (made['theme_color'], made['background_color'], made['lang']) == (COLOURS['accent'][0], COLOURS['page'][0], 'km')
    assert all((STATIC / icon['src'].removeprefix(f'{STATIC_URL}/').split('?')[0]).is_file() for icon in made['icons'])


def test_what_a_page_says_to_its_script_cannot_end_the_script() -> None:
    page = offline.plain_page('A', '', language='en', said={'name': '</script><script>alert(1)</script>'})
    assert '</script><script>alert' not in page and '\\u003c/script>' in page
