"""What people and devices sent is copied beside the database, each file once; and what is being made has a folder meanwhile."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio.to_thread

from jobs.keeping.store import FILES, Store


class Files:
    """The files of one installation, and which of them the store is known to have."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._there: set[str] | None = None

    async def copy(self) -> int:
        """Copy what the store does not have yet; how many. A file's key is its fingerprint, so each goes once."""
        here = await anyio.to_thread.run_sync(_files_in, self._folder)
        if self._there is None:
            self._there = {key.removeprefix(FILES) for key in await self._store.keys(FILES)}
        missing = [key for key in here if key not in self._there]
        for key in missing:
            await self._store.put(f"{FILES}{key}", self._folder / key)
            self._there.add(key)
        return len(missing)


def _files_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".part"]


@asynccontextmanager
async def workspace(var_dir: Path, kind: str) -> AsyncIterator[Path]:
    """A folder for as long as something is being made, on the disk that has the room."""
    await anyio.to_thread.run_sync(lambda: var_dir.mkdir(parents=True, exist_ok=True))
    folder = Path(await anyio.to_thread.run_sync(partial(tempfile.mkdtemp, prefix=f".unfinished-{kind}-", dir=var_dir)))
    try:
        yield folder
    finally:
        await anyio.to_thread.run_sync(partial(shutil.rmtree, folder, ignore_errors=True))
