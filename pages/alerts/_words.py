"""An alert in the reader's language."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from data.alerts.tables import Alert, AlertStatus, Severity
from data.alerts.values import Ruled
from data.identity.tables import Role
from ui.badge import State
from ui.words import _, moment, noop, temperature, temperature_difference

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
RULED_WORDS = {
    Ruled.RAISED: noop("Noticed"), Ruled.WORSENED: noop("Got worse"), Ruled.CAME_BACK: noop("Came back"), Ruled.TOLD: noop("Told"),
    Ruled.WAITS: noop("Waits"), Ruled.NOT_TOLD: noop("Not told"), Ruled.ESCALATED: noop("More people called"),
    Ruled.REMINDED: noop("Reminded"), Ruled.ACKNOWLEDGED: noop("Someone is on it"), Ruled.SNOOZED: noop("Put off"),
    Ruled.WOKE: noop("Back again"), Ruled.JOINED: noop("Part of something larger"), Ruled.LEFT: noop("On its own"),
    Ruled.SUPPRESSED: noop("Silenced"), Ruled.FREED: noop("Silence ended"), Ruled.ACTED: noop("Something was done"),
    Ruled.RESOLVED: noop("Over"),
}  # fmt: skip
RULED_ICONS = {
    Ruled.RAISED: "visibility", Ruled.WORSENED: "trending_up", Ruled.CAME_BACK: "replay", Ruled.TOLD: "campaign", Ruled.WAITS: "bedtime",
    Ruled.NOT_TOLD: "notifications_off", Ruled.ESCALATED: "group_add", Ruled.REMINDED: "notification_important",
    Ruled.ACKNOWLEDGED: "front_hand", Ruled.SNOOZED: "snooze", Ruled.WOKE: "alarm", Ruled.JOINED: "merge", Ruled.LEFT: "call_split",
    Ruled.SUPPRESSED: "notifications_paused", Ruled.FREED: "notifications_active", Ruled.ACTED: "build", Ruled.RESOLVED: "task_alt",
}  # fmt: skip
KIND_WORDS = {
    "temp_excursion": noop("Too warm or too cold"), "monitoring_interrupted": noop("Not measured any more"),
    "missed_manual_entry": noop("Not written down by hand"), "suspected_cooling_failure": noop("Cooling seems to fail"),
    "door_open": noop("Door open"), "low_battery": noop("Battery low"), "sensor_fault": noop("Sensor at fault"),
    "rapid_rise": noop("Getting warmer fast"), "site_outage": noop("A whole site is silent"),
    "slow_drift": noop("Getting warmer slowly"), "danger_zone": noop("Too long in the danger zone"),
    "site_warming": noop("A whole site gets warmer"), "sensors_apart": noop("Sensors disagree"),
    "calibration_due": noop("Calibration due"), "gateway_offline": noop("Gateway offline"), "device_offline": noop("Device offline"),
    "device_silent": noop("Device does not answer"), "device_unreachable": noop("Device cannot be reached"),
    "device_refused": noop("Device refused"), "device_on_too_long": noop("On for too long"),
    "device_contradicted": noop("Device and meter disagree"), "water_low": noop("Little water"), "farm_stopped": noop("Emergency stop"),
    "schedule_failed": noop("Schedule failed"), "schedule_fail_safe": noop("Brought to its safe state"),
    "schedule_longest_run": noop("Ran for as long as it may"),
    "flock_drinking_less": noop("Birds drink less"), "flock_mortality": noop("Too many birds die"),
    "house_temperature": noop("House too hot or too cold"), "flock_growing_less": noop("Birds grow too slowly"), "anomaly": noop("Not as usual"),
    "firmware_available": noop("New firmware"), "firmware_failed": noop("Firmware not installed"), "temperature_high": noop("Too hot"), "temperature_low": noop("Too cold"),
    "humidity_high": noop("Too humid"), "humidity_low": noop("Too dry"), "co2_high": noop("Stale air"),
    "trees.device_pending": noop("A phone asks to be let in"), "trees.review_waiting": noop("A job waits for review"),
    "trees.round_failed": noop("Something is missing in a job"),
}  # fmt: skip
DOMAIN_WORDS = {
    "cold_chain": noop("Cold chain"), "farm": noop("Farm"), "tracking": noop("Tracking"), "deliveries": noop("Deliveries"), "trees": noop("Trees"),
}  # fmt: skip
ROLE_WORDS = {
    Role.OWNER: noop("Owner"), Role.ADMIN: noop("Administrator"), Role.MANAGER: noop("Manager"), Role.STAFF: noop("Staff"),
    Role.VIEWER: noop("Viewer"), Role.KEEPER: noop("Keeper"), Role.DRIVER: noop("Driver"), Role.CUSTOMER: noop("Customer"),
    Role.ASSESSOR: noop("Assessor"), Role.INSPECTOR: noop("Inspector"),
}  # fmt: skip
WAYS = {
    "in_app": noop("Inbox"), "push": noop("Phone or browser"), "email": noop("E-mail"), "sms": noop("Text message"), "telegram": noop("Telegram"),
}  # fmt: skip


def sentence(message: str, values: Mapping[str, Any]) -> str:
    """An English template and its values as the reader's sentence.

    Values named `…_celsius` take the reader's unit, `…_at` their zone; severities and ways of telling take their words.
    """
    shown: dict[str, Any] = {name: _shown(name, value) for name, value in values.items()}
    return _(message, **shown)


def _shown(name: str, value: Any) -> Any:
    if name.endswith("_celsius") and value is not None:
        return temperature(float(value))
    if name.endswith("_celsius_difference") and value is not None:
        return temperature_difference(float(value))
    if name.endswith("_at") and isinstance(value, str):
        with suppress(ValueError):
            return moment(datetime.fromisoformat(value))
    if name in ("severity", "least") and value in SEVERITY_WORDS:
        return _(SEVERITY_WORDS[value])
    if name == "channels" and isinstance(value, list):
        return ", ".join(_(WAYS[channel]) if channel in WAYS else str(channel) for channel in value)
    if name == "role" and value in list(Role):
        return _(ROLE_WORDS[Role(value)])
    if name == "because" and isinstance(value, str):
        return _(value)
    if name == "because" and isinstance(value, Mapping):
        return sentence(value["message"], value["values"])
    return value


def words(alert: Alert) -> str:
    return sentence(alert.message, alert.message_values)


def kind_words(alert_type: str) -> str:
    """A kind of alert in words; one that nobody named reads as its code."""
    return _(KIND_WORDS[alert_type]) if alert_type in KIND_WORDS else alert_type.rsplit(".", 1)[-1].replace("_", " ")


def state(alert: Alert) -> State:
    """The badge's state: what is over is calm."""
    return "ok" if alert.status is AlertStatus.RESOLVED else SEVERITY_STATE[alert.severity]


def standing(alert: Alert, at: datetime) -> tuple[State, str] | None:
    """What else is to be said of an open alert beside its severity, if anything."""
    if alert.status is AlertStatus.RESOLVED:
        return "ok", _("Over")
    if alert.is_suppressed:
        return "neutral", _("Silenced")
    if alert.snoozed_until_at and alert.snoozed_until_at > at:
        return "waiting", _("Put off until {time}", time=moment(alert.snoozed_until_at, alert.time_zone))
    if alert.acknowledged_at:
        return "waiting", _("Someone is on it")
    if alert.status is AlertStatus.ESCALATED:
        return "critical", _("More people called")
    return None
