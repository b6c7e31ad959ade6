"""Of which things reports come regularly: what each domain calls them, who may ask, by whose clock, and how one is asked for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from data.cold_chain.queries import units
from data.cold_chain.reports import commands as cold_chain
from data.cold_chain.reports.queries import EXPORT
from data.cold_chain.tables import Report
from data.cold_chain.values import ReportKind
from data.core.errors import Invalid
from data.core.session import Transaction
from data.core.sheet import Paper
from data.farm import queries as farms
from data.farm.reports import commands as farm
from data.farm.reports.asked import Kind, Step
from data.farm.tables import FarmReport
from data.identity import queries as identity

AnyReport = Report | FarmReport


@dataclass(frozen=True, slots=True)
class About:
    """What a report is about: what it is called, by whose clock its days are counted, and what rights are limited by."""

    title: str
    zone: str
    scope_id: UUID | None


class Subject(ABC):
    """Reports of one domain. `ask` is who may have one made, `view` who may be sent one, `edit` who may change another's order."""

    ask: str
    view: str
    edit: str
    place: str
    """Where its documents are: `{place}/{report_id}/report.pdf`."""

    @abstractmethod
    async def about(self, tx: Transaction, question: Mapping[str, Any]) -> About:
        """Refused where the actor may not ask it."""

    @abstractmethod
    async def order(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date], paper: Paper) -> AnyReport:
        """Have it made in the actor's name. Refused where they may not ask it."""

    @abstractmethod
    async def check(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date]) -> None:
        """The same, and nothing is made."""

    @abstractmethod
    async def made(self, tx: Transaction, report_id: UUID) -> AnyReport:
        """It, for whoever runs this."""


class ColdChain(Subject):
    """`question`: {"site_id"} or {"unit_id"}, or neither for everything that the actor may export."""

    ask, view, edit, place = EXPORT, "cold_chain.view", "cold_chain.edit", "/cold-chain/reports"

    async def about(self, tx: Transaction, question: Mapping[str, Any]) -> About:
        tx.actor.require(EXPORT)
        unit_id, site_id = _id(question.get("unit_id")), _id(question.get("site_id"))
        unit = await units.unit(tx, unit_id) if unit_id else None
        if unit or site_id:
            site = await units.site(tx, unit.site_id if unit else site_id)  # type: ignore[arg-type]
            tx.actor.require(EXPORT, site.id)
            return About(f"{unit.name}, {site.name}" if unit else site.name, site.time_zone, site.id)
        whole = await identity.organization(tx)
        return About(whole.name, whole.time_zone, None)

    async def order(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date], paper: Paper) -> Report:
        return await cold_chain.ask(tx, await self._asked(tx, kind, question, days), paper)

    async def check(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date]) -> None:
        await cold_chain.may_be_made(tx, await self._asked(tx, kind, question, days))

    async def made(self, tx: Transaction, report_id: UUID) -> Report:
        return await tx.get_one(Report, report_id)

    async def _asked(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date]) -> Any:
        if kind not in set(ReportKind):
            raise Invalid("kind", "There is no such kind of report.")
        return await cold_chain.question(
            tx, kind=ReportKind(kind), first_day=days[0], last_day=days[1], site_id=_id(question.get("site_id")), unit_id=_id(question.get("unit_id"))
        )


class FarmSubject(Subject):
    """`question`: {"farm_id", "step"}."""

    ask, view, edit, place = "farm.view", "farm.view", "farm.edit", "/farm/reports"

    async def about(self, tx: Transaction, question: Mapping[str, Any]) -> About:
        there = await farms.farm(tx, UUID(question["farm_id"]))
        return About(there.name, there.time_zone, there.id)

    async def order(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date], paper: Paper) -> FarmReport:
        return await farm.ask(tx, await self._asked(tx, kind, question, days), paper)

    async def check(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date]) -> None:
        await self._asked(tx, kind, question, days)

    async def made(self, tx: Transaction, report_id: UUID) -> FarmReport:
        return await tx.get_one(FarmReport, report_id)

    async def _asked(self, tx: Transaction, kind: str, question: Mapping[str, Any], days: tuple[date, date]) -> Any:
        if kind not in set(Kind):
            raise Invalid("kind", "There is no such kind of report.")
        return await farm.question(
            tx, kind=Kind(kind), farm_id=UUID(question["farm_id"]), first_day=days[0], last_day=days[1], step=Step(question.get("step", Step.DAY))
        )


SUBJECTS: Mapping[str, Subject] = {"cold_chain": ColdChain(), "farm": FarmSubject()}


def _id(text: Any) -> UUID | None:
    return UUID(text) if text else None
