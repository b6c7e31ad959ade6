"""How long an organization wants its farms' past to be kept."""

from sqlmodel import select

from data.core.session import Transaction
from data.farm.rules.retention import Retention
from data.farm.tables import FarmRetention


async def own_row(tx: Transaction) -> FarmRetention | None:
    """What this organization has set; None where it set nothing."""
    return (await tx.exec(select(FarmRetention).where(FarmRetention.organization_id == tx.organization_id))).first()


async def own_retention(tx: Transaction) -> Retention:
    """The same as values."""
    row = await own_row(tx)
    return Retention(row.raw_days, row.hourly_days, row.daily_days) if row else Retention()
