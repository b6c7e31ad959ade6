"""What a phone sends as sound or picture is known by its own bytes, whatever its label says."""

import io
import struct
import wave
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from data.core.errors import Invalid

MAX_BYTES = 25_000_000
MAX_PIXELS = 60_000_000
REPORT_EDGE_PX = 1600
REPORT_QUALITY = 80

_M4A_BRANDS = (b"M4A ", b"M4B ", b"mp42", b"mp41", b"isom", b"iso2", b"3gp4", b"3gp5", b"3gp6", b"dash")


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording whose kind and length are known."""

    content: bytes
    mime_type: str
    extension: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as it came, its size when upright, and a smaller upright JPEG of it without its metadata."""

    content: bytes
    mime_type: str
    extension: str
    width_px: int
    height_px: int
    report: bytes


def sound(content: bytes) -> Sound:
    """A recording: MPEG-4 audio or wav. Invalid('body') for anything else."""
    if content[4:8] == b"ftyp" and content[8:12] in _M4A_BRANDS:
        return Sound(content, "audio/mp4", "m4a", _mpeg_length_s(content))
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        try:
            with wave.open(io.BytesIO(content)) as file:
                return Sound(content, "audio/wav", "wav", file.getnframes() / file.getframerate())
        except (wave.Error, EOFError, ZeroDivisionError) as reason:
            raise Invalid("body", "This recording is damaged.") from reason
    raise Invalid("body", "A recording is m4a or wav.")


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MPEG-4 file between two offsets: name, where its payload starts and ends."""
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", content, start)
        head = 8
        if size == 1 and start + 16 <= end:
            (size,), head = struct.unpack_from(">Q", content, start + 8), 16
        stop = end if size == 0 else start + size
        if stop > end or stop < start + head:
            return
        yield name, start + head, stop
        start = stop


def _mpeg_length_s(content: bytes) -> float:
    for name, start, end in _boxes(content, 0, len(content)):
        if name != b"moov":
            continue
        for inner, at, stop in _boxes(content, start, end):
            wide = inner == b"mvhd" and stop - at >= 32 and content[at] == 1
            if inner == b"mvhd" and stop - at >= 20:
                scale, length = struct.unpack_from(">IQ" if wide else ">II", content, at + (20 if wide else 12))
                if scale:
                    return float(length / scale)
    raise Invalid("body", "This recording is damaged.")


def photo(content: bytes) -> Photo:
    """A photo: JPEG or PNG that opens to its end. Invalid('body') otherwise. Takes CPU: call it in a worker thread."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as opened:
            is_png, size = opened.format == "PNG", _upright(opened)
            if size[0] * size[1] > MAX_PIXELS:
                raise Image.DecompressionBombError
            opened.draft("RGB", (REPORT_EDGE_PX, REPORT_EDGE_PX))
            report = ImageOps.exif_transpose(opened).convert("RGB")
    except UnidentifiedImageError as reason:
        raise Invalid("body", "A photo is JPEG or PNG.") from reason
    except Image.DecompressionBombError as reason:
        limit = MAX_PIXELS // 1_000_000
        raise Invalid("body", "A photo may have at most {limit} million pixels.", limit=limit) from reason
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as reason:
        raise Invalid("body", "This photo is damaged.") from reason
    report.thumbnail((REPORT_EDGE_PX, REPORT_EDGE_PX))
    small = io.BytesIO()
    report.save(small, "JPEG", quality=REPORT_QUALITY, optimize=True)
    mime_type, extension = ("image/png", "png") if is_png else ("image/jpeg", "jpg")
    return Photo(content, mime_type, extension, *size, small.getvalue())


def _upright(opened: Image.Image) -> tuple[int, int]:
    lies = opened.getexif().get(0x0112) in (5, 6, 7, 8)
    width, height = opened.size
    return (height, width) if lies else (width, height)
