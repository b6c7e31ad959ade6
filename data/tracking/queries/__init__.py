"""What people ask about tracking; each answer holds only what their role, or their clients, let them see."""

from data.tracking.queries.runs import (
    NamedPlace,
    Run,
    Setting,
    brands,
    clients,
    places_of,
    run,
    runs,
    sharable_places,
)
from data.tracking.queries.trackers import (
    Position,
    Seen,
    StatusSince,
    Tracked,
    history,
    history_page,
    known_times,
    on_map,
    page,
    status_history,
    summary,
    tracker,
)

__all__ = [
    "NamedPlace", "Position", "Run", "Seen", "Setting", "StatusSince", "Tracked", "brands", "clients", "history",
    "history_page", "known_times", "on_map", "page", "places_of", "run", "runs", "sharable_places", "status_history", "summary", "tracker",
]  # fmt: skip
