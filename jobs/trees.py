"""A submitted round goes to its reviewer as soon as everything that it names has arrived."""

import structlog
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import text

from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.settings import Settings
from data.core.time import now
from data.trees.commands.review import process
from data.trees.rules.progress import PATIENCE
from jobs.timetable import Line

log = structlog.get_logger()

AT_ONCE = 200

_READY = text(
    """
    select r.organization_id, r.id
    from trees.job_rounds r
    where r.status = 'submitted_for_processing'
      and (r.submitted_at < :too_old or not exists (
        select from jsonb_to_recordset(r.manifest) as m (kind text, section_id text, artifact_id text)
        where not exists (
          select from trees.round_recordings a
          where a.organization_id = r.organization_id and a.round_id = r.id and m.kind = 'recording'
            and a.section_id = m.section_id and a.recording_id = m.artifact_id)
        and not exists (
          select from trees.round_images i
          where i.organization_id = r.organization_id and i.round_id = r.id and m.kind = 'image' and i.image_id = m.artifact_id)))
    order by r.submitted_at
    limit :at_once
    """
)


async def bring_rounds_to_review() -> None:
    """Look at every submitted round that is complete or has waited too long; each moves on in a transaction of its own."""
    at = now()
    async with across_tenants("trees.review") as tx:
        ready = (await tx.execute(_READY, {"too_old": at - PATIENCE, "at_once": AT_ONCE})).all()
    for organization_id, round_id in ready:
        try:
            async with transaction(Actor.system(organization_id, "trees.review")) as tx:
                await process(tx, round_id, at=at)
        except Exception:  # an edge: one round that cannot go on must not hold up the others
            log.exception("a round could not go on", round_id=str(round_id))


def timetable(settings: Settings) -> list[Line]:
    """When each of them runs."""
    return [Line("trees.review", IntervalTrigger(seconds=3), bring_rounds_to_review)]
