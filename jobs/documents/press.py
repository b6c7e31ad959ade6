"""Paper is set in a process of its own: it takes a while, may be let go of, and holds nobody up.

Run as a file, with the folder that holds everything to set; what it needs is in that folder and beside this file.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import anyio.to_thread

HERE = Path(__file__).parent
CALMER_BY = 5
"""How much lower than the server's its turn is on a busy machine."""


class NotPrinted(Exception):
    """The document could not be set."""


async def printed(files: Mapping[str, bytes], *, at: datetime) -> bytes:
    """The PDF of `report.typ` with these files beside it (sheet.json among them), dated `at`."""
    with tempfile.TemporaryDirectory(prefix="steading-press-") as name:
        folder = Path(name)
        await anyio.to_thread.run_sync(_lay_out, folder, files)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", str(Path(__file__)), name, at.isoformat(), stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env={"PATH": os.environ.get("PATH", "")},
        )  # fmt: skip
        try:
            _out, complaint = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise NotPrinted(complaint.decode(errors="replace")[-2000:])
        return await anyio.to_thread.run_sync((folder / "report.pdf").read_bytes)


def _lay_out(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "report.typ").write_bytes((HERE / "report.typ").read_bytes())


def as_json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _print(folder: Path, at: datetime) -> None:
    import typst

    os.nice(CALMER_BY)
    typst.compile(
        folder / "report.typ", output=folder / "report.pdf", root=folder, font_paths=[HERE / "fonts"], ignore_system_fonts=True,
        timestamp=at.astimezone(UTC).replace(microsecond=0),
    )


if __name__ == "__main__":
    _print(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
