"""That somebody looked at the records, or took them away, is itself on record."""

from uuid import UUID

from data.cold_chain.queries.inspection import EXPORT, Stretch
from data.core.session import Transaction


async def note_inspection(tx: Transaction, part: str, stretch: Stretch, *, link_id: UUID | None = None) -> None:
    """Write into the event log which part of the records was read; `link_id` names an inspector's link."""
    tx.actor.require(EXPORT)
    tx.record(
        "cold_chain.records.inspected", "records inspected", subject_id=link_id, part=part, since=stretch.since, until=stretch.until,
        unit_ids=list(stretch.unit_ids),
    )  # fmt: skip
