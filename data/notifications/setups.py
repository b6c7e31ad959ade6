"""What those who know no organization yet ask about all of them: whose number this is, which bots to listen to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_
from sqlmodel import col, select

from data.core.session import Transaction
from data.notifications.tables import NotificationDelivery, SmsConfig, TelegramChat, TelegramConfig


async def sms_public_keys(tx: Transaction, numbers: Sequence[str], message_id: str) -> Sequence[tuple[UUID, str | None]]:
    """The organizations that send from these numbers, else the one that sent this message, and the key that Telnyx signs with for
    each. Across tenants."""
    sender = select(NotificationDelivery.organization_id).where(NotificationDelivery.external_id == message_id)
    named = col(SmsConfig.telnyx_phone_number).in_(numbers) if any(numbers) else col(SmsConfig.organization_id).in_(sender)
    statement = select(SmsConfig.organization_id, SmsConfig.telnyx_public_key).where(named, col(SmsConfig.deleted_at).is_(None))
    return (await tx.exec(statement)).all()


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot to listen to: its sealed token, and the last that it was told."""

    organization_id: UUID
    sealed_token: bytes
    username: str | None
    last_update_id: int | None


async def bots_to_ask(tx: Transaction, at: datetime) -> Sequence[Bot]:
    """Those whose name is not known yet, or with whom somebody may be about to link their chat. Across tenants."""
    is_awaited = (
        select(func.count()).select_from(TelegramChat)
        .where(TelegramChat.organization_id == TelegramConfig.organization_id, col(TelegramChat.code_expires_at) > at)
        .scalar_subquery()
    )  # fmt: skip
    statement = select(TelegramConfig).where(
        col(TelegramConfig.is_enabled), or_(col(TelegramConfig.bot_username).is_(None), is_awaited > 0)
    )
    return [Bot(b.organization_id, bytes(b.bot_token_encrypted), b.bot_username, b.last_update_id) for b in await tx.exec(statement)]
