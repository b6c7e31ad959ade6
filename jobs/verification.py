"""Strangers ask whether a report is genuine; the event log is followed for them a piece at a time, and never twice in a while."""

import asyncio
from dataclasses import dataclass, field, replace
from time import monotonic
from uuid import UUID

from data.audit.log import verify_part
from data.audit.rules import START
from data.cold_chain.reports import verifying as of_cold_chains
from data.core.session import across_tenants
from data.farm.reports import verifying as of_farms
from data.platform.genuine import Entry, Genuine

PURPOSE = "verify a report"
PIECE = 2_000
MOST_AT_ONCE = 40_000
"""Lines of a log that one question may have followed; the next question goes on from there."""
REMEMBERED_FOR_S = 600.0


@dataclass(slots=True)
class _Followed:
    """How far an organization's log was followed, and whether it held."""

    begun: float = field(default_factory=monotonic)
    first: int = 1
    previous: str = START
    broken_at: int | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Verification:
    """Answers `await verification(fingerprint)`."""

    def __init__(self, *, piece: int = PIECE, most_at_once: int = MOST_AT_ONCE) -> None:
        self._piece, self._most = piece, most_at_once
        self._logs: dict[UUID, _Followed] = {}

    async def __call__(self, fingerprint: str) -> Genuine | None:
        async with across_tenants(PURPOSE) as tx:
            entry = await of_cold_chains.find(tx, fingerprint) or await of_farms.find(tx, fingerprint)
        if entry is None:
            return None
        return replace(entry.report, is_log_whole=await self._holds(entry))

    async def _holds(self, entry: Entry) -> bool | None:
        log = self._logs.get(entry.organization_id)
        if log is None or monotonic() - log.begun > REMEMBERED_FOR_S:
            log = self._logs[entry.organization_id] = _Followed()
        async with log.turn:
            budget = self._most
            while log.broken_at is None and log.first <= entry.sequence and budget > 0:
                async with across_tenants(PURPOSE) as tx:
                    found, log.first, log.previous = await verify_part(
                        tx, entry.organization_id, first=log.first, previous=log.previous, last=entry.sequence, limit=self._piece
                    )
                if found:
                    log.broken_at = min(one.sequence for one in found)
                budget -= self._piece
        if log.broken_at is not None and log.broken_at <= entry.sequence:
            return False
        return True if log.first > entry.sequence else None
