"""What is kept of a server's log: stretches of it without a gap, and in each the copies of everything that it goes on from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

from jobs.keeping.segments import Segment, number_of, segments_in
from jobs.keeping.store import Store

STRETCHES, BASES, LOG, REACH = "stretches/", "base/", "log/", "reach/"
PACKED = ".gz"


class Described:
    """What tells of itself in a few words of JSON."""

    def as_json(self) -> bytes:
        told = asdict(self)  # type: ignore[call-overload]
        return json.dumps({name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}).encode()

    @classmethod
    def read(cls, words: bytes) -> Self:
        """ValueError, KeyError or TypeError when they are damaged."""
        found: dict[str, Any] = json.loads(words)
        return cls(**{name: datetime.fromisoformat(value) if name.endswith("at") else value for name, value in found.items()})


@dataclass(frozen=True, slots=True)
class Stretch(Described):
    """The log of one server in one of its lives, received without a gap."""

    key: str
    began_at: datetime
    system: str
    timeline: int
    segment_bytes: int
    version: int


@dataclass(frozen=True, slots=True)
class Base(Described):
    """A copy of everything, whole from `at` on together with the log from the segment `first` on.

    The log before that segment has something that was committed at `begun_at` or later.
    """

    key: str
    stretch: str
    begun_at: datetime
    at: datetime
    first: str
    version: int
    database: str
    owner: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Reach(Described):
    """Until when, and until where, what is kept of a stretch goes."""

    at: datetime
    position: str


async def stretches(store: Store) -> list[Stretch]:
    """Every one, the newest last."""
    names = sorted(key for key in await store.keys(STRETCHES) if key.endswith(".json"))
    return [Stretch.read(await store.get(name)) for name in names]


async def bases(store: Store, stretch: str) -> list[Base]:
    """Those of a stretch that were finished, the newest last."""
    names = sorted(key for key in await store.keys(f"{BASES}{stretch}/") if key.endswith(".json"))
    return [Base.read(await store.get(name)) for name in names]


async def segments(store: Store, stretch: Stretch) -> Mapping[Segment, str]:
    """What there is of its log, in order, and under which key."""
    prefix = f"{LOG}{stretch.key}/"
    names = [key.removeprefix(prefix).removesuffix(PACKED) for key in await store.keys(prefix)]
    return {segment: segment_key(stretch.key, segment) for segment in segments_in(names, stretch.segment_bytes)}


async def reach(store: Store, stretch: str) -> Reach | None:
    """None before anything was kept of it."""
    key = f"{REACH}{stretch}.json"
    return Reach.read(await store.get(key)) if key in await store.keys(REACH) else None


def segment_key(stretch: str, segment: Segment) -> str:
    return f"{LOG}{stretch}/{segment.file_name}{PACKED}"


def reach_key(stretch: str) -> str:
    return f"{REACH}{stretch}.json"


def stretch_key(stretch: str) -> str:
    return f"{STRETCHES}{stretch}.json"


def archive_key(base: str) -> str:
    return f"{base}.tar{PACKED}"


def name_at(at: datetime) -> str:
    """What a new stretch is called, or in a stretch a copy."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}-{uuid4().hex[:8]}"


def not_needed(found: Sequence[Base], at: datetime, kept_for: Any) -> list[Base]:
    """Which copies of everything have had their time: each whose next one is so old already that no instant of it needs the earlier.

    The newest is always needed; of each stretch the first is dropped like any other.
    """
    in_order = sorted(found, key=lambda base: base.at)
    return [base for base, later in zip(in_order, in_order[1:], strict=False) if later.at <= at - kept_for]


def not_continued(kept: Mapping[Segment, str], needed: Sequence[Base], segment_bytes: int) -> list[str]:
    """The keys of what no copy goes on from any more; of a segment's part too, when all of it came since."""
    if not needed:
        return list(kept.values())
    first = min(number_of(base.first, segment_bytes) for base in needed)
    return [key for segment, key in kept.items() if segment.number < first]


