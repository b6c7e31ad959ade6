"""What a report is asked about stands in the address: its kind, of what, and which days."""

from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from data.cold_chain.queries import units
from data.cold_chain.reports import commands
from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.queries import EXPORT
from data.cold_chain.values import ReportKind
from data.core.errors import Invalid
from data.core.session import Transaction
from pages._shell import Looker
from ui.words import _

EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Wanted:
    """As it stands in the address. `of` is 'all', 'site:<id>' or 'unit:<id>'."""

    kind: ReportKind
    of: str
    first: date
    last: date

    def query(self) -> str:
        return urlencode({"kind": self.kind.value, "of": self.of, "first": self.first.isoformat(), "last": self.last.isoformat()})

    async def question(self, tx: Transaction) -> Asked:
        """What this asks, if the actor may. Invalid names what makes no sense."""
        what, _sign, which = self.of.partition(":")
        return await commands.question(
            tx, kind=self.kind, first_day=self.first, last_day=self.last, site_id=_id(which) if what == "site" else None,
            unit_id=_id(which) if what == "unit" else None,
        )  # fmt: skip


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid("of", "There is no such unit.") from None


def wanted(kind: str, of: str, first: str, last: str, *, today: date) -> Wanted:
    """From an address, however it was typed; yesterday of everything where it says nothing that makes sense."""
    yesterday = today - timedelta(days=1)
    try:
        begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        begins = ends = yesterday
    try:
        chosen = ReportKind(kind)
    except ValueError:
        chosen = ReportKind.COMPLIANCE
    return Wanted(chosen, of or EVERYTHING, begins, ends)


async def subjects(look: Looker) -> dict[str, str]:
    """Of what one may have a report: everything, each site, each unit."""
    scopes = look.actor.scopes(EXPORT)
    async with look.transaction() as tx:
        sites = [one.site for one in await units.sites(tx) if scopes is None or one.site.id in scopes]
        found, _total = await units.units(tx, limit=1_000)
    named = {EVERYTHING: _("Everything")} | {f"site:{one.id}": _("Site: {name}", name=one.name) for one in sites}
    may = {one.id for one in sites}
    return named | {f"unit:{one.id}": f"{one.name} · {one.site_name} · {one.area_name}" for one in found if one.site_id in may}
