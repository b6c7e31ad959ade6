"""What is too warm has not always been the same: limits change, and what was measured is judged by those that held then."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from data.cold_chain.rules import settle
from data.cold_chain.values import UnitType

LOW, HIGH = "temperature_min_celsius", "temperature_max_celsius"
BEGINNING, END = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

Scope = Literal["unit", "site", "organization"]
NEAREST_FIRST: tuple[Scope, ...] = ("unit", "site", "organization")
Said = Mapping[Scope, Mapping[str, Any]]
"""What each of the three says of LOW and HIGH; None or absent: nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """One of the three rules was changed: what its fields were before."""

    changed_at: datetime
    scope: Scope
    before: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` until before `until` these limits (°C) held; an end that is None was open."""

    since: datetime
    until: datetime
    low_celsius: float | None
    high_celsius: float | None


def spans(unit_type: UnitType, said: Said, changes: Iterable[Change]) -> Sequence[Span]:
    """The limits of a unit for all time, the oldest first: from what is said now, back through the changes."""
    then = {scope: dict(said.get(scope) or {}) for scope in NEAREST_FIRST}
    found: list[Span] = []
    until, held = END, _held(unit_type, then)
    for change in sorted(changes, key=lambda one: one.changed_at, reverse=True):
        then[change.scope] |= {name: change.before[name] for name in (LOW, HIGH) if name in change.before}
        before = _held(unit_type, then)
        if before != held:
            found.append(Span(change.changed_at, until, *held))
            until, held = change.changed_at, before
    return [Span(BEGINNING, until, *held), *reversed(found)]


def within(all_spans: Sequence[Span], since: datetime, until: datetime) -> Sequence[Span]:
    """The part of them between two instants, cut to it."""
    return [
        Span(max(one.since, since), min(one.until, until), one.low_celsius, one.high_celsius)
        for one in all_spans
        if one.since < until and one.until > since
    ]


def _held(unit_type: UnitType, said: Mapping[Scope, Mapping[str, Any]]) -> tuple[float | None, float | None]:
    nearest = {
        name: next((float(value) for scope in NEAREST_FIRST if (value := said[scope].get(name)) is not None), None)
        for name in (LOW, HIGH)
    }
    rule = settle(nearest, unit_type)
    return rule.low_celsius, rule.high_celsius
