"""How an organization sends: its account for text messages, its bot, its partners' endpoints, who else gets mail."""

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col, select

from data.alerts.tables import Severity
from data.core.errors import Conflict, Invalid
from data.core.session import Transaction
from data.core.time import now
from data.identity.secrets import seal
from data.notifications import queries
from data.notifications.commands.preferences import NUMBER
from data.notifications.events import ChannelsChanged, DeliveriesChanged, DeliveriesQueued
from data.notifications.outbox import Message, queue
from data.notifications.tables import (
    Channel,
    ChannelState,
    DeliveryStatus,
    NotificationSettings,
    Purpose,
    SmsConfig,
    TelegramConfig,
    WebhookEndpoint,
)

EDIT = "channels.edit"
BOTH_SECRETS_FOR = timedelta(hours=24)
MOST_RECIPIENTS = 50
MAIL_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+")
BOT_TOKEN = re.compile(r"\d{5,}:[A-Za-z0-9_-]{8,}")
EVENT_TYPES = ("alert.raised", "alert.acknowledged", "alert.snoozed", "alert.escalated", "alert.resolved", "notification.test")
"""What partners may hear of."""


async def set_sms(
    tx: Transaction, *, number: str, api_key: str | None, public_key: str | None, profile_id: str | None, is_enabled: bool = True
) -> None:
    """The organization's account at Telnyx. No key given keeps the one that is known; without a public key nothing that
    Telnyx tells can be believed, so it is asked for too."""
    tx.actor.require(EDIT)
    clean = re.sub(r"[\s().-]", "", number)
    if not NUMBER.fullmatch(clean):
        raise Invalid("number", "Write the number with its country, such as +855 12 345 678.")
    if public_key and not _is_ed25519(public_key):
        raise Invalid("public_key", "This is not a public key of Telnyx: 44 letters and digits, from its portal.")
    held = (await tx.exec(select(SmsConfig).with_for_update())).one_or_none()
    if held is None and not api_key:
        raise Invalid("api_key", "The key of the account is needed.")
    config = held or SmsConfig(telnyx_api_key_encrypted=b"", telnyx_api_key_last_four="", telnyx_phone_number=clean)
    if api_key:
        config.telnyx_api_key_encrypted, config.telnyx_api_key_last_four = seal().close(api_key), api_key[-4:]
    config.telnyx_phone_number, config.telnyx_public_key = clean, public_key or None
    config.telnyx_messaging_profile_id, config.is_enabled, config.deleted_at = profile_id or None, is_enabled, None
    config.updated_at = now()
    tx.add(config)
    await _fresh(tx, Channel.SMS)


async def remove_sms(tx: Transaction) -> None:
    """Text messages are not sent any more; the key is forgotten."""
    tx.actor.require(EDIT)
    config = (await tx.exec(select(SmsConfig).with_for_update())).one_or_none()
    if config is not None and config.deleted_at is None:
        config.deleted_at, config.is_enabled, config.telnyx_api_key_encrypted = now(), False, b""
        tx.add(config)
        tx.emit(ChannelsChanged())


async def set_bot(tx: Transaction, *, token: str) -> None:
    """The organization's bot at Telegram; it is asked for its name soon after. Chats with another bot are forgotten."""
    tx.actor.require(EDIT)
    if not BOT_TOKEN.fullmatch(token.strip()):
        raise Invalid("token", "This is not a bot's token; BotFather tells it, such as 123456:ABC-DEF.")
    clean = token.strip()
    config = (await tx.exec(select(TelegramConfig).with_for_update())).one_or_none() or TelegramConfig(
        bot_token_encrypted=b"", bot_token_last_four=""
    )
    config.bot_token_encrypted, config.bot_token_last_four = seal().close(clean), clean[-4:]
    config.bot_username, config.last_update_id, config.is_enabled, config.updated_at = None, None, True, now()
    tx.add(config)
    await _fresh(tx, Channel.TELEGRAM)


async def remove_bot(tx: Transaction) -> None:
    """Telegram is not used any more."""
    tx.actor.require(EDIT)
    config = (await tx.exec(select(TelegramConfig).with_for_update())).one_or_none()
    if config is not None:
        await tx.delete(config)
        tx.emit(ChannelsChanged())


async def set_settings(
    tx: Transaction, *, is_email_enabled: bool, email_recipients: Sequence[str], sms_per_hour: int, may_reports_leave: bool = False
) -> None:
    """Whether mail goes out, who besides the organization's people gets it, whether others may be sent reports, and how many text
    messages an hour at most."""
    tx.actor.require(EDIT)
    recipients = list(dict.fromkeys(address.strip() for address in email_recipients if address.strip()))
    for address in recipients:
        if not MAIL_ADDRESS.fullmatch(address):
            raise Invalid("email_recipients", "{address} is not an e-mail address.", address=address)
    if len(recipients) > MOST_RECIPIENTS:
        raise Invalid("email_recipients", "At most {most} addresses.", most=MOST_RECIPIENTS)
    if not 0 <= sms_per_hour <= 1000:
        raise Invalid("sms_per_hour", "Between 0 and 1,000.")
    settings = (await tx.exec(select(NotificationSettings).with_for_update())).one_or_none() or NotificationSettings()
    settings.is_email_enabled, settings.email_recipients, settings.sms_per_hour = is_email_enabled, recipients, sms_per_hour
    settings.may_reports_leave, settings.updated_at = may_reports_leave, now()
    tx.add(settings)
    tx.emit(ChannelsChanged())


async def create_endpoint(tx: Transaction, *, name: str, url: str, event_types: Sequence[str] = ()) -> tuple[UUID, str]:
    """A partner's endpoint and the secret it checks our signatures with, told this once. No types named means all."""
    tx.actor.require(EDIT)
    if not name.strip():
        raise Invalid("name", "Give it a name, so that it can be told from the others.")
    secret = _new_secret()
    endpoint = WebhookEndpoint(
        name=name.strip(), url=_web_address(url), event_types=_known_types(event_types), secret_encrypted=seal().close(secret),
        created_by=tx.actor.user_id,
    )  # fmt: skip
    tx.add(endpoint)
    await tx.flush()
    tx.emit(ChannelsChanged())
    return endpoint.id, secret


async def change_endpoint(tx: Transaction, endpoint_id: UUID, *, name: str, url: str, event_types: Sequence[str], is_enabled: bool) -> None:
    """What it is called, where it is, what it wants to hear, and whether it hears anything."""
    tx.actor.require(EDIT)
    endpoint = await queries.endpoint(tx, endpoint_id, for_update=True)
    endpoint.name, endpoint.url = name.strip() or endpoint.name, _web_address(url)
    endpoint.event_types, endpoint.is_enabled = _known_types(event_types), is_enabled
    if is_enabled:
        endpoint.disabled_reason = None
    tx.add(endpoint)
    await _fresh(tx, Channel.WEBHOOK, endpoint_id)


async def rotate_secret(tx: Transaction, endpoint_id: UUID) -> str:
    """A new secret, told this once; for a day both sign, so that the partner can change over."""
    tx.actor.require(EDIT)
    endpoint = await queries.endpoint(tx, endpoint_id, for_update=True)
    secret = _new_secret()
    endpoint.previous_secret_encrypted, endpoint.previous_secret_until_at = endpoint.secret_encrypted, now() + BOTH_SECRETS_FOR
    endpoint.secret_encrypted = seal().close(secret)
    tx.add(endpoint)
    tx.emit(ChannelsChanged())
    return secret


async def delete_endpoint(tx: Transaction, endpoint_id: UUID) -> None:
    """It hears nothing more, and is not shown; what it was told stays on record."""
    tx.actor.require(EDIT)
    endpoint = await queries.endpoint(tx, endpoint_id, for_update=True)
    endpoint.deleted_at, endpoint.is_enabled = now(), False
    tx.add(endpoint)
    tx.emit(ChannelsChanged())


async def end_rest(tx: Transaction, channel: Channel, endpoint_id: UUID | None = None) -> None:
    """A channel that rests after failing may be tried at once: somebody has mended it."""
    tx.actor.require(EDIT)
    await _fresh(tx, channel, endpoint_id)


async def retry(tx: Transaction, delivery_id: UUID) -> None:
    """Send a failed message once more. Conflict for any other."""
    tx.actor.require(EDIT)
    delivery = await queries.delivery(tx, delivery_id, for_update=True)
    if delivery.status is not DeliveryStatus.FAILED or delivery.purpose is Purpose.CODE:
        raise Conflict("Only a message that failed can be sent again.")
    delivery.status, delivery.retry_count, delivery.next_attempt_at = DeliveryStatus.PENDING, 0, now()
    delivery.failed_at, delivery.external_id = None, None
    tx.add(delivery)
    tx.emit(DeliveriesQueued())
    tx.emit(DeliveriesChanged(user_id=delivery.user_id))


async def test_address(tx: Transaction, channel: Channel, *, address: str | None = None, endpoint_id: UUID | None = None) -> Sequence[UUID]:
    """Send something to an address or endpoint, to see whether it arrives; the deliveries to watch."""
    tx.actor.require(EDIT)
    at = now()
    if channel is Channel.SMS:
        await tx.execute(update(SmsConfig).values(last_test_at=at))
    if channel is Channel.TELEGRAM:
        await tx.execute(update(TelegramConfig).values(last_test_at=at))
    return await queue(tx, [
        Message(
            channel, "This is a test. Messages from Steading reach you this way.", "You asked for a test.", subject="A test",
            purpose=Purpose.TEST, severity=Severity.INFO, address=address, endpoint_id=endpoint_id,
            user_id=None if address or endpoint_id else tx.actor.user_id, event_type="notification.test",
            payload={"text": "This is a test.", "sent_at": at} if channel is Channel.WEBHOOK else None,
        )
    ], at=at)  # fmt: skip


async def _fresh(tx: Transaction, channel: Channel, endpoint_id: UUID | None = None) -> None:
    """Whatever failed before says nothing any more."""
    where = [col(ChannelState.channel) == channel]
    where.append(col(ChannelState.endpoint_id) == endpoint_id if endpoint_id else col(ChannelState.endpoint_id).is_(None))
    await tx.execute(update(ChannelState).where(*where).values(consecutive_failures=0, open_until_at=None))
    tx.emit(ChannelsChanged())
    tx.emit(DeliveriesQueued())


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()


def _web_address(url: str) -> str:
    clean = url.strip()
    parts = urlsplit(clean)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or len(clean) > 2000:
        raise Invalid("url", "Write the whole address, such as https://partner.example/hooks.")
    return clean


def _known_types(event_types: Sequence[str]) -> list[str]:
    if unknown := set(event_types) - set(EVENT_TYPES):
        raise Invalid("event_types", "There is no event called {name}.", name=sorted(unknown)[0])
    return list(event_types)


def _is_ed25519(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False
