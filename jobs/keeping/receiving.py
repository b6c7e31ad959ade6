"""The server's log is received as it is written, by PostgreSQL's own program, which lives no longer than whoever asked for it."""

import asyncio
import ctypes
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from jobs.keeping.postgres_tools import addressed, programs

GONE = re.compile(r'"START_REPLICATION"|replication stream: .*[0-9A-F]{24}')
"""What it says when the server has no longer, or has never had, what is to come next. The server's own words are in its language."""
TO_END_S = 0.5
SET_DEATH_SIGNAL = 1


class Gap(Exception):
    """The server no longer has what comes next: the log cannot be received without a hole in it."""


class ReceiverEnded(Exception):
    """The program ended; what it said."""


class Receiver:
    """The program at work."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._said = asyncio.create_task(_read(process))

    async def watch(self, seconds: float) -> None:
        """Return after so long. Gap or ReceiverEnded as soon as it has ended."""
        with suppress(TimeoutError):
            said = await asyncio.wait_for(asyncio.shield(self._said), seconds)
            if GONE.search(said):
                raise Gap(_last(said))
            raise ReceiverEnded(_last(said) or f"it ended with {self.process.returncode}")

    async def end(self) -> None:
        """It is told to, and made to if it does not at once: what it has written by then is good, whatever comes after."""
        with suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(self._said), TO_END_S)
        except TimeoutError:
            self.process.kill()
            await self._said


@asynccontextmanager
async def receiving(database_url: str, folder: Path) -> AsyncIterator[Receiver]:
    """Receive into that folder, from where its newest file ends or, when it is empty, from now on."""
    address, environment = addressed(database_url)
    process = await asyncio.create_subprocess_exec(
        str(programs() / "pg_receivewal"), address, f"--directory={folder}", "--no-loop", "--no-password", env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        preexec_fn=_ends_with_us if sys.platform == "linux" else None,
    )  # fmt: skip
    receiver = Receiver(process)
    try:
        yield receiver
    finally:
        await receiver.end()


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _ends_with_us() -> None:
    """Linux ends it when the process that began it is gone, however that came about; nobody else could then."""
    assert _libc is not None
    _libc.prctl(SET_DEATH_SIGNAL, int(signal.SIGTERM))


async def _read(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said = await process.stderr.read()
    await process.wait()
    return said.decode(errors="replace")


def _last(said: str) -> str:
    lines = said.strip().splitlines()
    return next((line for line in lines if "error:" in line), lines[-1] if lines else "")
