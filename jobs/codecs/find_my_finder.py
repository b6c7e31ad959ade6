"""A phone that hears a tag knows only the key in the air, and seals where it is so that only the owner reads it."""

import struct
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from data.core.errors import Invalid
from data.tracking.tags import CURVE, KEY_BYTES, load_private_key
from jobs.codecs.find_my import SECONDS_TO_2001, symmetric_key


def encrypt_like_a_finder(
    advertisement_key: bytes,
    *,
    recorded_at: datetime,
    latitude: float,
    longitude: float,
    accuracy_m: int = 10,
    confidence: int = 3,
    battery: int = 0,
    ephemeral_private_key: bytes | None = None,
    is_newer_phone: bool = False,
) -> bytes:
    """The payload that `find_my.decrypt` opens: 88 bytes, or 89 as newer phones write it.

    `advertisement_key` are the 28 bytes in the air, `battery` is 0 full to 3 critical, accuracy 0 to 255 m. Without an
    ephemeral key each call makes its own, as phones do. Raises Invalid("advertisement_key") for what is on no point.
    """
    ephemeral = load_private_key(ephemeral_private_key) if ephemeral_private_key else ec.generate_private_key(CURVE)
    numbers = ephemeral.public_key().public_numbers()
    point = b"\x04" + numbers.x.to_bytes(KEY_BYTES, "big") + numbers.y.to_bytes(KEY_BYTES, "big")
    symmetric = symmetric_key(ephemeral.exchange(ec.ECDH(), _public_key(advertisement_key)), point)
    plain = struct.pack(">iiBB", round(latitude * 1e7), round(longitude * 1e7), accuracy_m, battery << 6)
    sealed = AESGCM(symmetric[:16]).encrypt(symmetric[16:], plain, None)
    seconds = struct.pack(">I", int(recorded_at.timestamp()) - SECONDS_TO_2001)
    return seconds + (b"\x00" if is_newer_phone else b"") + bytes([confidence]) + point + sealed


def _public_key(advertisement_key: bytes) -> ec.EllipticCurvePublicKey:
    """One of the two points over this x; which one does not matter, for their products share an x as well."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, b"\x02" + advertisement_key)
    except ValueError:
        raise Invalid("advertisement_key", "This is not a key on the curve P-224.") from None
