"""What others may want to hear about tracking."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class TrackerMoved(Event):
    """A tag was heard somewhere. Without an id: many were at once."""

    tracker_id: UUID | None = None


@dataclass(frozen=True)
class TrackerChanged(Event):
    """A tag has another status or place, was imported or was taken away. Without an id: many at once."""

    tracker_id: UUID | None = None


@dataclass(frozen=True)
class RunChanged(Event):
    """A run, or the brand, client or places it belongs with, is new or another."""

    run_id: UUID | None = None
