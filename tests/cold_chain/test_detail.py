"""How closely a picture looks."""

from datetime import timedelta

import pytest

from data.cold_chain.detail import PIECES, Detail, Source, detail

DAY, MINUTE, SECOND = timedelta(days=1), timedelta(minutes=1), timedelta(seconds=1)
WHOLE = Detail(Source.WHOLE)


@pytest.mark.parametrize(
    ("length", "every", "chosen"),
    [
        (timedelta(hours=1), SECOND, WHOLE),
        (DAY, 5 * MINUTE, WHOLE),
        (30 * DAY, MINUTE, WHOLE),
        (365 * DAY, timedelta(hours=1), WHOLE),
        (DAY, SECOND, Detail(Source.READINGS, 2 * MINUTE)),
        (3 * DAY, SECOND, Detail(Source.READINGS, 5 * MINUTE)),
        (7 * DAY, SECOND, Detail(Source.HOURS, timedelta(hours=1))),
        (40 * DAY, MINUTE, Detail(Source.HOURS, timedelta(hours=1))),
        (365 * DAY, MINUTE, Detail(Source.HOURS, timedelta(hours=12))),
        (730 * DAY, MINUTE, Detail(Source.HOURS, DAY)),
        (30 * 365 * DAY, MINUTE, Detail(Source.HOURS, timedelta(hours=263))),
    ],
)
def test_a_picture_is_as_close_as_there_is_something_to_see(length: timedelta, every: timedelta, chosen: Detail) -> None:
    assert detail(length, length / every) == chosen


@pytest.mark.parametrize("days", [0.01, 0.5, 1, 3, 9, 20, 60, 200, 800, 9000])
@pytest.mark.parametrize("readings", [10, 60_000, 400_000, 5_000_000])
def test_no_picture_has_more_pieces_than_a_screen_has_columns(days: float, readings: float) -> None:
    found = detail(days * DAY, readings)
    assert found.width is None or days * DAY / found.width <= PIECES
