"""A person says what an excursion came from; machines only suspect. Some sites ask first what was done about it."""

from uuid import UUID

from data.cold_chain.events import ExcursionChanged, UnitChanged
from data.cold_chain.queries import excursions as queries
from data.cold_chain.tables import Excursion, Site
from data.cold_chain.values import ExcursionCause
from data.core.errors import Invalid
from data.core.session import Transaction
from data.core.time import now

EXPLAIN = "cold_chain.log"
LONGEST_NOTE = 500


async def set_cause(tx: Transaction, excursion_id: UUID, *, cause: ExcursionCause, note: str | None = None) -> None:
    """Say what it came from. Whoever calls it something other than what there are words for must say what.

    Where the site demands it, one that raised an alarm is closed only after what was done about it stands on record.
    """
    view = await queries.excursion(tx, excursion_id)
    tx.actor.require(EXPLAIN, view.site_id)
    words = (note or "").strip()
    if len(words) > LONGEST_NOTE:
        raise Invalid("note", "At most {most} characters.", most=LONGEST_NOTE)
    if cause is ExcursionCause.OTHER and not words:
        raise Invalid("note", "Say what it was.")
    if view.excursion.confirmed_at and (await tx.get_one(Site, view.site_id)).is_corrective_action_required and not await queries.actions(tx, view):
        raise Invalid("cause", "{site} asks for a corrective action: write down first what was done.", site=view.site_name)
    excursion = await tx.get_one(Excursion, view.excursion.id, with_for_update=True)
    excursion.cause, excursion.cause_note = cause, words or None
    excursion.cause_by, excursion.cause_at = tx.actor.user_id, now()
    tx.add(excursion)
    tx.emit(ExcursionChanged(excursion_id=excursion.id))
    tx.emit(UnitChanged(unit_id=excursion.unit_id))
