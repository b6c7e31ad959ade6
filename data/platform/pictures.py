"""A picture is known by its own bytes, whatever its label says."""

import io
from dataclasses import dataclass

import anyio.to_thread
from PIL import Image, UnidentifiedImageError

from data.core.errors import Invalid

MOST_BYTES = 8_000_000
MOST_PIXELS = 50_000_000
KINDS = {"JPEG": ("image/jpeg", "jpg"), "PNG": ("image/png", "png"), "WEBP": ("image/webp", "webp")}


@dataclass(frozen=True, slots=True)
class Picture:
    """Bytes that open to their end as a JPEG, PNG or WebP."""

    content: bytes
    mime_type: str
    extension: str


async def picture(content: bytes, *, field: str = "photo") -> Picture:
    """The picture in these bytes; Invalid(field) where there is none, or too large a one."""
    if len(content) > MOST_BYTES:
        raise Invalid(field, "A photo may have at most {limit} million bytes.", limit=MOST_BYTES // 1_000_000)
    return await anyio.to_thread.run_sync(_opened, content, field)


def _opened(content: bytes, field: str) -> Picture:
    try:
        with Image.open(io.BytesIO(content), formats=tuple(KINDS)) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise Invalid(field, "A photo may have at most {limit} million pixels.", limit=MOST_PIXELS // 1_000_000)
            mime_type, extension = KINDS[opened.format or ""]
            opened.load()
    except UnidentifiedImageError as reason:
        raise Invalid(field, "A photo is JPEG, PNG or WebP.") from reason
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as reason:
        raise Invalid(field, "This photo is damaged.") from reason
    return Picture(content, mime_type, extension)
