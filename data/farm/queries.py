"""What somebody may see of the farms that their roles reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Double, cast, func, or_, true
from sqlalchemy import select as select_columns
from sqlmodel import col, select

from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm.tables import (
    Device,
    DeviceCommand,
    DeviceConfig,
    DeviceType,
    Farm,
    Schedule,
    ScheduleExecution,
    SensorReading,
    SwitchAction,
)
from data.farm.values import DeviceSettings, Question
from data.identity.tables import User


def within(tx: Transaction, farm_id: Any, permission: str = "farm.view") -> ColumnElement[bool]:
    """The part of a `where` that keeps the farms on which the actor has this right."""
    scopes = tx.actor.scopes(permission)
    return true() if scopes is None else col(farm_id).in_(scopes)


async def farms(tx: Transaction) -> Sequence[Farm]:
    """The farms one may see, by name."""
    tx.actor.require("farm.view")
    statement = select(Farm).where(col(Farm.deleted_at).is_(None), within(tx, Farm.id)).order_by(Farm.name, col(Farm.id))
    return (await tx.exec(statement)).all()


async def farm(tx: Transaction, farm_id: UUID) -> Farm:
    statement = select(Farm).where(Farm.id == farm_id, col(Farm.deleted_at).is_(None), within(tx, Farm.id))
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such farm.")
    return found


async def device(tx: Transaction, device_id: UUID, *, for_update: bool = False) -> Device:
    statement = select(Device).where(
        Device.id == device_id, col(Device.deleted_at).is_(None), within(tx, Device.farm_id)
    )
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such device.")
    return found


async def devices(tx: Transaction, *, farm_id: UUID | None = None, only: DeviceType | None = None) -> Sequence[Device]:
    """The devices of the farms one may see (or of one of them), by room and name."""
    tx.actor.require("farm.view")
    statement = select(Device).where(col(Device.deleted_at).is_(None), within(tx, Device.farm_id))
    if farm_id:
        statement = statement.where(Device.farm_id == farm_id)
    if only:
        statement = statement.where(Device.device_type == only)
    return (await tx.exec(statement.order_by(col(Device.location).nulls_last(), Device.name, col(Device.id)))).all()


async def find(tx: Transaction, text: str, *, limit: int) -> Sequence[tuple[Device, Farm]]:
    """Devices whose name, room, topic or farm contains the text."""
    tx.actor.require("farm.view")
    wanted = [col(column).icontains(text, autoescape=True) for column in (Device.name, Device.location, Device.topic, Farm.name)]
    statement = (
        select(Device, Farm)
        .join(Farm, col(Farm.id) == Device.farm_id)
        .where(col(Device.deleted_at).is_(None), within(tx, Device.farm_id), or_(*wanted))
        .order_by(Device.name, col(Device.id))
        .limit(limit)
    )
    return [(device, farm) for device, farm in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class Standing:
    """A farm and how many of its devices there are and are offline."""

    farm: Farm
    devices: int
    offline: int


async def standings(tx: Transaction) -> Sequence[Standing]:
    """The farms one may see, by name, with how they stand."""
    tx.actor.require("farm.view")
    is_offline = col(Device.is_online).is_(False) & col(Device.is_active).is_(True)
    statement = (
        select(Farm, func.count(col(Device.id)), func.count(col(Device.id)).filter(is_offline))
        .outerjoin(Device, (col(Device.farm_id) == Farm.id) & col(Device.deleted_at).is_(None))
        .where(col(Farm.deleted_at).is_(None), within(tx, Farm.id))
        .group_by(col(Farm.id))
        .order_by(Farm.name, col(Farm.id))
    )
    return [Standing(*row) for row in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class Tile:
    """A device and its latest command, if there ever was one. `is_of_255`: its value counts to 255, not in percent."""

    device: Device
    command: DeviceCommand | None
    is_of_255: bool = False


def _is_set(parameter: str) -> ColumnElement[bool]:
    """Whether a device in the same statement has this setting."""
    return (
        select(DeviceConfig.id)
        .where(
            DeviceConfig.organization_id == Device.organization_id, DeviceConfig.device_id == Device.id,
            DeviceConfig.parameter_name == parameter, col(DeviceConfig.deleted_at).is_(None),
        )
        .correlate(Device)
        .exists()
    )  # fmt: skip


async def tiles(tx: Transaction, *device_ids: UUID, farm_id: UUID | None = None) -> Sequence[Tile]:
    """The devices one may see (or some of them, or a farm's) with what was last asked of each; one statement."""
    tx.actor.require("farm.view")
    last = (
        select(DeviceCommand.id)
        .where(DeviceCommand.organization_id == Device.organization_id, DeviceCommand.device_id == Device.id)
        .order_by(col(DeviceCommand.requested_at).desc())
        .limit(1)
        .correlate(Device)
        .lateral("last")
    )
    statement = (
        select(Device, DeviceCommand, (col(Device.device_type) == DeviceType.PWM) & _is_set("set_value") & ~_is_set("set_speed"))
        .select_from(Device)
        .outerjoin(last, true())
        .outerjoin(DeviceCommand, col(DeviceCommand.id) == last.c.id)
        .where(col(Device.deleted_at).is_(None), within(tx, Device.farm_id))
        .order_by(col(Device.location).nulls_last(), Device.name, col(Device.id))
    )
    if device_ids:
        statement = statement.where(col(Device.id).in_(device_ids))
    if farm_id:
        statement = statement.where(Device.farm_id == farm_id)
    return [Tile(*row) for row in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command with the name of who asked: a person, or a schedule."""

    command: DeviceCommand
    person: str | None
    schedule: str | None


async def commands_of(tx: Transaction, device_id: UUID, *, limit: int = 20) -> Sequence[Asked]:
    """What was asked of a device, the latest first, and by whom."""
    await device(tx, device_id)
    statement = (
        select(DeviceCommand, User.name, Schedule.name)
        .select_from(DeviceCommand)
        .outerjoin(User, col(User.id) == DeviceCommand.requested_by)
        .outerjoin(Schedule, col(Schedule.id) == DeviceCommand.schedule_id)
        .where(DeviceCommand.device_id == device_id)
        .order_by(col(DeviceCommand.requested_at).desc())
        .limit(limit)
    )
    return [Asked(command, person, schedule) for command, person, schedule in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class Readings:
    """A stretch of values: epoch milliseconds and values, in order."""

    times_ms: NDArray[np.float64]
    values: NDArray[np.float64]


async def readings(tx: Transaction, device_id: UUID, sensor_type: str, *, since: datetime, until: datetime) -> Readings:
    """The values of one kind between two instants, as arrays: charts never load rows."""
    await device(tx, device_id)
    statement = (
        select_columns(
            cast(func.extract("epoch", col(SensorReading.recorded_at)) * 1000, Double), cast(SensorReading.value, Double)
        )
        .where(
            col(SensorReading.organization_id) == tx.organization_id,
            col(SensorReading.device_id) == device_id,
            col(SensorReading.sensor_type) == sensor_type,
            col(SensorReading.recorded_at) >= since,
            col(SensorReading.recorded_at) < until,
        )
        .order_by(col(SensorReading.recorded_at))
    )
    rows = np.array([tuple(row) for row in await tx.execute(statement)], dtype=np.float64).reshape(-1, 2)
    return Readings(np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1]))


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule with what it switches, where, by which clock, and how its last run went."""

    schedule: Schedule
    device: Device
    farm: Farm
    last: ScheduleExecution | None


async def schedules(tx: Transaction, *, device_id: UUID | None = None, farm_id: UUID | None = None) -> Sequence[Planned]:
    """The schedules of the farms one may see (or of one device, or farm): the enabled first, by their next run."""
    tx.actor.require("farm.view")
    last = (
        select(ScheduleExecution.id)
        .where(
            ScheduleExecution.organization_id == Schedule.organization_id, ScheduleExecution.schedule_id == Schedule.id
        )
        .order_by(col(ScheduleExecution.scheduled_time).desc())
        .limit(1)
        .correlate(Schedule)
        .lateral("last")
    )
    statement = (
        select(Schedule, Device, Farm, ScheduleExecution)
        .select_from(Schedule)
        .join(Device, col(Device.id) == Schedule.device_id)
        .join(Farm, col(Farm.id) == Schedule.farm_id)
        .outerjoin(last, true())
        .outerjoin(ScheduleExecution, col(ScheduleExecution.id) == last.c.id)
        .where(col(Schedule.deleted_at).is_(None), within(tx, Schedule.farm_id))
        .order_by(Farm.name, col(Schedule.is_enabled).desc(), col(Schedule.next_run_at).nulls_last(), Schedule.name)
    )
    if device_id:
        statement = statement.where(Schedule.device_id == device_id)
    if farm_id:
        statement = statement.where(Schedule.farm_id == farm_id)
    return [Planned(*row) for row in await tx.exec(statement)]


async def schedule(tx: Transaction, schedule_id: UUID, *, for_update: bool = False) -> Schedule:
    statement = select(Schedule).where(
        Schedule.id == schedule_id, col(Schedule.deleted_at).is_(None), within(tx, Schedule.farm_id)
    )
    found = (await tx.exec(statement.with_for_update(key_share=True) if for_update else statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such schedule.")
    return found


async def executions_of(tx: Transaction, schedule_id: UUID, *, limit: int = 20) -> Sequence[ScheduleExecution]:
    """How the last runs of a schedule went, the latest first."""
    await schedule(tx, schedule_id)
    statement = (
        select(ScheduleExecution)
        .where(ScheduleExecution.schedule_id == schedule_id)
        .order_by(col(ScheduleExecution.scheduled_time).desc())
        .limit(limit)
    )
    return (await tx.exec(statement)).all()


async def settings_of(tx: Transaction, device_id: UUID) -> DeviceSettings | None:
    """What a device should know by itself (see DeviceSettingsWanted), also across tenants; None where it is gone."""
    found = await tx.exec(select(Device).where(Device.id == device_id, col(Device.deleted_at).is_(None)))
    if (device := found.one_or_none()) is None:
        return None
    configs = select_columns(col(DeviceConfig.parameter_name), col(DeviceConfig.parameter_value)).where(
        col(DeviceConfig.device_id) == device_id, col(DeviceConfig.deleted_at).is_(None)
    )
    startup = None if device.startup_state in (None, SwitchAction.TOGGLE) else device.startup_state.value
    return DeviceSettings(
        device.id, device.organization_id, device.topic, device.output, device.dialect.value, device.device_type.value, startup,
        device.max_on_s, {name: value for name, value in await tx.execute(configs)},
    )  # fmt: skip


async def questions_of(tx: Transaction, *device_ids: UUID) -> list[Question]:
    """Where to ask devices for their state (see StateWanted), also across tenants; those that are gone are left out."""
    statement = select_columns(
        col(Device.id), col(Device.organization_id), col(Device.topic), col(Device.output), col(Device.dialect), col(Device.device_type)
    ).where(col(Device.id).in_(device_ids), col(Device.deleted_at).is_(None))
    rows = (await tx.execute(statement)).tuples()
    return [Question(device_id, whose, topic, output, dialect.value, kind.value) for device_id, whose, topic, output, dialect, kind in rows]
