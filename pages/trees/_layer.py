"""Trees that are being looked at, on the live map."""

from collections.abc import Sequence
from uuid import UUID

from data.core.session import Transaction
from data.trees.events import JobChanged
from data.trees.queries import jobs
from data.trees.queries.jobs import Position
from pages._map import Layer
from pages.trees._words import STATUS_STATES, rating_word, status_word
from ui.map import Marker
from ui.words import noop


async def _ask(tx: Transaction) -> Sequence[tuple[UUID, Position]]:
    return [(position.job_id, position) for position in await jobs.positions(tx)]


def _marker(index: int, position: Position) -> Marker:
    detail = [status_word(position.status), *([rating_word(position.risk_rating)] if position.risk_rating else [])]
    return Marker(
        index, position.job_number, position.latitude, position.longitude, kind="tree",
        state=STATUS_STATES[position.status], at=position.at, href=f"/trees/{position.job_id}", detail=" · ".join(detail),
    )  # fmt: skip


LAYER = Layer("trees", noop("Tree jobs"), "trees.view", _ask, _marker, changes=(JobChanged,))
