"""What others may want to hear about alerts."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class AlertChanged(Event):
    """Something was decided about an alert."""

    alert_id: UUID


@dataclass(frozen=True)
class SuppressionsChanged(Event):
    """Somebody agreed on a time in which nobody is told, or ended one."""

    suppression_id: UUID
