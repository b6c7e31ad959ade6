"""Strangers at the doors are noted; files are kept; jobs leave word of how they went."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col

from data.core.session import Transaction
from data.core.table import uuid7
from data.platform.tables import File, ScheduledJob, UnknownDevice

_root = Path("var/files")


def use_folder(root: Path) -> None:
    """Keep files' bytes under this folder (main and the test fixtures say which)."""
    global _root
    _root = root


@dataclass(slots=True)
class Stranger:
    """What is worth keeping of something unknown that spoke: the last thing it said, and how often it spoke."""

    identifier: str
    reason: str
    message: dict[str, Any] | None = None
    message_count: int = 1


async def note_unknown_device(
    tx: Transaction, *, network: str, identifier: str, reason: str, at: datetime, message: dict[str, Any] | None = None
) -> None:
    """Remember a stranger: one row a network and identifier, counting its messages and keeping the last."""
    await note_unknown_devices(tx, [Stranger(identifier, reason, message)], network=network, at=at)


async def note_unknown_devices(tx: Transaction, strangers: Sequence[Stranger], *, network: str, at: datetime) -> None:
    """Remember several at once, each identifier once."""
    if not strangers:
        return
    statement = insert(UnknownDevice).values(
        [
            {
                "id": uuid7(), "organization_id": tx.organization_id, "network": network,
                "identifier": stranger.identifier[:200], "reason": stranger.reason, "first_seen_at": at,
                "last_seen_at": at, "message_count": stranger.message_count, "last_message": stranger.message,
            }
            for stranger in sorted(strangers, key=lambda s: s.identifier)
        ]
    )  # fmt: skip
    new = statement.excluded
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["organization_id", "network", "identifier"],
            set_={
                "last_seen_at": new.last_seen_at,
                "reason": new.reason,
                "message_count": col(UnknownDevice.message_count) + new.message_count,
                "last_message": new.last_message,
            },
        )
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{uuid7().hex}.part")
    part.write_bytes(content)
    part.replace(path)


async def keep_file(tx: Transaction, content: bytes, *, file_name: str, mime_type: str) -> File:
    """Keep bytes under their fingerprint, written before the row, so that a committed row always has its bytes."""
    digest = hashlib.sha256(content).hexdigest()
    key = f"{tx.organization_id}/{digest[:2]}/{digest}"
    path = _root / key
    if not path.exists():
        await anyio.to_thread.run_sync(_write, path, content)
    file = File(
        key=key, file_name=file_name[:200], mime_type=mime_type, size_bytes=len(content), sha256=digest,
        created_by=tx.actor.user_id,
    )  # fmt: skip
    tx.add(file)
    await tx.flush()
    return file


def path_of(file: File) -> Path:
    """Where a file's bytes are."""
    return kept_at(file.key)


def kept_at(key: str) -> Path:
    """The same by a file's key."""
    return _root / key


async def note_run(
    tx: Transaction, name: str, *, at: datetime, duration_ms: int, error: str | None
) -> None:
    """Note how a line of the timetable went (across tenants)."""
    done = {"last_run_at": at, "last_duration_ms": duration_ms, "last_error": error}
    if error is None:
        done["last_success_at"] = at
    statement = insert(ScheduledJob).values(id=uuid7(), name=name, run_count=1, **done)
    await tx.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_=done | {"run_count": col(ScheduledJob.run_count) + 1}
        )
    )


