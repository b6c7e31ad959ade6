"""A fridge of which reports are made: its readings, and the press that really prints them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from data.cold_chain.reports import commands, queries
from data.cold_chain.reports.asked import Asked
from data.cold_chain.reports.commands import JOB
from data.cold_chain.reports.facts import Facts
from data.cold_chain.reports.queries import Drawn
from data.cold_chain.tables import SensorReading, Unit
from data.cold_chain.values import ReadingSource, ReportKind
from data.core.actor import Actor
from data.core.session import transaction
from data.core.sheet import Paper, Sheet
from jobs.background import Background, Pace
from jobs.documents import reports
from pages.cold_chain._report_sheet import sheet
from tests.factories.cold_chain import ColdStore

DAY = date(2026, 11, 18)
MIDNIGHT = datetime(2026, 11, 17, 17, tzinfo=UTC)  # of Phnom Penh
AS_OF = datetime(2026, 11, 20, 9, 30, 12, tzinfo=UTC)
LATER = datetime(2040, 1, 1, tzinfo=UTC)
"""When all that a test writes down is known."""
ORIGIN = "https://steading.test"


def at(minute: float) -> datetime:
    return MIDNIGHT + timedelta(minutes=minute)


def all_day(celsius: float = 3.0, *, but: dict[int, float] | None = None, without: range = range(0)) -> Sequence[tuple[float, float]]:
    """A reading every five minutes."""
    return [(m, (but or {}).get(m, celsius)) for m in range(0, 1440, 5) if m not in without]


@dataclass(frozen=True)
class Fridge:
    """A fridge (0.56 to 5 °C, 10 minutes excused) and what is told of it, in minutes since midnight."""

    store: ColdStore
    who: Actor

    async def read(self, *rows: tuple[float, float], delay_min: float = 0, unit_id: UUID | None = None) -> None:
        async with transaction(self.who) as tx:
            tx.add_all(
                SensorReading(
                    organization_id=self.store.organization_id, unit_id=unit_id or self.store.unit_id, device_id=self.store.sensor_id,
                    recorded_at=at(minute), received_at=at(minute + delay_min), temperature_celsius=Decimal(str(celsius)),
                    source=ReadingSource.TTN,
                )  # fmt: skip
                for minute, celsius in rows
            )

    async def add(self, *rows: object) -> None:
        async with transaction(self.who) as tx:
            for row in rows:
                tx.add(row)
                await tx.flush()

    async def made_on(self, when: datetime) -> None:
        """The unit has been there since then."""
        async with transaction(self.who) as tx:
            (await tx.get_one(Unit, self.store.unit_id)).created_at = when

    async def asked(self, kind: ReportKind = ReportKind.COMPLIANCE, who: Actor | None = None, as_of: datetime = AS_OF) -> Asked:
        async with transaction(who or self.who) as tx:
            return await commands.question(tx, kind=kind, first_day=DAY, last_day=DAY, unit_id=self.store.unit_id, as_of=as_of)

    async def drawn(self, kind: ReportKind = ReportKind.COMPLIANCE, who: Actor | None = None, as_of: datetime = AS_OF) -> Drawn:
        asked = await self.asked(kind, who, as_of)
        async with transaction(who or self.who) as tx:
            return await queries.draw(tx, asked)

    async def facts(self, kind: ReportKind = ReportKind.COMPLIANCE, who: Actor | None = None, as_of: datetime = AS_OF) -> Facts:
        return (await self.drawn(kind, who, as_of)).facts

    async def order(self, kind: ReportKind = ReportKind.COMPLIANCE, look: Paper | None = None, who: Actor | None = None) -> UUID:
        """Have a document made; the report's id."""
        asked = await self.asked(kind, who)
        async with transaction(who or self.who) as tx:
            return (await commands.ask(tx, asked, look or Paper())).id


def written(drawn: Drawn, look: Paper, seal: str) -> Sheet:
    return sheet(drawn, look, seal=seal, origin=ORIGIN)


def printer(pace: Pace | None = None) -> Background:
    """A process that makes reports; `await printer().run_next()` makes one."""
    return Background({JOB: reports.work(written)}, pace)
