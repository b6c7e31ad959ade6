"""What is done for every organization is done for each by itself: what fails in one keeps no other waiting."""

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import structlog

from data.core.actor import Actor
from data.core.session import Transaction, transaction

log = structlog.get_logger()


async def in_turn(name: str, organization_ids: Iterable[UUID], act: Callable[[UUID], Awaitable[object]]) -> None:
    """Do it for each; ExceptionGroup at the end where it failed for some."""
    failed: list[Exception] = []
    for organization_id in organization_ids:
        try:
            await act(organization_id)
        except Exception as reason:  # an edge: one organization's trouble is its own
            log.exception("a job failed for one organization", job=name, organization_id=str(organization_id))
            failed.append(reason)
    if failed:
        raise ExceptionGroup(f"{name} failed for {len(failed)} organizations", failed)


async def in_each(name: str, organization_ids: Iterable[UUID], work: Callable[[Transaction], Awaitable[object]]) -> None:
    """The same in one transaction each."""

    async def act(organization_id: UUID) -> None:
        async with transaction(Actor.system(organization_id, name)) as tx:
            await work(tx)

    await in_turn(name, organization_ids, act)
