"""Cold storage on the live map: a site a mark, in the state of its worst unit."""

from collections.abc import Sequence
from uuid import UUID

from data.cold_chain.events import PlacesChanged, UnitChanged
from data.cold_chain.queries import units
from data.cold_chain.queries.units import SiteView
from data.core.session import Transaction
from pages._map import Layer
from pages.cold_chain._words import STATUS_STATES, STATUS_WORDS
from ui.map import Marker
from ui.words import _, n_, noop


async def _ask(tx: Transaction) -> Sequence[tuple[UUID, SiteView]]:
    return [(one.site.id, one) for one in await units.sites(tx) if one.site.latitude is not None]


def marker(index: int, one: SiteView) -> Marker:
    """A site, in the reader's words."""
    assert one.site.latitude is not None and one.site.longitude is not None
    said = [n_("{n} unit", "{n} units", sum(one.counts.values()))]
    said += [f"{count} · {_(STATUS_WORDS[status])}" for status, count in one.counts.items() if STATUS_STATES[status] != "ok"]
    return Marker(
        index, one.site.name, one.site.latitude, one.site.longitude, kind="unit",
        state=STATUS_STATES[one.worst] if one.worst else "neutral", href=f"/cold-chain?site={one.site.id}",
        detail=" · ".join(said),
    )  # fmt: skip


LAYER = Layer(
    "cold_chain", noop("Cold storage"), "cold_chain.view", _ask, marker, changes=(PlacesChanged,), moves=(UnitChanged,)
)
