"""What a device's reports make of what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from data.farm.values import CommandAnswer, FirmwareAnswer, Health, Presence, Report, SensorValue, StateReport

DISPUTED_WITHIN = timedelta(seconds=10)
"""Two of a device's words that differ within this, with nothing asked in between, cannot both be true."""

SAME_START = timedelta(minutes=1)
METERED = "active_power"
"""What the meter of an output says that flows through it, in W; `power` is whether it says that it is on."""
METERED_AFTER = timedelta(seconds=30)
"""How long after it was switched a meter must agree."""
NOTHING_FLOWS_W, SOMETHING_FLOWS_W = 1.0, 5.0
"""Below the one nothing is on, above the other nothing is off; a relay's own electronics lie in between."""


class Contradiction(StrEnum):
    """What speaks against a device's state."""

    PRESENCE = "presence"
    """Its broker holds it for present, and it is silent."""
    WORDS = "words"
    """Another of its own words says something else."""
    HAND = "hand"
    """It is not as it was last asked to be: somebody switched it at the device."""
    METER = "meter"
    """It says that it is on and draws no power, or that it is off and draws some."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What is known of a device. `latest` is as in the table: {sensor_type: {value, unit, at}}.

    `asked_at` is when it was last asked for something, or when that ended. `on_total` counts the times it was on, up to when it
    was last switched on.
    """

    output: int
    is_on: bool | None = None
    state_reported_at: datetime | None = None
    is_online: bool = False
    last_heartbeat_at: datetime | None = None
    latest: Mapping[str, Any] = field(default_factory=dict)
    value: Decimal | None = None
    state_source: str | None = None
    asked_at: datetime | None = None
    on_since_at: datetime | None = None
    on_total: timedelta = timedelta(0)
    on_cycles: int = 0
    contradicted_by: str | None = None
    contradicted_at: datetime | None = None
    battery_percent: int | None = None
    signal_dbm: int | None = None
    firmware_version: str | None = None
    started_at: datetime | None = None
    own_max_on_s: int | None = None


def heard(state: DeviceState, report: Report) -> DeviceState:
    """What is known after this report. A report older than what is known moves nothing back."""
    at = report.reported_at
    if isinstance(report, Presence):
        if not report.is_online and state.contradicted_by == Contradiction.PRESENCE:  # now its broker says so too
            state = replace(state, contradicted_by=None, contradicted_at=None)
        if not _is_newer(at, state.last_heartbeat_at) or (not report.is_online and not state.is_online):
            return state
        return replace(state, is_online=report.is_online, last_heartbeat_at=at)
    if _is_newer(at, state.last_heartbeat_at):  # whoever speaks is there
        state = replace(state, is_online=True, last_heartbeat_at=at)
        if state.contradicted_by == Contradiction.PRESENCE:
            state = replace(state, contradicted_by=None, contradicted_at=None)
    match report:
        case StateReport():
            return _switched(state, report) if is_news(state, report) else state
        case SensorValue():
            return _measured(state, report)
        case Health():
            return _fares(state, report)
        case CommandAnswer() | FirmwareAnswer():
            return state


def is_news(state: DeviceState, report: StateReport) -> bool:
    """Whether a report says something of this output that is not older than what is known."""
    return report.output == state.output and _is_newer(report.reported_at, state.state_reported_at)


def has_restarted(state: DeviceState, report: Health) -> bool:
    """Whether the device has started anew since it was last heard, as one does that had no power."""
    if report.uptime_s is None or state.last_heartbeat_at is None:
        return False
    return report.reported_at - timedelta(seconds=report.uptime_s) > state.last_heartbeat_at + timedelta(seconds=1)


def on_for(state: DeviceState, at: datetime) -> timedelta:
    """How long it has been on in all its life."""
    running = at - state.on_since_at if state.is_on and state.on_since_at else timedelta(0)
    return state.on_total + max(running, timedelta(0))


def _switched(state: DeviceState, report: StateReport) -> DeviceState:
    at = report.reported_at
    after = _disputed(state, report)
    value = state.value if report.value is None else round(Decimal(str(report.value)), 2)
    after = replace(after, is_on=report.is_on, state_reported_at=at, state_source=report.source, value=value)
    if report.is_on and (not state.is_on or state.on_since_at is None):
        after = replace(after, on_since_at=at, on_cycles=state.on_cycles + (state.is_on is False))
    elif not report.is_on:
        after = replace(after, on_since_at=None, on_total=on_for(state, at))
    return after


def _disputed(state: DeviceState, report: StateReport) -> DeviceState:
    """Two words that differ at the same time are shown as such, until a second word bears the latest out."""
    is_other = state.state_source is not None and report.source != state.state_source
    if report.is_on is not state.is_on and state.contradicted_by == Contradiction.METER:
        state = replace(state, contradicted_by=None, contradicted_at=None)  # its meter is asked anew
    if report.is_on is state.is_on:
        if is_other and state.contradicted_by == Contradiction.WORDS:
            return replace(state, contradicted_by=None, contradicted_at=None)
        return state
    known_at = state.state_reported_at
    was_asked = known_at is None or (state.asked_at is not None and state.asked_at >= known_at)
    if is_other and not was_asked and known_at and report.reported_at - known_at < DISPUTED_WITHIN:
        return replace(state, contradicted_by=Contradiction.WORDS, contradicted_at=report.reported_at)
    return state


def _measured(state: DeviceState, report: SensorValue) -> DeviceState:
    known = state.latest.get(report.sensor_type)
    if known and not _is_newer(report.reported_at, datetime.fromisoformat(known["at"])):
        return state
    value: dict[str, Any] = {"value": round(report.value, 2), "unit": report.unit, "at": report.reported_at.isoformat()}
    if report.raw is not None:
        value["raw"] = round(report.raw, 2)
    return _metered(replace(state, latest={**state.latest, report.sensor_type: value}), report)


def _metered(state: DeviceState, report: SensorValue) -> DeviceState:
    """A switch that says on while nothing flows is contradicted by its own meter, and so is one that says off while something does."""
    if report.sensor_type != METERED or state.is_on is None:
        return state
    is_settled = all(at is None or report.reported_at - at >= METERED_AFTER for at in (state.asked_at, state.on_since_at))
    is_other = report.value < NOTHING_FLOWS_W if state.is_on else report.value > SOMETHING_FLOWS_W
    if is_other and is_settled and state.contradicted_by in (None, Contradiction.HAND):
        return replace(state, contradicted_by=Contradiction.METER, contradicted_at=report.reported_at)
    if not is_other and state.contradicted_by == Contradiction.METER:
        return replace(state, contradicted_by=None, contradicted_at=None)
    return state


def _fares(state: DeviceState, report: Health) -> DeviceState:
    return replace(
        state,
        battery_percent=state.battery_percent if report.battery_percent is None else round(min(max(report.battery_percent, 0), 100)),
        signal_dbm=state.signal_dbm if report.signal_dbm is None else round(min(max(report.signal_dbm, -200), 100)),
        firmware_version=report.firmware_version or state.firmware_version, started_at=_started(state, report),
        own_max_on_s=state.own_max_on_s if report.max_on_s is None or report.output not in (None, state.output) else round(report.max_on_s),
    )  # fmt: skip


def _started(state: DeviceState, report: Health) -> datetime | None:
    """Since when it runs. Its clock and ours drift apart a little, which is no new start."""
    if report.uptime_s is None:
        return state.started_at
    at = report.reported_at - timedelta(seconds=report.uptime_s)
    return state.started_at if state.started_at and abs(at - state.started_at) < SAME_START else at


def _is_newer(at: datetime, known: datetime | None) -> bool:
    return known is None or at >= known
