"""Gateways tell how they are, what was measured around them and what stands behind them; what nobody knows waits to be taken in."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import col, select

from data.alerts.commands import raise_alerts, resolve_all_open
from data.alerts.tables import Severity
from data.core import columns
from data.core.errors import Conflict, NotFound, Refusal
from data.core.session import Transaction
from data.core.table import uuid7
from data.farm.commands.gateways_silent import BACK, GATEWAY_ALERT
from data.farm.commands.reports import hear
from data.farm.commands.troubles import OFFLINE_ALERT, trouble
from data.farm.events import DeviceChanged, GatewayChanged
from data.farm.queries_gateways import Behind, behind
from data.farm.rules.gateways import (
    CLIMATE,
    GATEWAY,
    MOST_WAITING,
    WATER,
    Beat,
    Inventory,
    Listed,
    Measured,
    State,
    Told,
    identifier,
    model_of,
)
from data.farm.tables import Device, Farm, Gateway
from data.farm.values import DeviceReport, Health, Presence, Report, SensorValue, StateReport
from data.notifications.commands import tell

NOT_LISTED = "{gateway} does not speak for {name} any more."
NO_PLACE = "This gateway does not stand there."
GONE = "There is no such gateway."

_KNOW = text("""
    update farm.gateways g set is_online = true, last_heartbeat_at = greatest(g.last_heartbeat_at, n.at),
        firmware_version = coalesce(n.firmware, g.firmware_version), status = g.status || cast(n.status as jsonb)
    from unnest(:ids, :ats, :firmwares, :statuses) n (id, at, firmware, status)
    where g.organization_id = :organization_id and g.id = n.id""")

_DISCOVER = text("""
    insert into farm.discoveries as x (id, organization_id, farm_id, dialect, identifier, name, description, first_seen_at, last_seen_at)
    select n.id, :organization_id, n.farm_id, 'gateway', n.identifier, n.name, cast(n.description as jsonb), n.at, n.at
    from unnest(:ids, :farms, :identifiers, :names, :descriptions, :ats) n (id, farm_id, identifier, name, description, at)
    on conflict (organization_id, dialect, identifier) do update set
        farm_id = excluded.farm_id, name = excluded.name, description = x.description || excluded.description,
        last_seen_at = greatest(x.last_seen_at, excluded.last_seen_at),
        device_id = (select d.id from farm.devices d
            where d.organization_id = x.organization_id and d.id = x.device_id and d.deleted_at is null)""")

_USE = text("""
    update farm.devices d set is_active = n.is_active from unnest(:ids, :actives) n (id, is_active)
    where d.organization_id = :organization_id and d.id = n.id and d.is_active <> n.is_active
    returning d.id, d.farm_id, d.name, d.is_active""")


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a message: how many values and states were taken in, and which devices wait to be taken in themselves."""

    taken: int
    waiting: tuple[str, ...] = ()


@dataclass(slots=True)
class _Box:
    """A gateway while a batch of its messages is gone through."""

    gateway: Gateway
    zone: str
    behind: dict[str, Behind]
    status: dict[str, Any]
    at: datetime | None = None
    firmware: str | None = None
    found: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    active: dict[UUID, bool] = field(default_factory=dict)
    dropped: list[Behind] = field(default_factory=list)


async def hear_gateways(tx: Transaction, messages: Sequence[Told]) -> list[Heard | Refusal]:
    """Take in a batch of one organization's gateways, in a few statements; an outcome a message, in order.

    Whoever speaks is there, whenever what it tells happened: only that is dated. What is late is kept and moves nothing back.
    """
    boxes = await _boxes(tx, {message.gateway_id for message in messages})
    outcomes: list[Heard | Refusal] = []
    reports: list[DeviceReport] = []
    for message in messages:
        box = boxes.get(message.gateway_id)
        if refusal := _refusal(box, message):
            outcomes.append(refusal)
            continue
        assert box
        box.at = max(filter(None, (box.at, message.received_at)))
        taken, waiting, mine = _read(box, message)
        is_full = len(box.behind.keys() | box.found.keys()) > MOST_WAITING
        if is_full:
            box.found = {key: one for key, one in box.found.items() if key in box.behind}
        reports += mine
        outcomes.append(Conflict("Too many unknown devices wait to be taken in.") if is_full else Heard(taken, waiting))
    await _discover(tx, boxes.values())
    if reports:
        await hear(tx, _in_order(reports))
    await _use(tx, boxes.values())
    await _know(tx, [box for box in boxes.values() if box.at])
    return outcomes


def _refusal(box: _Box | None, message: Told) -> Refusal | None:
    if box is None:
        return NotFound(GONE)
    place, gateway = message.place, box.gateway
    if place and (place.farm_id, place.coop_id) != (gateway.farm_id, gateway.id):
        return NotFound(NO_PLACE)
    if isinstance(message.word, Inventory) and message.word.hardware_id not in (None, gateway.hardware_id):
        return NotFound(GONE)
    return None


def _read(box: _Box, message: Told) -> tuple[int, tuple[str, ...], list[DeviceReport]]:
    """How much of a message is taken in, what of it waits, and what it says of the devices that are known."""
    match message.word:
        case Beat():
            said = list(_beat(box, message.word, message.received_at))
        case Measured():
            said = list(_measured(box, message.word, message.received_at))
        case Inventory():
            said = list(_inventory(box, message.word, message.received_at))
    known = [(box.behind[key], report) for key, report in said if key in box.behind and box.behind[key].device_id]
    waiting = dict.fromkeys(key for key, _ in said if key not in box.behind or box.behind[key].device_id is None)
    counted = sum(not isinstance(report, Presence | Health) for _, report in known)
    return counted, tuple(waiting), [DeviceReport(one.device_id, _of(one, report)) for one, report in known if one.device_id]


Said = tuple[str, Report]


def _beat(box: _Box, word: Beat, received_at: datetime) -> Iterator[Said]:
    at = min(word.at, received_at)
    if word.hardware_id not in (None, box.gateway.hardware_id):
        key = str(word.hardware_id).removeprefix(f"{box.gateway.hardware_id}:")
        yield key, Presence("", word.is_there, at)
        if word.firmware_version or word.signal_dbm is not None:
            yield key, Health("", at, signal_dbm=word.signal_dbm, firmware_version=word.firmware_version)
        if key not in box.behind:
            _note(box, key, key, {"device_type": model_of(key).device_type, "model": key})
        return
    if at.isoformat() >= str(box.status.get("status_at", "")):
        facts = dict(word.facts) | ({} if word.signal_dbm is None else {"signal_dbm": word.signal_dbm})
        box.status |= facts | {"status_at": at.isoformat()}
        box.firmware = word.firmware_version or box.firmware
    for key, one in box.behind.items():  # it speaks for all that it has
        if one.is_active:
            yield key, Presence("", True, received_at)
    yield from _states(box, word.states, at)


def _measured(box: _Box, word: Measured, received_at: datetime) -> Iterator[Said]:
    own = word.hardware_id in (None, box.gateway.hardware_id)
    at = min(word.at, received_at)
    for kind, value, unit in word.values:
        key = (WATER if kind == "water_level_raw" else CLIMATE) if own else str(word.hardware_id)
        yield key, Presence("", True, received_at)
        yield key, SensorValue("", kind, value, unit, word.at)
        if key not in box.behind or box.behind[key].device_id is None:
            latest = {"value": value, "unit": unit, "at": word.at.isoformat()}
            kept = box.found.get(key, (key, {}))[1].get("latest", {})
            name = key.replace("_", " ").capitalize() if own else key
            name = box.found[key][0] if key in box.found else box.behind[key].told if key in box.behind else name
            _note(box, key, name, {"device_type": "sensor", "model": key if own else None, "latest": kept | {kind: latest}})
    yield from _states(box, word.states, at)


def _states(box: _Box, states: Mapping[str, State], at: datetime) -> Iterator[Said]:
    for key, state in states.items():
        yield key, StateReport("", 1, state.is_on, at, state.value, GATEWAY)
        if key not in box.behind:
            _note(box, key, key, {"device_type": model_of(key).device_type, "model": key})


def _inventory(box: _Box, word: Inventory, received_at: datetime) -> Iterator[Said]:
    at = min(word.at, received_at)
    is_latest = bool(word.devices) and at.isoformat() >= str(box.status.get("listed_at", ""))  # an empty list says nothing
    for one in word.devices:
        if is_latest:
            yield one.key, Presence("", one.is_active, received_at)
            _note(box, one.key, one.name, _described(one))
            _use_it(box, box.behind.get(one.key), one.is_active)
        if one.firmware_version:
            yield one.key, Health("", at, firmware_version=one.firmware_version)
        if one.state:
            yield one.key, StateReport("", 1, one.state.is_on, at, one.state.value, GATEWAY)
    if not is_latest:
        return
    box.status["listed_at"] = at.isoformat()
    listed = {one.key for one in word.devices}
    for key, known in box.behind.items():
        if key not in listed and known.description.get("listed") and known.device_id and known.is_active:
            box.dropped.append(known)
            yield key, Presence("", False, received_at)
            _note(box, key, known.told, {"listed": False, "inactive": True})
            box.active[known.device_id] = False


def _use_it(box: _Box, known: Behind | None, is_active: bool) -> None:
    """Out of use where its gateway says so, and in use again where it was out of use because of that only."""
    if known and known.device_id and (known.description.get("inactive") or not is_active):
        box.active[known.device_id] = is_active


def _described(one: Listed) -> dict[str, Any]:
    return {
        "device_type": one.device_type, "model": one.model, "firmware_version": one.firmware_version, "icon": model_of(one.model).icon,
        "listed": True, "inactive": not one.is_active,
    }  # fmt: skip


def _note(box: _Box, key: str, name: str, description: Mapping[str, Any]) -> None:
    before = box.found.get(key, (name, {}))[1]
    gateway = box.gateway
    where = {"gateway_id": str(gateway.id), "gateway": gateway.name, "location": gateway.house, "hardware_id": identifier(gateway.hardware_id, key)}
    box.found[key] = (name, before | where | dict(description))


def _of(one: Behind, report: Report) -> Report:
    """The report under the device's own name and output, as the others hear it."""
    if isinstance(report, StateReport):
        return StateReport(one.topic, one.output, report.is_on, report.reported_at, report.value, report.source)
    return report


def _in_order(reports: Iterable[DeviceReport]) -> list[DeviceReport]:
    """As time went by: of what was stored for hours, the latest must come last."""
    return sorted(reports, key=lambda one: one.report.reported_at)


async def _boxes(tx: Transaction, gateway_ids: set[UUID]) -> dict[UUID, _Box]:
    statement = (
        select(Gateway, Farm.time_zone)
        .join(Farm, col(Farm.id) == Gateway.farm_id)
        .where(col(Gateway.id).in_(gateway_ids), col(Gateway.deleted_at).is_(None), col(Farm.deleted_at).is_(None))
        .order_by(col(Gateway.id))
        .with_for_update(of=Gateway, key_share=True)
        .execution_options(populate_existing=True)
    )
    rows = (await tx.exec(statement)).all()
    known = await behind(tx, [gateway.hardware_id for gateway, _ in rows]) if rows else {}
    return {one.id: _Box(one, zone, known.get(one.hardware_id, {}), dict(one.status)) for one, zone in rows}


async def _discover(tx: Transaction, boxes: Iterable[_Box]) -> None:
    found = [(box, key, name, description) for box in boxes for key, (name, description) in sorted(box.found.items())]
    if not found:
        return
    values = {
        "organization_id": tx.organization_id, "ids": columns.ids([uuid7() for _ in found]),
        "farms": columns.ids([box.gateway.farm_id for box, *_ in found]),
        "identifiers": columns.texts(identifier(box.gateway.hardware_id, key) for box, key, *_ in found),
        "names": columns.texts(name for _, _, name, _ in found), "ats": columns.instants(box.at for box, *_ in found),
        "descriptions": columns.texts(json.dumps(description) for *_, description in found),
    }  # fmt: skip
    await tx.execute(_DISCOVER, values)


async def _use(tx: Transaction, boxes: Iterable[_Box]) -> None:
    """Take devices out of use that their gateway has no more, and tell of them; take those up again that it has."""
    boxes = list(boxes)
    active = {device_id: is_active for box in boxes for device_id, is_active in box.active.items()}
    if not active:
        return
    values = {"organization_id": tx.organization_id, "ids": columns.ids(list(active)), "actives": columns.booleans(active.values())}
    for row in await tx.execute(_USE, values):
        word = "in use again" if row.is_active else "out of use"
        tx.record(f"farm.device.{'activated' if row.is_active else 'deactivated'}", f"{row.name} is {word}", subject_id=row.id, by="gateway")
        tx.emit(DeviceChanged(device_id=row.id, farm_id=row.farm_id))
    dropped = {one.device_id: box for box in boxes for one in box.dropped}
    devices = (await tx.exec(select(Device).where(col(Device.id).in_(dropped)))).all() if dropped else []
    troubles = []
    for device in devices:
        box = dropped[device.id]
        assert box.at
        told = trouble(device, OFFLINE_ALERT, Severity.WARNING, NOT_LISTED, zone=box.zone, name=device.name, gateway=box.gateway.name)
        troubles.append((told, box.at))
    if troubles:
        await tell(tx, *await raise_alerts(tx, troubles), at=max(at for _, at in troubles))


async def _know(tx: Transaction, boxes: Sequence[_Box]) -> None:
    if not boxes:
        return
    values = {
        "organization_id": tx.organization_id, "ids": columns.ids([box.gateway.id for box in boxes]),
        "ats": columns.instants(box.at for box in boxes), "firmwares": columns.texts(box.firmware for box in boxes),
        "statuses": columns.texts(json.dumps(box.status) for box in boxes),
    }  # fmt: skip
    await tx.execute(_KNOW, values)
    for box in boxes:
        gateway = box.gateway
        if not gateway.is_online:
            tx.record("farm.gateway.online", f"{gateway.name} is online", subject_id=gateway.id)
        tx.emit(GatewayChanged(gateway_id=gateway.id, farm_id=gateway.farm_id))
    back = {box.gateway.id: box.at for box in boxes if not box.gateway.is_online and box.at}
    await resolve_all_open(tx, back, GATEWAY_ALERT, because=BACK)
