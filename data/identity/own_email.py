"""One's e-mail address becomes another only when the link that went there was opened by the one whose address it becomes."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.core.actor import Actor
from data.core.errors import Conflict, Invalid, NotFound, TooOften
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.identity.door import named
from data.identity.emails import mailed
from data.identity.events import PeopleChanged
from data.identity.proof import prove
from data.identity.secrets import new_token, token_hash
from data.identity.tables import EmailChange, PasswordReset, User, UserRole

LIFE = timedelta(hours=24)
MOST_AN_HOUR = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """What is sent: a link with the token to the new address, or where somebody else has that already, only that (no token); and
    to the old one that this was asked."""

    to: str
    old: str | None
    name: str
    language: str
    token: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """Which address became which."""

    to: str
    old: str | None
    name: str
    language: str


async def ask(actor: Actor, email: str, *, present: str = "", code: str = "") -> Asked:
    """Note that somebody wants another address, once they proved who they are (see `proof.prove`). Whether another has it is told to
    that address alone. An earlier link opens nothing any more. TooOften after five in an hour."""
    address = mailed(email)
    if address is None:
        raise Invalid("email", "This is not an e-mail address.")
    assert actor.user_id
    await prove(actor, present=present, code=code)
    async with across_tenants("change e-mail") as tx:
        user = await tx.get_one(User, actor.user_id, with_for_update=True)
        if (user.email or "").lower() == address.lower() and user.is_email_verified:
            raise Invalid("email", "This is your address already.")
        lately = select(func.count()).select_from(EmailChange).where(
            EmailChange.user_id == user.id, col(EmailChange.created_at) > now() - timedelta(hours=1)
        )
        if (await tx.exec(lately)).one() >= MOST_AN_HOUR:
            raise TooOften("This is asked too often. Ask again later.", retry_after_s=3600)
        held = await named(tx, address)
        is_free, token = held is None or held.id == user.id, new_token()
        await tx.execute(update(EmailChange).where(_open(user.id)).values(used_at=now()))
        tx.add(EmailChange(user_id=user.id, email=address, token_hash=token_hash(token), expires_at=now() + LIFE))
        return Asked(address, user.email, user.name, user.language, token if is_free else None)


async def waiting(tx: Transaction) -> str | None:
    """The address to which a link of one's own went that was not opened yet."""
    assert tx.actor.user_id
    return (await tx.exec(select(EmailChange.email).where(_open(tx.actor.user_id)))).first()


async def offered(actor: Actor, token: str) -> str | None:
    """The address that this link gives its opener; None where it is unknown, used, too old or somebody else's: all look the same."""
    assert actor.user_id
    async with across_tenants("change e-mail") as tx:
        found = (await tx.exec(select(EmailChange).where(EmailChange.token_hash == token_hash(token), _open(actor.user_id)))).one_or_none()
        return found.email if found else None


async def confirm(actor: Actor, token: str) -> Changed:
    """The address is theirs from now on; sessions go on, links for a new password that went to the old address do not. NotFound as
    above; Conflict where somebody else came to have the address meanwhile."""
    assert actor.user_id
    try:
        async with across_tenants("change e-mail") as tx:
            return await _confirm(tx, actor.user_id, token)
    except IntegrityError as reason:
        raise Conflict("Somebody with this address is already here. Sign in with it.") from reason


async def _confirm(tx: Transaction, user_id: UUID, token: str) -> Changed:
    user = await tx.get_one(User, user_id, with_for_update=True)
    found = (await tx.exec(select(EmailChange).where(EmailChange.token_hash == token_hash(token), _open(user_id)))).one_or_none()
    if found is None:
        raise NotFound("This link has been used or is too old. Ask for a new one.")
    changed = Changed(found.email, user.email, user.name, user.language)
    user.email, user.is_email_verified, user.updated_at, found.used_at = found.email, True, now(), now()
    tx.add_all((user, found))
    await tx.flush()
    unused = update(PasswordReset).where(col(PasswordReset.user_id) == user_id, col(PasswordReset.used_at).is_(None))
    await tx.execute(unused.values(used_at=now()))
    for organization_id in await tx.exec(select(UserRole.organization_id).where(UserRole.user_id == user_id).distinct()):
        tx.record("identity.email.changed", "E-mail address changed", subject_id=user_id, organization_id=organization_id, name=user.name)
        tx.emit(PeopleChanged(), organization_id=organization_id)
    return changed


def _open(user_id: UUID) -> ColumnElement[bool]:
    return (col(EmailChange.user_id) == user_id) & col(EmailChange.used_at).is_(None) & (col(EmailChange.expires_at) > now())
