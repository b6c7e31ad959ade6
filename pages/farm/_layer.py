"""Farms on the live map."""

from collections.abc import Sequence
from uuid import UUID

from data.core.session import Transaction
from data.farm import queries
from data.farm.events import DeviceChanged, DeviceRegistered, FarmChanged
from data.farm.queries import Standing
from pages._map import Layer
from ui.map import Marker
from ui.words import n_, noop


async def _ask(tx: Transaction) -> Sequence[tuple[UUID, Standing]]:
    return [
        (one.farm.id, one)
        for one in await queries.standings(tx)
        if one.farm.latitude is not None and one.farm.longitude is not None
    ]


def marker(index: int, one: Standing) -> Marker:
    """A farm, in the reader's words."""
    assert one.farm.latitude is not None and one.farm.longitude is not None
    detail = n_("{n} device", "{n} devices", one.devices)
    if one.offline:
        detail += " · " + n_("{n} offline", "{n} offline", one.offline)
    return Marker(
        index, one.farm.name, one.farm.latitude, one.farm.longitude, kind="farm",
        state="warning" if one.offline else "ok", href=f"/farm?farm={one.farm.id}", detail=detail,
    )  # fmt: skip


LAYER = Layer(
    "farm", noop("Farms"), "farm.view", _ask, marker, changes=(FarmChanged, DeviceRegistered), moves=(DeviceChanged,)
)
