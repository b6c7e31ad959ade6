"""A line of the event log as a person reads it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from data.audit.tables import EventLog
from pages.alerts._words import sentence
from ui.words import _, noop

THINGS = {
    "farm.farms": noop("Farm"), "farm.devices": noop("Device"), "farm.device_configs": noop("Setting of a device"), "farm.schedules": noop("Schedule"),
    "farm.device_commands": noop("Command"), "farm.schedule_executions": noop("Run of a schedule"), "farm.flock_batches": noop("Flock"),
    "farm.flock_records": noop("Day of a flock"), "farm.gateways": noop("Gateway"), "farm.broker_logins": noop("Login of a device"),
    "identity.user_roles": noop("Role"), "identity.users": noop("Person"), "identity.invitations": noop("Invitation"),
    "identity.auth_sessions": noop("Session"), "identity.api_tokens": noop("Token of a machine"), "identity.organizations": noop("Organization"),
    "identity.password_resets": noop("New password"), "identity.account": noop("Account"), "identity.email": noop("E-mail address"),
    "alerts.alerts": noop("Alert"), "alerts.suppressions": noop("Silence"),
    "alerts.corrective_actions": noop("What was done"), "notifications.policies": noop("Who is told"),
    "notifications.escalation_contacts": noop("Who is called"), "notifications.notification_preferences": noop("How somebody is told"),
    "notifications.alert_subscriptions": noop("What somebody is told of"), "platform.files": noop("File"),
}  # fmt: skip
VERBS = {
    "created": noop("made"), "changed": noop("changed"), "deleted": noop("removed"), "removed": noop("removed"), "restored": noop("brought back"),
    "online": noop("online"), "offline": noop("offline"), "raised": noop("raised"), "worsened": noop("got worse"), "locked": noop("locked"),
    "calibrated": noop("calibrated"), "activated": noop("put into use"), "deactivated": noop("put out of use"), "used": noop("used"),
    "claimed": noop("taken in"),
}  # fmt: skip
SINGULAR = {"farm.device": "farm.devices", "farm.farm": "farm.farms", "alerts.alert": "alerts.alerts", "farm.gateway": "farm.gateways"}
CATEGORIES = {
    "farm": noop("Farm"), "identity": noop("People"), "alerts": noop("Alerts"), "notifications": noop("Messages"), "cold_chain": noop("Cold chain"),
    "deliveries": noop("Deliveries"), "tracking": noop("Tracking"), "trees": noop("Trees"), "platform": noop("Installation"),
}  # fmt: skip
MOST = 4
LONGEST = 60


def what(line: EventLog, names: Mapping[UUID, str]) -> str:
    """What happened, in a few words."""
    if line.event_type.startswith("alerts.alert.") and isinstance(values := line.event_data.get("values"), dict):
        return sentence(line.title, values)
    table, _dot, verb = line.event_type.rpartition(".")
    thing = THINGS.get(SINGULAR.get(table, table))
    if thing is None or verb not in VERBS:
        return line.title
    name = (names.get(line.subject_id) if line.subject_id else None) or _own_name(line.event_data)
    return f"{_(thing)} {_('“{name}”', name=name) if name else ''} · {_(VERBS[verb])}".replace("  ", " ")


def details(line: EventLog) -> str:
    """The values that changed, from what to what."""
    told = []
    for name, value in line.event_data.items():
        if isinstance(value, list) and len(value) == 2 and line.event_type.endswith(".changed"):
            told.append(f"{name}: {_short(value[0])} → {_short(value[1])}")
    more = len(told) - MOST
    return "; ".join(told[:MOST]) + (f" (+{more})" if more > 0 else "")


def who(line: EventLog) -> str:
    """The person or machine; what happened by itself has a job's name."""
    return _("Steading ({job})", job=line.actor_name) if line.actor_type == "system" else line.actor_name


def _own_name(data: Mapping[str, Any]) -> str:
    for key in ("name", "parameter_name", "command_type", "role"):
        if isinstance(value := data.get(key), str):
            return value
    return ""


def _short(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
