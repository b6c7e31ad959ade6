"""A mail ends with a link that ends such mails: sealed, so that nobody can make one for somebody else; no sign-in is needed."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import select

from data.core.actor import Actor, ActorKind
from data.core.errors import NotFound
from data.core.session import Transaction
from data.core.table import uuid7
from data.core.time import now
from data.identity.secrets import seal
from data.notifications.events import ChannelsChanged
from data.notifications.sending import Outgoing
from data.notifications.tables import Channel, NotificationPreference, OptOut, Purpose
from data.platform.regular import leave


@dataclass(frozen=True, slots=True)
class Ending:
    """What a link ends, and for whom: one report that comes regularly, somebody's digests, or everything to an address that is
    nobody's here."""

    organization_id: UUID
    user_id: UUID | None
    address: str
    schedule_id: UUID | None = None

    @property
    def actor(self) -> Actor:
        """Whoever holds the link, with no rights but this one."""
        return Actor(ActorKind.PERSON, self.organization_id, self.address, user_id=self.user_id)


def token(outgoing: Outgoing) -> str:
    """What a mail's link carries; '' for what one cannot end with a click (alerts of one's own are a matter of preferences)."""
    is_endable = outgoing.channel is Channel.EMAIL and (
        outgoing.purpose in (Purpose.DIGEST, Purpose.REPORT) or (outgoing.user_id is None and outgoing.purpose is not Purpose.TEST)
    )
    if not is_endable:
        return ""
    said: dict[str, Any] = {"o": str(outgoing.organization_id), "u": str(outgoing.user_id or ""), "a": outgoing.recipient}
    if outgoing.purpose is Purpose.REPORT and outgoing.payload:
        said["r"] = outgoing.payload["schedule_id"]
    return seal().close(json.dumps(said)).decode()


def read(token: str) -> Ending:
    """NotFound for anything that we did not seal."""
    try:
        said = json.loads(seal().open(token.encode()))
        return Ending(UUID(said["o"]), UUID(said["u"]) if said["u"] else None, said["a"], UUID(said["r"]) if said.get("r") else None)
    except (InvalidToken, ValueError, KeyError, TypeError) as reason:
        raise NotFound("This link is not one of ours, or it is broken.") from reason


async def end(tx: Transaction, ending: Ending) -> None:
    """No more of them. Doing it twice changes nothing; a transaction of `ending.actor`."""
    if ending.schedule_id is not None:
        await leave(tx, ending.schedule_id, str(ending.user_id or ending.address))
        return
    if ending.user_id is None:
        row = {"id": uuid7(), "organization_id": tx.organization_id, "channel": Channel.EMAIL, "address": ending.address, "reason": "unsubscribed by link"}
        await tx.execute(insert(OptOut).values(row).on_conflict_do_nothing())
        return
    statement = select(NotificationPreference).where(NotificationPreference.user_id == ending.user_id)
    chosen = (await tx.exec(statement.with_for_update())).one_or_none()
    if chosen is not None and (chosen.digest_daily or chosen.digest_weekly):
        chosen.digest_daily = chosen.digest_weekly = False
        chosen.updated_at = now()
        tx.add(chosen)
        tx.emit(ChannelsChanged(user_id=ending.user_id))
