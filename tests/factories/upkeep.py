"""What the clock does at night and each minute."""

import asyncio
import time

from sqlalchemy import text

from data.core.session import across_tenants
from data.core.settings import Settings
from jobs import metrics


def keeping(months: int = 24) -> Settings:
    """An installation that keeps the cold chain's readings for so long, and the rest as it is unless said."""
    return Settings(_env_file=None, readings_retention_months=months)  # type: ignore[call-arg]


async def count_farm_readings(patience_s: float = 2.0) -> None:
    """What the clock does each minute, until every hour is counted: a transaction of anybody on the same server, another test's too,
    may keep some waiting for a moment."""
    until = time.monotonic() + patience_s
    while True:
        await metrics.count_farm_readings()
        async with across_tenants("tests") as tx:
            is_done = not (await tx.execute(text("select exists (select from farm.stale_metrics)"))).scalar()
        if is_done or time.monotonic() > until:
            return
        await asyncio.sleep(0.05)
