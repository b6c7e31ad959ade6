"""Where goods are on their way: tags, their runs, and the places that matter to them."""

from collections.abc import Sequence

from data.tracking import queries
from pages._shell import SEARCHERS, Looker
from pages.tracking._words import status_word
from ui.palette import Found
from ui.words import _


async def _find(look: Looker, text: str) -> Sequence[Found]:
    if not look.may("tracking.view"):
        return []
    async with look.transaction() as tx:
        rows, _total = await queries.page(tx, filter=text, size=8)
    return [
        Found(row.name, f"/tracking/{row.id}", " · ".join(filter(None, (_("Tracking"), status_word(row.status), row.run))), "share_location")
        for row in rows
    ]


SEARCHERS.append(_find)
