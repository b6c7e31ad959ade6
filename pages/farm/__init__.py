"""The farmer's screens: tiles to look at and to switch, one device's past, and the schedules."""

from collections.abc import Sequence

from data.farm import queries
from pages._shell import SEARCHERS, Looker
from pages.farm._words import icon_of
from ui.palette import Found


async def _find(look: Looker, text: str) -> Sequence[Found]:
    if not look.may("farm.view"):
        return []
    async with look.transaction() as tx:
        rows = await queries.find(tx, text, limit=8)
    return [
        Found(device.name, f"/farm/devices/{device.id}", " · ".join(filter(None, (farm.name, device.location))), icon_of(device))
        for device, farm in rows
    ]


SEARCHERS.append(_find)
