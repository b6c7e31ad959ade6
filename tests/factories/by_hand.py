"""Lines of somebody's round, as a phone would send them."""

import io
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from PIL import Image

from data.cold_chain.by_hand import Written
from data.cold_chain.commands import logs
from data.core.actor import Actor
from data.core.errors import Refusal
from data.core.session import transaction
from data.core.table import uuid7
from data.core.time import now


def line(unit_id: UUID, celsius: float = -20.0, at: datetime | None = None, **more: Any) -> Written:
    return Written(more.pop("id", None) or uuid7(), unit_id, Decimal(str(celsius)), at or now(), **more)


async def write(who: Actor, *lines: Written, at: datetime | None = None) -> list[Refusal | None]:
    """Write them down together; the answers in the same order."""
    async with transaction(who) as tx:
        answers = await logs.write_down(tx, lines, at=at or now())
    return [answers[one.id] for one in lines]


def jpeg(width: int = 40, height: int = 30) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (width, height), "#1d5e42").save(made, "JPEG")
    return made.getvalue()
