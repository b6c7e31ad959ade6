"""What needs somebody now, from every domain, in one list ordered by urgency."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from data.core.bus import Event
from pages._shell import Looker
from pages._together import eyes, together

Urgency = Literal["critical", "warning", "waiting", "offline"]
ORDER: tuple[Urgency, ...] = ("critical", "warning", "offline", "waiting")


@dataclass(frozen=True, slots=True)
class Matter:
    """One thing that waits for a person: a sentence in their language, since when, and the page that cures it."""

    urgency: Urgency
    words: str
    href: str
    since: datetime
    icon: str
    is_taken: bool = False
    """Somebody has said that they are on it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A domain's part of the list: how to ask, who may, and which events make one ask again."""

    permission: str
    ask: Callable[[Looker], Awaitable[Sequence[Matter]]]
    events: tuple[type[Event], ...]


SOURCES: list[Source] = []
"""Each domain's page package adds its own."""


async def matters(look: Looker) -> list[Matter]:
    """Everything that waits and that this person may see, the most urgent first, then the oldest."""
    return await together(("matters", eyes(look.actor)), lambda: _ask(look))


async def _ask(look: Looker) -> list[Matter]:
    found = [matter for source in SOURCES if look.may(source.permission) for matter in await source.ask(look)]
    return sorted(found, key=lambda m: (m.is_taken, ORDER.index(m.urgency), m.since))
