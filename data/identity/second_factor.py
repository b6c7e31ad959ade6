"""Besides the password, somebody shows that they hold their telephone: a code that changes every half minute."""

import secrets
from datetime import timedelta
from uuid import UUID

import pyotp
from sqlalchemy import delete, func, select, update
from sqlmodel import col

from data.core.actor import Actor
from data.core.errors import Forbidden, Invalid, Refusal, Unauthenticated
from data.core.session import Transaction, across_tenants
from data.core.time import now
from data.identity.door import SESSION_LIFE, count_failure, minutes_left
from data.identity.secrets import new_token, seal, token_hash
from data.identity.tables import AuthSession, RecoveryCode, User

STEP = timedelta(seconds=30)
RECOVERY_CODES = 10
WRONG = "The code is not right."
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


def new_secret() -> str:
    """A secret to be shown to a telephone, base32. It counts only once its first code was typed (see `turn_on`)."""
    return pyotp.random_base32()


def address(secret: str, actor_name: str) -> str:
    """What a telephone's camera reads: `otpauth://totp/…`."""
    return pyotp.TOTP(secret).provisioning_uri(name=actor_name, issuer_name="Steading")


async def turn_on(actor: Actor, secret: str, code: str) -> list[str]:
    """Ask for a code at each sign-in from now on; the codes for a lost telephone, told this once. Invalid('code') for a wrong one."""
    async with across_tenants("second factor: on") as tx:
        user = await tx.get_one(User, actor.user_id, with_for_update=True)
        step = _step(secret, code, after=None)
        if step is None:
            raise Invalid("code", WRONG)
        user.totp_secret_encrypted, user.totp_last_step, user.is_mfa_enabled = seal().close(secret), step, True
        tx.add(user)
        return await _new_recovery_codes(tx, user)


async def turn_off(actor: Actor, code: str) -> None:
    """Ask for no code any more. Invalid('code') for a wrong one."""
    async with across_tenants("second factor: off") as tx:
        user = await tx.get_one(User, actor.user_id, with_for_update=True)
        if not await _is_right(tx, user, code):
            raise Invalid("code", WRONG)
        user.totp_secret_encrypted, user.totp_last_step, user.is_mfa_enabled = None, None, False
        tx.add(user)
        await tx.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))


async def renew_recovery_codes(actor: Actor, code: str) -> list[str]:
    """Ten new codes for a lost telephone; the old ones open nothing any more."""
    async with across_tenants("second factor: recovery codes") as tx:
        user = await tx.get_one(User, actor.user_id, with_for_update=True)
        if not await _is_right(tx, user, code):
            raise Invalid("code", WRONG)
        return await _new_recovery_codes(tx, user)


async def recovery_codes_left(actor: Actor) -> int:
    """How many codes for a lost telephone were not used yet."""
    async with across_tenants("second factor: left") as tx:
        statement = select(func.count()).where(col(RecoveryCode.user_id) == actor.user_id, col(RecoveryCode.used_at).is_(None))
        return int((await tx.execute(statement)).scalar_one())


async def is_due(token: str) -> bool:
    """Whether the password was right and the code is waited for."""
    async with across_tenants("second factor: due") as tx:
        return await _due_session(tx, token) is not None


async def show_code(token: str, code: str) -> str:
    """The session's new token for the right code, or for one of those for a lost telephone. Unauthenticated for a wrong one,
    Forbidden while the account is locked: wrong codes count like wrong passwords."""
    refusal: Refusal | None = None
    fresh = ""
    async with across_tenants("second factor: code") as tx:
        session = await _due_session(tx, token)
        if session is None:
            raise Unauthenticated("Sign in again.")
        user = await tx.get_one(User, session.user_id, with_for_update=True)
        if user.locked_until_at and user.locked_until_at > now():
            raise Forbidden("Too many wrong passwords. Try again in {minutes} minutes.", minutes=minutes_left(user))
        if await _is_right(tx, user, code):
            fresh = new_token()
            session.token_hash, session.is_second_factor_due = token_hash(fresh), False
            session.expires_at = now() + SESSION_LIFE
            user.failed_sign_ins, user.locked_until_at, user.last_login_at = 0, None, now()
            tx.add_all([session, user])
        else:
            await count_failure(tx, user.id)
            refusal = Unauthenticated(WRONG)
    if refusal:
        raise refusal
    return fresh


async def is_right(tx: Transaction, user_id: UUID, code: str) -> bool:
    """Whether this is the code now; it counts once. Never for somebody who has no second factor."""
    return await _is_right(tx, await tx.get_one(User, user_id, with_for_update=True), code)


async def _due_session(tx: Transaction, token: str) -> AuthSession | None:
    statement = select(AuthSession).where(
        col(AuthSession.token_hash) == token_hash(token), col(AuthSession.is_second_factor_due),
        col(AuthSession.revoked_at).is_(None), col(AuthSession.expires_at) > now(),
    )  # fmt: skip
    return (await tx.execute(statement.with_for_update())).scalars().one_or_none()


async def _is_right(tx: Transaction, user: User, code: str) -> bool:
    """Each code counts once: what was shown to us may have been seen by somebody else."""
    typed = "".join(sign for sign in code if sign.isalnum()).lower()
    if user.totp_secret_encrypted is None:
        return False
    step = _step(seal().open(user.totp_secret_encrypted), typed, after=user.totp_last_step)
    if step is not None:
        user.totp_last_step = step
        tx.add(user)
        return True
    unused = (
        update(RecoveryCode)
        .where(col(RecoveryCode.user_id) == user.id, col(RecoveryCode.code_hash) == token_hash(typed), col(RecoveryCode.used_at).is_(None))
        .values(used_at=now())
        .returning(col(RecoveryCode.id))
    )
    is_recovered = (await tx.execute(unused)).first() is not None
    if is_recovered:
        tx.record("identity.recovery_code.used", "a recovery code was used", subject_id=user.id, severity="warning")
    return is_recovered


def _step(secret: str, code: str, *, after: int | None) -> int | None:
    """The half minute that a code belongs to: now's, or one beside it where clocks differ; never one that counted before."""
    totp = pyotp.TOTP(secret)
    present = int(now().timestamp() // STEP.total_seconds())
    typed = code.replace(" ", "")
    return next(
        (
            step
            for step in (present, present - 1, present + 1)
            if (after is None or step > after) and secrets.compare_digest(totp.at(int(step * STEP.total_seconds())).encode(), typed.encode())
        ),
        None,
    )


async def _new_recovery_codes(tx: Transaction, user: User) -> list[str]:
    await tx.execute(delete(RecoveryCode).where(col(RecoveryCode.user_id) == user.id))
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    tx.add_all([RecoveryCode(user_id=user.id, code_hash=token_hash(code)) for code in codes])
    return [f"{code[:5]}-{code[5:]}" for code in codes]
