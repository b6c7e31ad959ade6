"""One embedded server for the run, one migrated template, one copy of it for each worker; every test starts empty."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest
import structlog
from fasteners import InterProcessLock

from data.audit.log import write as write_log
from data.core import session
from data.core.bus import bus
from data.core.embedded import Embedded, embedded
from data.core.session import Database
from data.identity.secrets import Seal, use_seal
from data.platform.commands import use_folder
from migrations.ddl import APP, SWEEP
from migrations.upgrade import role_url, upgrade
from tests.factories.emptied import Broom
from tests.factories.people import World, build_world

hypothesis.settings.register_profile(
    "steading", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture]
)  # fmt: skip
hypothesis.settings.load_profile("steading")  # no timing decides a test; what a fixture made is emptied by the tests that need it so
plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])  # as main.py does: a picture of a fault takes seconds
SECRET_KEY = "a key for tests only, long enough for all"
PG_FOLDER = Path(os.environ.get("STEADING_TEST_VAR", "var/test")).absolute() / "pg"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, in the same order for every worker."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """The embedded server, shared by all workers; the template is migrated by whoever comes first."""
    with embedded(PG_FOLDER) as running:
        hurry(running)
        with InterProcessLock(f"{PG_FOLDER}.lock"):
            run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid4().hex)  # the folder outlives runs and is shared, and process ids come again
            marker = tmp_path_factory.getbasetemp().parent / f"template-is-ready-{run}"
            if not marker.exists():
                upgrade(running.database("steading_template", fresh=True), SECRET_KEY)
                marker.touch()
        yield running


def hurry(running: Embedded) -> None:
    """Wait for no disk: what a test run keeps need not outlive a power cut."""
    with psycopg.connect(running.conninfo, autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")


@pytest.fixture(scope="session")
def database_url(server: Embedded, worker_id: str) -> Iterator[str]:
    """This worker's own copy of the migrated template, as the owner."""
    name = f"steading_{worker_id}_{os.getpid()}"
    yield server.database(name, fresh=True, template="steading_template")
    server.drop(name)


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@dataclass(frozen=True)
class Opened:
    """A database as the application opens it, with its two roles, and the folder of its files."""

    database: Database
    url: str
    files: Path
    broom: Broom

    async def attach(self) -> None:
        """Make it the process's: browser tests have a database of their own, which their server lives on."""
        if session.in_use() is not self.database:
            session.use(self.database)
            use_folder(self.files)
            await bus.stop()
            bus.start(self.url)
            await bus.is_connected.wait()


@asynccontextmanager
async def opening(url: str, files: Path) -> AsyncIterator[Opened]:
    """Open it, and close it at the end."""
    use_seal(Seal(SECRET_KEY))
    app_url, sweep_url = (
        role_url(url, role, SECRET_KEY).render_as_string(hide_password=False) for role in (APP, SWEEP)
    )
    made = Opened(Database(app_url, sweep_url, write_log, pool_size=5), url, files, Broom(url))
    yield made
    made.broom.close()
    if session.in_use() is made.database:
        session.use(None)
        await bus.stop()
    await made.database.close()


@pytest.fixture(scope="session")
async def opened(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opened]:
    """The worker's database."""
    async with opening(database_url, tmp_path_factory.mktemp("files")) as made:
        yield made


@pytest.fixture
async def db(opened: Opened) -> Database:
    """An empty database, open: rows are deleted, tables stay."""
    await opened.attach()
    opened.broom.sweep()
    return opened.database


@pytest.fixture
async def world(db: Database) -> World:
    """Two organizations and the people that tests act as: owner, colleague, stranger and the rest."""
    return await build_world()


@pytest.fixture
def owner_connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection as the tables' superuser owner, past every wall: to look, and to forge."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def app_conninfo(database_url: str) -> str:
    """How the application's own role connects, for looking at the wall from inside."""
    address = role_url(database_url, APP, SECRET_KEY).set(drivername="postgresql")
    return address.render_as_string(hide_password=False)
