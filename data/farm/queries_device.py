"""One device as somebody in front of it wants to know it: what is asked of it, what was, how it fares, and what is set there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, text
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from data.alerts.tables import Alert, AlertStatus
from data.core.errors import NotFound
from data.core.session import Transaction
from data.core.time import zone
from data.farm import queries
from data.farm.queries import Asked
from data.farm.rules import Limits
from data.farm.rules.levels import unit_of
from data.farm.tables import (
    OPEN,
    Commanded,
    CommandStatus,
    CommandType,
    Device,
    DeviceCommand,
    DeviceConfig,
    Farm,
    Schedule,
)
from data.farm.values import FULL
from data.identity.tables import User

OUTCOMES: Mapping[str, tuple[CommandStatus, ...]] = {
    "open": OPEN,
    "done": (CommandStatus.COMPLETED,),
    "not_done": (CommandStatus.FAILED, CommandStatus.TIMEOUT, CommandStatus.EXPIRED),
    "called_off": (CommandStatus.CANCELED,),
}
"""What a wish may have come to, for choosing from."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A device with its farm, its latest wish and by whom, the one that it did last, in whose unit its value is kept
    (`set_value` 0–255, `set_speed` 0–100, `set_angle` 0–180), and the limits of each."""

    device: Device
    farm: Farm
    last: Asked | None
    done: DeviceCommand | None
    value_command: CommandType
    limits: Mapping[CommandType, Limits] = field(default_factory=dict)

    @property
    def open(self) -> Asked | None:
        """What it is asked and has not answered."""
        return self.last if self.last and self.last.command.status in OPEN else None


async def seen(tx: Transaction, device_id: UUID) -> Seen:
    """How a device stands now."""
    device = await queries.device(tx, device_id)
    farm = await queries.farm(tx, device.farm_id)
    asked = await queries.commands_of(tx, device_id, limit=1)
    done = _of(device_id).where(DeviceCommand.status == CommandStatus.COMPLETED).order_by(col(DeviceCommand.requested_at).desc())
    configs = select(DeviceConfig).where(
        DeviceConfig.device_id == device_id, col(DeviceConfig.parameter_name).in_(tuple(FULL)), col(DeviceConfig.deleted_at).is_(None)
    )
    limits = {CommandType(one.parameter_name): Limits(one.min_value, one.max_value) for one in await tx.exec(configs)}
    return Seen(
        device, farm, asked[0] if asked else None, (await tx.exec(done.limit(1))).one_or_none(),
        CommandType(unit_of(device.device_type.value, {way.value: 0 for way in limits})), limits,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a device's wishes: `outcome` of OUTCOMES, on whose behalf, and a text in the name of who or which schedule asked."""

    outcome: str = ""
    source: Commanded | None = None
    search: str = ""


async def commands_page(
    tx: Transaction, device_id: UUID, wanted: Wanted | None = None, *, offset: int = 0, limit: int = 25
) -> tuple[Sequence[Asked], int]:
    """A page of what was asked of a device (also of one that was taken down), the latest first, and how many there are."""
    await any_device(tx, device_id)
    wanted = wanted or Wanted()
    where: list[ColumnElement[bool]] = [col(DeviceCommand.device_id) == device_id]
    if wanted.outcome in OUTCOMES:
        where.append(col(DeviceCommand.status).in_(OUTCOMES[wanted.outcome]))
    if wanted.source:
        where.append(col(DeviceCommand.source) == wanted.source)
    if wanted.search:
        where.append(or_(*(col(name).icontains(wanted.search, autoescape=True) for name in (User.name, Schedule.name))))
    asked = (
        select(DeviceCommand, User.name, Schedule.name)
        .select_from(DeviceCommand)
        .outerjoin(User, col(User.id) == DeviceCommand.requested_by)
        .outerjoin(Schedule, col(Schedule.id) == DeviceCommand.schedule_id)
        .where(*where)
    )
    total = (await tx.exec(select(func.count()).select_from(asked.subquery()))).one()
    rows = await tx.exec(asked.order_by(col(DeviceCommand.requested_at).desc(), col(DeviceCommand.id).desc()).offset(offset).limit(limit))
    return [Asked(*row) for row in rows], total


async def any_device(tx: Transaction, device_id: UUID, *, for_update: bool = False) -> Device:
    """A device one may see, also one that was taken down."""
    statement = select(Device).where(Device.id == device_id, queries.within(tx, Device.farm_id))
    if for_update:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    found = (await tx.exec(statement)).one_or_none()
    if found is None:
        raise NotFound("There is no such device.")
    return found


async def retired(tx: Transaction, farm_id: UUID) -> Sequence[Device]:
    """What was taken down on a farm and can be brought back, the latest first."""
    await queries.farm(tx, farm_id)
    statement = select(Device).where(Device.farm_id == farm_id, col(Device.deleted_at).is_not(None))
    return (await tx.exec(statement.order_by(col(Device.deleted_at).desc()).limit(100))).all()


async def like(tx: Transaction, device: Device) -> Sequence[tuple[Device, Farm]]:
    """The other devices of the same type that one may see, by farm, room and name."""
    statement = (
        select(Device, Farm)
        .join(Farm, col(Farm.id) == Device.farm_id)
        .where(
            Device.device_type == device.device_type, Device.id != device.id, col(Device.deleted_at).is_(None),
            queries.within(tx, Device.farm_id),
        )
        .order_by(Farm.name, col(Device.location).nulls_last(), Device.name)
    )  # fmt: skip
    return [(one, farm) for one, farm in await tx.exec(statement)]


@dataclass(frozen=True, slots=True)
class Kept:
    """A setting and by whom it was set."""

    config: DeviceConfig
    by: str | None


async def settings_now(tx: Transaction, device_id: UUID) -> dict[str, Kept]:
    """What is set at a device, with by whom."""
    await any_device(tx, device_id)
    return {one.config.parameter_name: one for one in await _kept(tx, device_id, col(DeviceConfig.deleted_at).is_(None))}


async def settings_before(tx: Transaction, device_id: UUID, *, limit: int = 200) -> Sequence[Kept]:
    """Everything that ever was set at a device, the latest first; `deleted_at` is until when it held."""
    await any_device(tx, device_id)
    return await _kept(tx, device_id, limit=limit)


@dataclass(frozen=True, slots=True)
class Fared:
    """How an output has run: seconds on and times switched on, in all, today and this week (None where nobody knows), by its farm's days."""

    total_s: float
    today_s: float | None
    week_s: float | None
    cycles: int
    cycles_today: int | None
    cycles_week: int | None


_BEFORE = text("""
    select m.name, (
        select k.value from farm.device_metrics k
        where k.organization_id = :organization_id and k.device_id = :device_id and k.metric_type = m.name and k.recorded_at <= m.since
        order by k.recorded_at desc limit 1), m.since
    from (values ('runtime_hours', cast(:day as timestamptz)), ('runtime_hours', cast(:week as timestamptz)),
                 ('on_cycles', cast(:day as timestamptz)), ('on_cycles', cast(:week as timestamptz))) m (name, since)""")


async def fared(tx: Transaction, device: Device, time_zone: str, *, at: datetime) -> Fared:
    """From the totals at the device itself, and from what they were when the day and the week (on Monday) began."""
    local = at.astimezone(zone(time_zone))
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    week = day - timedelta(days=day.weekday())
    values = {"organization_id": tx.organization_id, "device_id": device.id, "day": day, "week": week}
    found = {(name, since): value for name, value, since in await tx.execute(_BEFORE, values)}
    running = at - device.on_since_at if device.is_on and device.on_since_at else timedelta(0)
    total_s, cycles = float(device.on_total_s) + max(running.total_seconds(), 0.0), device.on_cycles

    def since(name: str, begin: datetime) -> Decimal | None:
        """What it was then; a device that is younger began with nothing."""
        return Decimal(0) if device.created_at and device.created_at >= begin else found[name, begin]

    def hours(begin: datetime) -> float | None:
        before = since("runtime_hours", begin)
        return None if before is None else max(total_s - float(before) * 3600, 0.0)

    def times(begin: datetime) -> int | None:
        before = since("on_cycles", begin)
        return None if before is None else max(cycles - int(before), 0)

    return Fared(total_s, hours(day), hours(week), cycles, times(day), times(week))


async def firmware_available(tx: Transaction, device_id: UUID) -> str | None:
    """The newer firmware that the device has told of."""
    statement = select(Alert).where(
        Alert.subject_id == device_id, Alert.alert_type == "firmware_available", Alert.status != AlertStatus.RESOLVED
    )
    found = (await tx.exec(statement.limit(1))).one_or_none()
    return str(found.message_values["version"]) if found else None


async def _kept(tx: Transaction, device_id: UUID, *where: ColumnElement[bool], limit: int = 200) -> Sequence[Kept]:
    statement = (
        select(DeviceConfig, User.name)
        .outerjoin(User, col(User.id) == DeviceConfig.set_by)
        .where(DeviceConfig.device_id == device_id, *where)
        .order_by(col(DeviceConfig.id).desc())
        .limit(limit)
    )
    return [Kept(*row) for row in await tx.exec(statement)]


def _of(device_id: UUID) -> SelectOfScalar[DeviceCommand]:
    return select(DeviceCommand).where(DeviceCommand.device_id == device_id)
