"""A form is filled over time and by several hands: what cannot be is refused, what is empty wipes nothing."""

import math
from collections.abc import Mapping
from typing import Any

from data.core.errors import Invalid
from data.trees.form import FORM, Field, Kind

Form = dict[str, Any]
EMPTY: tuple[Any, ...] = (None, "", [], {})


def clean(raw: object, *, path: str = "form") -> Form:
    """The form with every value checked and in its own type, without what is empty. Invalid names the first bad field.

    Also takes the wrapped shape `{schema_name, schema_version, data}`, and `risk_categorization` as a bare list.
    """
    if isinstance(raw, Mapping) and "data" in raw and "schema_name" in raw:
        raw, path = raw["data"], f"{path}.data"
    if isinstance(raw, Mapping) and isinstance(raw.get("risk_categorization"), list):
        raw = {**raw, "risk_categorization": {"rows": raw["risk_categorization"]}}
    return _group(FORM, raw, path)


def _group(fields: tuple[Field, ...], raw: object, path: str) -> Form:
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise Invalid(path, "This must be an object.")
    known = {field.name: field for field in fields}
    cleaned: Form = {}
    for name, value in raw.items():
        if name not in known:
            raise Invalid(f"{path}.{name}", "The form has no such field.")
        kept = _value(known[name], value, f"{path}.{name}")
        if kept not in EMPTY:
            cleaned[name] = kept
    return cleaned


def _value(field: Field, value: Any, path: str) -> Any:
    if value is None or value == "":
        return None
    return _CHECKS[field.kind](field, value, path)


def _rows(field: Field, value: Any, path: str) -> list[Form]:
    if not isinstance(value, list):
        raise Invalid(path, "This must be a list.")
    if len(value) > field.limit:
        raise Invalid(path, "The form has room for {limit} of these.", limit=field.limit)
    cleaned = [_group(field.fields, row, f"{path}.{index}") for index, row in enumerate(value)]
    return [row for row in cleaned if row]


def _flag(field: Field, value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(path, "This must be true or false.")
    return value


def _text(field: Field, value: Any, path: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    return as_text(value, path, limit=field.limit)


def as_text(value: Any, path: str, *, limit: int, lines: bool = False) -> str:
    """Text that can be kept and printed: no control characters, single spaces (with `lines`, line breaks stay)."""
    if not isinstance(value, str):
        raise Invalid(path, "This must be text.")
    try:
        value.encode()
    except UnicodeEncodeError as reason:
        raise Invalid(path, "This must be text.") from reason
    parts = value.splitlines() if lines else [value]
    cleaned = "\n".join(" ".join("".join(c for c in part if c.isprintable() or c in "\t\n\u200b").split()) for part in parts).strip()
    if len(cleaned) > limit:
        raise Invalid(path, "At most {limit} characters fit here.", limit=limit)
    return cleaned


def _number(field: Field, value: Any, path: str) -> float | int:
    found = as_number(value, path)
    if not field.low <= found <= field.high:
        raise Invalid(path, "This must be between {low} and {high}.", low=f"{field.low:g}", high=f"{field.high:g}")
    if field.whole and found != int(found):
        raise Invalid(path, "This must be a whole number.")
    return int(found) if found == int(found) else found


def as_number(value: Any, path: str) -> float:
    """A finite number, or digits that write one."""
    try:
        found = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise Invalid(path, "This must be a number.")
    return found


def _word(field: Field, value: Any, path: str) -> str:
    found = value.strip().lower().replace(" ", "_").replace("-", "_") if isinstance(value, str) else ""
    if found not in field.options:
        raise Invalid(path, "Choose one of {choices}.", choices=", ".join(field.options))
    return found


def _place(field: Field, value: Any, path: str) -> dict[str, float]:
    return place(value, path)


def place(value: Any, path: str) -> dict[str, float]:
    """`{latitude, longitude}` on Earth."""
    if not isinstance(value, Mapping):
        raise Invalid(path, "This must be an object.")
    found = {}
    for name, edge in (("latitude", 90), ("longitude", 180)):
        found[name] = as_number(value.get(name), f"{path}.{name}")
        if abs(found[name]) > edge:
            raise Invalid(f"{path}.{name}", "This must be between {low} and {high}.", low=-edge, high=edge)
    return found


_CHECKS = {
    Kind.GROUP: lambda field, value, path: _group(field.fields, value, path),
    Kind.ROWS: _rows, Kind.FLAG: _flag, Kind.TEXT: _text, Kind.NUMBER: _number, Kind.WORD: _word, Kind.PLACE: _place,
}  # fmt: skip


def merge(old: Form, new: Form) -> Form:
    """What is newly filled in replaces what was there; what is empty or not mentioned leaves it alone."""
    merged = dict(old)
    for name, value in new.items():
        if value in EMPTY:
            continue
        before = merged.get(name)
        merged[name] = merge(before, value) if isinstance(value, dict) and isinstance(before, dict) else value
    return merged
