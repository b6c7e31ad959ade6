"""What outside parties tell of their own accord: that a message arrived or did not, STOP, and who followed a bot's link."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from data.core.session import Transaction
from data.core.table import uuid7
from data.identity.secrets import token_hash
from data.notifications.events import ChannelsChanged, DeliveriesChanged
from data.notifications.tables import Channel, DeliveryStatus, OptOut, TelegramChat, TelegramConfig

STOP = frozenset({"STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
START = frozenset({"START", "UNSTOP"})

_FATE = text(
    """
    update notifications.notification_deliveries d set
      status = cast(:status as notifications.delivery_status), external_id = coalesce(d.external_id, :external_id),
      sent_at = coalesce(d.sent_at, :at), error_message = :error,
      delivered_at = case when :status = 'delivered' then coalesce(d.delivered_at, :at) else d.delivered_at end,
      failed_at = case when :status = 'failed' then coalesce(d.failed_at, :at) when :status = 'delivered' then null else d.failed_at end,
      next_attempt_at = null, leased_until_at = null
    where d.organization_id = :organization_id and d.channel = 'sms'
      and (d.external_id = :external_id or (d.id = :delivery_id and d.external_id is null))
      and case :status when 'delivered' then d.status <> 'delivered' when 'failed' then d.status in ('sending', 'sent')
        else d.status = 'sending' end
    returning d.user_id, d.recipient
    """
)


async def sms_fate(
    tx: Transaction, external_id: str, status: DeliveryStatus, *, at: datetime, delivery_id: UUID | None = None, error: str | None = None
) -> None:
    """Telnyx says that a text message was sent, arrived or failed. Told twice, or in the wrong order, the last word stays.

    It may tell before we wrote down its id for the message: then `delivery_id` says which is meant.
    """
    rows = await tx.execute(_FATE, {
        "organization_id": tx.organization_id, "external_id": external_id, "delivery_id": delivery_id, "status": status.value,
        "at": at, "error": error,
    })  # fmt: skip
    for user_id, _ in rows.all():
        tx.emit(DeliveriesChanged(user_id=user_id))


async def sms_received(tx: Transaction, sender: str, words: str) -> None:
    """STOP and its like end text messages to that number, START begins them anew; whatever else is said is not ours."""
    said = " ".join(words.upper().split())
    if said in STOP:
        await opt_out(tx, Channel.SMS, sender, reason=said)
    elif said in START:
        await tx.execute(delete(OptOut).where(col(OptOut.channel) == Channel.SMS, col(OptOut.address) == sender))
        tx.record("notifications.opted_in", "A number wants text messages again", address=sender)
        tx.emit(ChannelsChanged())


async def opt_out(tx: Transaction, channel: Channel, address: str, *, reason: str) -> None:
    """Nothing more is sent to this address."""
    row = {"id": uuid7(), "organization_id": tx.organization_id, "channel": channel, "address": address, "reason": reason}
    written = await tx.execute(insert(OptOut).values(row).on_conflict_do_nothing().returning(col(OptOut.id)))
    if written.first():
        tx.record("notifications.opted_out", "An address wants no more messages", address=address, channel=channel)
        tx.emit(ChannelsChanged())


async def bot_named(tx: Transaction, username: str) -> None:
    """Telegram knows this bot's token, and calls it so."""
    await tx.execute(update(TelegramConfig).values(bot_username=username))
    tx.emit(ChannelsChanged())


async def chats_linked(
    tx: Transaction, said: Sequence[tuple[int, str | None, str]], *, last_update_id: int, at: datetime
) -> Sequence[int]:
    """People wrote `/start <code>` to the bot: (chat, user name, code). The chats that are somebody's now."""
    await tx.execute(update(TelegramConfig).values(last_update_id=last_update_id))
    codes = {token_hash(code): (chat_id, username) for chat_id, username, code in said}
    statement = select(TelegramChat).where(col(TelegramChat.code_hash).in_(codes), col(TelegramChat.code_expires_at) > at)
    linked = []
    for chat in await tx.exec(statement.with_for_update()):
        assert chat.code_hash is not None
        chat.chat_id, chat.username = codes[bytes(chat.code_hash)]
        chat.linked_at, chat.code_hash, chat.code_expires_at = at, None, None
        tx.add(chat)
        tx.emit(ChannelsChanged(user_id=chat.user_id))
        assert chat.chat_id is not None
        linked.append(chat.chat_id)
    return linked
