"""What others may want to hear about inboxes and about what is sent."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class InboxChanged(Event):
    """Somebody has something new to read, or has read it."""

    user_id: UUID


@dataclass(frozen=True)
class DeliveriesQueued(Event):
    """Something waits to be sent."""


@dataclass(frozen=True)
class DeliveriesChanged(Event):
    """Something was written down for somebody, was sent, arrived or failed."""

    user_id: UUID | None = None


@dataclass(frozen=True)
class ChannelsChanged(Event):
    """How the organization sends, or how one person wants to be told, is different now; or a channel rests or works again."""

    user_id: UUID | None = None


@dataclass(frozen=True)
class ContactsChanged(Event):
    """Somebody else is called when it matters, or at other times."""


@dataclass(frozen=True)
class PoliciesChanged(Event):
    """Who is told of what is said differently now."""
