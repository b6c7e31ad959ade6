"""The demonstration's world is made once, by the commands that people use, with a month behind it."""

from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import exists
from sqlmodel import col, select

from data.core.session import Transaction, transaction
from data.core.settings import Settings
from data.core.time import now
from data.deliveries import commands as deliveries
from data.deliveries.tables import Driver, DriverDevice
from data.farm import commands as farm
from data.farm import tables as farm_tables
from data.farm.rules.topics import node_of
from data.identity import commands as identity
from data.identity.tables import ApiToken, Role, TokenKind
from data.tracking.tables import ProductionRun
from data.trees.commands.devices import NETWORK as TREES
from jobs.demonstration import evidence, flocks, past_cold, past_farm, past_roads, past_tags
from jobs.demonstration.bulk import make_room
from jobs.demonstration.kept import Carried, Kept
from jobs.demonstration.people import Staff, ensure_people

log = structlog.get_logger()

PAST = timedelta(days=30)


async def ensure_world(settings: Settings, past: timedelta = PAST) -> None:
    """Make whatever is missing: people, things with their past, and the secrets of devices. A second time changes nothing."""
    staff = await ensure_people()
    if not await _is_made(staff):
        await _make(staff, end=now(), past=past)
    if Kept.read(settings.var_dir) is None:
        await _hand_out_secrets(staff, settings)


async def _is_made(staff: Staff) -> bool:
    async with transaction(staff.itself) as tx:
        return bool((await tx.exec(select(exists().where(col(ProductionRun.id).is_not(None))))).one())


async def _make(staff: Staff, *, end: datetime, past: timedelta) -> None:
    """All of it or nothing: a first start that was interrupted begins anew."""
    end = end.replace(microsecond=0).astimezone(UTC)
    start = end - past
    await make_room(start - timedelta(days=1), end)
    async with transaction(staff.itself) as tx:
        await past_cold.make_places(tx)
        await past_farm.make_farms(tx)
        await past_roads.make_drivers(tx, staff)
        await past_tags.make_runs(tx, began=end)
        counts = {
            "cold_chain": await past_cold.live_through(tx, staff, start=start, end=end),
            "farm": await past_farm.live_through(tx, start=start, end=end),
            "flocks": await flocks.make_flocks(tx, end=end, written_by=staff.acting(Role.KEEPER).user_id),
            "tracking": await past_tags.live_through(tx, start=start, end=end),
            "deliveries": await past_roads.live_through(tx, staff, end=end),
        }
        await evidence.write_down(tx, staff, start=start, end=end)
    log.info("a month of the demonstration's past is loaded", **counts)


async def _hand_out_secrets(staff: Staff, settings: Settings) -> None:
    """Make every device's secret anew by the ordinary commands; what any had before stops working."""
    async with transaction(staff.itself) as tx:
        kept = Kept(
            ttn=await _feed_secret(tx, "ttn", "Things Stack, gateway on the roof"),
            trees=await _feed_secret(tx, TREES, "Enrolment of arborists' phones"),
        )
        for board in await tx.exec(select(farm_tables.Device).where(col(farm_tables.Device.deleted_at).is_(None))):
            if board.topic == node_of(board.topic):  # what is in a box speaks through it
                kept.boards[board.topic] = (await farm.make_login(tx, board.id)).password
        kept.phones = await _phones(tx)
        kept.write(settings.var_dir)


async def _feed_secret(tx: Transaction, network: str, name: str) -> str:
    feed = select(ApiToken).where(ApiToken.name == name, ApiToken.kind == TokenKind.FEED, col(ApiToken.revoked_at).is_(None))
    if found := (await tx.exec(feed)).first():
        return await identity.rotate_token(tx, found.id)
    _, secret = await identity.make_token(tx, name=name, kind=TokenKind.FEED, network=network)
    return secret


async def _phones(tx: Transaction) -> list[Carried]:
    users = {crew.name: crew.user for crew in past_roads.CREWS}
    devices = select(DriverDevice, Driver.name).join(Driver, col(Driver.id) == DriverDevice.driver_id)
    found = (await tx.exec(devices.where(col(DriverDevice.deleted_at).is_(None)))).all()
    return [
        Carried(str(device.driver_id), device.app.value, users[name], await deliveries.renew_token(tx, device.id))
        for device, name in found
        if name in users
    ]
