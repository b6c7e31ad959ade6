"""What a device's reports make of what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from data.farm.values import Presence, Report, SensorValue, StateReport


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What is known of a device. `latest` is as in the table: {sensor_type: {value, unit, at}}."""

    output: int
    is_on: bool | None = None
    state_reported_at: datetime | None = None
    is_online: bool = False
    last_heartbeat_at: datetime | None = None
    latest: Mapping[str, Any] = field(default_factory=dict)


def heard(state: DeviceState, report: Report) -> DeviceState:
    """What is known after this report. A report older than what is known moves nothing back."""
    at = report.reported_at
    if isinstance(report, Presence):
        if not _is_newer(at, state.last_heartbeat_at) or (not report.is_online and not state.is_online):
            return state
        return replace(state, is_online=report.is_online, last_heartbeat_at=at)
    if _is_newer(at, state.last_heartbeat_at):  # whoever speaks is there
        state = replace(state, is_online=True, last_heartbeat_at=at)
    if isinstance(report, StateReport):
        if report.output == state.output and _is_newer(at, state.state_reported_at):
            state = replace(state, is_on=report.is_on, state_reported_at=at)
        return state
    return _measured(state, report) if isinstance(report, SensorValue) else state


def _measured(state: DeviceState, report: SensorValue) -> DeviceState:
    known = state.latest.get(report.sensor_type)
    if known and not _is_newer(report.reported_at, datetime.fromisoformat(known["at"])):
        return state
    value = {"value": round(report.value, 2), "unit": report.unit, "at": report.reported_at.isoformat()}
    return replace(state, latest={**state.latest, report.sensor_type: value})


def _is_newer(at: datetime, known: datetime | None) -> bool:
    return known is None or at >= known
