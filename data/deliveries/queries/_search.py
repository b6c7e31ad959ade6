"""What somebody types to find something: each of its words must stand somewhere in what is looked through."""

from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlmodel import col


def matching(search: str, *columns: Any) -> list[ColumnElement[bool]]:
    """The conditions of a `where`; none for an empty search."""
    return [or_(*(col(column).icontains(word, autoescape=True) for column in columns)) for word in search.split()]
