"""Trees that are looked at for their risk: the jobs, the review of each, and the phones that work on them."""

from collections.abc import Sequence

from data.trees.queries import jobs
from pages._shell import SEARCHERS, Looker
from pages.trees._words import status_word
from ui.palette import Found
from ui.words import _


async def _find(look: Looker, text: str) -> Sequence[Found]:
    if not look.may("trees.view"):
        return []
    async with look.transaction() as tx:
        rows, _total = await jobs.page(tx, search=text, limit=8)
    return [
        Found(
            f"{row.job.job_number} · {row.job.job_name}", f"/trees/{row.job.id}",
            f"{_('Trees')} · {status_word(row.job.status)} · {row.customer.name}", "park",
        )
        for row in rows
    ]  # fmt: skip


SEARCHERS.append(_find)
