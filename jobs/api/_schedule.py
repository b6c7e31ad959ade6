"""How a schedule is written by programs: times by the farm's clock, durations in seconds, conditions and sequences in the words of the farm."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from data.farm.queries import Planned
from data.farm.rules import Step, Timing
from data.farm.tables import CommandType, MissedPolicy, ScheduleType, SwitchAction

OURS = {
    "on_duration": "on_duration_s", "off_duration": "off_duration_s", "action_duration": "action_duration_s", "action_sequence": "steps",
    "condition_json": "condition", "longest_run": "longest_run_s", "minimum_on": "minimum_on_s", "minimum_off": "minimum_off_s",
    "silent_after": "silent_after_s",
}  # fmt: skip
"""What programs call otherwise than we do."""
THEIRS = {ours: theirs for theirs, ours in OURS.items()}
_LEAF = {"type": "sensor_type", "sensor": "sensor_type", "threshold": "value"}
_OF_TIMING = (
    "schedule_type", "cron_expression", "start_time", "end_time", "weekdays", "start_date", "end_date", "sun_event", "sun_offset_minutes",
    "on_duration", "off_duration", "repeat_count", "action_duration", "action_sequence", "condition_json", "value", "value_command",
    "off_value", "longest_run", "minimum_on", "minimum_off", "fail_safe_action", "silent_after", "missed_policy",
)  # fmt: skip

Seconds = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class StepGiven(BaseModel):
    """One part of a sequence, in seconds."""

    model_config = ConfigDict(extra="forbid")

    action: Annotated[str, Field(max_length=10)]
    duration: Seconds


class ScheduleGiven(BaseModel):
    """`time_based`: `cron_expression`, or `start_time` and `end_time`, or `sun_event`, with `action_duration` or `action_sequence`;
    `duration_based`: `on_duration`, `off_duration`, `repeat_count`, within a window or not; `condition_based`: `condition_json`,
    {device_id, sensor_type, operator, value, until?} or and, or, not of such. `weekdays` are 1 for Monday to 7."""

    model_config = ConfigDict(extra="forbid")

    device_id: UUID | None = None
    name: Annotated[str, Field(max_length=200)] | None = None
    action: SwitchAction = SwitchAction.ON
    priority: int = 0
    is_enabled: bool = True
    schedule_type: ScheduleType = ScheduleType.TIME
    cron_expression: Annotated[str, Field(max_length=200)] | None = None
    start_time: time | None = None
    end_time: time | None = None
    weekdays: Annotated[list[int], Field(max_length=7)] | None = None
    start_date: date | None = None
    end_date: date | None = None
    sun_event: Annotated[str, Field(max_length=20)] | None = None
    sun_offset_minutes: int | None = None
    on_duration: Seconds | None = None
    off_duration: Seconds | None = None
    repeat_count: int | None = None
    action_duration: Seconds | None = None
    action_sequence: Annotated[list[StepGiven], Field(max_length=100)] | None = None
    condition_json: dict[str, Any] | None = None
    value: Number | None = None
    value_command: CommandType | None = None
    off_value: Number | None = None
    longest_run: Seconds | None = None
    minimum_on: Seconds | None = None
    minimum_off: Seconds | None = None
    fail_safe_action: SwitchAction | None = None
    silent_after: Seconds | None = None
    missed_policy: MissedPolicy | None = None

    @property
    def changes_timing(self) -> bool:
        """Whether it says anything of when and how it acts."""
        return bool(self.model_fields_set & set(_OF_TIMING))

    def timing(self, before: Timing | None = None) -> Timing:
        """When and how it acts; what is not said stays as `before`, unless it becomes one of another kind."""
        kind = self.schedule_type.value if "schedule_type" in self.model_fields_set or before is None else before.schedule_type
        kept = before if before and before.schedule_type == kind else Timing(kind)
        given = {OURS.get(name, name): self._as_ours(name) for name in self.model_fields_set & set(_OF_TIMING)}
        return replace(kept, **given | {"schedule_type": kind, "template": None})

    def _as_ours(self, name: str) -> Any:
        value = getattr(self, name)
        if name == "weekdays":
            return None if value is None else tuple(value)
        if name == "action_sequence":
            return None if value is None else tuple(Step(one.action.lower(), one.duration) for one in value)
        if name == "condition_json":
            return None if value is None else condition_in_ours(value)
        if name in ("value", "off_value"):
            return None if value is None else Decimal(str(value))
        return value.value if isinstance(value, CommandType | SwitchAction | MissedPolicy | ScheduleType) else value


def condition_in_ours(condition: Any) -> Any:
    """The same with our names at every depth: AND for and, `type` or `sensor` for `sensor_type`, `threshold` for `value`."""
    if isinstance(condition, list):
        return [condition_in_ours(one) for one in condition]
    if not isinstance(condition, Mapping):
        return condition
    said = {str(name).lower(): value for name, value in condition.items()}
    return {_LEAF.get(name, name): condition_in_ours(value) for name, value in said.items()}


def schedule_shape(one: Planned, count: int) -> dict[str, Any]:
    """`next_execution` of a condition is null: nobody knows beforehand. `execution_count` counts each time that it was due."""
    schedule, row = one.schedule, one.schedule.model_dump()
    is_conditional = schedule.schedule_type is ScheduleType.CONDITION
    steps = [{"action": step["action"], "duration": step["duration_s"]} for step in schedule.steps] if schedule.steps else None
    return {
        "id": schedule.id, "farm_id": schedule.farm_id, "device_id": schedule.device_id, "device_name": one.device.name, "name": schedule.name,
        "action": schedule.action, "priority": schedule.priority, "is_enabled": schedule.is_enabled,
        **{name: row[OURS.get(name, name)] for name in _OF_TIMING}, "action_sequence": steps, "template": schedule.template,
        "value": _number(schedule.value), "off_value": _number(schedule.off_value), "time_zone": one.farm.time_zone,
        "next_execution": None if is_conditional else schedule.next_run_at, "last_execution": schedule.last_run_at,
        "last_status": one.last and one.last.status, "execution_count": count, "is_met": schedule.is_met, "phase": schedule.phase,
        "failure_count": schedule.failure_count, "created_by": schedule.created_by, "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }  # fmt: skip


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
