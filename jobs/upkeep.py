"""The house is swept: streams get their next pieces and lose their oldest, and what has expired goes."""

import structlog
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import text

from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.identity import support
from jobs.timetable import Line

log = structlog.get_logger()


async def make_partitions() -> None:
    """Make what every stream needs ahead."""
    async with across_tenants("upkeep.make_partitions") as tx:
        made = (await tx.execute(text("select platform.make_all_partitions(:at)"), {"at": now()})).scalar()
    if made:
        log.info("partitions made", count=made)


async def drop_partitions() -> None:
    """Drop what is older than its stream keeps, except what a legal hold protects."""
    async with across_tenants("upkeep.drop_partitions") as tx:
        dropped = (await tx.execute(text("select platform.drop_old_partitions(:at)"), {"at": now()})).scalars().all()
        for name in dropped:
            tx.record("platform.partition.dropped", name, severity="warning")


async def forget_expired() -> None:
    """Delete sessions, invitations and links that ended a month ago."""
    async with across_tenants("upkeep.forget_expired") as tx:
        for statement in (
            "delete from identity.auth_sessions where least(expires_at, coalesce(revoked_at, expires_at)) < now() - interval '30 days'",
            "delete from identity.password_resets where expires_at < now() - interval '30 days'",
            "delete from identity.invitations where accepted_at is null and expires_at < now() - interval '30 days'",
        ):
            await tx.execute(text(statement))


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [
        Line("upkeep.make_partitions", CronTrigger(hour="*/6", minute=7), make_partitions),
        Line("upkeep.drop_partitions", CronTrigger(hour=3, minute=0), drop_partitions),
        Line("upkeep.end_support_visits", IntervalTrigger(minutes=1), support.end_expired),
        Line("upkeep.forget_expired", CronTrigger(hour=3, minute=20), forget_expired),
    ]
