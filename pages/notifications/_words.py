"""Ways of telling, and what became of a message, in the reader's language."""

from data.notifications.tables import Channel, DeliveryStatus, NotificationDelivery, Purpose
from pages.alerts._words import sentence
from ui.badge import State
from ui.words import _, noop

CHANNEL_WORDS = {
    Channel.IN_APP: noop("Inbox"), Channel.PUSH: noop("Phone or browser"), Channel.EMAIL: noop("E-mail"), Channel.SMS: noop("Text message"),
    Channel.TELEGRAM: noop("Telegram"), Channel.WEBHOOK: noop("Webhook"),
}  # fmt: skip
CHANNEL_ICONS = {
    Channel.IN_APP: "inbox", Channel.PUSH: "phonelink_ring", Channel.EMAIL: "mail", Channel.SMS: "sms", Channel.TELEGRAM: "send",
    Channel.WEBHOOK: "webhook",
}  # fmt: skip
STATUS_WORDS = {
    DeliveryStatus.PENDING: noop("Waiting"), DeliveryStatus.SENDING: noop("On its way"), DeliveryStatus.SENT: noop("Sent"),
    DeliveryStatus.DELIVERED: noop("Arrived"), DeliveryStatus.FAILED: noop("Failed"), DeliveryStatus.SUPPRESSED: noop("Not sent"),
    DeliveryStatus.CANCELED: noop("No longer needed"),
}  # fmt: skip
STATUS_STATES: dict[DeliveryStatus, State] = {
    DeliveryStatus.PENDING: "waiting", DeliveryStatus.SENDING: "waiting", DeliveryStatus.SENT: "ok", DeliveryStatus.DELIVERED: "ok",
    DeliveryStatus.FAILED: "critical", DeliveryStatus.SUPPRESSED: "neutral", DeliveryStatus.CANCELED: "neutral",
}  # fmt: skip
PURPOSE_WORDS = {
    Purpose.ALERT: noop("Alert"), Purpose.ESCALATION: noop("Escalation"), Purpose.REMINDER: noop("Reminder"), Purpose.RESOLVED: noop("Over"),
    Purpose.DIGEST: noop("Digest"), Purpose.TEST: noop("Test"), Purpose.CODE: noop("Code"), Purpose.EVENT: noop("Event"),
    Purpose.REPORT: noop("Report"),
}  # fmt: skip


def what(delivery: NotificationDelivery) -> str:
    """What was said. A code is nobody's to read but its owner's."""
    if delivery.purpose is Purpose.CODE and "{link}" in delivery.message:
        return _("A link that is its reader's alone.")
    if delivery.purpose is Purpose.CODE:
        return _("A code to prove a telephone number.")
    return sentence(delivery.message, delivery.message_values)


def trouble(delivery: NotificationDelivery) -> str:
    """Why it failed, waits or was not sent; our own sentences are translated, another's are shown as they came."""
    return _(delivery.error_message) if delivery.error_message else ""


def status(delivery: NotificationDelivery) -> tuple[State, str]:
    """The badge of a delivery: its state and word."""
    if delivery.status is DeliveryStatus.PENDING and delivery.retry_count:
        return "warning", _("Tried again soon")
    return STATUS_STATES[delivery.status], _(STATUS_WORDS[delivery.status])
