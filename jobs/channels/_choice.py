"""Which outside party carries a message: its organization's own account, bot or endpoint, or the installation's mail server."""

from email.utils import parseaddr

import httpx
from cryptography.fernet import InvalidToken

from data.core.settings import Settings
from data.identity.secrets import seal
from data.notifications import tables
from data.notifications.sending import Outgoing
from jobs.channels import Channel, Undeliverable
from jobs.channels.email import Email
from jobs.channels.push import Push, Vapid
from jobs.channels.sms import Sms
from jobs.channels.telegram import Telegram
from jobs.channels.webhook import Webhook


class Carriers:
    """Finds the channel for a message, and where it goes there."""

    def __init__(self, settings: Settings, over: httpx.AsyncClient) -> None:
        self._settings, self._over = settings, over
        self._email = Email(settings.smtp_url, settings.mail_from) if settings.smtp_url else None
        self._push = Push(
            over, vapid_keys(settings), vapid_contact(settings), may_be_private=settings.webhook_private_addresses
        )

    def carrier(self, outgoing: Outgoing) -> Channel:
        """Raises Undeliverable where nothing is set up for it, or its secret cannot be read any more."""
        try:
            return self._carrier(outgoing, [seal().open(secret) for secret in outgoing.party["sealed"]])
        except InvalidToken as reason:  # sealed with a secret key that is gone
            raise Undeliverable("the stored secret cannot be read any more; enter it again") from reason

    def address(self, outgoing: Outgoing) -> tuple[str, dict[str, str]]:
        """Where it goes as its channel writes it, and the keys that belong to it."""
        if outgoing.channel is tables.Channel.PUSH:
            endpoint, p256dh = outgoing.party["plain"]
            [auth] = outgoing.party["sealed"]
            return endpoint, {"p256dh": p256dh, "auth": seal().open(auth)}
        if outgoing.channel is tables.Channel.WEBHOOK:
            return outgoing.party["plain"][0], {}
        return outgoing.recipient, {}

    def _carrier(self, outgoing: Outgoing, secrets: list[str]) -> Channel:
        private = self._settings.webhook_private_addresses
        match outgoing.channel:
            case tables.Channel.EMAIL if self._email:
                return self._email
            case tables.Channel.EMAIL:
                raise Undeliverable("no mail server is set up (SMTP_URL)")
            case tables.Channel.PUSH if secrets:
                return self._push
            case tables.Channel.PUSH:
                raise Undeliverable("this browser may not be woken any more")
            case tables.Channel.SMS if secrets:
                number, profile_id = outgoing.party["plain"]
                return Sms(
                    self._over, api_key=secrets[0], number=number, profile_id=profile_id, callback=self._callback(),
                    address=self._settings.telnyx_url,
                )  # fmt: skip
            case tables.Channel.TELEGRAM if secrets:
                return Telegram(self._over, secrets[0], address=self._settings.telegram_url)
            case tables.Channel.WEBHOOK if secrets:
                return Webhook(self._over, secrets, may_be_private=private)
        raise Undeliverable("this way of telling people is turned off")

    def _callback(self) -> str:
        """Telnyx can only call an address that it can reach."""
        return f"{self._settings.origin}/webhooks/telnyx" if self._settings.is_https else ""


def vapid_keys(settings: Settings) -> list[Vapid]:
    """The present key first, then those that browsers may have subscribed with before."""
    return [Vapid(key) for key in (settings.secret_key, *filter(None, settings.previous_secret_keys.split(",")))]


def vapid_contact(settings: Settings) -> str:
    """Whom a push service may write to about us."""
    return settings.origin if settings.is_https else f"mailto:{parseaddr(settings.mail_from)[1]}"


def public_key(settings: Settings) -> str:
    """What browsers subscribe with."""
    return vapid_keys(settings)[0].public
