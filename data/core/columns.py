"""Many rows travel to the database as a few columns, packed as PostgreSQL keeps arrays, so that no value is written as text.

For `insert … select from unnest(:ids, :times, …)` and `= any(:ids)`. Measured against lists of Python values: three times
the rows a second. None becomes NULL.
"""

import struct
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.abc import AdaptContext
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format

_UNTIL_2000_US = 946_684_800_000_000

BOOLEAN, TEXT, SMALLINT, INTEGER, DOUBLE, INSTANT, ID = (
    (16, 1000), (25, 1009), (21, 1005), (23, 1007), (701, 1022), (1184, 1185), (2950, 2951)
)  # fmt: skip
"""(element, array) by PostgreSQL's own numbers of its types."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column, ready to travel: PostgreSQL's number of the array's type, and the array in its binary form."""

    oid: int
    packed: bytes


def ids(values: Collection[UUID | None]) -> Column:
    """uuid[]"""
    absent = np.array([value is None for value in values]) if None in values else None
    packed = b"".join([bytes(16) if value is None else value.bytes for value in values])
    return _fixed(ID, np.frombuffer(packed, dtype="V16"), absent)


def instants(values: Iterable[datetime | None]) -> Column:
    """timestamptz[]"""
    listed = list(values)
    seconds = np.array([np.nan if value is None else value.timestamp() for value in listed], dtype=np.float64)
    fraction_us = np.array([0 if value is None else value.microsecond for value in listed], dtype=np.int64)
    absent = np.isnan(seconds)
    whole = np.rint(np.where(absent, 0, seconds - fraction_us / 1e6)).astype(np.int64)  # a float is too coarse for both
    return _fixed(INSTANT, (whole * 1_000_000 + fraction_us - _UNTIL_2000_US).astype(">i8"), absent)


def doubles(values: Iterable[float | None]) -> Column:
    """double precision[]; it fits into numeric columns, which round. NaN is NULL."""
    numbers = np.array(list(values), dtype=np.float64)
    return _fixed(DOUBLE, numbers.astype(">f8"), np.isnan(numbers))


def smallints(values: Iterable[float | None]) -> Column:
    """smallint[], rounded. OverflowError where a number does not fit."""
    return _whole(SMALLINT, values, np.int16)


def integers(values: Iterable[float | None]) -> Column:
    """integer[], rounded. OverflowError where a number does not fit."""
    return _whole(INTEGER, values, np.int32)


def booleans(values: Iterable[bool | None]) -> Column:
    """boolean[]"""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    absent = np.isnan(numbers)
    return _fixed(BOOLEAN, np.where(absent, 0, numbers).astype(np.uint8), absent)


def texts(values: Iterable[str | StrEnum | None]) -> Column:
    """text[]"""
    encoded = [None if value is None else value.encode() for value in values]
    body = b"".join([b"\xff\xff\xff\xff" if e is None else struct.pack(">i", len(e)) + e for e in encoded])
    return _column(TEXT, len(encoded), None in encoded, body)


def _whole(kind: tuple[int, int], values: Iterable[float | None], width: type[np.int16] | type[np.int32]) -> Column:
    numbers = np.rint(np.array(list(values), dtype=np.float64))
    absent = np.isnan(numbers)
    known = np.where(absent, 0, numbers)
    if known.size and (known.min() < np.iinfo(width).min or known.max() > np.iinfo(width).max):
        raise OverflowError("a number does not fit into its column")
    return _fixed(kind, known.astype(width).astype(np.dtype(width).newbyteorder(">")), absent)


def _fixed(kind: tuple[int, int], values: NDArray[np.generic], absent: NDArray[np.bool_] | None) -> Column:
    """Values of one width, each behind its length; an absent one is a length of −1 and nothing more."""
    width = values.dtype.itemsize
    table = np.empty(values.size, dtype=[("length", ">i4"), ("value", values.dtype)])
    table["length"], table["value"] = width, values
    if absent is None or not absent.any():
        return _column(kind, values.size, False, table.tobytes())
    table["length"][absent] = -1
    octets = np.frombuffer(table.tobytes(), dtype=np.uint8).reshape(values.size, 4 + width)
    kept = np.ones(octets.shape, dtype=bool)
    kept[absent, 4:] = False
    return _column(kind, values.size, True, octets[kept].tobytes())


def _column(kind: tuple[int, int], length: int, has_nulls: bool, body: bytes) -> Column:
    element, array = kind
    if not length:
        return Column(array, struct.pack(">iiI", 0, 0, element))
    return Column(array, struct.pack(">iiIii", 1, int(has_nulls), element, length, 1) + body)


class _ColumnDumper(Dumper):
    """Hands a packed column over as it is."""

    format = Format.BINARY

    def __init__(self, cls: type, context: AdaptContext | None = None) -> None:
        super().__init__(cls, context)
        self.oid = 0

    def get_key(self, obj: Column, format: PyFormat) -> tuple[type, int]:  # type: ignore[override]
        return self.cls, obj.oid

    def upgrade(self, obj: Column, format: PyFormat) -> "_ColumnDumper":
        made = type(self)(self.cls)
        made.oid = obj.oid
        return made

    def dump(self, obj: Column) -> bytes:
        return obj.packed


psycopg.adapters.register_dumper(Column, _ColumnDumper)
