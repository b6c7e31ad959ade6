"""A program whose answer got lost asks again, and nothing is done twice because of that."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from data.core.errors import Invalid
from data.core.session import Transaction
from data.core.table import uuid7

HEADER = "Idempotency-Key"
NO_KEY = "A key has 1 to 200 letters, digits and signs, without spaces."
OTHERWISE = "This key was used for another request. Take a new one for each thing that you ask."

_KEY = re.compile(r"[!-~]{1,200}")

_CLAIM = text("""
    insert into platform.idempotency_keys (id, organization_id, user_id, key, asked_hash)
    values (:id, :organization_id, :user_id, :key, :asked)
    on conflict (organization_id, user_id, key) do nothing returning id""")
_KNOWN = text("""
    select result_id, asked_hash from platform.idempotency_keys
    where organization_id = :organization_id and user_id = :user_id and key = :key""")
_KEEP = text("update platform.idempotency_keys set result_id = :result_id where organization_id = :organization_id and id = :id")


async def once(tx: Transaction, key: str | None, asked: Mapping[str, Any], do: Callable[[], Awaitable[UUID]]) -> UUID:
    """What `do` made (a command, a batch, a run); what it made before where this person has asked the same under this key already.

    A second one at the same moment waits for the first. Keys are known for a day at least; what was refused was not done, and its key
    is free. Invalid names the header where it is no key, or was used for something else.
    """
    if key is None:
        return await do()
    if not _KEY.fullmatch(key):
        raise Invalid(HEADER, NO_KEY)
    mine = {"organization_id": tx.organization_id, "user_id": tx.actor.user_id, "key": key}
    said = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).digest()
    claim = uuid7()
    if (await tx.execute(_CLAIM, mine | {"id": claim, "asked": said})).first() is None:
        result_id, before = (await tx.execute(_KNOWN, mine)).one()
        if bytes(before) != said:
            raise Invalid(HEADER, OTHERWISE)
        known: UUID = result_id
        return known
    made = await do()
    await tx.execute(_KEEP, {"organization_id": tx.organization_id, "id": claim, "result_id": made})
    return made
