"""By which ways one wants to be told of which kinds of alerts, and when not."""

from datetime import time
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from data.core.session import Transaction, transaction
from data.notifications.commands.subscriptions import own_subscription, own_subscriptions, subscribe
from data.notifications.tables import AlertSubscription, Channel
from jobs.api._door import Paged, Reader, Setter, answer, called, door

router = door("/v1/alert-subscriptions", "Alert subscriptions")


class Changed(BaseModel):
    """`quiet_hours_start` and `quiet_hours_end` go together, by one's own clock, also across midnight; what is critical passes them."""

    is_enabled: bool | None = None
    quiet_hours_start: time | None = None
    quiet_hours_end: time | None = None


class Said(Changed):
    alert_type: str
    channel: Channel
    is_enabled: bool = True


@router.get("")
async def list_subscriptions(actor: Reader, page: Paged) -> dict[str, Any]:
    """One's own, by kind and way; of what is not said, what one chose for everything holds."""
    async with transaction(actor) as tx:
        return page.of(await own_subscriptions(tx), _subscription)


@router.post("", status_code=201)
async def create_subscription(actor: Setter, said: Said) -> dict[str, Any]:
    """What holds for this kind and way from now on; what was said of them before is replaced."""
    async with transaction(actor) as tx:
        return answer(_subscription(await _say(tx, said)))


@router.get("/{subscription_id}")
async def show_subscription(actor: Reader, subscription_id: UUID) -> dict[str, Any]:
    """One of one's own."""
    async with transaction(actor) as tx:
        return answer(_subscription(await own_subscription(tx, subscription_id)))


@router.put("/{subscription_id}")
async def change_subscription(actor: Setter, subscription_id: UUID, changed: Changed) -> dict[str, Any]:
    """Say it differently; what is not said stays."""
    async with transaction(actor) as tx:
        held = await own_subscription(tx, subscription_id)
        said = Said(
            alert_type=held.alert_type, channel=held.channel, is_enabled=held.is_enabled, quiet_hours_start=held.quiet_from,
            quiet_hours_end=held.quiet_until,
        )  # fmt: skip
        given = {name: value for name, value in changed.model_dump(exclude_unset=True).items() if name != "is_enabled" or value is not None}
        return answer(_subscription(await _say(tx, said.model_copy(update=given))))


@router.delete("/{subscription_id}")
async def remove_subscription(actor: Setter, subscription_id: UUID) -> dict[str, Any]:
    """Take it back: what one chose for everything holds again."""
    async with transaction(actor) as tx:
        held = await own_subscription(tx, subscription_id)
        await subscribe(tx, held.alert_type, {held.channel: None})
    return answer({"id": subscription_id})


async def _say(tx: Transaction, said: Said) -> AlertSubscription:
    with called(quiet_from="quiet_hours_start", quiet_until="quiet_hours_end"):
        await subscribe(
            tx, said.alert_type, {said.channel: said.is_enabled}, quiet_from=said.quiet_hours_start, quiet_until=said.quiet_hours_end
        )
    await tx.flush()
    return next(one for one in await own_subscriptions(tx) if (one.alert_type, one.channel) == (said.alert_type, said.channel))


def _subscription(one: AlertSubscription) -> dict[str, Any]:
    return {
        "id": one.id, "alert_type": one.alert_type, "channel": one.channel, "is_enabled": one.is_enabled,
        "quiet_hours_start": one.quiet_from, "quiet_hours_end": one.quiet_until, "created_at": one.created_at, "updated_at": one.updated_at,
    }  # fmt: skip
