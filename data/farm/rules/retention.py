"""A farm's past is kept for as long as the installation keeps it, or for less where its organization wants that; never for longer."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Self

from data.core.errors import Invalid
from data.farm.rules.detail import Kept

SWITCH_DAYS = 31
"""The words of switches stay for so long: how long one was on is told by its last word, which may be old."""
LEAST = {"raw_days": 2, "hourly_days": 7, "daily_days": 31}
"""Less would leave pictures and reports empty that everybody has."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How many days each value, their hours and their days are kept. Of an installation None is for ever, of an organization it is as
    the installation says."""

    raw_days: int | None = None
    hourly_days: int | None = None
    daily_days: int | None = None

    @classmethod
    def of_settings(cls, raw: int, hourly: int, daily: int) -> Self:
        """As settings say it: 0 for ever."""
        return cls(raw or None, hourly or None, daily or None)

    @property
    def is_as_usual(self) -> bool:
        return self == Retention()

    def within(self, installation: "Retention") -> "Retention":
        """What comes of it: of both, whichever is shorter."""
        return Retention(*(_shorter(getattr(self, one.name), getattr(installation, one.name)) for one in fields(self)))

    def narrowed(self, kept: Kept) -> Kept:
        """What a picture can be drawn from, if the installation keeps that much."""
        return Kept(
            _shorter(kept.readings, self.raw_days and timedelta(days=self.raw_days)), _shorter(kept.hours, self.hourly_days and timedelta(days=self.hourly_days))
        )  # fmt: skip


def wanted(own: Retention, installation: Retention) -> Retention:
    """The same, if it can be; Invalid names the field. What is no less than the installation keeps is as the installation says."""
    for name, least in LEAST.items():
        days, most = getattr(own, name), getattr(installation, name)
        if days is not None and days < least:
            raise Invalid(name, "Keep them for at least {days} days.", days=least)
        if days is not None and most is not None and days > most:
            raise Invalid(name, "This installation keeps them for {days} days; nobody can keep them for longer.", days=most)
    found = own.within(installation)
    for short, long, sentence in (
        ("raw_days", "hourly_days", "Hours are kept for at least as long as each value, which is {days} days."),
        ("hourly_days", "daily_days", "Days are kept for at least as long as hours, which is {days} days."),
    ):
        shorter, longer = getattr(found, short), getattr(found, long)
        if getattr(own, long) is not None and (shorter is None or longer < shorter):
            raise Invalid(long, sentence, days=shorter or "∞")
    return Retention(*(None if getattr(own, one.name) == getattr(installation, one.name) else getattr(own, one.name) for one in fields(own)))


def before(at: datetime, days: int) -> datetime:
    """What is older than that may go: whole days, by the clock of the world."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)


def _shorter(one: Any, other: Any) -> Any:
    return one if other is None else other if one is None else min(one, other)
