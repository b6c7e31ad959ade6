"""A link for a new password reaches its person at once and past every wish: it is about no organization."""

from collections.abc import Awaitable, Callable

import structlog

from data.core.settings import Settings
from data.core.table import uuid7
from data.notifications.sending import Written
from jobs.channels import Letter, TryLater, Undeliverable
from jobs.channels.email import Email

log = structlog.get_logger()

Write = Callable[[str, str], Written]
"""Puts a link into words: the link, and the person's language."""


def sender(settings: Settings, write: Write) -> Callable[[str, str, str], Awaitable[None]]:
    """`send(to, link, language)`; what goes wrong is logged, for whoever asked must not learn who exists."""
    email = Email(settings.smtp_url, settings.mail_from) if settings.smtp_url else None

    async def send(to: str, link: str, language: str) -> None:
        if email is None:
            log.warning("a password reset was asked for, but SMTP_URL is not set; nothing was sent")
            return
        written = write(link, language)
        try:
            await email.send(Letter(str(uuid7()), to, written.text, written.subject, written.html))
        except (TryLater, Undeliverable) as reason:
            log.warning("a password reset could not be sent", reason=str(reason))

    return send
