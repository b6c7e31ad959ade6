"""A condition as a form holds it: rows of a probe, a comparison and a value, joined by all or any, and groups of such rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from data.core.errors import Invalid
from data.farm.rules import condition_of
from ui.words import celsius_from, temperature_value

TEMPERATURE = "temperature"


@dataclass(slots=True)
class Source:
    """A value that a condition may ask for: its words, and the unit in which the reader says it."""

    words: str
    unit: str


@dataclass(slots=True)
class Row:
    """One comparison, as it is typed: in the reader's unit, nothing of it certain."""

    source: str | None = None
    sign: str = ">"
    value: float | None = None
    until: float | None = None
    is_not: bool = False


@dataclass(slots=True)
class Group:
    """Rows of which all ("and") or any ("or") must hold; at the top there may be groups among them."""

    word: str = "and"
    parts: list["Row | Group"] = field(default_factory=list)
    is_not: bool = False


def typed(condition: Mapping[str, Any]) -> Group | None:
    """What to show of a condition; None where it is put together in a way that the form has no place for."""
    negated, inner = _not(condition)
    if "not" in inner:
        return None
    if "and" not in inner and "or" not in inner:
        return Group(parts=[_row(inner, negated)])
    if negated:
        found = _group(inner, True)
        return Group(parts=[found]) if found else None
    word = "and" if "and" in inner else "or"
    parts: list[Row | Group] = []
    for one in inner[word]:
        is_not, leaf = _not(one)
        if "not" in leaf:
            return None
        part = _group(leaf, is_not) if "and" in leaf or "or" in leaf else _row(leaf, is_not)
        if part is None:
            return None
        parts.append(part)
    return Group(word, parts)


def meant(root: Group) -> dict[str, Any]:
    """The condition that is meant; Invalid names the row, as 'condition.1' or 'condition.1.0'."""
    return condition_of(_meant(root, "condition"))


def rows(root: Group) -> Iterator[Row]:
    """Every row, those of groups too."""
    for part in root.parts:
        yield from rows(part) if isinstance(part, Group) else (part,)


def _meant(part: Row | Group, path: str) -> dict[str, Any]:
    if isinstance(part, Row):
        made = condition_of(_leaf(part, path), field=path)
    else:
        if not part.parts:
            raise Invalid(path, "Add a comparison, or take the group away.")
        found = [_meant(one, f"{path}.{number}") for number, one in enumerate(part.parts)]
        made = found[0] if len(found) == 1 else {part.word: found}
    return {"not": made} if part.is_not else made


def _leaf(row: Row, path: str) -> dict[str, Any]:
    if not row.source:
        raise Invalid(path, "Choose what is measured.")
    if row.value is None:
        raise Invalid(path, "Say the value.")
    device_id, sensor_type = row.source.split(" ", 1)
    leaf = {"device_id": device_id, "sensor_type": sensor_type, "operator": row.sign, "value": _kept(row.value, sensor_type)}
    return leaf if row.until is None or row.sign == "==" else leaf | {"until": _kept(row.until, sensor_type)}


def _row(leaf: Mapping[str, Any], is_not: bool) -> Row:
    kind = leaf["sensor_type"]
    until = leaf.get("until")
    return Row(
        f"{leaf['device_id']} {kind}", leaf["operator"], _shown(leaf["value"], kind), None if until is None else _shown(until, kind), is_not
    )


def _group(condition: Mapping[str, Any], is_not: bool) -> Group | None:
    word = "and" if "and" in condition else "or"
    parts: list[Row | Group] = []
    for one in condition[word]:
        negated, leaf = _not(one)
        if "and" in leaf or "or" in leaf or "not" in leaf:
            return None
        parts.append(_row(leaf, negated))
    return Group(word, parts, is_not)


def _not(condition: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any]]:
    return (True, condition["not"]) if "not" in condition else (False, condition)


def _kept(value: float, kind: str) -> float:
    """As it is kept: temperatures in °C."""
    return round(celsius_from(value), 2) if kind == TEMPERATURE else float(value)


def _shown(value: float, kind: str) -> float:
    return round(temperature_value(value), 1) if kind == TEMPERATURE else value
