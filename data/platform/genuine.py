"""What somebody who holds a report learns of it: that it is ours, and what stands on its first lines."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Genuine:
    """A report of ours: whose, which, of which days, made when. `is_log_whole`: the event log up to its entry was followed from
    its beginning and holds; False: it does not; None: that is still being done. `files` are fingerprints of its documents."""

    organization: str
    kind: str
    first_day: date
    last_day: date
    made_at: datetime
    is_log_whole: bool | None
    files: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """The same before the log was followed: where its entry stands."""

    organization_id: UUID
    sequence: int
    report: Genuine


class Verifier(Protocol):
    """Looks a fingerprint up; None where no report of ours has it. Handed to the pages by main."""

    async def __call__(self, fingerprint: str) -> Genuine | None: ...
