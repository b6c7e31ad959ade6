"""What changes: inboxes, how people and organizations want things sent, and what outside parties tell of it."""

from data.notifications.commands.inboxes import mark_read
from data.notifications.commands.ladder import climb, escalate, organizations_with_due, tell

__all__ = ["climb", "escalate", "mark_read", "organizations_with_due", "tell"]
