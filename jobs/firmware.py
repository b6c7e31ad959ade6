"""Devices are told of their new firmware when their time has come, be that at once or in the night."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from data.core.actor import Actor
from data.core.errors import Refusal
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm.commands.firmware_course import claim_updates, note_told
from data.farm.events import FirmwareWanted
from data.farm.values import FirmwareOrder
from jobs.announced import Announced
from jobs.channels import TryLater
from jobs.organizations import in_turn

log = structlog.get_logger()

LOOK_AGAIN_S = 10.0
"""Whose night begins, and whose output went off, is seen within this."""

Send = Callable[[FirmwareOrder], Awaitable[None]]
"""Tells one device through its network. Raises TryLater, or a Refusal where it cannot be told."""


class Updates(Announced):
    """Tells whoever's turn it is, at once when it is announced and every `look_again_s` besides."""

    def __init__(self, send: Send, *, look_again_s: float = LOOK_AGAIN_S) -> None:
        super().__init__("firmware", FirmwareWanted.__name__, self.tell_due, look_again_s=look_again_s)
        self._send = send

    async def tell_due(self) -> int:
        """Tell those whose turn it is; to how many something was said."""
        async with across_tenants("firmware") as tx:
            orders = await claim_updates(tx, at=now())
        told: dict[UUID, list[UUID]] = defaultdict(list)
        waiting: dict[UUID, list[UUID]] = defaultdict(list)
        refused: dict[UUID, dict[UUID, Refusal]] = defaultdict(dict)
        for order in orders:
            try:
                await self._send(order)
                told[order.organization_id].append(order.update_id)
            except TryLater as reason:
                log.warning("a device could not be told of its firmware", topic=order.topic, reason=str(reason))
                waiting[order.organization_id].append(order.update_id)
            except Refusal as reason:
                log.info("a device cannot be told of its firmware", topic=order.topic, reason=str(reason))
                refused[order.organization_id][order.update_id] = reason

        async def note(organization_id: UUID) -> None:
            async with transaction(Actor.system(organization_id, "farm.firmware")) as tx:
                await note_told(tx, told[organization_id], waiting[organization_id], refused[organization_id], at=now())

        await in_turn("farm.firmware", {order.organization_id for order in orders}, note)
        return sum(len(one) for one in told.values())
