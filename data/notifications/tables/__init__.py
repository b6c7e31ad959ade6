"""What people were told, what leaves the house to tell them, and how each wants to be told."""

from data.notifications.tables.inbox import Notification
from data.notifications.tables.outbox import (
    SCHEMA,
    Channel,
    ChannelState,
    DeliveryStatus,
    NotificationDelivery,
    Purpose,
    SmsConfig,
    TelegramConfig,
    WebhookEndpoint,
)
from data.notifications.tables.people import (
    AlertSubscription,
    EscalationContact,
    NotificationPreference,
    NotificationSettings,
    OnCallShift,
    OptOut,
    PhoneCode,
    Policy,
    PushSubscription,
    TelegramChat,
)

__all__ = [
    "SCHEMA", "AlertSubscription", "Channel", "ChannelState", "DeliveryStatus", "EscalationContact", "Notification", "NotificationDelivery",
    "NotificationPreference", "NotificationSettings", "OnCallShift", "OptOut", "PhoneCode", "Policy", "Purpose",
    "PushSubscription", "SmsConfig", "TelegramChat", "TelegramConfig", "WebhookEndpoint",
]  # fmt: skip
