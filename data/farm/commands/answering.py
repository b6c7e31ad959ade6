"""A device's word is held against what it was asked: that is done, refused, or under way; and what changed by itself is noticed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import select

from data.core import columns
from data.core.session import Transaction
from data.farm.commands.asking import open_of, value_of
from data.farm.commands.runs_ended import note_ends
from data.farm.events import DeviceChanged, ScheduleChanged
from data.farm.rules import ANSWER_WITHIN, DID_SOMETHING_ELSE, FRESH, REFUSED_BY_DEVICE, answers
from data.farm.rules.levels import in_unit
from data.farm.tables import CommandStatus, CommandType, DeviceCommand
from data.farm.values import CommandAnswer, StateReport

_END = text("""
    with answered as (
        update farm.device_commands c set
            status = cast(n.status as farm.command_status), claimed_until_at = null,
            completed_at = case when n.status <> 'executing' then n.at end,
            sent_at = coalesce(c.sent_at, case when c.attempt_count > 0 then n.at end),
            answer_until_at = case when n.status = 'executing' then n.until else c.answer_until_at end,
            response_data = cast(n.response as jsonb), error_message = n.error, error_values = cast(n.error_values as jsonb)
        from unnest(:ids, :statuses, :ats, :untils, :responses, :errors, :values)
            n (id, status, at, until, response, error, error_values)
        where c.organization_id = :organization_id and c.id = n.id and c.status in ('queued', 'sent', 'executing')
        returning c.*
    ), noted as (
        update farm.devices d set last_command_status = a.status, last_command_at = coalesce(a.completed_at, d.last_command_at),
            error_count = d.error_count + case when a.status = 'failed' then 1 else 0 end
        from answered a where d.organization_id = a.organization_id and d.id = a.device_id
    ), executed as (
        update farm.schedule_executions e set device_response = a.response_data, error_message = coalesce(a.error_message, e.error_message),
            error_values = case when a.error_message is null then e.error_values else a.error_values end,
            status = cast(case when a.status = 'completed' then 'executed' else 'failed' end as farm.execution_status),
            execution_duration_ms = extract(epoch from a.completed_at - a.requested_at) * 1000
        from answered a
        where e.organization_id = a.organization_id and e.command_id = a.id and a.status in ('completed', 'failed')
    )
    select * from answered""")

_LAST_DONE = text("""
    select distinct on (c.device_id) c.device_id, c.command_type, c.command_params, c.completed_at
    from farm.device_commands c
    where c.organization_id = :organization_id and c.device_id = any(:ids) and c.status = 'completed'
    order by c.device_id, c.requested_at desc""")


@dataclass(frozen=True, slots=True)
class Said:
    """What one device said of its state, of all that is not older than what was known, and of commands by their ids."""

    device_id: UUID
    farm_id: UUID
    states: Sequence[StateReport]
    answers: Sequence[CommandAnswer]


@dataclass(frozen=True, slots=True)
class _Ending:
    """What becomes of a command, and what the device said."""

    command: DeviceCommand
    status: CommandStatus
    at: datetime
    response: dict[str, Any]
    error: str | None = None
    values: Mapping[str, Any] | None = None


async def answer(tx: Transaction, said: Sequence[Said], *, at: datetime) -> dict[UUID, DeviceCommand]:
    """End (or note as begun) the open commands that these devices have answered; by device. Two statements for all of them.

    Only a state that is fresh, that is no older than what was known, and that was told after the wish is an answer.
    """
    speaking = {one.device_id: one for one in said if one.states or one.answers}
    if not speaking:
        return {}
    opened = {command.device_id: command for command in await open_of(tx, list(speaking))}
    endings = [found for device_id, command in opened.items() if (found := _ending(command, speaking[device_id], at))]
    if not endings:
        return {}
    rows = await tx.execute(
        select(DeviceCommand).from_statement(_END),
        {
            "organization_id": tx.organization_id, "ids": columns.ids([one.command.id for one in endings]),
            "statuses": columns.texts(one.status.value for one in endings), "ats": columns.instants(one.at for one in endings),
            "untils": columns.instants(one.at + ANSWER_WITHIN for one in endings),
            "responses": columns.texts(json.dumps(one.response) for one in endings),
            "errors": columns.texts(one.error for one in endings),
            "values": columns.texts(json.dumps(dict(one.values or {})) for one in endings),
        },
        execution_options={"populate_existing": True},
    )  # fmt: skip
    answered = {command.device_id: command for command in rows.scalars().all()}
    for command in answered.values():
        tx.emit(DeviceChanged(device_id=command.device_id, farm_id=command.farm_id))
        if command.schedule_id:
            tx.emit(ScheduleChanged(schedule_id=command.schedule_id, farm_id=command.farm_id))
    await note_ends(tx, [command.schedule_id for command in answered.values() if command.schedule_id], at=at)
    return answered


async def last_done(tx: Transaction, device_ids: Sequence[UUID]) -> dict[UUID, bool]:
    """Whether each of these devices was on, by what it was last asked and did."""
    if not device_ids:
        return {}
    rows = await tx.execute(_LAST_DONE, {"organization_id": tx.organization_id, "ids": columns.ids(device_ids)})
    return {row.device_id: _leaves_on(row.command_type, row.command_params) for row in rows if row.command_type != "set_angle"}


def _leaves_on(command_type: str, params: Mapping[str, Any] | None) -> bool:
    value = (params or {}).get("value")
    return command_type == CommandType.ON if value is None else value > 0


def _ending(command: DeviceCommand, said: Said, at: datetime) -> _Ending | None:
    for word in said.answers if command.attempt_count else ():  # nobody answers what was never handed over
        if word.command_id == command.id and at - word.reported_at <= FRESH and (found := _by_id(command, word)):
            return found
    for told in said.states:
        state = in_unit(told, command.command_type.value)
        is_after = command.requested_at <= state.reported_at and at - state.reported_at <= FRESH
        if is_after and answers(command.command_type, value_of(command), is_on=state.is_on, reported=state.value):
            return _Ending(command, CommandStatus.COMPLETED, state.reported_at, _response(state.is_on, state.value))
    return None


def _by_id(command: DeviceCommand, word: CommandAnswer) -> _Ending | None:
    status, response = CommandStatus(word.status), _response(word.is_on, word.value)
    if status is CommandStatus.EXECUTING:
        is_begun = command.status is CommandStatus.EXECUTING
        return None if is_begun else _Ending(command, status, word.reported_at, response)
    if status is CommandStatus.COMPLETED:
        says_no_state = word.is_on is None or (value_of(command) is not None and word.value is None)
        if says_no_state or answers(command.command_type, value_of(command), is_on=bool(word.is_on), reported=word.value):
            return _Ending(command, status, word.reported_at, response)
        return _Ending(command, CommandStatus.FAILED, word.reported_at, response, DID_SOMETHING_ELSE)
    reason = {"reason": (word.error or "?")[:200]}
    return _Ending(command, CommandStatus.FAILED, word.reported_at, response | reason, REFUSED_BY_DEVICE, reason)


def _response(is_on: bool | None, value: float | None) -> dict[str, Any]:
    power: dict[str, Any] = {} if is_on is None else {"power": "ON" if is_on else "OFF"}
    return power if value is None else power | {"value": float(value)}


def is_by_limit(max_on_s: int | None, on_for: timedelta | None) -> bool:
    """Whether a device that went off by itself kept to the longest time that it may be on."""
    return max_on_s is not None and on_for is not None and on_for >= timedelta(seconds=max_on_s - 2)
