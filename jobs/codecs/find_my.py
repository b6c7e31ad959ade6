"""Strangers' iPhones hear a tag's key and seal where they are for it; Apple gives the sealed reports to anyone."""

import hashlib
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from data.core.errors import Invalid
from data.tracking.tags import CURVE, KEY_BYTES, advertised, base64_bytes, hashed, load_private_key
from data.tracking.values import Sighting
from jobs.codecs.fields import (
    EARLIEST,
    Document,
    believable,
    document,
    is_nowhere,
    items,
    text,
    unix_instant,
)

POINT_BYTES = 57
PAYLOAD_BYTES = 88
TAG_BYTES = 16
SECONDS_TO_2001 = 978_307_200
FULLEST_CONFIDENCE = 3
RAW_CONFIDENCE_BOUND = 100
MOST_DAYS = 7
MOST_KEYS = 64


def request_body(hashed_keys: Sequence[str], days: int = MOST_DAYS) -> dict[str, Any]:
    """What a macless-haystack endpoint is asked: 1 to 64 hashed keys (base64), and 1 to 7 days back.

    The endpoint keys its results by second, so ask for one tag at a time where each report counts.
    """
    if not 1 <= len(hashed_keys) <= MOST_KEYS:
        raise Invalid("ids", "Ask for 1 to {most} keys at once.", most=MOST_KEYS)
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("days", "Ask for 1 to {most} days.", most=MOST_DAYS)
    return {"ids": list(hashed_keys), "days": days}


def sightings(
    reply: bytes | str | Document, private_keys: Mapping[str, str], *, now: datetime, oldest: datetime = EARLIEST,
    known: Collection[datetime] = (),
) -> list[Sighting]:  # fmt: skip
    """What of the endpoint's reply can be opened and believed, oldest first; see `opened`."""
    found = opened(reply, private_keys, now=now, oldest=oldest, known=known)
    return sorted((each for each in found if isinstance(each, Sighting)), key=lambda each: each.recorded_at)


def opened(
    reply: bytes | str | Document, private_keys: Mapping[str, str], *, now: datetime, oldest: datetime = EARLIEST,
    known: Collection[datetime] = (),
) -> Iterator[Sighting | Invalid]:  # fmt: skip
    """Each result as its sighting, or as the refusal that names it (`results[2].payload`).

    `private_keys` are base64 by hashed advertisement key, both as `TagKeys` holds them. One unreadable report does not
    spoil the others, for phones send such; a reply that is no reply raises Invalid("body") or Invalid("results").
    Reports of the `known` instants are left closed and out: when a report was made stands on its outside.
    """
    message = document(reply)
    if "results" not in message:
        raise Invalid("results", "This reply holds no results.")
    for index, result in enumerate(items(message["results"], "results")):
        try:
            if not (known and _made_at(result) in known):
                yield _open(result, f"results[{index}]", private_keys, now, oldest)
        except Invalid as refusal:
            yield refusal


def decrypt(payload: bytes, private_key: bytes, field: str = "payload") -> Sighting:
    """One report of 88 or 89 bytes, opened with the tag's private key of 28; (0, 0) stays what it is.

    Apple's confidence is 1 to 3 on most phones and larger on some: 0 counts as low, 3 to 100 as high, more is refused.
    Raises Invalid(field) for another length, a foreign or altered report and an impossible place,
    Invalid("private_key") for what is no P-224 key.
    """
    if len(payload) == PAYLOAD_BYTES + 1:
        payload = payload[:4] + payload[5:]
    if len(payload) != PAYLOAD_BYTES:
        raise Invalid(field, "A report has 88 or 89 bytes.")
    seconds, confidence = struct.unpack_from(">IB", payload)
    if confidence > RAW_CONFIDENCE_BOUND:
        raise Invalid(field, "A confidence of {confidence} cannot be.", confidence=confidence)
    key = load_private_key(private_key)
    point, sealed = payload[5 : 5 + POINT_BYTES], payload[5 + POINT_BYTES :]
    try:
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point))
        symmetric = symmetric_key(shared, point)
        plain = AESGCM(symmetric[:16]).decrypt(symmetric[16:], sealed, None)
    except (ValueError, InvalidTag):
        raise Invalid(field, "This report is not sealed for this tag, or was altered.") from None
    latitude, longitude, accuracy, status = struct.unpack(">iiBB", plain)
    if abs(latitude) > 90e7 or abs(longitude) > 180e7:
        raise Invalid(field, "This report's place is not on Earth.")
    return Sighting(
        hashed_advertisement_key=hashed(advertised(key)),
        recorded_at=unix_instant(seconds + SECONDS_TO_2001, field),
        latitude=latitude / 1e7,
        longitude=longitude / 1e7,
        horizontal_accuracy_m=float(accuracy),
        confidence=min(max(confidence, 1), FULLEST_CONFIDENCE),
        battery=status >> 6,
    )


def symmetric_key(shared: bytes, point: bytes) -> bytes:
    """ANSI X9.63 with one round: 16 bytes of AES key, then 16 of initialisation vector."""
    return hashlib.sha256(shared + b"\x00\x00\x00\x01" + point).digest()


def _made_at(result: Document) -> datetime | None:
    """When a report says it was made, still closed; None where it does not say."""
    try:
        (seconds,) = struct.unpack_from(">I", base64_bytes(str(result.get("payload")), "payload"))
        return unix_instant(seconds + SECONDS_TO_2001, "payload")
    except (Invalid, struct.error):
        return None


def _open(result: Document, path: str, private_keys: Mapping[str, str], now: datetime, oldest: datetime) -> Sighting:
    hashed_key = text(result.get("id"), f"{path}.id") or ""
    if hashed_key not in private_keys:
        raise Invalid(f"{path}.id", "This key was not asked for.")
    payload = base64_bytes(text(result.get("payload"), f"{path}.payload") or "", f"{path}.payload")
    private_key = base64_bytes(private_keys[hashed_key], "private_key", KEY_BYTES)
    found = decrypt(payload, private_key, f"{path}.payload")
    if found.hashed_advertisement_key != hashed_key:
        raise Invalid(f"{path}.id", "This report is another tag's.")
    if is_nowhere(found.latitude, found.longitude):
        raise Invalid(f"{path}.payload", "The phone had no position itself.")
    believable(found.recorded_at, f"{path}.payload", now=now, oldest=oldest)
    return found
