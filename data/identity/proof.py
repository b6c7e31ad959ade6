"""Before something about an account changes that could take it from its person, they show again that it is they."""

import anyio.to_thread

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid
from data.core.session import across_tenants
from data.core.time import now
from data.identity import second_factor
from data.identity.door import count_failure, minutes_left
from data.identity.secrets import is_password
from data.identity.tables import User


async def prove(actor: Actor, *, present: str = "", code: str = "") -> None:
    """By the password one has, or by a code of the second factor. Invalid('present') or ('code') for a wrong one, which counts as
    at the door; Forbidden while the account is locked."""
    assert actor.user_id
    async with across_tenants("prove") as tx:
        user = await tx.get_one(User, actor.user_id)
        if user.locked_until_at and user.locked_until_at > now():
            raise Forbidden("Too many wrong passwords. Try again in {minutes} minutes.", minutes=minutes_left(user))
    by_code = bool(code) and not present
    is_right = False
    if not by_code:
        is_right = await anyio.to_thread.run_sync(is_password, present, user.password_hash)
    async with across_tenants("prove") as tx:
        if by_code:
            is_right = await second_factor.is_right(tx, actor.user_id, code)
        if not is_right:
            await count_failure(tx, actor.user_id)
    if not is_right:
        raise Invalid("code", second_factor.WRONG) if by_code else Invalid("present", "This is not your password.")
