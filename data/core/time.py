"""Instants are UTC everywhere; a place's own zone matters only to its people and its schedules."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from data.core.errors import Invalid


def now() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)


@lru_cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones())


def zone(name: str, *, field: str = "time_zone") -> ZoneInfo:
    """The IANA zone of that name; Invalid(field) when there is none."""
    if name not in _known():
        raise Invalid(field, "There is no time zone called {name}.", name=name)
    return ZoneInfo(name)


def epoch_ms(at: datetime) -> int:
    """Milliseconds since 1970, as browsers count."""
    return round(at.timestamp() * 1000)
