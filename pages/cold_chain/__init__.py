"""Whoever answers for the food: every unit with its temperature, one unit's past, and the places they stand in."""

from collections.abc import Sequence

from data.cold_chain.queries.units import units as find_units
from pages._shell import SEARCHERS, Looker
from ui.palette import Found


async def _find(look: Looker, text: str) -> Sequence[Found]:
    if not look.may("cold_chain.view"):
        return []
    async with look.transaction() as tx:
        found, _total = await find_units(tx, search=text, limit=8, sort="name")
    return [Found(one.name, f"/cold-chain/units/{one.id}", f"{one.site_name} · {one.area_name}", "ac_unit") for one in found]


SEARCHERS.append(_find)
