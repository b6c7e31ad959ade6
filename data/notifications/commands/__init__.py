"""What changes: inboxes, how people and organizations want things sent, and what outside parties tell of it."""

from data.notifications.commands.inboxes import mark_read, tell

__all__ = ["mark_read", "tell"]
