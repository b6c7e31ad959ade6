"""A broker of one's own (Mosquitto) lets in whom it finds in two files: who may sign in, and who may say and hear what."""

import grp
import os
import pwd
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio.to_thread

from data.core.session import across_tenants
from data.core.settings import Settings
from data.farm.queries_logins import Signer, signers
from data.farm.rules.logins import SALT_LENGTH, mosquitto_hash

PASSWORDS, PLACES = "passwd", "acl"
MARK = "# Written by Steading's mqtt-acl; what is changed by hand is lost."


class CannotWrite(Exception):
    """The files cannot be written where they shall be; the text says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """What came of it."""

    folder: Path
    devices: int
    has_changed: bool


async def write(settings: Settings, folder: Path, owner: str = "") -> Written:
    """Both files anew, where anything changed: whole or not at all, readable by `owner` alone (by us unless said)."""
    async with across_tenants("mqtt acl") as tx:
        found = await signers(tx)
    ours = server_account(settings)
    texts = {PASSWORDS: passwords(found, ours), PLACES: places(found, ours)}
    has_changed = await anyio.to_thread.run_sync(_write, folder, texts, owner)
    return Written(folder, len(found), has_changed)


def _write(folder: Path, texts: Mapping[str, str], owner: str) -> bool:
    ids = _ids(owner)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return any([_replace(folder / name, text, ids) for name, text in texts.items()])
    except OSError as reason:
        raise CannotWrite(f"{reason.filename or folder}: {reason.strerror}") from reason


@dataclass(frozen=True, slots=True)
class Account:
    """The server's own name at the broker, and its password as the file has it."""

    username: str
    password_hash: str


def server_account(settings: Settings) -> Account | None:
    """From MQTT_URL; None where it names nobody. The salt follows from the password, so that the file changes only with it."""
    parts = urlsplit(settings.mqtt_url)
    if not parts.username or not parts.password:
        return None
    password = unquote(parts.password)
    salt = sha256(f"{settings.secret_key} mqtt {password}".encode()).digest()[:SALT_LENGTH]
    return Account(unquote(parts.username), mosquitto_hash(password, salt))


def passwords(found: Sequence[Signer], ours: Account | None) -> str:
    """Mosquitto's password file: a name and a stretched password in each line."""
    accounts: list[Account | Signer] = [*([ours] if ours else []), *found]
    return _lines(f"{one.username}:{one.password_hash}" for one in accounts)


def places(found: Sequence[Signer], ours: Account | None) -> str:
    """Mosquitto's access list. Whoever is not in it may say and hear nothing."""
    lines = [MARK]
    if ours:
        lines += ["", f"user {ours.username}", "topic readwrite #"]
    for one in found:
        lines += ["", f"user {one.username}"]
        lines += [f"topic write {topic}" for topic in one.topics.writes]
        lines += [f"topic read {topic}" for topic in one.topics.reads]
    return _lines(lines)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _ids(owner: str) -> tuple[int, int] | None:
    """The system user and group that shall own the files."""
    if not owner:
        return None
    try:
        user = pwd.getpwnam(owner)
        return user.pw_uid, grp.getgrgid(user.pw_gid).gr_gid
    except KeyError:
        raise CannotWrite(f"this machine has no user {owner}") from None


def _replace(file: Path, text: str, ids: tuple[int, int] | None) -> bool:
    """Put the text there in one step; whether it is another one."""
    if file.exists() and file.read_text() == text:
        return False
    handle, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)  # 0600 from the beginning
    try:
        with os.fdopen(handle, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if ids:
            os.chown(name, *ids)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True
