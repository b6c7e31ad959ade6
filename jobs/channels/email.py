"""Mail goes out through somebody's SMTP server, or not at all."""

from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from urllib.parse import unquote, urlsplit

import aiosmtplib
import anyio.to_thread

from jobs.channels import Enclosure, Letter, TryLater, Undeliverable

NO_SUCH_MAILBOX = (550, 551, 553)


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

    async def send(self, letter: Letter) -> str:
        """Hand one message to the server; its Message-ID, which is the same at each attempt."""
        message = self._written(letter)
        try:
            if letter.enclosures:  # megabytes are put into letters beside the event loop
                body = await anyio.to_thread.run_sync(_with_enclosures, message, letter.enclosures)
                await aiosmtplib.send(body, sender=parseaddr(self._sender)[1], recipients=[letter.to], **self._connection)  # type: ignore[arg-type]
            else:
                await aiosmtplib.send(message, **self._connection)  # type: ignore[arg-type]
        except aiosmtplib.SMTPRecipientsRefused as reason:
            [refused, *_] = reason.recipients
            raise _as_ours(refused.code, refused.message, is_about_recipient=True) from reason
        except (aiosmtplib.SMTPDataError, aiosmtplib.SMTPRecipientRefused) as reason:
            raise _as_ours(reason.code, reason.message, is_about_recipient=False) from reason
        except (aiosmtplib.SMTPException, OSError, ValueError) as reason:  # the last: what cannot be written as a header
            raise TryLater(str(reason) or type(reason).__name__) from reason
        return str(message["Message-ID"])

    def _written(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, letter.to, " ".join(letter.subject.split())
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{letter.id}@{self._sender.rpartition('@')[2].rstrip('>') or 'steading'}>"
        message["Auto-Submitted"] = "auto-generated"
        if letter.unsubscribe:
            message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        if letter.is_urgent:
            message["Importance"] = "high"
        message.set_content(letter.text)
        if letter.html:
            message.add_alternative(letter.html, subtype="html")
        return message


def _with_enclosures(message: EmailMessage, enclosures: Sequence[Enclosure]) -> bytes:
    for one in enclosures:
        kind, _slash, of = one.mime_type.partition("/")
        message.add_attachment(one.content, maintype=kind, subtype=of, filename=one.name)
    return message.as_bytes(policy=SMTP)


def _as_ours(code: int, text: str, *, is_about_recipient: bool) -> Exception:
    """4xx is for now, 5xx for good; a mailbox that is not there never will be."""
    reason = f"{code} {text}"
    if code < 500:
        return TryLater(reason)
    return Undeliverable(reason, is_dead=is_about_recipient and code in NO_SUCH_MAILBOX)
