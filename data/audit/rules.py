"""A chain is whole when each line's fingerprint covers its words and the fingerprint before it, and none is missing."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

START = "0" * 64
COVERED = (
    "organization_id", "sequence", "recorded_at", "id", "actor_type", "actor_id", "acting_user_id",
    "impersonation_session_id", "was_impersonated", "actor_name", "event_type", "category", "severity", "title",
    "subject_id", "event_data", "ip_address", "user_agent", "previous_hash",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold: at which number, and what is wrong there (altered, missing, inserted)."""

    sequence: int
    kind: str


def fingerprint(line: Mapping[str, Any]) -> str:
    """SHA-256 of a line's words in a fixed order, 64 hex digits."""
    words = {name: _plain(line[name]) for name in COVERED}
    return hashlib.sha256(json.dumps(words, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | dict):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def breaks(lines: Iterable[Mapping[str, Any]], *, length: int, last_hash: str) -> list[Break]:
    """What is wrong with a chain read in the order of its numbers, against the length and end that were noted."""
    found, expected, previous = follow(lines)
    found += [Break(n, "missing") for n in range(expected, length + 1)]
    if expected > length + 1:
        found.append(Break(expected - 1, "inserted"))
    elif not found and previous != last_hash:
        found.append(Break(length, "altered"))
    return found


def follow(
    lines: Iterable[Mapping[str, Any]], expected: int = 1, previous: str = START
) -> tuple[list[Break], int, str]:
    """What is wrong with a part of a chain that goes on behind `previous`; the number and the fingerprint to go on from then."""
    found: list[Break] = []
    for line in lines:
        number = line["sequence"]
        if number < expected:
            found.append(Break(number, "inserted"))
            continue
        found += [Break(n, "missing") for n in range(expected, number)]
        if fingerprint(line) != line["event_hash"]:
            found.append(Break(number, "altered"))
        elif number == expected and line["previous_hash"] != previous:
            found.append(Break(number, "inserted"))
        expected, previous = number + 1, line["event_hash"]
    return found, expected, previous
