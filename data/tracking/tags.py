"""A vendor delivers tags as a table of key pairs: a tag sends the public one, and the private one opens its reports."""

import base64
import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from data.core.errors import Invalid
from data.tracking.values import TagKeys

CURVE = ec.SECP224R1()
KEY_BYTES = 28
HASH_BYTES = 32
LONGEST = 255
LARGEST_FILE = 1_000_000

Rows = Sequence[tuple[int, TagKeys | Invalid]]
"""A file, each row with its number."""

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


def keys_of(private_key: str, name: str, field: str = "private_key") -> TagKeys:
    """A tag's whole key set, from its private key alone (base64 of 28 bytes). Raises Invalid(field)."""
    raw = base64_bytes(private_key, field, KEY_BYTES)
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


def read_file(content: bytes) -> Rows:
    """A whole file as it was uploaded; see `numbered_rows`. Takes a millisecond a row: call it in a worker thread."""
    if len(content) > LARGEST_FILE:
        raise Invalid("body", "A file may have at most {limit} bytes.", limit=LARGEST_FILE)
    try:
        return list(numbered_rows(content.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise Invalid("body", "This is not a CSV file in UTF-8.") from None


def tag_rows(written: str) -> Iterator[TagKeys | Invalid]:
    """`numbered_rows` without the numbers."""
    return (tag for _, tag in numbered_rows(written))


def numbered_rows(written: str) -> Iterator[tuple[int, TagKeys | Invalid]]:
    """Each row's number and its tag, or the refusal that names it (`row 3: Private Key`; the header is row 1).

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
                yield row_number, _tag(row, f"row {row_number}", seen)
            except Invalid as refusal:
                yield row_number, refusal


def base64_bytes(written: str, field: str, length: int | None = None) -> bytes:
    """What base64 says, of that length if one is given. Raises Invalid(field)."""
    try:
        raw = base64.b64decode(written, validate=True)
    except ValueError:
        raise Invalid(field, "This is not base64.") from None
    if length is not None and len(raw) != length:
        raise Invalid(field, "This must be base64 of {length} bytes.", length=length)
    return raw


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
        return _storable(row.get(column), f"{path}: {column}")

    name = cell(NAME)
    if name is None:
        raise Invalid(f"{path}: {NAME}", "A tag needs a name.")
    advertisement = _written(base64_bytes(cell(ADVERTISEMENT) or "", f"{path}: {ADVERTISEMENT}", KEY_BYTES))
    tag = keys_of(cell(PRIVATE) or "", name, f"{path}: {PRIVATE}")
    if tag.advertisement_key != advertisement:
        raise Invalid(f"{path}: {ADVERTISEMENT}", "This key does not belong to the private key beside it.")
    given_hash = cell(HASHED)
    if given_hash and _written(base64_bytes(given_hash, f"{path}: {HASHED}", HASH_BYTES)) != tag.hashed_advertisement_key:
        raise Invalid(f"{path}: {HASHED}", "This is not the hash of the advertisement key beside it.")
    mac = _mac(cell(MAC), f"{path}: {MAC}")
    for column, value in ((NAME, name.casefold()), (ADVERTISEMENT, advertisement), (MAC, mac)):
        if value and (column, value) in seen:
            raise Invalid(f"{path}: {column}", "An earlier row has the same.")
    seen.update(((NAME, name.casefold()), (ADVERTISEMENT, advertisement), (MAC, mac or "")))
    return TagKeys(name, tag.advertisement_key, tag.private_key, tag.hashed_advertisement_key, mac)


def _storable(cell: str | None, field: str) -> str | None:
    if cell is None:
        return None
    if len(cell) > LONGEST:
        raise Invalid(field, "This is longer than {longest} characters.", longest=LONGEST)
    if "\x00" in cell or any("\ud800" <= character <= "\udfff" for character in cell):
        raise Invalid(field, "This holds a character that cannot be stored.")
    return cell.strip() or None


def _mac(written: str | None, field: str) -> str | None:
    if written is None:
        return None
    digits = re.sub(r"[-:.\s]", "", written).upper()
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        raise Invalid(field, "A MAC address has 12 hex digits.")
    return ":".join(digits[place : place + 2] for place in range(0, 12, 2))


def _written(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
