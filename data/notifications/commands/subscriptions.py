"""Somebody says of one kind of alert by which ways they want to be told of it, and when not."""

from collections.abc import Mapping, Sequence
from datetime import time
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.notifications.events import ChannelsChanged
from data.notifications.tables import AlertSubscription, Channel

WAYS = (Channel.PUSH, Channel.EMAIL, Channel.SMS, Channel.TELEGRAM)
"""The inbox has everything, and is silent."""
LONGEST_KIND = 50


async def own_subscriptions(tx: Transaction) -> Sequence[AlertSubscription]:
    """What the actor said of kinds of alerts."""
    mine = select(AlertSubscription).where(AlertSubscription.user_id == tx.actor.user_id, col(AlertSubscription.deleted_at).is_(None))
    return (await tx.exec(mine.order_by(AlertSubscription.alert_type, col(AlertSubscription.channel)))).all()


async def own_subscription(tx: Transaction, subscription_id: UUID) -> AlertSubscription:
    """One of them."""
    found = next((one for one in await own_subscriptions(tx) if one.id == subscription_id), None)
    if found is None:
        raise NotFound("There is no such subscription.")
    return found


async def subscribe(
    tx: Transaction, alert_type: str, wishes: Mapping[Channel, bool | None], *, quiet_from: time | None = None, quiet_until: time | None = None
) -> None:
    """What holds for one kind from now on: told by a way (True), not told by it (False), or as for everything else (None). The quiet
    hours count for the ways that are said; without any those of everything count. Ways that are not named stay as they are."""
    _check(alert_type, wishes, quiet_from, quiet_until)
    user_id = _me(tx)
    rows = select(AlertSubscription).where(AlertSubscription.user_id == user_id, AlertSubscription.alert_type == alert_type)
    held = {row.channel: row for row in await tx.exec(rows.with_for_update())}
    for channel, wish in wishes.items():
        row = held.get(channel) or AlertSubscription(user_id=user_id, alert_type=alert_type, channel=channel)
        if wish is None and channel not in held:
            continue
        row.is_enabled, row.quiet_from, row.quiet_until = bool(wish), quiet_from, quiet_until
        row.deleted_at, row.updated_at = (now() if wish is None else None), now()
        tx.add(row)
    tx.emit(ChannelsChanged(user_id=user_id))


def _check(alert_type: str, wishes: Mapping[Channel, bool | None], quiet_from: time | None, quiet_until: time | None) -> None:
    if not alert_type.strip() or len(alert_type) > LONGEST_KIND:
        raise Invalid("alert_type", "Name a kind of alert.")
    if any(channel not in WAYS for channel in wishes):
        raise Invalid("channel", "Choose one of {choices}.", choices=", ".join(WAYS))
    if (quiet_from is None) != (quiet_until is None):
        raise Invalid("quiet_until" if quiet_from else "quiet_from", "Quiet hours need a beginning and an end.")


def _me(tx: Transaction) -> UUID:
    assert tx.actor.user_id, "only a person has wishes"
    return tx.actor.user_id
