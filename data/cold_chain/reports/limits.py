"""What was asked of a unit changes; for each moment of the past it is found again from what holds now and what was changed.

The history tells of each change what stood there before. Going back from today through those, newest first, shows what the
unit, its site and its organization said at any time; of these the nearest counts, field by field.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from data.cold_chain import rules
from data.cold_chain.rules import Rule
from data.cold_chain.values import UnitType


class Scope(IntEnum):
    """Who says it; the lower the number, the nearer."""

    UNIT = 0
    SITE = 1
    ORGANIZATION = 2


Said = Mapping[str, Any]
"""Fields of a rule by name; absent or None is not said."""


@dataclass(frozen=True, slots=True)
class Change:
    """At that moment these fields ceased to say what they said before."""

    at: datetime
    scope: Scope
    before: Said


@dataclass(frozen=True, slots=True)
class Held:
    """From then on this rule held, until the next."""

    since: datetime
    rule: Rule


def over_time(
    unit_type: UnitType, now_said: Mapping[Scope, Said], changes: Iterable[Change], since: datetime, until: datetime
) -> Sequence[Held]:
    """The rules that held from `since` until before `until`, in the order of time; the first holds at `since`."""
    said = {scope: dict(now_said.get(scope, {})) for scope in Scope}
    later_first = sorted(changes, key=lambda change: change.at, reverse=True)
    held: list[Held] = []
    for change in later_first:
        if change.at <= since:
            break
        if change.at < until:
            held.append(Held(change.at, _settled(unit_type, said)))
        said[change.scope].update(change.before)
    held.append(Held(since, _settled(unit_type, said)))
    held.reverse()
    return [one for place, one in enumerate(held) if place == 0 or one.rule != held[place - 1].rule]


def _settled(unit_type: UnitType, said: Mapping[Scope, Said]) -> Rule:
    nearest: dict[str, Any] = {}
    for scope in sorted(said, reverse=True):
        nearest.update({name: value for name, value in said[scope].items() if value is not None})
    return rules.settle({name: float(value) for name, value in nearest.items() if name in rules.INHERITED}, unit_type)
