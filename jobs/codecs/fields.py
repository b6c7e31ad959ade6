"""Strangers send fields one cannot trust, so each is read by name and the first wrong one is refused by that name."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from data.core.errors import Invalid

Document = Mapping[str, object]

CLOCK_SKEW = timedelta(minutes=10)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


def document(body: bytes | str | Document, field: str = "body") -> Document:
    """The JSON object in `body`, or `body` itself where it is already parsed. Raises Invalid(field)."""
    if not isinstance(body, bytes | str):
        parsed: object = body
    else:
        try:
            parsed = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise Invalid(field, "This is not JSON.") from None
    if parsed is None:
        raise Invalid(field, "This must be a JSON object.")
    return mapping(parsed, field)


def mapping(value: object, field: str) -> Document:
    """A JSON object as it is; what is absent (None) is an empty one. Raises Invalid(field)."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Invalid(field, "This must be a JSON object.")
    return value


def items(value: object, field: str) -> list[Document]:
    """A JSON array of objects, a single object as an array of one, None as an empty one. Raises Invalid(field)."""
    if value is None:
        return []
    if not isinstance(value, list | Mapping):
        raise Invalid(field, "This must be a JSON array.")
    entries = value if isinstance(value, list) else [value]
    return [mapping(entry, f"{field}[{index}]") for index, entry in enumerate(entries)]


def number(value: object, field: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite JSON number within low…high, both included. Booleans and text are not numbers. Raises Invalid(field)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(field, "This must be a number.")
    try:
        read = float(value)
    except OverflowError:
        read = math.inf
    if not math.isfinite(read):
        raise Invalid(field, "This must be a finite number.")
    if not low <= read <= high:
        raise Invalid(field, "{value} is not between {low} and {high}.", value=read, low=low, high=high)
    return read


def text(value: object, field: str, longest: int = 1000) -> str | None:
    """Text that a database can hold, trimmed; absent or empty is None. Raises Invalid(field)."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid(field, "This must be text.")
    if len(value) > longest:
        raise Invalid(field, "This is longer than {longest} characters.", longest=longest)
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise Invalid(field, "This holds a character that cannot be stored.")
    return value.strip() or None


def instant(value: object, field: str) -> datetime:
    """An ISO 8601 instant with its zone, in UTC. Raises Invalid(field)."""
    if not isinstance(value, str):
        raise Invalid(field, "This must be a time as ISO 8601 text.")
    try:
        read = datetime.fromisoformat(value.strip())
        if read.tzinfo is None:
            raise Invalid(field, "This time does not say its zone.")
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(field, "This is not a time as ISO 8601 writes it.") from None


def unix_instant(seconds: float, field: str) -> datetime:
    """Seconds since 1970 as an instant in UTC. Raises Invalid(field) where no calendar reaches."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise Invalid(field, "This is not a time.") from None


def believable(at: datetime, field: str, *, now: datetime, oldest: datetime = EARLIEST) -> datetime:
    """`at`, unless it lies before `oldest` or further ahead of `now` than clocks differ. Raises Invalid(field)."""
    if at > now + CLOCK_SKEW:
        raise Invalid(field, "This time is in the future.")
    if at < oldest:
        raise Invalid(field, "This time is too long ago.")
    return at


def is_nowhere(latitude: float, longitude: float) -> bool:
    """Receivers without a fix say (0, 0), a point in the Atlantic where none of ours ever is."""
    return latitude == 0 and longitude == 0


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def from_zero(value: object, field: str, high: float = math.inf) -> float | None:
    """A number from 0 to `high`; absent, or negative as phones write "unknown", is None. Raises Invalid(field)."""
    if value is None:
        return None
    read = number(value, field, high=high)
    return read if read >= 0 else None
