"""What others may want to hear about inboxes."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class InboxChanged(Event):
    """Somebody has something new to read, or has read it."""

    user_id: UUID
