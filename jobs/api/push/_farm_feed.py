"""What a farm's programs are told: how its devices are, what they measured, what became of wishes and runs, and what is wrong.

It is asked once for all in the room, with the one right that everybody in it has: to see this farm.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import monotonic
from types import MappingProxyType
from typing import Any
from uuid import UUID

from data.alerts.tables import Alert, AlertStatus
from data.core.actor import Actor, ActorKind
from data.core.bus import Heard, bus
from data.core.session import transaction
from data.core.time import now
from data.farm.news import news
from data.farm.tables import Device, DeviceCommand, ScheduleExecution
from jobs.api._alerts import alert_shape
from jobs.api._farm import device_shape
from jobs.api.commands import why_of
from jobs.api.push._feed import Feed

READINGS_EVERY_S = 4.0
"""What devices measured goes out together, not more often than this."""
LAG = timedelta(seconds=30)
"""What is as old as this when the room is opened is new to it all the same: it may just have been written."""
MOST_TOLD = 5_000


class FarmFeed(Feed):
    """The room of one farm."""

    def __init__(self, key: Any, organization_id: UUID, farm_id: UUID) -> None:
        self.organization_id, self.farm_id = organization_id, farm_id
        self._actor = Actor(
            ActorKind.MACHINE, organization_id, "push", rights=MappingProxyType({"farm.view": frozenset({farm_id})})
        )
        self._devices: set[UUID] = set()
        self._schedules: set[UUID] = set()
        self._alerts: set[UUID] = set()
        self._told: dict[UUID, Any] = {}
        """What was said of a thing last, so that nothing is said twice."""
        self._values: dict[UUID, Mapping[str, Any]] = {}
        self._opened_at, self._readings_at = now(), 0.0
        self._measured: dict[UUID, dict[str, Any]] = {}
        super().__init__(key)

    def listen(self) -> list[Callable[[], None]]:
        there, here = str(self.organization_id), {"farm_id": str(self.farm_id)}
        return [
            bus.listen("DeviceChanged", there, lambda heard: self._note(self._devices, heard, "device_id"), here),
            bus.listen("ScheduleChanged", there, lambda heard: self._note(self._schedules, heard, "schedule_id"), here),
            bus.listen("AlertChanged", there, lambda heard: self._note(self._alerts, heard, "alert_id")),
        ]  # fmt: skip

    def _note(self, changed: set[UUID], heard: Heard, name: str) -> None:
        if heard.ids:  # without any the bus was away, and everybody is told to ask anew
            changed.add(UUID(heard.ids[name]))
            self.wake()

    @property
    def due_in_s(self) -> float | None:
        return max(0.0, self._readings_at + READINGS_EVERY_S - monotonic()) if self._measured else None

    async def ask(self) -> None:
        devices, schedules, alerts = set(self._devices), set(self._schedules), set(self._alerts)
        if devices or schedules or alerts:
            async with transaction(self._actor) as tx:
                found = await news(tx, self.farm_id, devices=devices, schedules=schedules, alert_ids=alerts)
            self._devices -= devices
            self._schedules -= schedules
            self._alerts -= alerts
            for device in found.devices:
                self._tell_device(device)
            for command in found.commands:
                self._tell_command(command)
            for run, name in found.runs:
                self._tell_run(run, name)
            self._tell_alerts(found.alerts)
        if self._measured and monotonic() >= self._readings_at + READINGS_EVERY_S:
            self._tell_readings()

    def _is_news(self, key: UUID, said: Any) -> bool:
        before = self._told.pop(key, None)
        self._told[key] = said
        if len(self._told) > MOST_TOLD:
            del self._told[next(iter(self._told))]
        return bool(before != said)

    def _tell_device(self, device: Device) -> None:
        if device.deleted_at:
            if self._is_news(device.id, device.deleted_at) and device.deleted_at >= self._opened_at - LAG:
                self.tell("device:removed", {"farm_id": self.farm_id, "device_id": device.id}, device_id=device.id)
            return
        before = self._values.get(device.id)
        self._values[device.id] = device.latest
        if fresh := {kind: one for kind, one in device.latest.items() if self._is_fresh(one, before.get(kind) if before else None)}:
            held = self._measured.setdefault(device.id, {"device_id": str(device.id), "name": device.name, "readings": {}})
            held["readings"] |= {kind: {name: one.get(name) for name in ("value", "unit", "at")} for kind, one in fresh.items()}
        state = (
            device.name, device.is_online, device.is_on, device.value, device.is_active, device.firmware_version, device.location,
            device.battery_percent, device.contradicted_by, device.last_command_status,
        )  # fmt: skip
        if self._is_news(device.id, state):
            value = None if device.value is None else float(device.value)
            said = {"farm_id": self.farm_id, "device": device_shape(device) | {"value": value, "contradicted_by": device.contradicted_by}}
            self.tell("device:update", said, device_id=device.id)

    def _is_fresh(self, one: Mapping[str, Any], before: Mapping[str, Any] | None) -> bool:
        """Whether it was measured after it was told last, or else after the room was opened."""
        if before:
            return bool(one["at"] != before["at"])
        return datetime.fromisoformat(one["at"]) >= self._opened_at - LAG

    def _tell_command(self, command: DeviceCommand) -> None:
        if not self._is_news(command.id, command.status) or (command.completed_at or now()) < self._opened_at:
            return
        if command.schedule_id and command.completed_at:
            self._schedules.add(command.schedule_id)
            self.wake()
        said = {
            "farm_id": self.farm_id, "device_id": command.device_id, "command_id": command.id, "command_type": command.command_type,
            "command_params": command.command_params or {}, "status": command.status, "source": command.source,
            "requested_at": command.requested_at, "completed_at": command.completed_at, "error_message": why_of(command),
        }  # fmt: skip
        self.tell("device:command-status", said, device_id=command.device_id)

    def _tell_run(self, run: ScheduleExecution, name: str) -> None:
        if not self._is_news(run.id, run.status) or (run.executed_at or run.created_at) < self._opened_at - LAG:
            return
        said = {
            "farm_id": self.farm_id, "schedule_id": run.schedule_id, "schedule_name": name, "execution_id": run.id, "device_id": run.device_id,
            "scheduled_time": run.scheduled_time, "executed_at": run.executed_at, "status": run.status, "error_message": run.error_message,
        }  # fmt: skip
        self.tell("schedule:executed", said, device_id=run.device_id)

    def _tell_alerts(self, alerts: Sequence[Alert]) -> None:
        for alert in alerts:
            if alert.status is AlertStatus.RESOLVED:
                event = "alert:resolved"
            else:
                event = "alert:updated" if alert.id in self._told or alert.created_at < self._opened_at else "alert:triggered"
            if self._is_news(alert.id, (alert.status, alert.severity, alert.snoozed_until_at)):
                said = {"farm_id": self.farm_id, "alert": alert_shape(alert, {})}
                self.tell(event, said, device_id=alert.subject_id)

    def _tell_readings(self) -> None:
        measured, self._measured, self._readings_at = self._measured, {}, monotonic()
        for one, wanted in tuple(self.listeners.items()):
            theirs = [said for device_id, said in measured.items() if wanted is None or device_id in wanted]
            if theirs:
                one.tell("sensor:reading", {"farm_id": str(self.farm_id), "devices": theirs})
