"""A device signs in to the broker with a name and a password that a broker keeps only stretched."""

import base64
import hashlib

ROUNDS = 101
"""Mosquitto's own number. Our passwords are drawn, and long enough to need no more of them."""
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mistakes for each other; none that a device's console takes for its own."""
PASSWORD_LENGTH, SALT_LENGTH = 24, 12


def mosquitto_hash(password: str, salt: bytes) -> str:
    """The password as Mosquitto's password file has it: `$7$rounds$salt$hash`, PBKDF2 with SHA-512."""
    hashed = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS)
    return f"$7${ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(hashed).decode()}"
