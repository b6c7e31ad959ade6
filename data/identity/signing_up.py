"""Somebody makes an account by themselves, and an organization with it, once they have shown that the address is theirs."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import anyio.to_thread
from sqlalchemy import ColumnElement, func, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from data.core.errors import Conflict, Invalid, NotFound, Refusal, TooOften
from data.core.session import Transaction, across_tenants
from data.core.table import uuid7
from data.core.time import now
from data.core.time import zone as known_zone
from data.identity.commands import LANGUAGES, create_organization, create_user, give_role
from data.identity.door import Browser, named, open_session
from data.identity.emails import mailed
from data.identity.phones import COUNTRY, dialled
from data.identity.secrets import hash_password, is_password, new_token, token_hash
from data.identity.tables import Role, SignUp

LIFE = timedelta(hours=24)
TRIES = 5
MOST_AN_HOUR = 3
"""To one address."""
MOST_FROM_ONE_PLACE = 10
"""In an hour, from one address of the network: a whole village may share one."""
HOME_ZONE = "Asia/Phnom_Penh"
TOO_OLD = "This has been used or is too old. Sign up once more."
_ONE_BY_ONE = text("select pg_advisory_xact_lock(hashtext('identity.sign_ups'))")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is sent to the address (`to`): `secret` is a link's token or six digits. Without a secret it is told that it has an
    account already (`is_known`), or nothing at all, for enough was sent. Whoever asked learns the id only."""

    id: UUID
    to: str
    is_phone: bool
    language: str
    secret: str | None = None
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a link would make."""

    name: str
    email: str
    organization_name: str
    language: str


async def ask(
    browser: Browser, *, name: str, password: str, email: str = "", phone: str = "", organization_name: str = "", language: str = "en",
    time_zone: str = "",
) -> Asked:  # fmt: skip
    """Note that somebody wants an account at that e-mail address or phone number. TooOften from one place; to one address no more
    than three go in an hour, and nobody learns here whether it is known: the same is written and answered. Without a time zone it is guessed."""
    called = _said("name", name, "Say what you are called.")
    address, number = _address(email, phone)
    if language not in LANGUAGES:
        raise Invalid("language", "Choose one of {choices}.", choices=", ".join(LANGUAGES))
    is_cambodian = language == "km" or (number or "").startswith(COUNTRY)
    clock = known_zone(time_zone or (HOME_ZONE if is_cambodian else "UTC")).key
    hashed = await anyio.to_thread.run_sync(hash_password, password)
    asked_id, at = uuid7(), now()
    to = number or address or ""
    secret = f"{secrets.randbelow(10**6):06}" if number else new_token()
    async with across_tenants("sign up") as tx:
        await tx.execute(_ONE_BY_ONE)
        lately = select(func.count()).select_from(SignUp).where(col(SignUp.created_at) > at - timedelta(hours=1))
        if browser.ip_address and (await tx.exec(lately.where(SignUp.ip_address == browser.ip_address))).one() >= MOST_FROM_ONE_PLACE:
            raise TooOften("This is asked too often. Ask again later.", retry_after_s=3600)
        if (await tx.exec(lately.where(_same(address, number)))).one() >= MOST_AN_HOUR:
            return Asked(asked_id, to, bool(number), language)
        is_known = await named(tx, to) is not None
        tx.add(
            SignUp(
                id=asked_id, email=address, phone=number, name=called, organization_name=organization_name.strip()[:200] or called,
                language=language, time_zone=clock, password_hash=hashed, tries_left=0 if is_known else TRIES,
                secret_hash=_code_hash(asked_id, secret) if number else token_hash(secret), ip_address=browser.ip_address,
                expires_at=at + LIFE,
            )
        )  # fmt: skip
    return Asked(asked_id, to, bool(number), language, None if is_known else secret, is_known)


async def offered(token: str) -> Waiting | None:
    """What a link would make; None where it is unknown, used or too old, which all look the same."""
    async with across_tenants("sign up") as tx:
        found = (await tx.exec(select(SignUp).where(SignUp.secret_hash == token_hash(token), *_open(now())))).one_or_none()
        return Waiting(found.name, found.email or "", found.organization_name, found.language) if found else None


async def by_link(token: str, password: str, browser: Browser, *, is_demonstration: bool = False) -> str:
    """Make the account that the link stands for; the token of its first session. The password that was chosen is asked once more:
    who merely reads the mail has asked for nothing, and must not get an account of which somebody else knows the password."""
    which = col(SignUp.secret_hash) == token_hash(token)
    return await _confirm(which, browser, password=password, is_demonstration=is_demonstration)


async def by_code(sign_up_id: UUID, code: str, browser: Browser, *, is_demonstration: bool = False) -> str:
    """The same for six digits that came by text message. Only who asked knows the id."""
    which = col(SignUp.id) == sign_up_id
    return await _confirm(which, browser, code="".join(code.split()), is_demonstration=is_demonstration)


async def _confirm(
    which: ColumnElement[bool], browser: Browser, *, password: str | None = None, code: str = "", is_demonstration: bool
) -> str:
    async with across_tenants("sign up") as tx:
        found = await _found(tx, which)
    if password is not None:
        is_right = await anyio.to_thread.run_sync(is_password, password, found.password_hash)
        refusal: Refusal = Invalid("password", "This is not the password that you chose when you signed up.")
    else:
        is_right = secrets.compare_digest(bytes(found.secret_hash), _code_hash(found.id, code))
        refusal = Invalid("code", "This is not the code.")
    try:
        async with across_tenants("sign up") as tx:
            found = await _found(tx, which)
            if is_right:
                return await _make(tx, found, browser, is_demonstration)
            found.tries_left -= 1
            tx.add(found)
    except IntegrityError as reason:
        raise Conflict("Somebody with this address is already here. Sign in with it.") from reason
    raise refusal


async def _found(tx: Transaction, which: ColumnElement[bool]) -> SignUp:
    found = (await tx.exec(select(SignUp).where(which, *_open(now())).with_for_update())).one_or_none()
    if found is None:
        raise NotFound(TOO_OLD)
    return found


async def _make(tx: Transaction, found: SignUp, browser: Browser, is_demonstration: bool) -> str:
    organization = await create_organization(
        tx, name=found.organization_name, slug=slug(found.organization_name), time_zone=found.time_zone, is_demonstration=is_demonstration
    )
    user = await create_user(
        tx, name=found.name, email=found.email, phone=found.phone, language=found.language, time_zone=found.time_zone
    )
    user.password_hash, user.is_email_verified, user.is_phone_verified = found.password_hash, bool(found.email), bool(found.phone)
    tx.add(user)
    await give_role(tx, user.id, role=Role.OWNER, organization_id=organization.id)
    tx.record("identity.account.created", "Signed up by themselves", subject_id=user.id, organization_id=organization.id, name=user.name)
    await tx.delete(found)
    await tx.flush()
    return await open_session(tx, user.id, browser)


def slug(name: str) -> str:
    """A short name in Latin letters that no other organization has."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return f"{plain or 'organization'}-{secrets.token_hex(3)}"


def _said(field: str, written: str, refusal: str) -> str:
    said = written.strip()
    if not said or len(said) > 200 or not said.isprintable():
        raise Invalid(field, refusal)
    return said


def _address(email: str, phone: str) -> tuple[str | None, str | None]:
    """The one or the other; where both are written, the mail goes before."""
    if email.strip():
        if (address := mailed(email)) is None:
            raise Invalid("email", "This is not an e-mail address.")
        return address, None
    if not phone.strip():
        raise Invalid("email", "An e-mail address or a phone number is needed.")
    if (number := dialled(phone)) is None:
        raise Invalid("phone", "Write the number with its country, such as +855 12 345 678.")
    return None, number


def _same(address: str | None, number: str | None) -> ColumnElement[bool]:
    return func.lower(SignUp.email) == (address or "").lower() if address else col(SignUp.phone) == number


def _open(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return col(SignUp.expires_at) > at, col(SignUp.tries_left) > 0


def _code_hash(sign_up_id: UUID, code: str) -> bytes:
    return token_hash(f"{sign_up_id}:{code}")
