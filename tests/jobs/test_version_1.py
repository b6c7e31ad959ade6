"""A version 1 file moves in: once, whole, and with a word about whatever cannot."""

import sqlite3
from collections.abc import Sequence
from datetime import time
from pathlib import Path

import psycopg
import pytest

from data.core.errors import NotFound
from data.farm.rules.version_1 import clock, house
from data.identity.commands import accept_invitation, reset_password
from data.identity.door import Browser, sign_in
from data.identity.phones import dialled
from data.identity.tables import Role
from jobs.version_1 import NotVersion1, Wanted, read, take_over
from tests.factories.people import World

USERS = "create table users (id integer primary key, username text unique, password text, phone_number text, gender text, province text)"
PROFILES = "create table user_profiles (id integer primary key, user_id integer unique, phone_number text, gender text, province text)"
SCHEDULES = (
    "create table schedules (id integer primary key, lighting_start text, lighting_end text, feeding_times text, water_interval integer,"
    " temp_min real, temp_max real, hum_min real, hum_max real)"
)
HOUSE = "insert into schedules values (1, '05:30', '19:00', '06:00, 12:00,17:30', 45, 18.5, 35, 40, 80)"
PASSWORD = "correct horse battery"


def made(path: Path, *statements: str) -> Path:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return made(
        tmp_path / "users.db", USERS, PROFILES, SCHEDULES, HOUSE,
        "insert into users values (1, 'sokha', '$2b$12$hash', '012 345 678', 'female', 'Takeo')",
        "insert into users values (2, 'dara', '$2b$12$hash', 'none', 'male', 'Kampot')",
        "insert into user_profiles values (7, 1, '012 999 888', 'female', 'Kandal')",
    )  # fmt: skip


async def taken(file: Path, *, is_dry: bool = False, organization: str = "green") -> Sequence[str]:
    return await take_over(Wanted(file, file.name, organization, Role.KEEPER, is_dry, "https://steading.example"))


def counts(connection: psycopg.Connection) -> tuple[int, ...]:
    tables = ("identity.users", "identity.invitations", "farm.farms", "farm.devices", "farm.schedules", "farm.device_configs", "farm.taken_over")
    return tuple(connection.execute(f"select count(*) from {table}").fetchone()[0] for table in tables)


async def test_people_and_the_schedule_move_in_and_nothing_is_lost(world: World, file: Path, owner_connection: psycopg.Connection) -> None:
    await taken(file)
    assert owner_connection.execute("select name, time_zone, organization_id from farm.farms").fetchall() == [
        ("Version 1 farm", "Asia/Phnom_Penh", world.organization_id)
    ]
    schedules = owner_connection.execute(
        "select s.name, d.name, cron_expression, start_time, end_time, on_duration_s, off_duration_s, is_enabled"
        " from farm.schedules s join farm.devices d on d.id = s.device_id order by s.name"
    ).fetchall()
    assert schedules == [
        ("Feeding at minute 0", "Feeder", "0 6,12 * * *", None, None, None, None, False),
        ("Feeding at minute 30", "Feeder", "30 17 * * *", None, None, None, None, False),
        ("Lighting", "Lights", None, time(5, 30), time(19), None, None, False),
        ("Watering", "Water pump", None, None, None, 300, 2400, False),
    ]
    limits = dict(owner_connection.execute("select parameter_name, parameter_value from farm.device_configs").fetchall())
    assert limits == {"temp_threshold_low": 18.5, "temp_threshold_high": 35, "humidity_threshold_low": 40, "humidity_threshold_high": 80}
    rows = owner_connection.execute("select source_table, source_id, row from farm.taken_over where part in ('', 'farm') order by 1, 2").fetchall()
    assert [(table, source_id) for table, source_id, _ in rows] == [("schedules", "1"), ("user_profiles", "7"), ("users", "1"), ("users", "2")]
    assert rows[2][2] == {"id": 1, "username": "sokha", "phone_number": "012 345 678", "gender": "female", "province": "Takeo"}


async def test_who_has_a_phone_chooses_a_password_and_the_others_give_an_address(world: World, file: Path) -> None:
    told = await taken(file)
    sokha = next(line for line in told if "(sokha)" in line)
    assert "signs in with +85512999888" in sokha
    await reset_password(sokha.split("/reset/")[1].split()[0], PASSWORD)
    assert await sign_in("+85512999888", PASSWORD, Browser())
    dara = next(line for line in told if "(dara)" in line)
    assert "the phone number none cannot be read" in dara
    token = dara.split("/invitation/")[1].split()[0]
    assert await accept_invitation(token, Browser(), name="Dara", email="dara@example.org", password=PASSWORD)


async def test_a_dry_run_says_what_would_be_and_changes_nothing(world: World, file: Path, owner_connection: psycopg.Connection) -> None:
    before = counts(owner_connection)
    told = await taken(file, is_dry=True)
    assert counts(owner_connection) == before
    assert "users 1 (sokha): would be keeper, sign in with +85512999888 and choose a new password" in told
    assert "schedules 1: would become the schedule lighting: from 05:30 to 19:00; paused until somebody has seen to its device" in told
    assert not any("https://" in line for line in told)


async def test_a_second_time_changes_nothing_and_tells_what_has_changed_since(
    world: World, file: Path, owner_connection: psycopg.Connection
) -> None:
    await taken(file)
    after = counts(owner_connection)
    again = await taken(file)
    assert counts(owner_connection) == after
    assert [line for line in again if "before" in line] == [
        "users 1: was taken over before", "user_profiles 7: was taken over before", "users 2: was taken over before",
        "schedules 1: was taken over before",
    ]  # fmt: skip
    made(file, "update schedules set temp_max = 33", "insert into users values (3, 'lina', 'x', null, null, null)")
    third = await taken(file)
    assert "schedules 1: changed since it was taken over (temp_max was 35.0, is 33.0); nothing was done about it" in third
    assert counts(owner_connection) == (after[0], after[1] + 1, *after[2:6], after[6] + 1)


async def test_a_profile_that_comes_later_is_kept_beside_its_person(world: World, file: Path, owner_connection: psycopg.Connection) -> None:
    await taken(file)
    made(file, "insert into user_profiles values (8, 2, null, 'male', 'Kep')", "insert into user_profiles values (9, 99, null, null, 'Kep')")
    told = await taken(file)
    assert "user_profiles 8: came after its person was taken over; is kept beside them, and changed nothing" in told
    assert "user_profiles 9: of nobody in the file (user 99); left in it" in told
    assert owner_connection.execute("select count(*) from farm.taken_over where source_table = 'user_profiles'").fetchone() == (2,)


async def test_an_older_file_has_keys_and_no_phones(world: World, tmp_path: Path, owner_connection: psycopg.Connection) -> None:
    old = made(
        tmp_path / "old.db", "create table users (id integer primary key, username text unique, password text, key text)",
        "insert into users values (1, 'sokha', 'x', 'SECRET-KEY')", "create table sensor_log (id integer)", "insert into sensor_log values (1)",
    )  # fmt: skip
    told = await taken(old)
    assert "https://steading.example/invitation/" in told[0]
    assert "table sensor_log: not one of version 1's; its 1 rows were left in the file" in told
    assert owner_connection.execute("select row from farm.taken_over").fetchall() == [({"id": 1, "username": "sokha"},)]


async def test_two_with_one_number_are_not_made_one(world: World, tmp_path: Path) -> None:
    shared = made(
        tmp_path / "users.db", USERS, "insert into users values (1, 'sokha', '', '012345678', '', '')",
        "insert into users values (2, 'dara', '', '+855 12 345 678', '', '')",
    )  # fmt: skip
    told = await taken(shared)
    assert "signs in with +85512345678" in told[0]
    assert "/invitation/" in told[1] and told[1].endswith("+85512345678 is another's in this file")


async def test_what_belongs_to_another_organization_is_not_there_for_this_one(world: World, file: Path, owner_connection: psycopg.Connection) -> None:
    await taken(file)
    await taken(file, organization="other")
    assert owner_connection.execute("select count(*), count(distinct organization_id) from farm.farms").fetchone() == (2, 2)
    with pytest.raises(NotFound, match="There is no organization nowhere"):
        await taken(file, organization="nowhere")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"hello", "is not an SQLite database"),
        (b"SQLite format 3\x00" + b"x" * 200, "is damaged"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes | None, why: str) -> None:
    odd = tmp_path / "odd.db"
    if content is not None:
        odd.write_bytes(content)
    with pytest.raises(NotVersion1, match=why):
        read(odd)


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["create table hens (id integer)"], "it has no table users"),
        (["create table users (id integer, name text)"], "users has no username"),
        ([USERS, "create table schedules (lighting_start text)"], "schedules has no id"),
        ([USERS, "insert into users values (1, ' ', '', '', '', '')"], "user 1 has no name"),
    ],
)
def test_a_database_of_something_else_is_refused(tmp_path: Path, statements: list[str], why: str) -> None:
    with pytest.raises(NotVersion1, match=why):
        read(made(tmp_path / "odd.db", *statements))


@pytest.mark.parametrize(
    ("written", "phone"),
    [
        ("012 345 678", "+85512345678"), ("+855 12-345-678", "+85512345678"), ("0085512345678", "+85512345678"),
        ("85512345678", "+85512345678"), ("+44 20 7946 0000", "+442079460000"), ("12", None), ("call me", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_were_written(written: str, phone: str | None) -> None:
    assert dialled(written) == phone


def test_what_is_wrong_with_one_thing_keeps_no_other_back() -> None:
    found = house(
        {"id": 1, "lighting_start": "25:00", "lighting_end": "19:00", "feeding_times": "06:00,soon", "water_interval": -5, "temp_min": 36.0,
         "temp_max": 35.0, "hum_min": 40.0, "hum_max": 120.0}
    )  # fmt: skip
    assert [plan.part for plan in found.plans] == ["feeding at minute 0"]
    assert found.limits == {"temp_threshold_low": 36.0, "humidity_threshold_low": 40.0}
    assert found.refused.keys() == {"lighting_start", "feeding_times", "water_interval", "temp_max", "hum_max"}


@pytest.mark.parametrize(("written", "found"), [("6:05", time(6, 5)), ("06:05:30", time(6, 5)), ("24:00", None), ("6", None), ("6:5", None)])
def test_times_of_day_are_read_strictly(written: str, found: time | None) -> None:
    assert clock(written) == found
