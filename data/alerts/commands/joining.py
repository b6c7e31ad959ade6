"""Several alerts turn out to be one larger trouble, and only that one is told."""

from collections.abc import Sequence
from datetime import datetime

from data.alerts import reasons
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged
from data.alerts.rules import RANK
from data.alerts.tables import Alert, AlertStatus
from data.alerts.values import Ruled, Ruling
from data.core.errors import Conflict
from data.core.session import Transaction
from data.core.time import now


async def join(tx: Transaction, children: Sequence[Alert], parent: Alert, *, at: datetime | None = None) -> None:
    """Make them parts of `parent`: shown below it and not told, unless more severe. When it ends they are judged again."""
    if parent.status is AlertStatus.RESOLVED:
        raise Conflict("This alert is already over.")
    rulings, at = [], at or now()
    for child in children:
        if child.id == parent.id or child.parent_id == parent.id or child.status is AlertStatus.RESOLVED:
            continue
        is_worse = RANK[child.severity] > RANK[parent.severity]
        child.parent_id = parent.id
        if not is_worse:
            child.next_step_at = None
        tx.add(child)
        tx.emit(AlertChanged(alert_id=child.id))
        reason = reasons.WORSE_THAN_PARENT if is_worse else reasons.JOINED
        rulings.append(Ruling(child.id, Ruled.JOINED, reason, at, {"parent": parent.subject_name}))
    tx.emit(AlertChanged(alert_id=parent.id))
    await write_story(tx, rulings)
