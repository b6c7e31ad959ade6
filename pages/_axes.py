"""The scales of a picture in a document: round numbers on one side, days or hours of the place's own clock along the other."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

from data.core.sheet import Tick
from ui.words import clock
from ui.words import day as day_words

MOST_ALONG = 9


def scale(lowest: float, highest: float) -> tuple[float, float, float]:
    """Where a scale begins and ends and how far its lines are apart, in round numbers and with some air."""
    span = max(highest - lowest, 1.0) * 1.1
    raw = span / 5
    power = 10.0 ** floor(log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)
    return floor((lowest - span * 0.03) / step) * step, ceil((highest + span * 0.03) / step) * step, step


def steps(bottom: float, top: float, step: float) -> Sequence[float]:
    """Where its lines are."""
    return [bottom + n * step for n in range(round((top - bottom) / step) + 1)]


def along(since: datetime, until: datetime, zone_name: str) -> list[Tick]:
    """Midnights by the place's clock, every so many that their names fit; the hours of a day or two."""
    zone, width = ZoneInfo(zone_name), (until - since).total_seconds()
    if width <= 0:
        return []
    first = since.astimezone(zone).date()
    days = (until - since) / timedelta(days=1)
    if days <= 2.1:
        every = 3 if days <= 1.1 else 6
        instants = [datetime.combine(first, time(), zone) + timedelta(hours=n) for n in range(0, ceil(days + 1) * 24 + 1, every)]
        marks = [(one, clock(one, zone_name)) for one in instants]
    else:
        every = ceil(days / MOST_ALONG)
        instants = [datetime.combine(first + timedelta(days=n), time(), zone) for n in range(0, ceil(days) + 1, every)]
        marks = [(one, _short_day(one, zone_name)) for one in instants]
    return [Tick((one - since).total_seconds() / width, words) for one, words in marks if since <= one <= until]


def _short_day(at: datetime, zone_name: str) -> str:
    return " ".join(day_words(at, zone_name).split(", ", 1)[-1].split(" ")[:-1])
