"""A certificate proves a calibration: a PDF or a picture, known by its own bytes, whatever its label says."""

from dataclasses import dataclass

from data.core.errors import Invalid
from data.platform.pictures import MOST_BYTES as MOST_PICTURE_BYTES
from data.platform.pictures import picture

MOST_BYTES = 10_000_000
_TAIL = 2048


@dataclass(frozen=True, slots=True)
class Certificate:
    """Bytes that were looked at, and what they are."""

    content: bytes
    mime_type: str
    extension: str


async def certificate(content: bytes, *, field: str = "certificate") -> Certificate:
    """A PDF that reaches its end, or a picture that opens. Invalid(field) for anything else, or anything larger than 10 MB."""
    if len(content) > MOST_BYTES:
        raise Invalid(field, "A certificate may have at most {limit} million bytes.", limit=MOST_BYTES // 1_000_000)
    if content.startswith(b"%PDF-"):
        if b"%%EOF" not in content[-_TAIL:]:
            raise Invalid(field, "This PDF is damaged: its end is missing.")
        return Certificate(content, "application/pdf", "pdf")
    if len(content) > MOST_PICTURE_BYTES:
        raise Invalid(field, "A photo may have at most {limit} million bytes.", limit=MOST_PICTURE_BYTES // 1_000_000)
    try:
        found = await picture(content, field=field)
    except Invalid as reason:
        if reason.message == "A photo is JPEG, PNG or WebP.":
            raise Invalid(field, "A certificate is a PDF, or a picture (JPEG, PNG, WebP).") from reason
        raise
    return Certificate(found.content, found.mime_type, found.extension)
