"""What was asked of a device leaves the house: claimed by one process, handed to the network, and marked as sent.

Devices at the broker are told. What is asked of those behind a gateway is not taken up here: it comes and asks (see
`data.farm.commands.take_waiting`).
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

import structlog

from data.core.actor import Actor
from data.core.errors import Refusal
from data.core.session import across_tenants, transaction
from data.core.time import now
from data.farm.commands import claim_queued, give_back, mark_sent
from data.farm.commands.giving_up import refuse
from data.farm.values import Outgoing
from jobs.announced import Announced
from jobs.channels import TryLater
from jobs.organizations import in_turn

log = structlog.get_logger()

LOOK_AGAIN_S = 1.0
"""How long a command waits at most when its announcement was lost or the network was away."""


Send = Callable[[Outgoing], Awaitable[None]]
"""Hands one instruction to a device's network. Raises TryLater, or a Refusal where the device cannot be told this, now or ever."""


class Instructions(Announced):
    """Sends what is queued, at once when it is announced and every `look_again_s` besides."""

    def __init__(self, send: Send, *, look_again_s: float = LOOK_AGAIN_S) -> None:
        super().__init__("instructions", "CommandQueued", self.send_queued, look_again_s=look_again_s)
        self._send = send

    async def send_queued(self) -> int:
        """Send one batch of what waits; how many of it are settled. What cannot be sent is given back, what cannot be said has failed."""
        async with across_tenants("instructions") as tx:
            claimed = await claim_queued(tx, at=now())
        if not claimed:
            return 0
        sent: list[UUID] = []
        refused: dict[UUID, dict[UUID, Refusal]] = defaultdict(dict)
        for one in claimed:
            try:
                await self._send(one)
                sent.append(one.command_id)
            except TryLater as reason:
                log.warning("an instruction could not be sent", topic=one.topic, reason=str(reason))
            except Refusal as reason:
                log.info("a device cannot be told", topic=one.topic, asked=one.command, reason=str(reason))
                refused[one.organization_id][one.command_id] = reason
        settled = {*sent, *(command_id for reasons in refused.values() for command_id in reasons)}
        async with across_tenants("instructions") as tx:
            await mark_sent(tx, sent, at=now())
            await give_back(tx, [one.command_id for one in claimed if one.command_id not in settled], at=now())
        await in_turn("farm.instructions", refused, lambda organization_id: _refuse(organization_id, refused[organization_id]))
        return len(settled)


async def _refuse(organization_id: UUID, reasons: Mapping[UUID, Refusal]) -> None:
    async with transaction(Actor.system(organization_id, "farm.instructions")) as tx:
        await refuse(tx, reasons, at=now())
