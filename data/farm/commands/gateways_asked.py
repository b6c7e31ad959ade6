"""A gateway comes and asks what shall be done behind it, does it, and says what became of it; what it told of is taken in."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import col, select

from data.core.errors import Conflict, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.farm import queries_gateways
from data.farm.commands.asking import value_of
from data.farm.commands.devices import register_device
from data.farm.commands.instructions import take_waiting, taken_unanswered
from data.farm.commands.reports import hear
from data.farm.events import GatewayChanged
from data.farm.queries_gateways import Behind, behind
from data.farm.rules import calibrated, calibration, calibration_name, uncalibrated
from data.farm.rules.gateways import CODE_LETTERS, GATEWAY, Answer, State
from data.farm.tables import (
    OPEN,
    CommandStatus,
    Device,
    DeviceCommand,
    DeviceConfig,
    DeviceType,
    Dialect,
    Discovery,
    Gateway,
)
from data.farm.values import Calibration, CommandAnswer, DeviceReport, Outgoing, Report, StateReport

MOST_AT_ONCE = 20
HEARD_LATE = timedelta(minutes=2)
"""So late an answer without a time of its own may still be of now."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One command for a gateway: what is asked, of what it calls `key`, and until when it may begin with it."""

    outgoing: Outgoing
    key: str
    model: str
    expires_at: datetime
    is_again: bool


async def hand_out(tx: Transaction, gateway_id: UUID, hardware_id: str, *, at: datetime) -> list[Handed]:
    """What waits for the devices behind this gateway, the urgent first; it counts as sent from now on. What was handed out before and
    has no answer yet is told again, as the same one: the answer may have been lost on its way. What is over is told no more.

    NotFound when this is not the gateway's number.
    """
    gateway = await _living(tx, gateway_id)
    if gateway.hardware_id != hardware_id:
        raise NotFound("There is no such gateway.")
    known = (await behind(tx, [hardware_id])).get(hardware_id, {})
    by_id = {one.device_id: one for one in known.values() if one.device_id}
    if not by_id:
        return []
    fresh = {one.command_id for one in await take_waiting(tx, list(by_id), at=at, most=MOST_AT_ONCE)}
    told = await taken_unanswered(tx, list(by_id), at=at)
    until = select(DeviceCommand.id, DeviceCommand.answer_until_at).where(col(DeviceCommand.id).in_([one.command_id for one in told]))
    ends = dict((await tx.exec(until)).all()) if told else {}
    handed = []
    for one in told:
        assert one.device_id
        stands = by_id[one.device_id]
        handed.append(Handed(one, stands.key, _model(stands), ends[one.command_id] or at, one.command_id not in fresh))
    return handed


async def answer_command(tx: Transaction, gateway_id: UUID, command_id: UUID, answer: Answer, *, at: datetime) -> CommandStatus:
    """A gateway says what became of a command; what is known of it now. Said twice, it is the same.

    One that says it is done has told the state of its device too. NotFound for what is not asked of this gateway, Conflict for what was
    never handed out.
    """
    gateway = await _living(tx, gateway_id)
    known = (await behind(tx, [gateway.hardware_id])).get(gateway.hardware_id, {})
    by_id = {one.device_id: one for one in known.values() if one.device_id}
    command = (await tx.exec(select(DeviceCommand).where(DeviceCommand.id == command_id))).one_or_none()
    if command is None or command.device_id not in by_id:
        raise NotFound("There is no such command.")
    if not command.attempt_count:
        raise Conflict("This command was never handed out.")
    reports = _reports(by_id[command.device_id], command, answer, at, await _calibration(tx, command.device_id))
    if reports:
        await hear(tx, [DeviceReport(command.device_id, report) for report in reports])
        await tx.refresh(command)
    return command.status


async def take_in(tx: Transaction, gateway_id: UUID) -> list[Device]:
    """All that a gateway has told of and nobody has taken in or turned away becomes devices of the farm, in the gateway's house."""
    gateway = await queries_gateways.gateway(tx, gateway_id, for_update=True)
    tx.actor.require("farm.edit", gateway.farm_id)
    statement = select(Discovery).where(
        Discovery.dialect == Dialect.GATEWAY, col(Discovery.identifier).startswith(f"{gateway.hardware_id}/", autoescape=True),
        col(Discovery.dismissed_at).is_(None),
    )  # fmt: skip
    known = (await behind(tx, [gateway.hardware_id])).get(gateway.hardware_id, {})
    taken = []
    for discovery in (await tx.exec(statement.order_by(col(Discovery.name), col(Discovery.id)).with_for_update())).all():
        key = discovery.identifier.partition("/")[2]
        if known[key].device_id:
            continue
        said = discovery.description
        device = await register_device(
            tx, gateway.farm_id, name=discovery.name or key, topic=_topic(gateway, key), dialect=Dialect.GATEWAY,
            device_type=DeviceType(said.get("device_type", "relay")), location=gateway.house, model=said.get("model"),
            hardware_id=discovery.identifier, icon=said.get("icon"),
        )  # fmt: skip
        device.firmware_version, discovery.device_id = said.get("firmware_version"), device.id
        tx.add_all((device, discovery))
        taken.append(device)
    tx.emit(GatewayChanged(gateway_id=gateway_id, farm_id=gateway.farm_id))
    return taken


async def turn_away(tx: Transaction, gateway_id: UUID, discovery_id: UUID, *, for_good: bool = True) -> None:
    """A device that a gateway told of is not wanted, however often it is told of; or it waits again after all."""
    gateway = await queries_gateways.gateway(tx, gateway_id)
    tx.actor.require("farm.edit", gateway.farm_id)
    discovery = (await tx.exec(select(Discovery).where(Discovery.id == discovery_id).with_for_update())).one_or_none()
    if discovery is None or discovery.identifier.partition("/")[0] != gateway.hardware_id:
        raise NotFound("There is no such device.")
    discovery.dismissed_at = now() if for_good else None
    tx.add(discovery)
    tx.emit(GatewayChanged(gateway_id=gateway_id, farm_id=gateway.farm_id))


async def _living(tx: Transaction, gateway_id: UUID) -> Gateway:
    found = (await tx.exec(select(Gateway).where(Gateway.id == gateway_id, col(Gateway.deleted_at).is_(None)))).one_or_none()
    if found is None:
        raise NotFound("There is no such gateway.")
    return found


def _model(stands: Behind) -> str:
    return str(stands.description.get("model") or stands.key)


def _reports(stands: Behind, command: DeviceCommand, answer: Answer, at: datetime, by: Calibration | None) -> list[Report]:
    told_at = min(answer.at, at)
    reports: list[Report] = []
    state = answer.state or _as_asked(command, by)
    if command.status in OPEN and answer.status:
        said = answer.state or State(False)
        value = None if said.value is None else float(uncalibrated(Decimal(str(said.value)), by))
        reports.append(CommandAnswer("", command.id, answer.status, told_at, said.is_on if answer.state else None, value, answer.error))
    ended_at = command.completed_at or at
    is_of_now = command.status in OPEN or answer.is_dated or at - ended_at <= HEARD_LATE
    if is_of_now and answer.status == "completed":
        reports.append(StateReport(stands.topic, stands.output, state.is_on, told_at, state.value, GATEWAY))
    return reports


def _as_asked(command: DeviceCommand, by: Calibration | None) -> State:
    """How it is when it did what was asked, in the gateway's own terms."""
    value = value_of(command)
    return State(command.command_type == "on") if value is None else State(value > 0, float(calibrated(value, by)))


async def _calibration(tx: Transaction, device_id: UUID) -> Calibration | None:
    statement = select(DeviceConfig.parameter_value).where(
        DeviceConfig.device_id == device_id, DeviceConfig.parameter_name == calibration_name(), col(DeviceConfig.deleted_at).is_(None)
    )
    found = (await tx.exec(statement)).one_or_none()
    return None if found is None else calibration(found)


def _topic(gateway: Gateway, key: str) -> str:
    """A name that nobody has; it is never spoken at the broker."""
    plain = re.sub(r"[^A-Za-z0-9-]+", "-", f"{gateway.hardware_id}-{key}").strip("-")[:38] or "gateway"
    return f"{plain}-{''.join(secrets.choice(CODE_LETTERS) for _n in range(8))}"
