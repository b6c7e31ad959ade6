"""Drivers on the map."""

from collections.abc import Sequence
from uuid import UUID

from data.core.session import Transaction
from data.deliveries import queries
from data.deliveries.events import DriverChanged, DriverMoved, ShipmentChanged
from data.deliveries.queries import DriverSeen
from data.deliveries.queries.places import AVAILABILITIES
from pages._map import Layer, Spots
from pages.deliveries._words import AVAILABILITY_STATE, load
from ui.map import Marker
from ui.words import noop


async def _all(tx: Transaction) -> Sequence[tuple[UUID, DriverSeen]]:
    return [(seen.driver.id, seen) for seen in await queries.drivers(tx) if seen.position]


async def _spots(tx: Transaction) -> Spots:
    places = await queries.places(tx)
    return Spots.unpacked(places.ids, places.rows, [AVAILABILITY_STATE[one] for one in AVAILABILITIES])


def _marker(index: int, seen: DriverSeen) -> Marker:
    assert seen.position
    return Marker(
        index,
        seen.driver.name,
        seen.position.latitude,
        seen.position.longitude,
        kind="driver",
        state=AVAILABILITY_STATE[seen.availability],
        at=seen.position.recorded_at,
        accuracy_m=seen.position.accuracy_m,
        heading=seen.position.heading_deg,
        href=f"/deliveries/drivers/{seen.driver.id}",
        detail=load(len(seen.carries)),
    )


LAYER = Layer(
    "drivers",
    noop("Drivers"),
    "deliveries.view",
    _all,
    _marker,
    changes=(DriverChanged, ShipmentChanged),
    moves=(DriverMoved,),
    ask_spots=_spots,
)
