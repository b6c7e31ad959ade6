"""Strangers' iPhones hear a tag's key and seal where they are for it; Apple gives the sealed reports to anyone."""

import base64
import csv
import hashlib
import io
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from data.core.errors import Invalid
from data.tracking.values import Sighting, TagKeys
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

CURVE = ec.SECP224R1()
KEY_BYTES = 28
HASH_BYTES = 32
POINT_BYTES = 57
PAYLOAD_BYTES = 88
TAG_BYTES = 16
SECONDS_TO_2001 = 978_307_200
FULLEST_CONFIDENCE = 3
RAW_CONFIDENCE_BOUND = 100
MOST_DAYS = 7
MOST_KEYS = 64

NAME, ADVERTISEMENT, PRIVATE, HASHED, MAC = (
    "ID/Name",
    "Advertisement Key",
    "Private Key",
    "Hashed Adv Key",
    "MAC Address",
)
COLUMNS = {
    "id/name": NAME,
    "id": NAME,
    "name": NAME,
    "advertisement key": ADVERTISEMENT,
    "adv key": ADVERTISEMENT,
    "private key": PRIVATE,
    "hashed adv key": HASHED,
    "hashed advertisement key": HASHED,
    "mac address": MAC,
    "mac": MAC,
}


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
    reply: bytes | str | Document, private_keys: Mapping[str, str], *, now: datetime, oldest: datetime = EARLIEST
) -> list[Sighting]:
    """What of the endpoint's reply can be opened and believed, oldest first; see `opened`."""
    found = opened(reply, private_keys, now=now, oldest=oldest)
    return sorted((each for each in found if isinstance(each, Sighting)), key=lambda each: each.recorded_at)


def opened(
    reply: bytes | str | Document, private_keys: Mapping[str, str], *, now: datetime, oldest: datetime = EARLIEST
) -> Iterator[Sighting | Invalid]:
    """Each result as its sighting, or as the refusal that names it (`results[2].payload`).

    `private_keys` are base64 by hashed advertisement key, both as `TagKeys` holds them. One unreadable report does not
    spoil the others, for phones send such; a reply that is no reply raises Invalid("body") or Invalid("results").
    """
    message = document(reply)
    if "results" not in message:
        raise Invalid("results", "This reply holds no results.")
    for index, result in enumerate(items(message["results"], "results")):
        try:
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


def load_private_key(private_key: bytes, field: str = "private_key") -> ec.EllipticCurvePrivateKey:
    """28 big-endian bytes as a P-224 key. Raises Invalid(field)."""
    if len(private_key) != KEY_BYTES:
        raise Invalid(field, "A private key has 28 bytes.")
    try:
        return ec.derive_private_key(int.from_bytes(private_key, "big"), CURVE)
    except ValueError:
        raise Invalid(field, "This is not a private key on the curve P-224.") from None


def advertised(key: ec.EllipticCurvePrivateKey) -> bytes:
    """What the tag sends over the air: the x of its public point, 28 bytes."""
    return key.public_key().public_numbers().x.to_bytes(KEY_BYTES, "big")


def hashed(advertisement_key: bytes) -> str:
    """What Apple files reports under: base64 of the SHA-256 of the advertised key."""
    return base64.b64encode(hashlib.sha256(advertisement_key).digest()).decode()


def symmetric_key(shared: bytes, point: bytes) -> bytes:
    """ANSI X9.63 with one round: 16 bytes of AES key, then 16 of initialisation vector."""
    return hashlib.sha256(shared + b"\x00\x00\x00\x01" + point).digest()


def keys_of(private_key: str, name: str, field: str = "private_key") -> TagKeys:
    """A tag's whole key set, from its private key alone (base64 of 28 bytes). Raises Invalid(field)."""
    raw = _base64(private_key, field, KEY_BYTES)
    public = advertised(load_private_key(raw, field))
    return TagKeys(name, _written(public), _written(raw), hashed(public))


def csv_template() -> str:
    """A header to fill in, in the order the vendor's file has it."""
    return ",".join((NAME, ADVERTISEMENT, PRIVATE, HASHED, MAC)) + "\r\n"


def tags_from_csv(written: str) -> list[TagKeys]:
    """All tags of a vendor's file. Raises the first refusal of `tag_rows`, so that a file is taken whole or not."""
    tags = []
    for row in tag_rows(written):
        if isinstance(row, Invalid):
            raise row
        tags.append(row)
    return tags


def tag_rows(written: str) -> Iterator[TagKeys | Invalid]:
    """Each row as its tag, or as the refusal that names it (`row 3: Private Key`; the header is row 1).

    Columns may stand in any order and case, with commas, semicolons or tabs between; unknown ones are left alone.
    MAC Address may be absent, a hash is worked out where it is, and an empty row is nothing. A key pair or a hash that
    does not match, and a name, key or address that an earlier row has, are refused. Raises Invalid for the file itself.
    """
    rows = _table(written)
    header = [COLUMNS.get(re.sub(r"[\s_]+", " ", cell).strip().lower()) for cell in next(rows, [])]
    for column in (NAME, ADVERTISEMENT, PRIVATE):
        if header.count(column) != 1:
            raise Invalid(f"row 1: {column}", "The file needs this column, once.")
    seen: set[tuple[str, str]] = set()
    for row_number, cells in enumerate(rows, start=2):
        row = {column: cell.strip() for column, cell in zip(header, cells, strict=False) if column}
        if any(row.values()):
            try:
                yield _tag(row, f"row {row_number}", seen)
            except Invalid as refusal:
                yield refusal


def _open(result: Document, path: str, private_keys: Mapping[str, str], now: datetime, oldest: datetime) -> Sighting:
    hashed_key = text(result.get("id"), f"{path}.id") or ""
    if hashed_key not in private_keys:
        raise Invalid(f"{path}.id", "This key was not asked for.")
    payload = _base64(text(result.get("payload"), f"{path}.payload") or "", f"{path}.payload")
    private_key = _base64(private_keys[hashed_key], "private_key", KEY_BYTES)
    found = decrypt(payload, private_key, f"{path}.payload")
    if found.hashed_advertisement_key != hashed_key:
        raise Invalid(f"{path}.id", "This report is another tag's.")
    if is_nowhere(found.latitude, found.longitude):
        raise Invalid(f"{path}.payload", "The phone had no position itself.")
    believable(found.recorded_at, f"{path}.payload", now=now, oldest=oldest)
    return found


def _table(written: str) -> Iterator[list[str]]:
    written = written.removeprefix("\ufeff")
    first_line = written.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    try:
        yield from csv.reader(io.StringIO(written, newline=""), delimiter=delimiter)
    except csv.Error:
        raise Invalid("body", "This is not a table with one tag a row.") from None


def _tag(row: Mapping[str, str], path: str, seen: set[tuple[str, str]]) -> TagKeys:
    def cell(column: str) -> str | None:
        return text(row.get(column), f"{path}: {column}", longest=255)

    name = cell(NAME)
    if name is None:
        raise Invalid(f"{path}: {NAME}", "A tag needs a name.")
    advertisement = _written(_base64(cell(ADVERTISEMENT) or "", f"{path}: {ADVERTISEMENT}", KEY_BYTES))
    tag = keys_of(cell(PRIVATE) or "", name, f"{path}: {PRIVATE}")
    if tag.advertisement_key != advertisement:
        raise Invalid(f"{path}: {ADVERTISEMENT}", "This key does not belong to the private key beside it.")
    given_hash = cell(HASHED)
    if given_hash and _written(_base64(given_hash, f"{path}: {HASHED}", HASH_BYTES)) != tag.hashed_advertisement_key:
        raise Invalid(f"{path}: {HASHED}", "This is not the hash of the advertisement key beside it.")
    mac = _mac(cell(MAC), f"{path}: {MAC}")
    for column, value in ((NAME, name.casefold()), (ADVERTISEMENT, advertisement), (MAC, mac)):
        if value and (column, value) in seen:
            raise Invalid(f"{path}: {column}", "An earlier row has the same.")
    seen.update(((NAME, name.casefold()), (ADVERTISEMENT, advertisement), (MAC, mac or "")))
    return TagKeys(name, tag.advertisement_key, tag.private_key, tag.hashed_advertisement_key, mac)


def _mac(written: str | None, field: str) -> str | None:
    if written is None:
        return None
    digits = re.sub(r"[-:.\s]", "", written).upper()
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        raise Invalid(field, "A MAC address has 12 hex digits.")
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def _base64(written: str, field: str, length: int | None = None) -> bytes:
    try:
        raw = base64.b64decode(written, validate=True)
    except ValueError:
        raise Invalid(field, "This is not base64.") from None
    if length is not None and len(raw) != length:
        raise Invalid(field, "This must be base64 of {length} bytes.", length=length)
    return raw


def _written(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
