"""Cold storage on the live map: a site a mark, in the state of its worst unit; and the gateways that have a place."""

from collections.abc import Sequence
from uuid import UUID

from data.cold_chain.events import GatewayChanged, PlacesChanged, UnitChanged
from data.cold_chain.queries import gateways, units
from data.cold_chain.queries.gateways import GatewayView
from data.cold_chain.queries.units import SiteView
from data.cold_chain.values import GatewayStatus
from data.core.session import Transaction
from pages._map import Layer
from pages.cold_chain._words import STATUS_STATES, STATUS_WORDS
from ui.badge import State
from ui.map import Marker
from ui.words import _, n_, noop


async def _ask(tx: Transaction) -> Sequence[tuple[UUID, SiteView | GatewayView]]:
    sites = [(one.site.id, one) for one in await units.sites(tx) if one.site.latitude is not None]
    placed = [(one.gateway.id, one) for one in await gateways.gateways(tx) if one.gateway.latitude is not None]
    return [*sites, *placed]


def marker(index: int, one: SiteView | GatewayView) -> Marker:
    """A site or a gateway, in the reader's words."""
    return _gateway(index, one) if isinstance(one, GatewayView) else _site(index, one)


def _gateway(index: int, one: GatewayView) -> Marker:
    gateway = one.gateway
    assert gateway.latitude is not None and gateway.longitude is not None
    state: State = "ok" if gateway.status is GatewayStatus.ONLINE else "waiting" if gateway.last_seen_at is None else "offline"
    return Marker(
        index, one.name, gateway.latitude, gateway.longitude, kind="gateway", state=state, href="/cold-chain/gateways", detail=_("Gateway")
    )


def _site(index: int, one: SiteView) -> Marker:
    assert one.site.latitude is not None and one.site.longitude is not None
    said = [n_("{n} unit", "{n} units", sum(one.counts.values()))]
    said += [f"{count} · {_(STATUS_WORDS[status])}" for status, count in one.counts.items() if STATUS_STATES[status] != "ok"]
    return Marker(
        index, one.site.name, one.site.latitude, one.site.longitude, kind="unit",
        state=STATUS_STATES[one.worst] if one.worst else "neutral", href=f"/cold-chain?site={one.site.id}",
        detail=" · ".join(said),
    )  # fmt: skip


LAYER = Layer(
    "cold_chain", noop("Cold storage"), "cold_chain.view", _ask, marker, changes=(PlacesChanged,), moves=(UnitChanged, GatewayChanged)
)
