"""What changes: inboxes, how people and organizations want things sent, and what outside parties tell of it."""

from data.notifications.commands.inboxes import forget, forget_read, mark_read, mark_unread, remember
from data.notifications.commands.ladder import climb, escalate, organizations_with_due, tell

__all__ = ["climb", "escalate", "forget", "forget_read", "mark_read", "mark_unread", "organizations_with_due", "remember", "tell"]
