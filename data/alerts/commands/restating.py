"""An open alert has something new to say: it lasts longer than it may, or concerns more than was known."""

from datetime import datetime

from data.alerts.commands.raising import Trouble
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert
from data.alerts.values import Ruled, Ruling
from data.core.session import Transaction, plain

RESTATED = "It lasts longer than it may at most, so people are told again."


async def restate(tx: Transaction, alert: Alert, trouble: Trouble, *, at: datetime) -> None:
    """Put another sentence in the place of its first one, and have it told again unless somebody is on it."""
    alert.message, alert.message_values = trouble.message, plain(trouble.values)
    if alert.parent_id is None and alert.acknowledged_at is None and not alert.is_suppressed:
        alert.next_step_at = at
    tx.add(alert)
    tx.record(
        "alerts.alert.restated", alert.message, subject_id=alert.id, severity=alert.severity.value, subject=alert.subject_name,
        alert_type=alert.alert_type, values=alert.message_values,
    )  # fmt: skip
    await write_story(tx, [Ruling(alert.id, Ruled.WORSENED, RESTATED, at)])
    tx.emit(AlertChanged(alert_id=alert.id))
