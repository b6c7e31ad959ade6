from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from data.core import columns
from data.core.columns import Column
from data.core.session import Database, across_tenants

AT = datetime(2026, 11, 20, 8, 0, 0, 123_457, tzinfo=UTC)


async def back(column: Column) -> list[Any]:
    async with across_tenants("tests") as tx:
        return list((await tx.execute(text("select v from unnest(:them) v"), {"them": column})).scalars())


@pytest.mark.parametrize(
    ("pack", "values"),
    [
        (columns.ids, [UUID(int=0), None, UUID(int=2**128 - 1), UUID("01a1fa83-1db2-774a-87cd-2d1d1612af9f")]),
        (columns.instants, [AT, None, datetime(1999, 1, 1, tzinfo=UTC), AT + timedelta(microseconds=1)]),
        (columns.doubles, [-20.13, None, 0.0, 1e300]),
        (columns.smallints, [-32768, None, 32767]),
        (columns.integers, [-(2**31), None, 2**31 - 1]),
        (columns.booleans, [True, None, False]),
        (columns.texts, ["ភាសាខ្មែរ", None, "", 'a "quoted", {word}\\']),
    ],
)
async def test_what_travels_arrives_as_it_was(db: Database, pack: Any, values: list[Any]) -> None:
    assert await back(pack(values)) == values
    without_nulls = [value for value in values if value is not None]
    assert await back(pack(without_nulls)) == without_nulls
    assert await back(pack([None, None])) == [None, None]
    assert await back(pack([])) == []


async def test_several_columns_are_rows_side_by_side(db: Database) -> None:
    async with across_tenants("tests") as tx:
        rows = await tx.execute(
            text("select * from unnest(:a, :b, :c)"),
            {"a": columns.ids([UUID(int=1), UUID(int=2)]), "b": columns.doubles([1, None]), "c": columns.texts(["x", "y"])},
        )
        assert [tuple(row) for row in rows] == [(UUID(int=1), 1.0, "x"), (UUID(int=2), None, "y")]


def test_a_number_that_does_not_fit_is_an_error_and_no_other_number() -> None:
    with pytest.raises(OverflowError):
        columns.smallints([40_000])


@settings(max_examples=500)
@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))
def test_every_microsecond_is_kept(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    us = int.from_bytes(columns.instants([at]).packed[-8:], "big", signed=True)
    assert datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=us) == at
