"""How one wants to be told oneself: by which ways, of what, when, and where one is reached."""

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.alerts.tables import Severity
from data.core.errors import Conflict, Invalid, NotFound
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.identity import queries as identity
from data.identity.secrets import new_token, seal, token_hash
from data.notifications import queries
from data.notifications.events import ChannelsChanged
from data.notifications.outbox import Message, queue
from data.notifications.rules import counts_as_sent
from data.notifications.tables import (
    Channel,
    NotificationDelivery,
    NotificationPreference,
    PhoneCode,
    Purpose,
    PushSubscription,
    TelegramChat,
)

NUMBER = re.compile(r"\+[1-9]\d{6,14}")
CODE_LIFE, CODE_TRIES, MOST_CODES_AN_HOUR = timedelta(minutes=10), 5, 5
MOST_TESTS_AN_HOUR = 10
LINK_LIFE = timedelta(minutes=15)
MOST_BROWSERS = 20
FLAGS = ("is_push_enabled", "is_email_enabled", "is_sms_enabled", "is_telegram_enabled", "digest_daily", "digest_weekly")


async def set_preferences(
    tx: Transaction, *, flags: Mapping[str, bool], least_severity: str, quiet_from: time | None, quiet_until: time | None,
    digest_time: time, digest_site_ids: Sequence[str] | None,
) -> None:  # fmt: skip
    """How one wants to be told from now on; `flags` by the names in FLAGS. No sites named means all of them."""
    if (quiet_from is None) != (quiet_until is None):
        raise Invalid("quiet_until" if quiet_from else "quiet_from", "Quiet hours need a beginning and an end.")
    try:
        severity = Severity(least_severity)
    except ValueError as reason:
        raise Invalid("least_severity", "Choose one of {choices}.", choices=", ".join(Severity)) from reason
    chosen = await queries.own_preference(tx, for_update=True)
    _begin_digests(chosen, flags, digest_time, (await identity.me(tx)).time_zone)
    for name in FLAGS:
        if name in flags:
            setattr(chosen, name, bool(flags[name]))
    chosen.least_severity, chosen.quiet_from, chosen.quiet_until = severity, quiet_from, quiet_until
    chosen.digest_time, chosen.digest_site_ids = digest_time, list(digest_site_ids) if digest_site_ids else None
    chosen.updated_at = now()
    tx.add(chosen)
    tx.emit(ChannelsChanged(user_id=tx.actor.user_id))


async def send_phone_code(tx: Transaction, phone: str) -> None:
    """Send six digits to a number, which prove that it is one's own. Conflict where text messages are not set up."""
    number = re.sub(r"[\s().-]", "", phone)
    if not NUMBER.fullmatch(number):
        raise Invalid("phone", "Write the number with its country, such as +855 12 345 678.")
    user_id, at = _me(tx), now()
    if not await queries.has_sms(tx):
        raise Conflict("Text messages are not set up here. An owner or admin can do that.")
    sent = select(func.count()).select_from(NotificationDelivery).where(
        NotificationDelivery.user_id == user_id, NotificationDelivery.purpose == Purpose.CODE,
        NotificationDelivery.created_at > at - timedelta(hours=1),
    )  # fmt: skip
    await tx.exec(select(PhoneCode).where(PhoneCode.user_id == user_id).with_for_update())
    if (await tx.exec(sent)).one() >= MOST_CODES_AN_HOUR:
        raise Conflict("Too many codes were sent. Try again in an hour.")
    code = f"{secrets.randbelow(10**6):06}"
    row = {
        "id": uuid7(), "organization_id": tx.organization_id, "user_id": user_id, "phone": number, "tries_left": CODE_TRIES,
        "code_hash": _code_hash(user_id, code), "expires_at": at + CODE_LIFE,
    }  # fmt: skip
    statement = insert(PhoneCode).values(row)
    changes = {name: row[name] for name in ("phone", "code_hash", "tries_left", "expires_at")}
    await tx.execute(statement.on_conflict_do_update(index_elements=["organization_id", "user_id"], set_=changes))
    [delivery_id] = await queue(tx, [
        Message(
            Channel.SMS, "{code} is your code for Steading. It is good for 10 minutes.", "You asked for a code.", {"code": code},
            purpose=Purpose.CODE, severity=Severity.INFO, address=number,
        )
    ])  # fmt: skip
    delivery = await tx.get_one(NotificationDelivery, delivery_id)
    delivery.user_id = user_id
    tx.add(delivery)


async def confirm_phone(tx: Transaction, code: str) -> str | None:
    """Show the code: the number is one's own from now on. What is wrong with it otherwise, to be shown at the field.

    A refusal would undo that a try was used up; so it is answered instead of raised.
    """
    user_id = _me(tx)
    found = (await tx.exec(select(PhoneCode).where(PhoneCode.user_id == user_id).with_for_update())).one_or_none()
    if found is None or found.expires_at <= now() or found.tries_left <= 0:
        return "This code is too old. Ask for a new one."
    if not secrets.compare_digest(bytes(found.code_hash), _code_hash(user_id, "".join(code.split()))):
        found.tries_left -= 1
        tx.add(found)
        return "This is not the code."
    user = await identity.me(tx)
    try:
        async with tx.begin_nested():
            user.phone, user.is_phone_verified = found.phone, True
            tx.add(user)
            await tx.flush()
    except IntegrityError as reason:
        raise Conflict("This number belongs to another account.") from reason
    await tx.delete(found)
    tx.emit(ChannelsChanged(user_id=user_id))
    return None


async def subscribe_browser(tx: Transaction, *, endpoint: str, p256dh: str, auth: str, device_name: str | None) -> UUID:
    """This browser may be woken. Telling it twice keeps one."""
    user_id = _me(tx)
    parts = urlsplit(endpoint)
    if parts.scheme not in ("https", "http") or not parts.netloc or len(endpoint) > 2000:
        raise Invalid("endpoint", "This is not the address of a push service.")
    if not (80 <= len(p256dh.rstrip("=")) <= 90 and 20 <= len(auth.rstrip("=")) <= 30):
        raise Invalid("keys", "These are not a browser's keys.")
    held = select(PushSubscription).where(PushSubscription.user_id == user_id).order_by(col(PushSubscription.created_at)).with_for_update()
    browsers = list(await tx.exec(held))
    known = next((one for one in browsers if one.endpoint == endpoint), None)
    for oldest in browsers[: max(0, len(browsers) - MOST_BROWSERS + 1)] if known is None else ():
        await tx.delete(oldest)
    row = known or PushSubscription(user_id=user_id, endpoint=endpoint, p256dh=p256dh, auth_encrypted=b"")
    row.p256dh, row.auth_encrypted, row.device_name, row.last_used_at = p256dh, seal().close(auth), device_name, now()
    tx.add(row)
    tx.emit(ChannelsChanged(user_id=user_id))
    return row.id


async def forget_browser(tx: Transaction, subscription_id: UUID) -> None:
    """This browser may not be woken any more."""
    user_id = _me(tx)
    mine = (col(PushSubscription.id) == subscription_id, col(PushSubscription.user_id) == user_id)
    if (await tx.execute(delete(PushSubscription).where(*mine).returning(col(PushSubscription.id)))).first() is None:
        raise NotFound("There is no such browser.")
    tx.emit(ChannelsChanged(user_id=user_id))


async def link_telegram(tx: Transaction) -> str:
    """The address of a chat with the organization's bot; whoever opens it within a quarter of an hour is this person."""
    user_id, bot = _me(tx), await queries.bot(tx)
    if bot is None or not bot.is_enabled or not bot.bot_username:
        raise Conflict("Telegram is not set up here. An owner or admin can do that.")
    code = new_token()
    row: dict[str, Any] = {
        "id": uuid7(), "organization_id": tx.organization_id, "user_id": user_id, "code_hash": token_hash(code),
        "code_expires_at": now() + LINK_LIFE,
    }  # fmt: skip
    changes = {name: row[name] for name in ("code_hash", "code_expires_at")}
    statement = insert(TelegramChat).values(row)
    await tx.execute(statement.on_conflict_do_update(index_elements=["organization_id", "user_id"], set_=changes))
    tx.emit(ChannelsChanged(user_id=user_id))
    return f"https://t.me/{bot.bot_username}?start={code}"


async def unlink_telegram(tx: Transaction) -> None:
    """The bot writes to this person no more."""
    user_id = _me(tx)
    await tx.execute(delete(TelegramChat).where(col(TelegramChat.user_id) == user_id))
    tx.emit(ChannelsChanged(user_id=user_id))


async def test_own(tx: Transaction, channel: Channel) -> Sequence[UUID]:
    """Tell oneself something by this way, to see whether it arrives; the deliveries to watch. Conflict after ten in an hour."""
    sent = select(func.count()).select_from(NotificationDelivery).where(
        NotificationDelivery.user_id == _me(tx), NotificationDelivery.purpose == Purpose.TEST,
        NotificationDelivery.channel == channel, NotificationDelivery.created_at > now() - timedelta(hours=1),
    )  # fmt: skip
    if (await tx.exec(sent)).one() >= MOST_TESTS_AN_HOUR:
        raise Conflict("Too many tests were sent. Try again in an hour.")
    return await queue(tx, [
        Message(
            channel, "This is a test. Messages from Steading reach you this way.", "You asked for a test.", subject="A test",
            purpose=Purpose.TEST, severity=Severity.INFO, user_id=_me(tx), href="/settings/notifications",
        )
    ])  # fmt: skip


def _begin_digests(chosen: NotificationPreference, flags: Mapping[str, bool], at_time: time, zone: str) -> None:
    """Who asks for a digest in the afternoon gets the first one tomorrow, not this minute."""
    today, this_week = counts_as_sent(at_time, zone, now())
    if flags.get("digest_daily") and not chosen.digest_daily:
        chosen.digest_daily_sent_on = today
    if flags.get("digest_weekly") and not chosen.digest_weekly:
        chosen.digest_weekly_sent_on = this_week


def _me(tx: Transaction) -> UUID:
    assert tx.actor.user_id, "only a person has preferences"
    return tx.actor.user_id


def _code_hash(user_id: UUID, code: str) -> bytes:
    return token_hash(f"{user_id} {code}")
