"""The write-ahead log comes in files of one size, each named for where in the log it begins; places in it are counted in bytes."""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

SEGMENT = re.compile(r"[0-9A-F]{24}")
PARTIAL = ".partial"
PIECE = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of the log: the how manieth, and whether all of it is there."""

    number: int
    is_finished: bool
    name: str

    @property
    def file_name(self) -> str:
        return self.name if self.is_finished else self.name + PARTIAL


def place(text: str) -> int:
    """`16/B374D848` as a number."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def written(at: int) -> str:
    """The other way round."""
    return f"{at >> 32:X}/{at & 0xFFFFFFFF:X}"


def number_of(name: str, size: int) -> int:
    """The how manieth file since the log began; its name begins with a timeline, which does not count."""
    return int(name[8:16], 16) * (2**32 // size) + int(name[16:24], 16)


def segments_in(names: list[str], size: int) -> list[Segment]:
    """Those of the names that are files of the log, oldest first; of one that is there twice the finished one."""
    found: dict[int, Segment] = {}
    for name in sorted(names, reverse=True):  # a finished one's name comes before that of its part, so it is seen last
        plain = name.removesuffix(PARTIAL)
        if SEGMENT.fullmatch(plain):
            number = number_of(plain, size)
            found[number] = Segment(number, plain == name, plain)
    return [found[number] for number in sorted(found)]


def is_received(folder: Path, at: int, size: int) -> bool:
    """Whether everything before that place has arrived in the folder, which is so when anything is there behind it.

    A file that is still being filled is as large as all and ends in zeros; a record never begins with one.
    """
    for segment in segments_in([path.name for path in folder.iterdir()], size)[::-1]:
        start = segment.number * size
        if at > start + size:
            return False
        if segment.is_finished or _is_anything_after(folder / segment.file_name, max(0, at - start)):
            return True
    return False


def _is_anything_after(file: Path, offset: int) -> bool:
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            while piece := opened.read(PIECE):
                if piece.rstrip(b"\0"):
                    return True
    except FileNotFoundError:  # it was finished in this moment, and has its other name
        return False
    return False


def packed(file: Path) -> bytes:
    """What is in the file, small."""
    return gzip.compress(file.read_bytes(), compresslevel=1)
