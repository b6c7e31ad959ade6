"""Sensors are registered, described, moved from unit to unit, taken out of service, and taken away."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlmodel import col, delete, select

from data.alerts.commands import resolve_all_open
from data.cold_chain.commands.states import FAULT, REPLACED
from data.cold_chain.events import SensorChanged, UnitChanged
from data.cold_chain.labels import read_label, written_key
from data.cold_chain.machines import LONGEST_INTERVAL_S, SHORTEST_INTERVAL_S
from data.cold_chain.networks import LORAWAN_VERSIONS
from data.cold_chain.queries import machines as queries
from data.cold_chain.queries import units, watch
from data.cold_chain.queries.machines import DEVICES, NETWORKS
from data.cold_chain.tables import Device, LoraSensor, PairingSession
from data.cold_chain.values import (
    BatteryChemistry,
    DecodeMode,
    DeviceStatus,
    PairingStatus,
    normalise_eui,
    normalise_mac,
)
from data.core.errors import Conflict, Forbidden, Invalid, NotFound
from data.core.session import Transaction
from data.core.time import now
from data.identity.secrets import seal
from data.platform.billing import CLOSED_WORDS, account_of
from data.platform.plans import room_for_sensors
from data.platform.tables import UnknownDevice

LONGEST_NAME, LONGEST_NOTES, LONGEST_MODEL = 100, 500, 60
_PLAN_LOCK = 0x5E45


async def create(
    tx: Transaction, unit_id: UUID | None, *, device_eui: str, name: str | None = None, model: str | None = None,
    status: DeviceStatus = DeviceStatus.INACTIVE,
) -> Device:  # fmt: skip
    """A sensor by its device EUI, the code on its label, or (one behind a hub) its MAC address.

    The first of a unit speaks for its temperature. Conflict when it is registered already, or the plan holds no more.
    """
    site_id = await _site_of(tx, unit_id)
    label = None if _is_mac(device_eui) else read_label(device_eui)
    identifier = label.device_eui if label else normalise_mac(device_eui, "device_eui")
    if await _registered(tx, identifier):
        raise Conflict("The sensor {eui} is already registered.", eui=identifier)
    await make_room(tx)
    made = Device(
        unit_id=unit_id, device_eui=identifier, device_type="lora" if label else "ble", name=_short("name", name, LONGEST_NAME),
        model=_short("model", model, LONGEST_MODEL), status=status, is_primary=unit_id is not None and not await _primary(tx, unit_id),
    )  # fmt: skip
    tx.add(made)
    await tx.flush()
    if label and label.join_eui:
        tx.add(LoraSensor(device_id=made.id, join_eui=label.join_eui))
    await tx.exec(
        delete(UnknownDevice).where(col(UnknownDevice.identifier) == identifier, col(UnknownDevice.network).in_(NETWORKS))
    )
    _changed(tx, made.id, site_id and unit_id)
    return made


async def describe(tx: Transaction, device_id: UUID, **changes: Any) -> None:
    """Change name, model, notes, `uplink_interval_s`, `battery_chemistry` and `decode_mode`; None empties what may be empty."""
    device = await _owned(tx, device_id)
    kept: dict[str, Any] = {}
    for field, value in changes.items():
        match field:
            case "name":
                kept[field] = _short(field, value, LONGEST_NAME)
            case "model":
                kept[field] = _short(field, value, LONGEST_MODEL)
            case "notes":
                kept[field] = _short(field, value, LONGEST_NOTES)
            case "uplink_interval_s":
                kept[field] = _interval(value)
            case "battery_chemistry":
                kept[field] = BatteryChemistry(value) if value else None
            case "decode_mode":
                kept[field] = DecodeMode(value)
            case _:
                raise Invalid(field, "This cannot be set.")
    for field, value in kept.items():
        setattr(device, field, value)
    tx.add(device)
    _changed(tx, device.id, device.unit_id)


async def set_keys(
    tx: Transaction, device_id: UUID, *, join_eui: str, app_key: str | None = None, lorawan_version: str = "1.0.3"
) -> None:
    """What the network needs to let the sensor join. The key is sealed; without a new one the old stays."""
    device = await _owned(tx, device_id)
    if device.device_type != "lora":
        raise Conflict("Only LoRaWAN sensors have keys.")
    if lorawan_version not in LORAWAN_VERSIONS:
        raise Invalid("lorawan_version", "Choose one of {choices}.", choices=", ".join(LORAWAN_VERSIONS))
    join, key = normalise_eui(join_eui, "join_eui"), written_key(app_key) if app_key else None
    lora = (await tx.exec(select(LoraSensor).where(LoraSensor.device_id == device.id).with_for_update())).one_or_none()
    lora = lora or LoraSensor(device_id=device.id)
    lora.join_eui, lora.lorawan_version = join, lorawan_version
    lora.network_server_id = None  # the network learns it at its next setting up
    if key:
        lora.app_key_encrypted, lora.app_key_last_four = seal().close(key), key[-4:]
    tx.add(lora)
    _changed(tx, device.id, device.unit_id)


async def move(tx: Transaction, device_id: UUID, *, unit_id: UUID | None) -> None:
    """Let it watch another unit, or none. What it measured stays with the unit it measured."""
    device = await _owned(tx, device_id)
    await _site_of(tx, unit_id)
    if device.unit_id == unit_id:
        return
    before, device.unit_id = device.unit_id, unit_id
    device.is_primary = False
    await tx.flush()
    if unit_id and device.is_active and not await _primary(tx, unit_id):
        device.is_primary = True
    tx.add(device)
    await tx.flush()
    await _succeed(tx, before)
    await _end_pairings(tx, device.id, because="moved")
    for changed in filter(None, (before, unit_id)):
        _changed(tx, device.id, changed)


async def make_primary(tx: Transaction, device_id: UUID) -> None:
    """Let it speak for its unit's temperature."""
    device = await _owned(tx, device_id)
    if device.unit_id is None:
        raise Conflict("This sensor watches no unit.")
    if not device.is_active:
        raise Conflict("This sensor is out of service.")
    if before := await _primary(tx, device.unit_id):
        before.is_primary = False
        tx.add(before)
        await tx.flush()
    device.is_primary = True
    tx.add(device)
    await _forget_fault(tx, device.unit_id)
    _changed(tx, device.id, device.unit_id)


async def set_active(tx: Transaction, device_id: UUID, *, active: bool) -> None:
    """Take it out of service: it counts no more and speaks for nothing; or put it back, where the plan has room."""
    device = await _owned(tx, device_id)
    if device.is_active is active:
        return
    if active:
        await make_room(tx)
        device.is_active = True
        device.is_primary = device.unit_id is not None and not await _primary(tx, device.unit_id)
    else:
        device.is_active = device.is_primary = False
        device.status = DeviceStatus.INACTIVE
        await _end_pairings(tx, device.id, because="out of service")
    tx.add(device)
    await tx.flush()
    await _succeed(tx, device.unit_id)
    _changed(tx, device.id, device.unit_id)


async def take_away(tx: Transaction, device_id: UUID) -> None:
    """Delete it; its readings stay. `bring_back` undoes it."""
    device = await _owned(tx, device_id)
    device.deleted_at, device.is_primary = now(), False
    tx.add(device)
    await tx.flush()
    await _succeed(tx, device.unit_id)
    await _end_pairings(tx, device.id, because="deleted")
    _changed(tx, device.id, device.unit_id)


async def bring_back(tx: Transaction, device_id: UUID) -> None:
    """Undo `take_away`. Conflict when its number was registered anew, or the plan holds no more."""
    statement = select(Device).where(Device.id == device_id, col(Device.deleted_at).is_not(None)).with_for_update()
    device = (await tx.exec(statement)).one_or_none()
    if device is None:
        raise NotFound("There is no such sensor.")
    if device.unit_id and not await watch.known_units(tx, [device.unit_id]):
        device.unit_id = None
    await _site_of(tx, device.unit_id)
    if await _registered(tx, device.device_eui):
        raise Conflict("The sensor {eui} is already registered.", eui=device.device_eui)
    if device.is_active:
        await make_room(tx)
    device.deleted_at = None
    device.is_primary = device.is_active and device.unit_id is not None and not await _primary(tx, device.unit_id)
    tx.add(device)
    _changed(tx, device.id, device.unit_id)


async def make_room(tx: Transaction) -> None:
    """Conflict where the plan holds no further sensor. Two who ask at once go one after the other."""
    await tx.execute(select(func.pg_advisory_xact_lock(_PLAN_LOCK, func.hashtext(str(tx.organization_id)))))
    held = await account_of(tx)
    if held.is_closed:
        raise Conflict(CLOSED_WORDS)
    there_are = await queries.active_sensors(tx)
    if not room_for_sensors(held, there_are):
        raise Conflict(
            "{count} sensors are in use, and your plan holds {most}. Take one out of service, or let an owner choose a larger plan"
            " under Billing.",
            count=there_are, most=held.limits.sensors,
        )  # fmt: skip


async def _owned(tx: Transaction, device_id: UUID) -> Device:
    """The sensor, locked, for those who may change it; NotFound for those who cannot see it."""
    view = await queries.sensor(tx, device_id)
    tx.actor.require(DEVICES, view.site_id)
    if view.site_id is None:
        _require_everywhere(tx)
    return (await tx.exec(select(Device).where(Device.id == device_id).with_for_update().execution_options(populate_existing=True))).one()


async def _site_of(tx: Transaction, unit_id: UUID | None) -> UUID | None:
    """Where a unit stands, for those who may put sensors there."""
    if unit_id is None:
        tx.actor.require(DEVICES)
        _require_everywhere(tx)
        return None
    unit = await units.unit(tx, unit_id)
    tx.actor.require(DEVICES, unit.site_id)
    return unit.site_id


def _require_everywhere(tx: Transaction) -> None:
    if tx.actor.scopes(DEVICES) is not None:
        raise Forbidden("You do not have the right to do this.")


async def _registered(tx: Transaction, identifier: str) -> bool:
    statement = select(Device.id).where(Device.device_eui == identifier, col(Device.deleted_at).is_(None))
    return (await tx.exec(statement)).first() is not None


async def _primary(tx: Transaction, unit_id: UUID) -> Device | None:
    statement = select(Device).where(Device.unit_id == unit_id, col(Device.is_primary), col(Device.deleted_at).is_(None))
    return (await tx.exec(statement)).one_or_none()


async def _succeed(tx: Transaction, unit_id: UUID | None) -> None:
    """Where a unit has lost the sensor that spoke for it, the next oldest one does."""
    if unit_id is None or await _primary(tx, unit_id):
        return
    await _forget_fault(tx, unit_id)
    statement = select(Device).where(Device.unit_id == unit_id, col(Device.is_active), col(Device.deleted_at).is_(None))
    if heir := (await tx.exec(statement.order_by(col(Device.created_at), col(Device.id)))).first():
        heir.is_primary = True
        tx.add(heir)
        await tx.flush()


async def _forget_fault(tx: Transaction, unit_id: UUID) -> None:
    """The sensor that could not measure speaks for its unit no more; one that cannot either will say so itself."""
    await resolve_all_open(tx, {unit_id: now()}, FAULT, because=REPLACED)


async def _end_pairings(tx: Transaction, device_id: UUID, *, because: str) -> None:
    await tx.execute(
        update(PairingSession)
        .where(col(PairingSession.device_id) == device_id, col(PairingSession.status) == PairingStatus.PENDING)
        .values(status=PairingStatus.FAILED, details=func.jsonb_build_object("because", because))
    )


def _changed(tx: Transaction, device_id: UUID, unit_id: UUID | None) -> None:
    tx.emit(SensorChanged(device_id=device_id))
    if unit_id:
        tx.emit(UnitChanged(unit_id=unit_id))


def _is_mac(text: str) -> bool:
    return sum(sign in "0123456789abcdefABCDEF" for sign in text) == 12 and not text.upper().startswith("LW")


def _short(field: str, value: str | None, most: int) -> str | None:
    value = (value or "").strip()
    if len(value) > most:
        raise Invalid(field, "This may have at most {most} characters.", most=most)
    return value or None


def _interval(value: int | None) -> int | None:
    if value is not None and not (SHORTEST_INTERVAL_S <= value <= LONGEST_INTERVAL_S and value == int(value)):
        raise Invalid(
            "uplink_interval_s", "A sensor speaks every {low} to {high} seconds.", low=SHORTEST_INTERVAL_S, high=LONGEST_INTERVAL_S
        )
    return value
