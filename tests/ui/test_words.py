"""Whatever the screen says in English it can also say in Khmer."""
from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ui import words
from ui.words import Reader, _, n_, reading_as

ROOT = Path(__file__).parents[2]
KHMER = Reader('km', 'Asia/Phnom_Penh', 'c')


def marked_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Each literal given to `_`, `n_` or `noop` in a file, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ''
        if name in ('_', 'n_', 'noop') and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            yield node.lineno, node.args[0].value


@pytest.mark.parametrize('folder', ['ui', 'pages'])
def test_every_marked_text_has_a_khmer_translation(folder: str) -> None:
    missing = [f'{path.relative_to(ROOT)}:{line}: {text!r}' for path in sorted((ROOT / folder).rglob('*.py'))
               for line, text in marked_texts(path) if text not in words.CATALOGS['km']]
    assert not missing, f'{len(missing)} texts lack Khmer:\n' + '\n'.join(missing)


def test_the_places_in_a_translation_are_those_of_the_text() -> None:
    import string
    def places(text: str) -> set[str]:
        return {name for _before, name, _spec, _conversion in string.Formatter().parse(text) if name}
    wrong = [text for text, found in words.CATALOGS['km'].items()
             if not places(found if isinstance(found, str) else found[0]) <= places(text) | {'n'}]
    assert not wrong


def test_an_unknown_text_stays_english() -> None:
    with reading_as(KHMER):
        assert _('No such text, {name}', name='Sokha') == 'No such text, Sokha'


def test_english_counts_one_and_many() -> None:
    with reading_as(Reader('en')):
        assert n_('{n} unread message', '{n} unread messages', 1) == '1 unread message'
        assert n_('{n} unread message', '{n} unread messages', 1200) == '1,200 unread messages'


def test_khmer_has_one_form_for_all_counts() -> None:
    with reading_as(KHMER):
        assert n_('{n} unread message', '{n} unread messages', 1).endswith('១') is False
        assert n_('{n} unread message', '{n} unread messages', 3) != '3 unread messages'


def test_temperatures_are_shown_in_the_readers_unit() -> None:
    with reading_as(Reader('en', 'UTC', 'f')):
        assert words.temperature(-18) == '−0.4 °F'
        assert words.celsius_from(32) == 0
    with reading_as(Reader('en', 'UTC', 'c')):
        assert words.temperature(-18) == '−18.0 °C'
        assert words.temperature(None) == '–'


def test_a_moment_is_told_in_the_zone_of_the_place() -> None:
    at = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
    with reading_as(Reader('en', 'UTC')):
        assert words.moment(at, 'Asia/Phnom_Penh') == '21 Nov 2026, 01:30'
        assert words.moment(at, 'No/Such_Zone') == '20 Nov 2026, 18:30'
        assert 'Asia/Phnom_Penh' in words.full_moment(at, 'Asia/Phnom_Penh')
    with reading_as(KHMER):
        assert '២' not in words.moment(at), 'digits stay Latin, as on the devices'


def test_ages_are_told_in_both_languages() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    with reading_as(Reader('en')):
        assert words.ago(now - timedelta(minutes=2), now) == '2 minutes ago'
    with reading_as(KHMER):
        assert words.ago(now - timedelta(minutes=2), now) .replace('\u200b', '') == '2 នាទីមុន'
