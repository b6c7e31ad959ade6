"""What a farm's report is asked about stands in the address: its kind, which farm, which days, how finely."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from data.core.session import Transaction
from data.farm import queries
from data.farm.reports import commands
from data.farm.reports.asked import Asked, Kind, Step
from data.farm.tables import Farm

PATH = "/farm/reports"


@dataclass(frozen=True, slots=True)
class Wanted:
    """As it stands in the address."""

    kind: Kind
    farm_id: UUID
    first: date
    last: date
    step: Step

    def query(self) -> str:
        return urlencode(
            {"kind": self.kind.value, "farm": str(self.farm_id), "first": self.first.isoformat(), "last": self.last.isoformat(), "step": self.step.value}
        )

    async def question(self, tx: Transaction) -> Asked:
        """What this asks, if the actor may. Invalid names what makes no sense."""
        return await commands.question(
            tx, kind=self.kind, farm_id=self.farm_id, first_day=self.first, last_day=self.last, step=self.step
        )


async def wanted(tx: Transaction, kind: str, farm: str, first: str, last: str, step: str, *, today: date) -> tuple[Wanted | None, Sequence[Farm]]:
    """From an address, however it was typed, and the farms there are to see; the last week where it says nothing that makes sense.
    NotFound where the farm that is named is not there."""
    try:
        here = (await queries.farm(tx, UUID(farm))).id
    except ValueError:
        here = None
    farms = await queries.farms(tx)
    if not farms:
        return None, farms
    try:
        begins, ends = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        begins, ends = today - timedelta(days=7), today - timedelta(days=1)
    return Wanted(
        Kind(kind) if kind in set(Kind) else Kind.PERFORMANCE, here or farms[0].id, begins, ends, Step(step) if step in set(Step) else Step.DAY
    ), farms
