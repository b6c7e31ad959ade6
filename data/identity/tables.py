"""People belong to organizations by roles; they prove who they are, and their machines do so by tokens."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlmodel import Field

from data.core.table import Row, SoftDeleted, Stamped, Tenant, instant, tenant_args, text_column, word

SCHEMA = "identity"


class Role(StrEnum):
    """What somebody is in an organization, or on one thing of it (see permissions.py for what each may do)."""

    OWNER = "owner"
    ADMIN = "admin"
    MANAGER = "manager"
    STAFF = "staff"
    VIEWER = "viewer"
    KEEPER = "keeper"
    DRIVER = "driver"
    CUSTOMER = "customer"
    ASSESSOR = "assessor"
    INSPECTOR = "inspector"


class TokenKind(StrEnum):
    """What a machine's token opens: a network's feed, the bulk interface, or one device's own door."""

    FEED = "feed"
    API = "api"
    DEVICE = "device"


class Organization(Row, Stamped, SoftDeleted, table=True):
    """One business: the wall around everything it owns."""

    __tablename__ = "organizations"
    __table_args__ = (
        Index("uq_organizations_slug", "slug", unique=True, postgresql_where=text("deleted_at is null")),
        {"schema": SCHEMA},
    )

    name: str = text_column(nullable=False)
    slug: str = text_column(nullable=False)
    time_zone: str = text_column(nullable=False, default="UTC")
    logo_url: str | None = text_column(nullable=True)
    sensor_limit: int | None = None
    """What was agreed with this one; else its plan says."""
    updated_at: datetime = instant(default_now=True)
    is_demonstration: bool = Field(default=False, sa_type=Boolean)


class User(Row, Stamped, SoftDeleted, table=True):
    """A person, once for all the systems; e-mail or phone is needed to sign in."""

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", text("lower(email)"), unique=True, postgresql_where=text("deleted_at is null")),
        Index("uq_users_phone", "phone", unique=True, postgresql_where=text("deleted_at is null")),
        Index("uq_users_oidc_subject", "oidc_issuer", "oidc_subject", unique=True),
        {"schema": SCHEMA},
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"password_hash", "totp_secret_encrypted"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_login_at", "failed_sign_ins", "totp_last_step"})

    name: str = text_column(nullable=False)
    email: str | None = text_column(nullable=True)
    phone: str | None = text_column(nullable=True)
    password_hash: str | None = text_column(nullable=True)
    language: str = text_column(nullable=False, default="en")
    time_zone: str = text_column(nullable=False, default="UTC")
    units: str = text_column(nullable=False, default="celsius")
    theme: str = text_column(nullable=False, default="system")
    avatar_url: str | None = text_column(nullable=True)
    oidc_issuer: str | None = text_column(nullable=True)
    oidc_subject: str | None = text_column(nullable=True)
    is_active: bool = Field(default=True, sa_type=Boolean)
    is_email_verified: bool = Field(default=False, sa_type=Boolean)
    is_phone_verified: bool = Field(default=False, sa_type=Boolean)
    is_mfa_enabled: bool = Field(default=False, sa_type=Boolean)
    totp_secret_encrypted: bytes | None = None
    totp_last_step: int | None = Field(default=None, sa_type=BigInteger)
    is_platform_admin: bool = Field(default=False, sa_type=Boolean)
    failed_sign_ins: int = 0
    locked_until_at: datetime | None = instant(nullable=True)
    last_login_at: datetime | None = instant(nullable=True)
    updated_at: datetime = instant(default_now=True)


class UserRole(Tenant, Stamped, table=True):
    """One role of one person; with a scope it holds for that thing only (a farm, a client), else everywhere."""

    __tablename__ = "user_roles"
    __table_args__ = tenant_args(
        SCHEMA,
        UniqueConstraint(
            "organization_id", "user_id", "role", "scope_id",
            name="uq_user_roles_once", postgresql_nulls_not_distinct=True,
        ),
        Index("ix_user_roles_user_id", "user_id"),
    )  # fmt: skip

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    role: Role = word(Role, "role", SCHEMA)
    scope_id: UUID | None = None
    invited_by: UUID | None = Field(default=None, foreign_key="identity.users.id")


class AuthSession(Row, Stamped, table=True):
    """One browser or program that somebody signed in with. The token itself is nowhere; only its hash is."""

    __tablename__ = "auth_sessions"
    __table_args__ = (
        Index("uq_auth_sessions_token_hash", "token_hash", unique=True),
        Index("uq_auth_sessions_access_hash", "access_hash", unique=True),
        Index("ix_auth_sessions_user_id", "user_id"),
        {"schema": SCHEMA},
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"token_hash", "access_hash", "spent_hash"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_seen_at"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    organization_id: UUID | None = Field(default=None, foreign_key="identity.organizations.id")
    token_hash: bytes
    device_name: str | None = text_column(nullable=True)
    ip_address: str | None = Field(default=None, sa_type=INET)
    user_agent: str | None = text_column(nullable=True)
    last_seen_at: datetime = instant(default_now=True)
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)
    visit_id: UUID | None = Field(default=None, foreign_key="identity.support_visits.id", ondelete="SET NULL")
    idle_after_s: int | None = None
    """It ends by itself when nobody has touched it for so long; None on one's own device, where it lasts until `expires_at`."""
    is_second_factor_due: bool = Field(default=False, sa_type=Boolean)
    """The password was right, the code of the second factor has not been shown yet: this session opens nothing else."""
    access_hash: bytes | None = None
    """A program's: what it shows with each request, until `access_until_at`; `token_hash` is then of what fetches the next one."""
    access_until_at: datetime | None = instant(nullable=True)
    spent_hash: bytes | None = None
    """What fetched the tokens that hold now. Whoever shows it again has it from somebody else: the session ends."""


class SupportVisit(Tenant, Stamped, table=True):
    """Somebody who runs the installation looks into an organization that is not theirs: for an hour, for a reason, changing
    nothing. Each line of the event log that follows from it carries its id."""

    __tablename__ = "support_visits"
    __table_args__ = tenant_args(SCHEMA, Index("ix_support_visits_created_at", "organization_id", "created_at"))

    user_id: UUID = Field(foreign_key="identity.users.id")
    user_name: str = text_column(nullable=False)
    reason: str = text_column(nullable=False)
    ends_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Invitation(Tenant, Stamped, table=True):
    """A link that lets one person join with one role; valid for a week, used once."""

    __tablename__ = "invitations"
    __table_args__ = tenant_args(SCHEMA, Index("uq_invitations_token_hash", "token_hash", unique=True))
    secrets: ClassVar[frozenset[str]] = frozenset({"token_hash"})

    token_hash: bytes
    name: str | None = text_column(nullable=True)
    email: str | None = text_column(nullable=True)
    phone: str | None = text_column(nullable=True)
    language: str = text_column(nullable=False, default="en")
    role: Role = word(Role, "role", SCHEMA)
    scope_id: UUID | None = None
    invited_by: UUID = Field(foreign_key="identity.users.id")
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)
    accepted_at: datetime | None = instant(nullable=True)
    accepted_by: UUID | None = Field(default=None, foreign_key="identity.users.id")


class PasswordReset(Row, Stamped, table=True):
    """A link that lets somebody choose a new password; valid for half an hour, used once."""

    __tablename__ = "password_resets"
    __table_args__ = (Index("uq_password_resets_token_hash", "token_hash", unique=True), {"schema": SCHEMA})
    secrets: ClassVar[frozenset[str]] = frozenset({"token_hash"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    token_hash: bytes
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)


class SignUp(Row, Stamped, table=True):
    """Somebody wants an account and has yet to show that the address is theirs. Until then they are nobody here: no line of the
    log, which forgets nothing, speaks of them, and they are forgotten when a day is over."""

    __tablename__ = "sign_ups"
    __table_args__ = (
        Index("uq_sign_ups_secret_hash", "secret_hash", unique=True),
        Index("ix_sign_ups_created_at", "created_at"),
        {"schema": SCHEMA},
    )
    audited: ClassVar[bool] = False

    email: str | None = text_column(nullable=True)
    phone: str | None = text_column(nullable=True)
    name: str = text_column(nullable=False)
    organization_name: str = text_column(nullable=False)
    language: str = text_column(nullable=False)
    time_zone: str = text_column(nullable=False)
    password_hash: str = text_column(nullable=False)
    secret_hash: bytes
    """Of the link's token; by phone of this row's id and the six digits."""
    tries_left: int
    ip_address: str | None = Field(default=None, sa_type=INET)
    expires_at: datetime = instant()


class EmailChange(Row, Stamped, table=True):
    """A link to an address that somebody wants to have instead of theirs; opened by them, it is."""

    __tablename__ = "email_changes"
    __table_args__ = (
        Index("uq_email_changes_token_hash", "token_hash", unique=True),
        Index("ix_email_changes_user_id", "user_id"),
        {"schema": SCHEMA},
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"token_hash", "email"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    email: str = text_column(nullable=False)
    token_hash: bytes
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)


class ApiToken(Tenant, Stamped, table=True):
    """A machine's secret, shown once and kept as a hash; `last_four` lets people tell them apart."""

    __tablename__ = "api_tokens"
    __table_args__ = tenant_args(
        SCHEMA,
        Index("uq_api_tokens_token_hash", "token_hash", unique=True),
        Index("ix_api_tokens_subject_id", "organization_id", "subject_id"),
    )
    secrets: ClassVar[frozenset[str]] = frozenset({"token_hash"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_used_at"})

    name: str = text_column(nullable=False)
    kind: TokenKind = word(TokenKind, "token_kind", SCHEMA)
    network: str | None = text_column(nullable=True)
    subject_id: UUID | None = None
    token_hash: bytes
    last_four: str = Field(max_length=4)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    last_used_at: datetime | None = instant(nullable=True)
    expires_at: datetime | None = instant(nullable=True)
    revoked_at: datetime | None = instant(nullable=True)


class InspectorLink(Tenant, Stamped, table=True):
    """Lets whoever holds it read and export, until it ends: everything, or the sites in `site_ids`."""

    __tablename__ = "inspector_links"
    __table_args__ = tenant_args(SCHEMA, Index("uq_inspector_links_token_hash", "token_hash", unique=True))
    secrets: ClassVar[frozenset[str]] = frozenset({"token_hash"})
    quiet: ClassVar[frozenset[str]] = frozenset({"last_used_at", "use_count"})

    name: str = text_column(nullable=False)
    token_hash: bytes
    last_four: str = Field(max_length=4)
    site_ids: list[str] | None = Field(default=None, sa_type=JSONB, nullable=True)
    created_by: UUID | None = Field(default=None, foreign_key="identity.users.id")
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)
    last_used_at: datetime | None = instant(nullable=True)
    use_count: int = 0


class RecoveryCode(Row, Stamped, table=True):
    """Stands in for a lost second factor, once."""

    __tablename__ = "recovery_codes"
    __table_args__ = (Index("ix_recovery_codes_user_id", "user_id"), {"schema": SCHEMA})
    secrets: ClassVar[frozenset[str]] = frozenset({"code_hash"})

    user_id: UUID = Field(foreign_key="identity.users.id", ondelete="CASCADE")
    code_hash: bytes
    used_at: datetime | None = instant(nullable=True)
