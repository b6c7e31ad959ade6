"""A document is a row of blocks, already in its reader's words; whoever prints it or shows it need not know what it is about."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Tone = Literal["", "ok", "warning", "critical", "offline", "soft"]
"""What a thing means; a word says the same, never the colour alone."""
Align = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Paper:
    """In which language, unit and format a document is made; the facts are the same in all."""

    language: str = "en"
    units: str = "celsius"
    paper: str = "a4"


@dataclass(frozen=True, slots=True)
class Heading:
    """`starts_page`: on paper it begins a new page. `id` is what a link points to."""

    text: str
    level: int = 2
    note: str = ""
    starts_page: bool = False
    id: str = ""
    block: str = "heading"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one sentence to remember, and what stands behind it."""

    tone: Tone
    headline: str
    text: str = ""
    block: str = "verdict"


@dataclass(frozen=True, slots=True)
class Words:
    """A paragraph."""

    text: str
    tone: Tone = ""
    block: str = "words"


@dataclass(frozen=True, slots=True)
class Items:
    """A few sentences, one below the other."""

    texts: Sequence[str]
    tone: Tone = ""
    block: str = "items"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name."""

    label: str
    value: str
    note: str = ""
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers side by side."""

    figures: Sequence[Figure]
    block: str = "figures"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole (0 to 1)."""

    label: str
    share: float
    shown: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Shares:
    """A whole and its parts, as one bar."""

    shares: Sequence[Share]
    block: str = "shares"


@dataclass(frozen=True, slots=True)
class Column:
    """`width` is its weight among the others; 0 takes what it needs."""

    title: str
    width: float = 0
    align: Align = "start"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a table; `href` points to a heading of the same document."""

    text: str
    tone: Tone = ""
    note: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns; a dense one is read across, line by line, and takes little room."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    is_dense: bool = False
    block: str = "table"


@dataclass(frozen=True, slots=True)
class Area:
    """From here to there, as shares of a chart's width; `low` and `high` as shares of its height from below."""

    start: float
    end: float
    tone: Tone
    low: float = 0
    high: float = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a chart."""

    x: float
    y: float
    tone: Tone


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across a chart and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A line over time (broken where nothing is known) before its areas; everything in shares of the width and the height."""

    lines: Sequence[Sequence[tuple[float, float]]]
    areas: Sequence[Area]
    marks: Sequence[Mark]
    across: Sequence[Tick]
    along: Sequence[Tick]
    legend: Sequence[tuple[str, Tone, str]]
    """(sign: line, area or mark; its tone; its word)"""
    describes: str = ""
    block: str = "chart"


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture by the fingerprint of its bytes."""

    sha256: str
    caption: str


@dataclass(frozen=True, slots=True)
class Photos:
    """Pictures side by side."""

    photos: Sequence[Photo]
    block: str = "photos"


Block = Heading | Verdict | Words | Items | Figures | Shares | Table | Chart | Photos


@dataclass(frozen=True, slots=True)
class Sheet:
    """`running` stands above each page, `seal` and `address` below it beside a code to scan; `pages` is '{page} of {pages}'."""

    language: str
    paper: str
    title: str
    subtitle: str
    running: str
    pages: str
    seal_label: str
    seal: str
    address_label: str
    address: str
    blocks: Sequence[Block] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    def photos(self) -> set[str]:
        """The fingerprints of the pictures in it."""
        return {one.sha256 for block in self.blocks if isinstance(block, Photos) for one in block.photos}
