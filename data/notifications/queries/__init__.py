"""What is in inboxes, how people are reached, and what became of what was sent."""

from data.notifications.queries.channels import (
    Reached,
    SetUp,
    bot,
    endpoint,
    has_sms,
    organization_addresses,
    own_addresses,
    own_preference,
    resting,
    set_up,
)
from data.notifications.queries.deliveries import (
    Told,
    browser_names,
    deliveries,
    delivery,
    failed_lately,
    latest_of,
    own_deliveries,
    told,
)
from data.notifications.queries.inboxes import inbox, unread_count

__all__ = [
    "Reached", "SetUp", "Told", "bot", "browser_names", "deliveries", "delivery", "endpoint", "failed_lately", "has_sms",
    "inbox", "latest_of", "organization_addresses", "own_addresses", "own_deliveries", "own_preference", "resting", "set_up", "told", "unread_count",
]  # fmt: skip
