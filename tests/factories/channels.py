"""An organization with every channel set up, and people who can be reached by all of them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from data.alerts import commands as alerts
from data.alerts.commands import Trouble
from data.alerts.tables import Alert, Severity
from data.core.actor import Actor
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.identity.secrets import seal
from data.identity.tables import User
from data.notifications.outbox import Message, queue
from data.notifications.tables import (
    Channel,
    EscalationContact,
    NotificationDelivery,
    NotificationPreference,
    PushSubscription,
    SmsConfig,
    TelegramChat,
    TelegramConfig,
    WebhookEndpoint,
)
from tests.factories.people import World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PHONE, CHAT = "+85512345678", 777


def system(world: World) -> Actor:
    return Actor.system(world.organization_id, "tests")


async def set_up(
    who: Actor, *, api_key: str = "KEY0123456789", public_key: str | None = None, number: str = "+15550001111",
    bot: str = "12345:bot-secret",
) -> None:  # fmt: skip
    """The organization has an account for text messages and a bot."""
    async with transaction(who) as tx:
        tx.add(
            SmsConfig(
                telnyx_api_key_encrypted=seal().close(api_key), telnyx_api_key_last_four=api_key[-4:], telnyx_public_key=public_key,
                telnyx_phone_number=number,
            )
        )  # fmt: skip
        tx.add(TelegramConfig(bot_token_encrypted=seal().close(bot), bot_token_last_four=bot[-4:], bot_username="steading_bot"))


async def reachable(
    who: Actor, *, phone: str = PHONE, chat: int = CHAT, browsers: Sequence[tuple[str, dict[str, str]]] = (), **wishes: object
) -> None:
    """That person has a confirmed telephone, a chat with the bot, and these browsers (endpoint, keys)."""
    assert who.user_id
    async with across_tenants("tests") as tx:
        user = await tx.get_one(User, who.user_id)
        user.phone, user.is_phone_verified = phone, True
        tx.add(user)
    async with transaction(who) as tx:
        chosen = {"is_sms_enabled": True} | wishes
        tx.add(NotificationPreference(user_id=who.user_id, **chosen))  # type: ignore[arg-type]
        tx.add(TelegramChat(user_id=who.user_id, chat_id=chat, linked_at=now()))
        for endpoint, keys in browsers:
            tx.add(
                PushSubscription(
                    user_id=who.user_id, endpoint=endpoint, p256dh=keys["p256dh"], auth_encrypted=seal().close(keys["auth"]),
                    device_name="Firefox on Linux",
                )
            )  # fmt: skip


async def endpoint(who: Actor, url: str, *event_types: str, name: str = "Partner", secret: str = SECRET) -> UUID:
    async with transaction(who) as tx:
        made = WebhookEndpoint(name=name, url=url, event_types=list(event_types), secret_encrypted=seal().close(secret))
        tx.add(made)
        return made.id


async def contact(who: Actor, name: str = "Night guard", **reached: object) -> UUID:
    async with transaction(who) as tx:
        made = EscalationContact(name=name, **reached)  # type: ignore[arg-type]
        tx.add(made)
        return made.id


async def alert(world: World, *, severity: Severity = Severity.CRITICAL, kind: str = "temp_excursion") -> Alert:
    async with transaction(system(world)) as tx:
        made = await alerts.raise_alert(
            tx,
            Trouble(
                "cold_chain.units", uuid4(), "Freezer 3", kind, severity, "{name} is too warm: {celsius}", "cold_chain.view",
                {"name": "Freezer 3", "celsius": "-4.0"}, href="/cold-chain",
            ),
            at=now(),
        )  # fmt: skip
    assert made
    return made


def message(channel: Channel, **more: object) -> Message:
    """Freezer 3 is too warm, told by that channel."""
    values = {
        "message": "{name} is too warm: {celsius}", "values": {"name": "Freezer 3", "celsius": "-4.0"},
        "reason": "They may see this place.", "subject": "Freezer 3", "severity": Severity.CRITICAL, "href": "/cold-chain",
    } | more  # fmt: skip
    return Message(channel, **values)  # type: ignore[arg-type]


def about(alert: Alert, channel: Channel, **more: object) -> Message:
    return message(channel, **({"alert_id": alert.id, "alert_type": alert.alert_type, "severity": alert.severity} | more))


async def told(world: World, *messages: Message, at: datetime | None = None) -> list[NotificationDelivery]:
    """Queue them; the rows, in the order of the messages."""
    async with transaction(system(world)) as tx:
        ids = await queue(tx, messages, at=at)
        found = {row.id: row for row in [await tx.get_one(NotificationDelivery, id) for id in ids]}
    return [found[id] for id in ids]
