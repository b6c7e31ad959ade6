"""What others may want to hear about alerts."""

from dataclasses import dataclass
from uuid import UUID

from data.core.bus import Event


@dataclass(frozen=True)
class AlertChanged(Event):
    """An alert was raised, acknowledged or resolved."""

    alert_id: UUID
