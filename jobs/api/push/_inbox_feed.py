"""Somebody has something new to read, and each of their programs is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from data.alerts.values import in_english
from data.core.actor import Actor
from data.core.bus import Heard, bus
from data.core.session import transaction
from data.core.time import now
from data.notifications.queries import inbox, unread_count
from data.notifications.tables import Notification
from jobs.api.push._feed import Feed

MOST = 20
LAG = timedelta(seconds=5)


class InboxFeed(Feed):
    """The room of one person in one organization."""

    def __init__(self, key: Any, actor: Actor) -> None:
        self._actor = actor
        self._since, self._told = now() - LAG, set[UUID]()
        super().__init__(key)

    def listen(self) -> list[Callable[[], None]]:
        assert self._actor.organization_id and self._actor.user_id
        return [bus.listen("InboxChanged", str(self._actor.organization_id), self._changed, {"user_id": str(self._actor.user_id)})]

    def _changed(self, heard: Heard) -> None:
        if heard.ids:
            self.wake()

    async def ask(self) -> None:
        async with transaction(self._actor) as tx:
            latest, unread = await inbox(tx, limit=MOST), await unread_count(tx)
        for one in reversed(latest):
            if one.created_at >= self._since and one.id not in self._told:
                self.tell("notification:new", {"notification": _shape(one), "unread_count": unread})
        self._told = {one.id for one in latest}


def _shape(one: Notification) -> dict[str, Any]:
    return {
        "id": one.id, "notification_type": one.notification_type, "severity": one.severity, "message": in_english(one.message, one.message_values),
        "alert_id": one.alert_id, "href": one.href, "is_read": one.is_read, "created_at": one.created_at,
    }  # fmt: skip
