"""An open alert has something new to say: it lasts longer than it may, or concerns more than was known."""

from datetime import datetime

from data.alerts.commands.raising import Trouble
from data.alerts.commands.story import write_story
from data.alerts.events import AlertChanged
from data.alerts.tables import Alert
from data.alerts.values import Ruled, Ruling
from data.core.session import Transaction, plain

RESTATED = "It lasts longer than it may at most."


async def restate(tx: Transaction, alert: Alert, trouble: Trouble, *, at: datetime) -> None:
    """Put another sentence in the place of its first one. It is told again where nobody is on it and no more people were called."""
    alert.message, alert.message_values = trouble.message, plain(trouble.values)
    is_put_off = alert.parent_id is not None or alert.is_suppressed or alert.snoozed_until_at is not None
    if alert.acknowledged_at is None and alert.escalation_level == 0 and not is_put_off:
        alert.next_step_at, alert.ladder_from_at = at, None
    tx.add(alert)
    tx.record(
        "alerts.alert.restated", alert.message, subject_id=alert.id, severity=alert.severity.value, subject=alert.subject_name,
        alert_type=alert.alert_type, values=alert.message_values,
    )  # fmt: skip
    await write_story(tx, [Ruling(alert.id, Ruled.WORSENED, RESTATED, at)])
    tx.emit(AlertChanged(alert_id=alert.id))
