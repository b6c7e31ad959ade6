"""The history map is complete in itself: nothing comes from elsewhere, and labels cannot smuggle scripts in."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from ui.history_map import Track, history_html
from ui.theme import STATIC

START = datetime(2026, 11, 20, tzinfo=UTC)


def track(label: str = 'Truck 4') -> Track:
    return Track(label, [START + timedelta(minutes=i) for i in range(3)], [(11.5, 104.9), (11.6, 104.8), (11.7, 104.7)])


def test_nothing_is_fetched_from_elsewhere() -> None:
    page = history_html([track()])
    assert not re.findall(r'(?:src|href)=["\']?(?:https?:)?//', page)
    for name in re.findall(r'(?:src|href)="/steading-ui/([^"?]+)', page):
        assert (STATIC / name).exists(), name
    for style in STATIC.rglob('*.css'):
        assert not re.search(r'url\([\'"]?(?:https?:)?//', style.read_text(encoding='utf-8')), style


def test_a_label_is_text_and_not_markup() -> None:
    page = history_html([track('</script><script>alert(1)</script>')])
    assert '<script>alert(1)' not in page


def test_no_positions_are_told_and_not_an_error() -> None:
    assert 'No positions in this time.' in history_html([])


def test_unequal_times_and_points_are_refused() -> None:
    with pytest.raises(ValueError, match='3 times but 0 points'):
        history_html([Track('x', track().times, [])])
