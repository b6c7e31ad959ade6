"""A certificate proves to devices who our broker is; whoever renews it puts new files in the place of the old ones, and nobody is cut off."""

import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from data.core.time import now

log = structlog.get_logger()

SOON = timedelta(days=7)
"""Whoever renews certificates does so weeks ahead: this late, something is wrong with it."""

Stamp = tuple[tuple[int, int, int], ...]


class Unusable(Exception):
    """The files are no certificate with its key; the text says what is wrong, in one line."""


class Certificate:
    """A certificate's file (with those that vouch for it) and its key's. `tls` is what new connections speak by."""

    def __init__(self, certificate: Path, key: Path | None = None) -> None:
        """Unusable where the files cannot be used."""
        self._files: Sequence[Path] = (certificate, key or certificate)
        self._refused: Stamp | None = None
        self._warned_at: datetime | None = None
        self._stamp = self._stamped()
        self.until = self._proved()
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load(self.tls)
        self._warn()

    def look_again(self) -> bool:
        """Take what is in the files now, where that is something else and can be used; what could be used before stays in use otherwise.
        Whether it was taken."""
        self._warn()
        if (stamp := self._stamped()) == self._stamp:
            return False
        try:
            until = self._proved()
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # what fails half-way must not leave half of it in the one in use
            self._load(self.tls)
        except Unusable as reason:
            self._refuse(stamp, str(reason))
            return False
        self._stamp, self._refused, self.until, self._warned_at = stamp, None, until, None
        log.info("mqtt certificate renewed", until=until.isoformat())
        self._warn()
        return True

    def _refuse(self, stamp: Stamp, reason: str) -> None:
        """Said once for each state of the files, and tried again: between two of them being written they do not fit."""
        if stamp != self._refused:
            self._refused = stamp
            log.warning("the new mqtt certificate cannot be used; the old one stays", reason=reason)

    def _warn(self) -> None:
        """Once a day, when it is over or soon will be: no device comes in any more then."""
        at = now()
        if self.until - at < SOON and (self._warned_at is None or at - self._warned_at > timedelta(days=1)):
            self._warned_at = at
            log.warning("the mqtt certificate is over" if self.until <= at else "the mqtt certificate is soon over", until=self.until.isoformat())

    def _stamped(self) -> Stamp:
        return tuple(_stamp(file) for file in self._files)

    def _load(self, tls: ssl.SSLContext) -> None:
        certificate, key = self._files
        try:
            tls.load_cert_chain(certificate, key, password=_nobody_types)
        except (OSError, ValueError) as reason:  # ssl.SSLError is an OSError
            raise Unusable(f"{certificate} cannot be used: {reason}") from reason

    def _proved(self) -> datetime:
        """Until when it holds. OpenSSL says "PEM lib" of most faults; this says which."""
        certificate, key = self._files
        try:
            own = x509.load_pem_x509_certificates(_read(certificate))[0]
        except (ValueError, IndexError) as reason:
            raise Unusable(f"{certificate} holds no certificate in PEM") from reason
        try:
            secret = load_pem_private_key(_read(key), None)
        except TypeError as reason:
            raise Unusable(f"the key in {key} is locked by a passphrase, and nobody is there to type it") from reason
        except ValueError as reason:
            raise Unusable(f"{key} holds no private key in PEM") from reason
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if own.public_key().public_bytes(*form) != secret.public_key().public_bytes(*form):
            raise Unusable(f"the key in {key} is not that of the certificate in {certificate}")
        return own.not_valid_after_utc


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as reason:
        raise Unusable(f"{file} cannot be read: {reason.strerror}") from reason


def _stamp(file: Path) -> tuple[int, int, int]:
    """Changes with every new file; zeros where there is none."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def _nobody_types() -> str:
    raise ValueError("it is locked by a passphrase")
