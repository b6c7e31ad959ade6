"""Where copies are kept: a folder on a disk, or a store of objects that speaks S3, under keys that tell their time."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import anyio.to_thread
import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from data.core.settings import Settings
from jobs.keeping.inventory import Inventory

DATABASE, FILES = "database/", "files/"
STORE_FAILED: tuple[type[Exception], ...] = (BaseError, OSError)
"""What it looks like when the store does not take or give something."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one copy is: of which moment, how large, with which fingerprint, and what was in the database then."""

    key: str
    at: datetime
    owner: str
    server_version: int
    size_bytes: int
    sha256: str
    tables: Inventory

    def as_json(self) -> bytes:
        return json.dumps(asdict(self) | {"at": self.at.isoformat()}).encode()

    @classmethod
    def read(cls, words: bytes) -> Self:
        """From its own words; ValueError, KeyError or TypeError when they are damaged."""
        found: dict[str, Any] = json.loads(words)
        tables = {name: (int(rows), str(summed)) for name, (rows, summed) in found.pop("tables").items()}
        return cls(at=datetime.fromisoformat(found.pop("at")), tables=tables, **found)


UNREADABLE = (ValueError, KeyError, TypeError)


class Store:
    """One place for copies. Raises STORE_FAILED."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.backup_url or str(settings.var_dir / "backups")
        self._settings = settings

    @cached_property
    def _store(self) -> Any:
        """Opened when it is first needed: a store that is not there is a copy that fails, not a program that does."""
        chosen = self._settings
        if not chosen.backup_url.startswith("s3://"):
            return LocalStore(Path(self.name.removeprefix("file://")).absolute(), mkdir=True)
        config = {
            "endpoint": chosen.backup_endpoint, "region": chosen.backup_region or "us-east-1",
            "access_key_id": chosen.backup_access_key, "secret_access_key": chosen.backup_secret_key,
        }  # fmt: skip
        is_plain = chosen.backup_endpoint.startswith("http://")
        given: Any = {name: value for name, value in config.items() if value}
        return S3Store.from_url(chosen.backup_url, config=given, client_options={"allow_http": is_plain})

    async def keys(self, prefix: str) -> dict[str, int]:
        """Every key beneath that prefix, with its size."""
        return {item["path"]: item["size"] async for batch in obstore.list(self._store, prefix=prefix) for item in batch}

    async def put(self, key: str, content: bytes | Path) -> None:
        await obstore.put_async(self._store, key, content)

    async def get(self, key: str) -> bytes:
        return bytes(await (await obstore.get_async(self._store, key)).bytes_async())

    async def fetch(self, key: str, file: Path) -> None:
        """Write what is kept there into a file."""
        found = await obstore.get_async(self._store, key)
        with await anyio.to_thread.run_sync(lambda: file.open("wb")) as written:
            async for part in found.stream():
                await anyio.to_thread.run_sync(written.write, bytes(part))

    async def drop(self, keys: Sequence[str]) -> None:
        await obstore.delete_async(self._store, list(keys))

    async def manifest(self, key: str) -> Manifest:
        """What that copy says of itself; one of UNREADABLE when it is damaged."""
        return Manifest.read(await self.get(f"{key}.json"))

    async def times(self) -> Mapping[datetime, str]:
        """Every copy that was finished: its time and its key."""
        names = [key.removesuffix(".json") for key in await self.keys(DATABASE) if key.endswith(".json")]
        return {time_of(name): name for name in sorted(names)}


def key_at(at: datetime) -> str:
    """A new copy's key."""
    return f"{DATABASE}{at:%Y-%m-%dT%H-%M-%SZ}-{uuid4().hex[:8]}"


def time_of(key: str) -> datetime:
    """The time that a key tells, in UTC."""
    return datetime.strptime(key.removeprefix(DATABASE)[:20] + "+0000", "%Y-%m-%dT%H-%M-%SZ%z")


def sha256_of(file: Path) -> str:
    """A file's fingerprint."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
