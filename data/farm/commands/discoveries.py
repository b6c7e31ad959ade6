"""A device announces itself, and waits until somebody takes it in, or says that it is not wanted."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_
from sqlalchemy.dialects.postgresql import array
from sqlmodel import col, select

from data.core.errors import Conflict, Invalid, NotFound, Refusal
from data.core.session import Transaction
from data.core.time import now
from data.farm.announced import Announcement, Described, Part, as_document, from_document, is_measuring, path_of
from data.farm.commands.devices import register_device
from data.farm.events import DeviceAnnounced, DeviceRegistered
from data.farm.rules.topics import node_of
from data.farm.tables import Device, DeviceType, Dialect, Discovery

MOST_WAITING = 100
"""On one farm: who announces more is broken, or means no good."""
MOST_PARTS = 60
SEEN_AGAIN_AFTER = timedelta(hours=1)
"""How exactly it is known when a device was last announced: a repetition writes nothing sooner."""
MEASURED = "measured"
"""Stands, among the things that are taken in, for all that a device measures: that is one probe."""
ICONS = {"light": "lightbulb", "fan": "air"}


async def announce(tx: Transaction, messages: Sequence[Announcement]) -> list[None | Refusal]:
    """Note what was announced on the farm that each names. What was known already changes nothing; what is taken back goes, unless it
    has become one of ours. A farm that has too many that wait gets no more: Conflict, for that one message."""
    at = now()
    known = await _lock(tx, messages)
    spoken = await _spoken_for(tx, {node_of(message.identifier) for message in messages if not message.is_gone})
    before = {identifier: (row, as_document(from_document(row.description))) for identifier, row in known.items()}
    room = await _room(tx, {UUID(message.farm_id) for message in messages if not message.is_gone})
    outcomes: list[None | Refusal] = []
    for message in messages:
        for identifier, other in known.items():
            if identifier != message.identifier and message.path in other.description.get("paths", ()):
                other.description = as_document(_without(from_document(other.description), message.path))
        if message.is_gone:
            outcomes.append(None)
            continue
        farm_id = UUID(message.farm_id)
        row = known.get(message.identifier)
        if row is None:
            if room[farm_id] <= 0:
                outcomes.append(Conflict("Too many devices wait on this farm already."))
                continue
            room[farm_id] -= 1
            row = Discovery(farm_id=farm_id, dialect=Dialect.HOME_ASSISTANT, identifier=message.identifier, first_seen_at=at, last_seen_at=at)
            known[message.identifier] = row
        merged = _merged(from_document(row.description), message, spoken)
        row.description, row.name = as_document(merged), message.name
        if row.device_id is None:
            row.farm_id = farm_id
        if at - row.last_seen_at >= SEEN_AGAIN_AFTER:
            row.last_seen_at = at
        outcomes.append(None)
    await _keep(tx, known, before)
    return outcomes


async def approve(
    tx: Transaction, discovery_id: UUID, *, farm_id: UUID, location: str | None = None, names: Mapping[str, str]
) -> list[Device]:
    """Take it in. `names` gives those things in it that are wanted a name, by their `id`, and by MEASURED for all that it measures; the
    others are left alone for good. Invalid('names') without any; Conflict where there is nothing to take in."""
    tx.actor.require("farm.edit", farm_id)
    row = await _one(tx, discovery_id)
    described = await _as_living(tx, row)
    if not (waiting := described.waiting):
        raise Conflict("There is nothing new in this device.")
    wanted = {part_id: name.strip() for part_id, name in names.items() if name.strip()}
    outputs = [part for part in waiting if part.is_output and part.id in wanted]
    measures = MEASURED in wanted and any(not part.is_output for part in waiting)
    if not outputs and not measures:
        raise Invalid("names", "Give it a name, so that it can be told from the others.")
    first = max(0, *(part.output for part in described.parts)) + 1
    numbers = {part.id: first + n for n, part in enumerate(outputs)}
    probe = first + len(outputs) if measures else 0
    made = []
    for part in outputs:
        made.append(await _hang_up(tx, row, farm_id, wanted[part.id], DeviceType(part.kind), numbers[part.id], location, described, ICONS.get(part.component)))
    if measures:
        made.append(await _hang_up(tx, row, farm_id, wanted[MEASURED], DeviceType.SENSOR, probe, location, described, None))
    parts = tuple(_numbered(part, numbers, probe) if not part.output else part for part in described.parts)
    row.description = as_document(replace(described, parts=parts))
    row.farm_id, row.device_id, row.dismissed_at = farm_id, made[0].id, None
    tx.add(row)
    tx.record("farm.discoveries.approved", f"{row.name} was taken in", subject_id=row.id, devices=[str(one.id) for one in made])
    tx.emit(DeviceAnnounced(discovery_id=row.id, farm_id=farm_id))
    return made


async def dismiss(tx: Transaction, discovery_id: UUID) -> None:
    """It is not wanted, however often it announces itself."""
    row = await _one(tx, discovery_id)
    row.dismissed_at = row.dismissed_at or now()
    await _decided(tx, row, "farm.discoveries.dismissed", f"{row.name} is not wanted")


async def want_again(tx: Transaction, discovery_id: UUID) -> None:
    """It waits again, after it was dismissed."""
    row = await _one(tx, discovery_id)
    row.dismissed_at = None
    await _decided(tx, row, "farm.discoveries.wanted", f"{row.name} waits again")


async def _decided(tx: Transaction, row: Discovery, event: str, title: str) -> None:
    tx.add(row)
    tx.record(event, title, subject_id=row.id)
    assert row.farm_id is not None
    tx.emit(DeviceAnnounced(discovery_id=row.id, farm_id=row.farm_id))


async def _hang_up(
    tx: Transaction, row: Discovery, farm_id: UUID, name: str, kind: DeviceType, output: int, location: str | None, described: Described,
    icon: str | None,
) -> Device:  # fmt: skip
    device = await register_device(
        tx, farm_id, name=name, topic=row.identifier, device_type=kind, location=location, output=output, model=described.model or None,
        dialect=Dialect.HOME_ASSISTANT, icon=icon,
    )  # fmt: skip
    device.firmware_version = described.firmware or None
    tx.add(device)
    return device


async def _one(tx: Transaction, discovery_id: UUID) -> Discovery:
    row = (await tx.exec(select(Discovery).where(Discovery.id == discovery_id, Discovery.dialect == Dialect.HOME_ASSISTANT).with_for_update())).one_or_none()
    if row is None or row.farm_id is None or not tx.actor.may("farm.view", row.farm_id):
        raise NotFound("There is no such device.")
    tx.actor.require("farm.edit", row.farm_id)
    return row


async def _as_living(tx: Transaction, row: Discovery) -> Described:
    living = await tx.exec(select(Device.output).where(Device.topic == row.identifier, col(Device.deleted_at).is_(None)))
    return from_document(row.description).freed(frozenset(living.all()))


def _numbered(part: Part, numbers: Mapping[str, int], probe: int) -> Part:
    if part.is_output:
        return replace(part, output=numbers.get(part.id, -1))
    return replace(part, output=probe or -1) if is_measuring(part) else part


async def _lock(tx: Transaction, messages: Sequence[Announcement]) -> dict[str, Discovery]:
    """The rows that these messages may be about, by identifier; whoever announces at the same time waits."""
    whose = func.hashtextextended(str(tx.organization_id), 29)
    await tx.execute(select(func.pg_advisory_xact_lock(whose)))
    statement = select(Discovery).where(
        Discovery.dialect == Dialect.HOME_ASSISTANT,
        or_(
            col(Discovery.identifier).in_({message.identifier for message in messages}),
            col(Discovery.description)["paths"].has_any(array([message.path for message in messages])),
        ),
    )
    rows = (await tx.exec(statement.order_by(col(Discovery.id)).with_for_update().execution_options(populate_existing=True))).all()
    return {row.identifier: row for row in rows}


async def _spoken_for(tx: Transaction, boxes: Iterable[str]) -> set[str]:
    """The topics of devices in these boxes that were hung up by hand: what ESPHome announces besides is one of them."""
    statement = select(Device.topic).where(
        Device.dialect == Dialect.ESPHOME, col(Device.deleted_at).is_(None), func.split_part(col(Device.topic), "/", 1).in_(list(boxes))
    )
    return set((await tx.exec(statement)).all())


async def _room(tx: Transaction, farm_ids: Iterable[UUID]) -> dict[UUID, int]:
    farms = list(farm_ids)
    statement = (
        select(Discovery.farm_id, func.count())
        .where(col(Discovery.farm_id).in_(farms), col(Discovery.device_id).is_(None), Discovery.dialect == Dialect.HOME_ASSISTANT)
        .group_by(col(Discovery.farm_id))
    )
    waiting = dict((await tx.exec(statement)).all())
    return {farm_id: MOST_WAITING - waiting.get(farm_id, 0) for farm_id in farms}


def _without(described: Described, path: str) -> Described:
    """What is left when this message is taken back: what became one of ours stays."""
    parts = tuple(part for part in described.parts if path_of(part.id) != path or part.output > 0)
    return replace(described, parts=parts, left_out={one: names for one, names in described.left_out.items() if one != path})


def _merged(described: Described, message: Announcement, spoken: set[str]) -> Described:
    numbers = {part.id: part.output for part in described.parts}
    probe = next((part.output for part in described.parts if part.output > 0 and not part.is_output), 0)
    fresh = {
        part.id: replace(part, output=numbers.get(part.id, 0) or (probe if is_measuring(part) else 0))
        for part in message.parts
        if not _is_spoken_for(part, spoken)
    }
    kept = [fresh.pop(part.id, part) for part in described.parts if path_of(part.id) != message.path or part.id in fresh or part.output > 0]
    left_out = {one: names for one, names in described.left_out.items() if one != message.path}
    if message.left_out:
        left_out[message.path] = list(message.left_out)
    return Described(
        (*kept, *fresh.values())[:MOST_PARTS], message.availability or described.availability, message.availability_mode,
        message.model or described.model, message.area or described.area, message.firmware or described.firmware, left_out,
    )  # fmt: skip


def _is_spoken_for(part: Part, spoken: set[str]) -> bool:
    topic = (part.state_topic or part.level_topic).removesuffix("/state")
    return topic in spoken or (not part.is_output and node_of(topic) in spoken)


async def _keep(tx: Transaction, known: Mapping[str, Discovery], before: Mapping[str, tuple[Discovery, dict[str, object]]]) -> None:
    changed = []
    for identifier, row in known.items():
        is_new, is_empty = identifier not in before, row.device_id is None and not row.description.get("parts")
        if is_empty and is_new:
            continue
        if is_empty:
            await tx.delete(row)
        else:
            tx.add(row)
        if is_new or row.description != before[identifier][1]:
            changed.append(row)
    await tx.flush()
    for row in changed:
        assert row.farm_id is not None
        tx.emit(DeviceAnnounced(discovery_id=row.id, farm_id=row.farm_id))
        if row.device_id:
            tx.emit(DeviceRegistered(device_id=row.device_id))

