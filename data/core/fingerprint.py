"""The same facts always have the same fingerprint: SHA-256 over their canonical JSON.

Canonical is: UTF-8, keys sorted, no white space, text as it is (no escapes but those JSON demands). Numbers with a fraction
are text with exactly two decimals, rounded half to even, never "-0.00"; counts are whole numbers. Instants are UTC,
"2026-11-20T22:05:00Z", cut to the second. Days are "2026-11-20".
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

LARGEST_FACTS = 64 * 2**20
FORMAT = b'"format":"steading.'
"""What stands in the facts of every report of ours."""
OPENING = b'{"as_of":'
_STREAM = re.compile(rb"stream\r?\n")
_HEX = re.compile(r"[0-9a-f]{64}")


def as_canonical(value: Any) -> bytes:
    """A dataclass (or a plain value) as it is hashed, and as it travels with a document."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def fingerprint(content: bytes) -> str:
    """64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return f"{round(value, 2) + 0.0:.2f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    assert is_dataclass(value), f"{type(value).__name__} has no canonical form"
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def as_fingerprint(typed: str) -> str | None:
    """What somebody typed or scanned (spaces, capitals, a whole address) as a fingerprint; None where it is none."""
    last = typed.strip().rstrip("/").rsplit("/", 1)[-1]
    plain = re.sub(r"[\s:·-]", "", last).lower()
    return plain if _HEX.fullmatch(plain) else None


def attached_facts(document: bytes) -> bytes | None:
    """The facts that travel within a PDF, found without reading the rest of it; None where there are none.

    Each stream is opened only until it is plain that it does not begin as facts do, so that nothing unpacks without end.
    """
    for content in _streams(document):
        if not content.startswith(b"{") and content[:1] != b"\x78":
            continue
        unpacked = content
        if content[:1] == b"\x78":
            unpacking = zlib.decompressobj()
            try:
                begun = unpacking.decompress(content, len(OPENING))
                if begun != OPENING:
                    continue
                unpacked = begun + unpacking.decompress(unpacking.unconsumed_tail, LARGEST_FACTS)
            except zlib.error:
                continue
        if unpacked.startswith(OPENING) and FORMAT in unpacked:
            return unpacked[: unpacked.rindex(b"}") + 1]
    return None


def _streams(document: bytes) -> Iterator[bytes]:
    for found in _STREAM.finditer(document):
        end = document.find(b"endstream", found.end())
        if end > 0:
            yield document[found.end() : end]
