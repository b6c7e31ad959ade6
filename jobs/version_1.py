"""A file of version 1 is opened and read, never written into; its rows are handed on to be taken over."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
from sqlmodel import col, select

from data.core.actor import Actor
from data.core.errors import NotFound
from data.core.session import across_tenants, transaction
from data.farm.rules.version_1 import SECRETS
from data.flows import takeover
from data.identity.tables import Organization, Role

PURPOSE = "import-v1"
MAGIC = b"SQLite format 3\x00"
NEEDED = {"users": {"id", "username"}, "user_profiles": {"id", "user_id"}, "schedules": {"id"}}


class NotVersion1(Exception):
    """The file is not one of version 1, or it is damaged; which, in one line."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be taken over, to where; `origin` is the address that links begin with."""

    file: Path
    source: str
    organization: str
    role: Role
    is_dry: bool
    origin: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows of a file; `others` are tables that version 1 is not known to have, with how many rows."""

    users: Sequence[Mapping[str, Any]]
    profiles: Sequence[Mapping[str, Any]]
    schedules: Sequence[Mapping[str, Any]]
    others: Mapping[str, int] = field(default_factory=dict)


def read(file: Path) -> Contents:
    """Everything in the file. NotVersion1 names what is wrong with it."""
    try:
        with file.open("rb") as opened:
            start = opened.read(len(MAGIC))
    except OSError as reason:
        raise NotVersion1(f"{file} cannot be read: {reason.strerror}.") from reason
    if start != MAGIC:
        raise NotVersion1(f"{file} is not an SQLite database.")
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return _contents(connection, file)
    except sqlite3.Error as reason:
        raise NotVersion1(f"{file} is damaged: {reason}.") from reason


def _contents(connection: sqlite3.Connection, file: Path) -> Contents:
    found = connection.execute("pragma quick_check(1)").fetchone()[0]
    if found != "ok":
        raise NotVersion1(f"{file} is damaged: {found}.")
    names = [row[0] for row in connection.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")]
    if "users" not in names:
        raise NotVersion1(f"{file} is not a version 1 database: it has no table users.")
    for table, needed in NEEDED.items():
        there = {row["name"] for row in connection.execute(f"pragma table_info({table})")}
        if table in names and (missing := needed - there):
            raise NotVersion1(f"{file} is not a version 1 database: {table} has no {', '.join(sorted(missing))}.")
    rows = {table: _rows(connection, table) if table in names else [] for table in NEEDED}
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in names if name not in NEEDED}
    others = {name: connection.execute(f"select count(*) from {words}").fetchone()[0] for name, words in quoted.items()}
    for row in rows["users"]:
        if not str(row["username"] or "").strip():
            raise NotVersion1(f"{file} cannot be taken over: user {row['id']} has no name.")
    return Contents(rows["users"], rows["user_profiles"], rows["schedules"], others)


def _rows(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(f"select * from {table} order by id")]


async def take_over(wanted: Wanted) -> list[str]:
    """Take it over, or with `is_dry` only say what would be; a line for each thing. NotVersion1, or NotFound without the organization."""
    contents = await anyio.to_thread.run_sync(read, wanted.file)
    async with across_tenants(PURPOSE) as tx:
        living = col(Organization.deleted_at).is_(None)
        place = (await tx.exec(select(Organization).where(Organization.slug == wanted.organization, living))).first()
        if place is None:
            raise NotFound("There is no organization {slug}. Make it first: main.py user add.", slug=wanted.organization)
        people = takeover.People(contents.users, contents.profiles, wanted.role, wanted.origin)
        told = await takeover.take_people(tx, place.id, people, source=wanted.source, is_dry=wanted.is_dry)
    async with transaction(Actor.system(place.id, PURPOSE)) as tx:
        for row in contents.schedules:
            told += await takeover.take_house(tx, row, time_zone=place.time_zone, source=wanted.source, is_dry=wanted.is_dry)
    told += [f"table {name}: not one of version 1's; its {rows} rows were left in the file" for name, rows in contents.others.items()]
    told.append(f"Left out everywhere: {' and '.join(SECRETS)} of users. Everybody chooses a new password; keep the file for 30 days.")
    if wanted.is_dry:
        told.append("This was a dry run: nothing was changed.")
    return told
