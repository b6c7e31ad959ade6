"""Bytes are read from front to back, and a frame that ends too early is no frame."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from data.core.errors import Invalid

FIELD = "frm_payload"
Order = Literal["big", "little"]


@dataclass(slots=True)
class Frame:
    """A frame being read. Raises Invalid('frm_payload') past its end."""

    octets: bytes
    order: Order
    at: int = 0

    @property
    def is_over(self) -> bool:
        return self.at >= len(self.octets)

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.octets):
            raise cannot_be()
        taken = self.octets[self.at : self.at + count]
        self.at += count
        return taken

    def unsigned(self, count: int) -> int:
        return int.from_bytes(self.take(count), self.order)

    def signed(self, count: int) -> int:
        return int.from_bytes(self.take(count), self.order, signed=True)

    def instant(self) -> datetime | None:
        """Four bytes of seconds since 1970; zero is a clock that was never set."""
        seconds = self.unsigned(4)
        return datetime.fromtimestamp(seconds, UTC) if seconds else None


def cannot_be() -> Invalid:
    """Bytes that this model never sends."""
    return Invalid(FIELD, "These bytes are not what this sensor sends.")


def humidity(percent: float) -> float | None:
    """Relative humidity; more than there can be is none that was measured."""
    return percent if 0 <= percent <= 100 else None
