"""Clients, brands, two runs with their places, thirty tags from a vendor's file, and a month in which phones heard them."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlmodel import col, select

from data.core.session import Transaction
from data.tracking import commands
from data.tracking.commands import Found, Policy
from data.tracking.tables import ProductionRun, Tracker
from data.tracking.tags import CURVE, KEY_BYTES, csv_template, keys_of, numbered_rows
from data.tracking.values import Sighting
from jobs.demonstration.journeys import BOXES, RUNS, TAGS_A_RUN, Heard, heard, journeys

NEAREST_CITY = "Phnom Penh"


async def make_runs(tx: Transaction, *, began: datetime) -> None:
    """Runs as people make them, and their tags by CSV import."""
    for run in RUNS:
        client = await commands.add_client(tx, name=run.client)
        brand = await commands.add_brand(tx, client.id, name=run.brand)
        made = await commands.add_run(
            tx, brand.id, description=run.description, starts_at=began - timedelta(days=run.began_days_ago)
        )
        for stop in run.stops:
            assert stop.kind, "only what is a place of a run has a circle"
            await commands.add_place(
                tx, made.id, stop.kind, name=stop.name, latitude=stop.latitude, longitude=stop.longitude,
                geofence_size_m=stop.geofence_size_m,
            )  # fmt: skip
        await commands.import_trackers(tx, made.id, list(numbered_rows(_vendors_file(run.prefix))))


async def live_through(tx: Transaction, *, start: datetime, end: datetime) -> int:
    """Store what phones heard from `start` to `end`, and let each tag's status and history follow from it."""
    rows = await tx.exec(select(Tracker).where(col(Tracker.deleted_at).is_(None)))
    trackers = {tracker.name: tracker for tracker in rows}
    found = [
        Found(trackers[name].id, _sighting(trackers[name].hashed_advertisement_key, one), NEAREST_CITY)
        for name, journey in journeys(end.timestamp()).items()
        for one in heard(journey, start.timestamp(), end.timestamp())
    ]
    await commands.record(tx, found, at=end, policy=Policy(excluded=(), oldest=end - start))
    return len(found)


async def began_at(tx: Transaction) -> datetime:
    """When this world first saw the light, which its journeys are counted from."""
    run = (await tx.exec(select(ProductionRun).where(ProductionRun.description == BOXES.description))).first()
    assert run, "the demonstration's run is there"
    return run.starts_at + timedelta(days=BOXES.began_days_ago)


async def tags(tx: Transaction) -> dict[str, tuple[UUID, str]]:
    """The id and the advertised key of each tag by its name."""
    rows = await tx.exec(select(Tracker).where(col(Tracker.deleted_at).is_(None)))
    return {tracker.name: (tracker.id, tracker.advertisement_key) for tracker in rows}


def _vendors_file(prefix: str) -> str:
    """Fresh key pairs as a vendor writes them."""
    lines = [csv_template()]
    for number in range(1, TAGS_A_RUN + 1):
        secret = ec.generate_private_key(CURVE).private_numbers().private_value.to_bytes(KEY_BYTES, "big")
        keys = keys_of(base64.b64encode(secret).decode(), f"{prefix}-{number:02}")
        mac = ":".join(f"{byte:02X}" for byte in (0xC0, 0xFF, 0xEE, len(prefix), ord(prefix[0]), number))
        lines.append(",".join((keys.name, keys.advertisement_key, keys.private_key, keys.hashed_advertisement_key, mac)) + "\r\n")
    return "".join(lines)


def _sighting(hashed_key: str, one: Heard) -> Sighting:
    at = datetime.fromtimestamp(one.at_s, UTC)
    return Sighting(hashed_key, at, one.latitude, one.longitude, float(one.accuracy_m), one.confidence, one.battery)


