"""What is in inboxes, how people are reached, and what became of what was sent."""

from data.notifications.queries.inboxes import inbox, unread_count

__all__ = ["inbox", "unread_count"]
