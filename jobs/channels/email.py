"""Mail goes out through somebody's SMTP server, or not at all."""

from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib


class Undeliverable(Exception):
    """It will never arrive; give up."""


class TryLater(Exception):
    """It may arrive another time."""


class Email:
    """`smtp://user:password@host:587` (STARTTLS where offered) or `smtps://…:465`."""

    def __init__(self, smtp_url: str, sender: str) -> None:
        parts = urlsplit(smtp_url)
        self._sender = sender
        self._connection = {
            "hostname": parts.hostname,
            "port": parts.port or (465 if parts.scheme == "smtps" else 587),
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
            "use_tls": parts.scheme == "smtps",
            "timeout": 20,
        }

    async def send(self, to: str, subject: str, text: str) -> None:
        """Hand one plain message to the server. Undeliverable when refused for good, TryLater otherwise."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, to, subject
        message.set_content(text)
        try:
            await aiosmtplib.send(message, **self._connection)  # type: ignore[arg-type]
        except aiosmtplib.SMTPRecipientsRefused as reason:
            raise Undeliverable(str(reason)) from reason
        except (aiosmtplib.SMTPException, OSError) as reason:
            raise TryLater(str(reason)) from reason
