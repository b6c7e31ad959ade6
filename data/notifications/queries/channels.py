"""How an organization sends and one of its people is reached, and whether a channel rests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.identity import queries as identity
from data.notifications.tables import (
    Channel,
    ChannelState,
    NotificationPreference,
    NotificationSettings,
    OptOut,
    PushSubscription,
    SmsConfig,
    TelegramChat,
    TelegramConfig,
    WebhookEndpoint,
)

VIEW = "channels.edit"


async def has_sms(tx: Transaction) -> bool:
    """Whether text messages can be sent."""
    return (await tx.exec(select(SmsConfig.id).where(col(SmsConfig.is_enabled), col(SmsConfig.deleted_at).is_(None)))).first() is not None


async def bot(tx: Transaction) -> TelegramConfig | None:
    """The organization's bot."""
    return (await tx.exec(select(TelegramConfig))).one_or_none()


async def endpoint(tx: Transaction, endpoint_id: UUID, *, for_update: bool = False) -> WebhookEndpoint:
    statement = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id, col(WebhookEndpoint.deleted_at).is_(None))
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such endpoint.")
    return found


@dataclass(frozen=True, slots=True)
class SetUp:
    """How the organization sends. Secrets are in none of it but sealed."""

    sms: SmsConfig | None
    bot: TelegramConfig | None
    endpoints: Sequence[WebhookEndpoint]
    settings: NotificationSettings
    states: dict[tuple[Channel, UUID | None], ChannelState]
    opt_outs: Sequence[OptOut]

    def rests_until(self, channel: Channel, at: datetime, endpoint_id: UUID | None = None) -> datetime | None:
        """When a channel that failed too often is tried again; None while it works."""
        state = self.states.get((channel, endpoint_id))
        return state.open_until_at if state and state.open_until_at and state.open_until_at > at else None


async def set_up(tx: Transaction) -> SetUp:
    """Everything that the page of channels shows."""
    tx.actor.require(VIEW)
    sms = (await tx.exec(select(SmsConfig).where(col(SmsConfig.deleted_at).is_(None)))).one_or_none()
    endpoints = (await tx.exec(select(WebhookEndpoint).where(col(WebhookEndpoint.deleted_at).is_(None)).order_by(WebhookEndpoint.name))).all()
    settings = (await tx.exec(select(NotificationSettings))).one_or_none() or NotificationSettings()
    states = {(state.channel, state.endpoint_id): state for state in await tx.exec(select(ChannelState))}
    opt_outs = (await tx.exec(select(OptOut).order_by(col(OptOut.created_at).desc()).limit(100))).all()
    return SetUp(sms, await bot(tx), endpoints, settings, states, opt_outs)


async def resting(tx: Transaction, at: datetime) -> Sequence[tuple[ChannelState, str]]:
    """The channels that failed so often that they rest, and of webhooks the endpoint's name."""
    tx.actor.require(VIEW)
    statement = (
        select(ChannelState, WebhookEndpoint.name)
        .outerjoin(WebhookEndpoint, col(WebhookEndpoint.id) == ChannelState.endpoint_id)
        .where(col(ChannelState.open_until_at) > at)
        .order_by(col(ChannelState.channel))
    )
    return [(state, name or "") for state, name in (await tx.exec(statement)).all()]


async def own_preference(tx: Transaction, *, for_update: bool = False) -> NotificationPreference:
    """What the actor chose, or what holds for who never chose (a row that is not written yet)."""
    assert tx.actor.user_id
    statement = select(NotificationPreference).where(NotificationPreference.user_id == tx.actor.user_id)
    found = (await tx.exec(statement.with_for_update() if for_update else statement)).one_or_none()
    return found or NotificationPreference(user_id=tx.actor.user_id)


@dataclass(frozen=True, slots=True)
class Reached:
    """Where one person is reached, and by which ways the organization can reach anybody."""

    email: str | None
    phone: str | None
    is_phone_verified: bool
    browsers: Sequence[PushSubscription]
    chat: TelegramChat | None
    has_sms: bool
    bot_username: str | None
    is_phone_opted_out: bool


async def own_addresses(tx: Transaction) -> Reached:
    """Where the actor is reached."""
    me = await identity.me(tx)
    browsers = (await tx.exec(select(PushSubscription).where(PushSubscription.user_id == me.id).order_by(col(PushSubscription.created_at)))).all()
    chat = (await tx.exec(select(TelegramChat).where(TelegramChat.user_id == me.id))).one_or_none()
    held = await bot(tx)
    stopped = select(OptOut.id).where(OptOut.channel == Channel.SMS, OptOut.address == me.phone)
    return Reached(
        me.email, me.phone, me.is_phone_verified, browsers, chat, await has_sms(tx),
        held.bot_username if held and held.is_enabled else None, (await tx.exec(stopped)).first() is not None,
    )  # fmt: skip


async def organization_addresses(tx: Transaction) -> Sequence[str]:
    """Who besides its people gets an organization's alerts by mail."""
    settings = (await tx.exec(select(NotificationSettings))).one_or_none()
    return settings.email_recipients if settings else ()
