"""A client with a brand, a run under way, a warehouse and a shop, and tags with real keys."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import select

from data.core.actor import Actor
from data.core.session import transaction
from data.core.time import now
from data.tracking import commands
from data.tracking.commands import Found
from data.tracking.rules import PlaceKind
from data.tracking.tables import Tracker
from data.tracking.tags import keys_of
from data.tracking.values import Sighting, TagKeys

WAREHOUSE = (11.5564, 104.9282)
SHOP = (11.5800, 104.9000)
ROAD = (11.6500, 104.8500)
FACTORY = (22.5431, 114.0579)


def tag(number: int, name: str | None = None) -> TagKeys:
    """The tag whose private key is that number."""
    return keys_of(base64.b64encode(number.to_bytes(28, "big")).decode(), name or f"Tag {number}")


@dataclass(frozen=True, slots=True)
class Shipping:
    """What `build_shipping` made; `trackers` are the ids by the tag's number."""

    client_id: UUID
    brand_id: UUID
    run_id: UUID
    warehouse_id: UUID
    shop_id: UUID
    trackers: dict[int, UUID]


async def build_shipping(
    actor: Actor, *numbers: int, client: str = "Lotus Foods", starts_at: datetime | None = None, ends_at: datetime | None = None
) -> Shipping:
    """A run of that client under way, with the tags of these numbers (1 and 2 unless told)."""
    numbers = numbers or (1, 2)
    async with transaction(actor) as tx:
        made = await commands.add_client(tx, name=client)
        brand = await commands.add_brand(tx, made.id, name="Golden Rice")
        run = await commands.add_run(
            tx, brand.id, description=f"{client} display stands", starts_at=starts_at or now() - timedelta(days=30), ends_at=ends_at
        )
        warehouse = await commands.add_place(
            tx, run.id, PlaceKind.STORAGE, name="Riverside warehouse", latitude=WAREHOUSE[0], longitude=WAREHOUSE[1]
        )
        shop = await commands.add_place(tx, run.id, PlaceKind.DELIVERY, name="Central market", latitude=SHOP[0], longitude=SHOP[1])
        await commands.import_trackers(tx, run.id, [(n, tag(n)) for n in numbers])
        names = {tag(n).name: n for n in numbers}
        found = await tx.exec(select(Tracker.name, Tracker.id).where(Tracker.production_run_id == run.id))
        trackers = {names[name]: id for name, id in found}
    return Shipping(made.id, brand.id, run.id, warehouse.id, shop.id, trackers)


def heard(
    tracker_id: UUID, place: tuple[float, float], at: datetime, *, accuracy_m: float = 20, confidence: int = 3, city: str = "Phnom Penh"
) -> Found:
    """A report of a tag, there and then."""
    return Found(tracker_id, Sighting("key", at, place[0], place[1], accuracy_m, confidence), city)


async def report(organization_id: UUID, found: Sequence[Found], *, at: datetime | None = None) -> commands.Recorded:
    """Record a batch as the fetching job does."""
    async with transaction(Actor.system(organization_id, "tracking.fetch")) as tx:
        return await commands.record(tx, found, at=at or now())
