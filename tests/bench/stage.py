"""Where a bench plays: an embedded database in a temporary folder, a business in it, and a served process where it needs one."""

import gc
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

import main
from data.core.embedded import Embedded, embedded
from data.core.settings import Settings
from migrations.upgrade import upgrade
from tests.factories.people import World, build_world
from tests.factories.served import Server, serving

SECRET_KEY = "a key for the bench only, long enough for all"
TEMPLATE = "bench_template"


@dataclass
class Installation:
    """One bench's business, and its database."""

    url: str
    folder: Path
    world: World

    def owner(self) -> psycopg.Connection:
        """A connection as the superuser who owns the tables, past every wall."""
        return psycopg.connect(self.url, autocommit=True)

    @contextmanager
    def served(self) -> Iterator[Server]:
        """`main.py serve` on the same database."""
        with serving(self.url, SECRET_KEY, self.folder) as server:
            yield server


@dataclass
class Stage:
    """`is_quick` asks for sizes that only show that the bench works."""

    folder: Path
    server: Embedded
    is_quick: bool

    def size(self, full: int, quick: int) -> int:
        return quick if self.is_quick else full

    @asynccontextmanager
    async def installation(self, name: str) -> AsyncIterator[Installation]:
        """A migrated database of its own, open in this process as the application opens it, with people in it."""
        url = self.server.database(f"bench_{name}", fresh=True, template=TEMPLATE)
        folder = self.folder / name
        settings = Settings(_env_file=None, database_url=url, secret_key=SECRET_KEY, var_dir=folder)  # type: ignore[call-arg]
        try:
            async with main.opened(settings):
                yield Installation(url, folder, await build_world())
        finally:
            self.server.drop(f"bench_{name}")


@contextmanager
def stage(*, is_quick: bool) -> Iterator[Stage]:
    """Everything is under a temporary folder, and nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="steading-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # where we are root, the embedded server is another user
        with embedded(folder / "pg") as server:
            upgrade(server.database(TEMPLATE, fresh=True), SECRET_KEY)
            yield Stage(folder, server, is_quick)


@contextmanager
def tuned_garbage_collection() -> Iterator[None]:
    """Collect garbage as rarely as the served process does (pages/_pace)."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
