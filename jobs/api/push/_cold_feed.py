"""What a cold chain's programs are told: what is wrong and that it is over, how units are, and how warm.

It is asked once for all in the room, with the one right that everybody in it has: to see this site, or all of them.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from data.alerts.tables import Alert, AlertStatus
from data.cold_chain.queries import news as queries
from data.cold_chain.queries.news import UnitNews
from data.cold_chain.queries.units import VIEW
from data.cold_chain.values import UnitStatus
from data.core.actor import Actor, ActorKind
from data.core.bus import Heard, bus
from data.core.session import transaction
from data.core.time import now
from jobs.api._alerts import alert_shape
from jobs.api.push._feed import Feed

READINGS_EVERY_S = 3.0
"""What sensors measured goes out together, not more often than this."""
LAG = timedelta(seconds=30)
MOST_TOLD = 5_000


class _Known(NamedTuple):
    status: UnitStatus | None = None
    changed_at: datetime | None = None
    read_at: datetime | None = None


class ColdFeed(Feed):
    """The room of one site, or (without one) of a whole organization; `site_id` is None there."""

    def __init__(self, key: Any, organization_id: UUID, site_id: UUID | None) -> None:
        self.organization_id, self.site_id = organization_id, site_id
        where = None if site_id is None else frozenset({site_id})
        self._actor = Actor(ActorKind.MACHINE, organization_id, "push", rights=MappingProxyType({VIEW: where}))
        self._units: set[UUID] = set()
        self._alerts: set[UUID] = set()
        self._known: dict[UUID, _Known] | None = None
        """How each unit was when it was asked last; None before the first time."""
        self._told: dict[UUID, tuple[Any, int]] = {}
        """What was said of an alert last, and its step of the ladder then."""
        self._warm: dict[UUID, UnitNews] = {}
        self._opened_at, self._readings_at = now(), 0.0
        self.has_begun = asyncio.Event()
        """Set once it is known how the units were: from then on each change is told with what was before."""
        super().__init__(key)
        self.wake()

    def listen(self) -> list[Callable[[], None]]:
        there = str(self.organization_id)
        return [
            bus.listen("UnitChanged", there, lambda heard: self._note(self._units, heard, "unit_id")),
            bus.listen("AlertChanged", there, lambda heard: self._note(self._alerts, heard, "alert_id")),
        ]  # fmt: skip

    def _note(self, changed: set[UUID], heard: Heard, name: str) -> None:
        if heard.ids:  # without any the bus was away, and everybody is told to ask anew
            changed.add(UUID(heard.ids[name]))
            self.wake()

    @property
    def due_in_s(self) -> float | None:
        return max(0.0, self._readings_at + READINGS_EVERY_S - monotonic()) if self._warm else None

    async def ask(self) -> None:
        units, alerts = set(self._units), set(self._alerts)
        if units or alerts or self._known is None:
            async with transaction(self._actor) as tx:
                before = self._known if self._known is not None else {one.id: self._as_opened(one) for one in await queries.units(tx)}
                changed, raised = await queries.news(tx, unit_ids=units, alert_ids=alerts)
            self._known = before
            self.has_begun.set()
            self._units -= units
            self._alerts -= alerts
            for unit in changed:
                self._tell_unit(unit)
            self._tell_alerts(raised)
        if self._warm and monotonic() >= self._readings_at + READINGS_EVERY_S:
            self._tell_readings()

    def _as_opened(self, unit: UnitNews) -> _Known:
        """As it was when the room was opened: what came since is news."""
        is_changed = unit.status_changed_at >= self._opened_at
        is_fresh = unit.last_reading_at is not None and unit.last_reading_at >= self._opened_at - LAG
        return _Known(None if is_changed else unit.status, None if is_changed else unit.status_changed_at, None if is_fresh else unit.last_reading_at)

    def _tell_unit(self, unit: UnitNews) -> None:
        assert self._known is not None
        before = self._known.get(unit.id, _Known())
        self._known[unit.id] = _Known(unit.status, unit.status_changed_at, unit.last_reading_at)
        if unit.last_reading_at != before.read_at:
            self._warm[unit.id] = unit
        if unit.status_changed_at != before.changed_at and (before.changed_at or unit.status_changed_at >= self._opened_at):
            said = {
                "site_id": unit.site_id, "unit_id": unit.id, "name": unit.name, "from": before.status, "to": unit.status,
                "changed_at": unit.status_changed_at, "temperature": unit.celsius, "door_is_open": unit.door_is_open,
            }  # fmt: skip
            self.tell("unit:state:changed", said, device_id=unit.id)

    def _tell_alerts(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            before = self._told.pop(alert.id, None)
            said = (alert.status, alert.severity, alert.snoozed_until_at, alert.escalation_level)
            self._told[alert.id] = said, alert.escalation_level
            if len(self._told) > MOST_TOLD:
                del self._told[next(iter(self._told))]
            if before and before[0] == said:
                continue
            shaped = {"site_id": alert.scope_id, "unit_id": alert.subject_id, "alert": alert_shape(alert, {})}
            self.tell(self._event(alert, before), shaped, device_id=alert.subject_id)

    def _event(self, alert: Alert, before: tuple[Any, int] | None) -> str:
        if alert.status is AlertStatus.RESOLVED:
            return "alert:resolved"
        if alert.escalated_at and alert.escalated_at >= self._opened_at and alert.escalation_level > (before[1] if before else 0):
            return "alert:escalated"
        return "alert:updated" if before or alert.created_at < self._opened_at else "alert:triggered"

    def _tell_readings(self) -> None:
        warm, self._warm, self._readings_at = self._warm, {}, monotonic()
        shaped = {
            unit.id: {
                "site_id": str(unit.site_id), "unit_id": str(unit.id), "temperature": unit.celsius, "door_is_open": unit.door_is_open,
                "recorded_at": unit.last_reading_at.isoformat() if unit.last_reading_at else None,
            }
            for unit in warm.values()
        }  # fmt: skip
        whole = list(shaped.values())
        for one, wanted in tuple(self.listeners.items()):
            theirs = whole if wanted is None else [said for unit_id, said in shaped.items() if unit_id in wanted]
            if theirs:
                one.tell("unit:readings", {"organization_id": str(self.organization_id), "readings": theirs})
