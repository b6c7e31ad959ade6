"""Something runs while it is too hot, too damp or both; a probe that falls silent is not taken for one that says that all is well."""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from data.core.errors import Invalid

OPERATORS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType({
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "==": operator.eq,
})  # fmt: skip
DEEPEST, MOST_LEAVES = 5, 20
SILENT_AFTER_S = 900
"""A probe that says nothing for this long is silent, unless the schedule says otherwise."""

MET, NOT_MET, FAIL_SAFE, STOPPED, RESTS = "met", "not_met", "fail_safe", "stopped", "rests"

IS_MET = "Its condition holds."
IS_NOT_MET = "Its condition does not hold any more."
HAS_RUN_LONG = "It has run for as long as it may at a stretch, so it rests."
IS_SILENT = "A probe it depends on has been silent for too long, so the device is brought to its safe state."


@dataclass(frozen=True, slots=True)
class Measured:
    """What a probe said last, and when."""

    value: float
    at: datetime


Source = tuple[UUID, str]
"""A device and what it measures."""


def condition_of(condition: Any, *, field: str = "condition") -> dict[str, Any]:
    """A condition as it is kept; Invalid(field) otherwise.

    {"device_id", "sensor_type", "operator", "value", "until"?} or {"and": […]}, {"or": […]}, {"not": …}. Once it holds, it
    holds until the value has passed `until`.
    """
    checked = _checked(condition, field, 1)
    if len(list(_leaves(checked))) > MOST_LEAVES:
        raise Invalid(field, "A condition has {most} parts at most.", most=MOST_LEAVES)
    return checked


def sources(condition: Mapping[str, Any]) -> set[Source]:
    """Which values it asks for."""
    return {(UUID(leaf["device_id"]), leaf["sensor_type"]) for leaf in _leaves(condition)}


def holds(
    condition: Mapping[str, Any], measured: Mapping[Source, Measured], *, at: datetime, was: bool = False, silent_after_s: int | None = None
) -> bool | None:
    """Whether it holds; None when that cannot be known because a probe that would decide is silent. `was`: it held before."""
    if "and" in condition or "or" in condition:
        word, deciding = ("and", False) if "and" in condition else ("or", True)
        parts = [holds(one, measured, at=at, was=was, silent_after_s=silent_after_s) for one in condition[word]]
        return deciding if deciding in parts else None if None in parts else not deciding
    if "not" in condition:
        part = holds(condition["not"], measured, at=at, was=not was, silent_after_s=silent_after_s)
        return None if part is None else not part
    found = measured.get((UUID(condition["device_id"]), condition["sensor_type"]))
    if found is None or at - found.at > timedelta(seconds=silent_after_s or SILENT_AFTER_S):
        return None
    threshold = condition["until"] if was and condition.get("until") is not None else condition["value"]
    return OPERATORS[condition["operator"]](found.value, threshold)


def phase_after(
    held: bool | None, phase: str | None, since: datetime | None, *, at: datetime, action: str, minimum_on_s: int | None = None,
    minimum_off_s: int | None = None, longest_run_s: int | None = None,
) -> str:  # fmt: skip
    """Where it stands now. Who was switched on a short while ago stays on for `minimum_on_s`; silence does not wait for that.

    After `longest_run_s` at a stretch it rests for as long as it must at least be left alone, even where the condition still holds.
    """
    if held is None:
        return FAIL_SAFE
    wanted = MET if held else NOT_MET
    if since is not None and wanted == MET and phase in (MET, RESTS):
        rest = (minimum_off_s if action == "on" else minimum_on_s) or 0
        if phase == RESTS:
            return RESTS if at - since < timedelta(seconds=rest) else MET
        return RESTS if longest_run_s and at - since >= timedelta(seconds=longest_run_s) else MET
    if phase in (MET, NOT_MET) and wanted != phase and since is not None:
        was_on = (phase == MET) is (action == "on")
        least = timedelta(seconds=(minimum_on_s if was_on else minimum_off_s) or 0)
        if at - since < least:
            return phase
    return wanted


def _leaves(condition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "not" in condition:
        yield from _leaves(condition["not"])
    elif "and" in condition or "or" in condition:
        for one in condition.get("and") or condition["or"]:
            yield from _leaves(one)
    else:
        yield condition


def _checked(condition: Any, field: str, depth: int) -> dict[str, Any]:
    if depth > DEEPEST or not isinstance(condition, Mapping):
        raise Invalid(field, "This is not a condition.")
    if "not" in condition:
        return {"not": _checked(condition["not"], field, depth + 1)}
    for word in ("and", "or"):
        if word in condition:
            parts = condition[word]
            if not isinstance(parts, list) or not parts:
                raise Invalid(field, "This is not a condition.")
            return {word: [_checked(part, field, depth + 1) for part in parts]}
    return _leaf(condition, field)


def _leaf(condition: Mapping[str, Any], field: str) -> dict[str, Any]:
    try:
        device_id = str(UUID(str(condition["device_id"])))
        kind, sign, value, until = condition["sensor_type"], condition["operator"], float(condition["value"]), condition.get("until")
        until = None if until is None else float(until)
    except (KeyError, TypeError, ValueError):
        raise Invalid(field, "Choose a probe and a value.") from None
    if not isinstance(kind, str) or sign not in OPERATORS:
        raise Invalid(field, "Choose a probe and a value.")
    if until is not None and (sign == "==" or (until > value if sign.startswith(">") else until < value)):
        raise Invalid(field, "The value at which it ends lies on the wrong side.")
    made = {"device_id": device_id, "sensor_type": kind, "operator": sign, "value": value}
    return made if until is None else made | {"until": until}
