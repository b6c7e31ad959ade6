"""At the terminal: a copy is made, tried and put back, and a version 1 file moves in."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from data.core.embedded import Embedded, embedded
from tests.conftest import SECRET_KEY
from tests.factories.forked import command

pytestmark = pytest.mark.e2e
Environment = dict[str, str]


def done(environment: Environment, *words: str) -> str:
    run = command(environment, *words)
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.fixture
def environment(server: Embedded, worker_id: str, tmp_path: Path) -> Iterator[Environment]:
    """A business of its own, with one owner."""
    name = f"by_hand_{worker_id}"
    made = {"DATABASE_URL": server.database(name, fresh=True, template="steading_template"), "SECRET_KEY": SECRET_KEY, "VAR_DIR": str(tmp_path / "var")}
    done(made, "user", "add", "--email", "olga@example.org", "--name", "Olga", "--organization", "green", "--password", "correct horse battery")
    yield made
    server.drop(name)


@pytest.mark.long
def test_what_was_copied_is_tried_and_put_back_into_a_folder(environment: Environment, tmp_path: Path) -> None:
    assert "no backup in" in command(environment, "drill").stderr
    assert "bytes, as of" in done(environment, "backup")
    assert "The newest backup is whole:" in done(environment, "drill")

    folder = tmp_path / "elsewhere"
    assert done(environment, "restore", "--to", str(folder)).startswith(f"Put back in {folder}: everything as of")
    with embedded(folder / "pg") as server, psycopg.connect(server.database("steading")) as connection:
        assert connection.execute("select email from identity.users").fetchall() == [("olga@example.org",)]

    refused = command(environment, "restore", "--to", str(folder))
    assert refused.returncode == 1 and refused.stderr.strip() == f"{folder} is not empty."
    early = command(environment, "restore", "--to", str(tmp_path / "early"), "--at", "2020-01-01")
    assert early.returncode == 1 and "no backup" in early.stderr and "Traceback" not in early.stderr
    assert "is not a time" in command(environment, "restore", "--to", str(tmp_path / "odd"), "--at", "yesterday").stderr
    full = command(environment, "restore", "--to", environment["DATABASE_URL"])
    assert full.returncode == 1 and "not empty" in full.stderr


def test_a_version_1_file_moves_in_once(environment: Environment, tmp_path: Path) -> None:
    file = tmp_path / "users.db"
    with sqlite3.connect(file) as connection:
        connection.execute("create table users (id integer primary key, username text unique, password text, key text)")
        connection.execute("insert into users values (1, 'sokha', 'x', 'y')")
    connection.close()
    assert "This was a dry run: nothing was changed." in done(environment, "import-v1", str(file), "--organization", "green", "--dry-run")
    assert "/invitation/" in done(environment, "import-v1", str(file), "--organization", "green")
    assert "users 1: was taken over before" in done(environment, "import-v1", str(file), "--organization", "green")
    refused = command(environment, "import-v1", str(tmp_path / "none.db"), "--organization", "green")
    assert refused.returncode == 1 and refused.stderr.strip().endswith("cannot be read: No such file or directory.")
