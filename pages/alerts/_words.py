"""An alert in the reader's language."""

from collections.abc import Mapping
from typing import Any

from data.alerts.tables import Alert, AlertStatus, Severity
from ui.badge import State
from ui.words import _, noop, temperature

STATUS_WORDS = {
    AlertStatus.ACTIVE: noop("New"),
    AlertStatus.ACKNOWLEDGED: noop("Someone is on it"),
    AlertStatus.ESCALATED: noop("Escalated"),
    AlertStatus.RESOLVED: noop("Over"),
}
SEVERITY_STATE: dict[Severity, State] = {
    Severity.CRITICAL: "critical",
    Severity.WARNING: "warning",
    Severity.INFO: "neutral",
}
SEVERITY_WORDS = {Severity.CRITICAL: noop("Critical"), Severity.WARNING: noop("Warning"), Severity.INFO: noop("Info")}


def sentence(message: str, values: Mapping[str, Any]) -> str:
    """An English template and its values as the reader's sentence; values named `…_celsius` take the reader's unit."""
    shown = {k: temperature(float(v)) if k.endswith("_celsius") and v is not None else v for k, v in values.items()}
    return _(message, **shown)


def words(alert: Alert) -> str:
    return sentence(alert.message, alert.message_values)


def state(alert: Alert) -> State:
    """The badge's state: what is over is calm."""
    return "ok" if alert.status is AlertStatus.RESOLVED else SEVERITY_STATE[alert.severity]
