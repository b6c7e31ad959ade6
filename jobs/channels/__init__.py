"""People and partners are reached through outside parties: each takes a letter, or says why it cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol


class Undeliverable(Exception):
    """It will never arrive; give up. Nothing ever arrives at an address that `is_dead`, or whose owner `has_opted_out`."""

    def __init__(self, reason: str, *, is_dead: bool = False, has_opted_out: bool = False) -> None:
        self.is_dead, self.has_opted_out = is_dead, has_opted_out
        super().__init__(reason)


class TryLater(Exception):
    """It may arrive another time; the other side may have said after how many seconds."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A document that travels with a letter."""

    name: str
    mime_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is told. `id` stays the same at each attempt; `to` is an address as its channel writes it.

    `link` and `unsubscribe` are whole addresses; `data` is the same news for a machine; `keys` belong to the address. Only mail carries
    `enclosures`.
    """

    id: str
    to: str
    text: str
    subject: str = ""
    html: str = ""
    link: str = ""
    unsubscribe: str = ""
    is_urgent: bool = False
    life: timedelta = timedelta(days=1)
    data: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    enclosures: Sequence[Enclosure] = ()


class Channel(Protocol):
    """One outside party."""

    async def send(self, letter: Letter) -> str:
        """Hand it over; the other side's name for it, or ''. Raises Undeliverable or TryLater."""


def shortened(text: str, most: int) -> str:
    """The text, cut (after a word, where one ends late enough); three dots say so, for a phone's alphabet has no ellipsis."""
    if len(text) <= most:
        return text
    head = text[: most - 3]
    word_ends = head.rfind(" ")
    return (head[:word_ends] if word_ends > most // 2 else head).rstrip() + "..."
