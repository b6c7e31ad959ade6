"""Tags on the live map."""

from collections.abc import Sequence
from uuid import UUID

from data.core.session import Transaction
from data.core.time import now
from data.tracking import queries
from data.tracking.events import TrackerChanged, TrackerMoved
from data.tracking.queries import Seen
from pages._map import Layer
from pages.tracking._words import map_state, status_word
from ui.map import Marker
from ui.words import noop


async def _ask(tx: Transaction) -> Sequence[tuple[UUID, Seen]]:
    return [(seen.id, seen) for seen in await queries.on_map(tx)]


def marker(index: int, seen: Seen) -> Marker:
    """A tag that was heard, in the reader's words."""
    assert seen.latitude is not None and seen.longitude is not None
    return Marker(
        index, seen.name, seen.latitude, seen.longitude, kind="tracker",
        state=map_state(seen.status, seen.positioned_at, now()), at=seen.positioned_at, accuracy_m=seen.horizontal_accuracy_m,
        href=f"/tracking/{seen.id}",
        detail=" · ".join(filter(None, (status_word(seen.status), seen.place or seen.nearest_city, seen.run))),
    )  # fmt: skip


LAYER = Layer("tracking", noop("Trackers"), "tracking.view", _ask, marker, changes=(TrackerChanged,), moves=(TrackerMoved,))
