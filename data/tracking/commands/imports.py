"""Tags come in by a vendor's file, all of it or none, so that nobody wonders later which rows made it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from data.core.errors import Conflict, Invalid, Refusal
from data.core.session import Transaction
from data.core.table import uuid7
from data.identity.secrets import seal
from data.tracking import queries
from data.tracking.events import TrackerChanged
from data.tracking.tables import Tracker, TrackerStatus
from data.tracking.tags import ADVERTISEMENT, NAME, Rows
from data.tracking.values import TagKeys


class RowsRefused(Refusal):
    """Nothing of the file was taken; `refusals` name each row and column that is wrong."""

    status = 422

    def __init__(self, refusals: Sequence[Invalid]) -> None:
        self.refusals = refusals
        super().__init__("Nothing was imported: {count} rows are not right.", count=len(refusals))


async def import_trackers(tx: Transaction, run_id: UUID, rows: Rows) -> int:
    """Add a file's tags to a run, their private keys sealed; how many. RowsRefused for the whole file if any is wrong.

    A tag of a name or a key that the organization already has is refused as well.
    """
    tx.actor.require("tracking.edit", (await queries.run(tx, run_id)).client_id)
    tags = [(number, tag) for number, tag in rows if isinstance(tag, TagKeys)]
    taken = await _taken(tx, tags)
    refusals = [taken.get(number) if isinstance(tag, TagKeys) else tag for number, tag in rows]
    if wrong := [refusal for refusal in refusals if refusal]:
        raise RowsRefused(wrong)
    if not tags:
        raise Invalid("body", "This file holds no tags.")
    statement = insert(Tracker).on_conflict_do_nothing().returning(col(Tracker.id))
    kept = (await tx.execute(statement, [_row(tx, run_id, tag) for _, tag in tags])).all()
    if len(kept) != len(tags):
        raise Conflict("Somebody imported some of these tags just now. Try again.")
    tx.record("tracking.trackers.imported", "Trackers imported", subject_id=run_id, count=len(tags))
    tx.emit(TrackerChanged())
    return len(tags)


async def _taken(tx: Transaction, tags: Sequence[tuple[int, TagKeys]]) -> dict[int, Invalid]:
    """The rows whose name or key a living tag already has, whoever may see that tag."""
    names = (await tx.exec(select(func.lower(Tracker.name)).where(
        func.lower(Tracker.name).in_([tag.name.lower() for _, tag in tags]), col(Tracker.deleted_at).is_(None)
    ))).all()  # fmt: skip
    keys = (await tx.exec(select(Tracker.hashed_advertisement_key).where(
        col(Tracker.hashed_advertisement_key).in_([tag.hashed_advertisement_key for _, tag in tags]),
        col(Tracker.deleted_at).is_(None),
    ))).all()  # fmt: skip
    taken_names, taken_keys = set(names), set(keys)
    taken = {}
    for number, tag in tags:
        if tag.hashed_advertisement_key in taken_keys:
            taken[number] = Invalid(f"row {number}: {ADVERTISEMENT}", "A tracker with this key is already here.")
        elif tag.name.lower() in taken_names:
            taken[number] = Invalid(f"row {number}: {NAME}", "A tracker of this name is already here.")
    return taken


def _row(tx: Transaction, run_id: UUID, tag: TagKeys) -> dict[str, object]:
    return {
        "id": uuid7(), "organization_id": tx.organization_id, "production_run_id": run_id, "name": tag.name,
        "mac_address": tag.mac_address, "advertisement_key": tag.advertisement_key,
        "hashed_advertisement_key": tag.hashed_advertisement_key, "sealed_private_key": seal().close(tag.private_key),
        "current_status": TrackerStatus.CREATED,
    }  # fmt: skip
