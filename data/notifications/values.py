"""What is decided about one message to one address."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` (an English template) says why it is not sent at all, or, with `not_before`, why it waits until then."""

    why: str = ""
    not_before: datetime | None = None

    @property
    def is_suppressed(self) -> bool:
        return bool(self.why) and self.not_before is None


SEND = Verdict()
