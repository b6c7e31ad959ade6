"""What others may want to hear about people and their sessions."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class SessionEnded(Event):
    """A browser's session was ended: its pages must close."""

    session_id: UUID


@dataclass(frozen=True)
class PeopleChanged(Event):
    """Somebody joined, left or changed role."""

    user_id: UUID | None = None


@dataclass(frozen=True)
class TokensChanged(Event):
    """A machine's token was made, rotated or revoked."""

    token_id: UUID | None = None


@dataclass(frozen=True)
class InspectorsChanged(Event):
    """A link for an inspector was made, used or taken back."""

    link_id: UUID
