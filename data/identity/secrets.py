"""Passwords are stretched, tokens are hashed, and what must be read back is sealed with the installation's key."""

import base64
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from cryptography.fernet import Fernet, MultiFernet

from data.core.errors import Invalid

_hasher = PasswordHasher()
_DECOY = _hasher.hash(secrets.token_hex(16))

MINIMUM_PASSWORD = 8


def hash_password(password: str, *, field: str = "password") -> str:
    """argon2id of it; Invalid when shorter than 8 characters. Takes some 50 ms: call it in a worker thread."""
    if len(password) < MINIMUM_PASSWORD:
        raise Invalid(field, "A password needs at least {count} characters.", count=MINIMUM_PASSWORD)
    return _hasher.hash(password)


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether it is the right one. Takes as long for somebody who has none, so time tells nothing."""
    try:
        _hasher.verify(password_hash or _DECOY, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def new_token() -> str:
    """32 random bytes, url-safe."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """SHA-256; a token has enough randomness of its own to need no stretching."""
    return hashlib.sha256(token.encode()).digest()


class Seal:
    """Encrypts what must be read back (credentials of other systems, tags' private keys). Keys come from settings."""

    def __init__(self, *secret_keys: str) -> None:
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(key, "seal"))) for key in secret_keys])

    def close(self, plain: str) -> bytes:
        return self._fernet.encrypt(plain.encode())

    def open(self, sealed: bytes) -> str:
        return self._fernet.decrypt(bytes(sealed)).decode()


_seal: Seal | None = None


def use_seal(seal: Seal) -> None:
    """Make this the process's seal (main and the test fixtures do)."""
    global _seal
    _seal = seal


def seal() -> Seal:
    assert _seal is not None, "no seal is set"
    return _seal


def _derive(secret_key: str, purpose: str) -> bytes:
    return hmac.new(secret_key.encode(), purpose.encode(), hashlib.sha256).digest()
