"""The house is swept: streams get their next pieces and lose their oldest, and what has expired goes."""

from datetime import timedelta
from functools import partial

import structlog
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import text

from data.core.session import across_tenants
from data.core.settings import Settings
from data.core.time import now
from data.farm.commands import retention, rollups
from data.identity import support
from data.platform import streams
from jobs.timetable import Line

log = structlog.get_logger()


class StreamsInTrouble(Exception):
    """What is written now may soon have nowhere to go; the pieces that are missing are named."""


async def make_partitions() -> None:
    """Make what every stream needs three months ahead (telemetry: days), and pieces for what came too late for its own.

    Every hour and not every week: it costs nothing where all is there, and an installation that slept over Sunday is whole
    again within the hour.
    """
    async with across_tenants("upkeep.make_partitions") as tx:
        made = (await tx.execute(text("select platform.make_all_partitions(:at)"), {"at": now()})).scalar()
        found = (await tx.execute(text("select platform.sort_default_pieces()"))).scalar()
    if made or found:
        log.info("partitions made", ahead=made, for_late_rows=found)


async def check_partitions() -> None:
    """See that what will be written next has its piece. StreamsInTrouble is noted with the job, in red, and logged."""
    async with across_tenants("upkeep.check_partitions") as tx:
        found = await streams.troubles(tx, now())
    if found:
        raise StreamsInTrouble(", ".join(f"{one.piece} ({one.trouble})" for one in found))


async def drop_partitions(settings: Settings) -> None:
    """Drop what is older than its stream keeps, except what a legal hold protects.

    Every night, for the streams that are cut by the day; a month's piece of readings is old enough on a first only. What a farm's
    devices said stays until it is counted, however old it is.
    """
    at = now()
    async with across_tenants("upkeep.drop_partitions") as tx:
        await streams.keep_readings_for(tx, settings.readings_retention_months)
        raw, uncounted = _days(settings.farm_raw_days), await rollups.oldest_mark(tx)
        await streams.keep_for(tx, "farm.sensor_readings", max(raw, at - uncounted) if raw and uncounted else raw)
        for name in ("farm.reading_metrics", "farm.device_metrics"):
            await streams.keep_for(tx, name, _days(settings.farm_daily_days))
        await streams.keep_for(tx, "platform.system_metrics", _days(settings.system_metrics_days))
        dropped = (await tx.execute(text("select platform.drop_old_partitions(:at)"), {"at": now()})).scalars().all()
        for name in dropped:
            tx.record("platform.partition.dropped", name, severity="warning")


async def forget_hours(settings: Settings) -> None:
    """Let go of farms' hours, whose days stay; whole days at a time."""
    if settings.farm_hourly_days:
        before = now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=settings.farm_hourly_days)
        async with across_tenants("upkeep.forget_hours") as tx:
            await rollups.forget_hours(tx, before)


async def forget_for_organizations() -> None:
    """Let go of what the farms of an organization that wants less kept have for too long, a part in each transaction; what is held by
    order of law stays."""
    at = now()
    async with across_tenants("upkeep.forget_for_organizations") as tx:
        wishes = await retention.wishes(tx)
    for organization_id, own in wishes:
        for part in retention.parts(own):
            is_more = True
            while is_more:
                async with across_tenants("upkeep.forget_for_organizations") as tx:
                    is_more = await retention.let_go(tx, organization_id, part, at=at)


def _days(days: int) -> timedelta | None:
    return timedelta(days=days) if days else None


async def forget_expired() -> None:
    """Delete sessions, invitations and links that ended a month ago, and what was told and done so long ago that nobody asks."""
    async with across_tenants("upkeep.forget_expired") as tx:
        for statement in (
            "delete from identity.auth_sessions where least(expires_at, coalesce(revoked_at, expires_at)) < now() - interval '30 days'",
            "delete from identity.password_resets where expires_at < now() - interval '30 days'",
            "delete from identity.email_changes where expires_at < now() - interval '30 days'",
            "delete from identity.sign_ups where expires_at < now()",
            "delete from identity.invitations where accepted_at is null and expires_at < now() - interval '30 days'",
            "delete from notifications.phone_codes where expires_at < now() - interval '1 day'",
            "delete from platform.idempotency_keys where created_at < now() - interval '1 day'",
            "delete from notifications.notification_deliveries where created_at < now() - interval '24 months'",
            "delete from notifications.notifications where coalesce(deleted_at, created_at) < now() - interval '24 months'"
            " or deleted_at < now() - interval '30 days'",
            "delete from alerts.alerts where subject_kind like 'farm.%' and resolved_at < now() - interval '24 months'",
            "update farm.broker_logins l set revoked_at = now() from farm.devices d join farm.farms f on f.organization_id = d.organization_id"
            " and f.id = d.farm_id where l.organization_id = d.organization_id and l.device_id = d.id and l.revoked_at is null"
            " and d.deleted_at = f.deleted_at and f.deleted_at < now() - interval '30 days'",
            "delete from platform.background_jobs where finished_at < now() - interval '90 days' and result_file_id is null",
        ):
            await tx.execute(text(statement))


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [
        Line("upkeep.make_partitions", CronTrigger(minute=7), make_partitions),
        Line("upkeep.check_partitions", CronTrigger(minute=12), check_partitions),
        Line("upkeep.drop_partitions", CronTrigger(hour=3, minute=0), partial(drop_partitions, settings)),
        Line("upkeep.forget_hours", CronTrigger(hour=3, minute=10), partial(forget_hours, settings)),
        Line("upkeep.forget_for_organizations", CronTrigger(hour=3, minute=15), forget_for_organizations),
        Line("upkeep.end_support_visits", IntervalTrigger(minutes=1), support.end_expired),
        Line("upkeep.forget_expired", CronTrigger(hour=3, minute=20), forget_expired),
    ]
