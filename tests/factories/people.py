"""The three that every command is tested with, and the others who may look: one business, and the one next door."""

from dataclasses import dataclass
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher

from data.core.actor import Actor, ActorKind
from data.core.session import Transaction, across_tenants
from data.identity.permissions import rights
from data.identity.tables import Organization, Role, User, UserRole

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class World:
    """Who there is. `stranger` owns the other organization, `outsider` belongs to none."""

    organization: Organization
    other: Organization
    owner: Actor
    colleague: Actor
    viewer: Actor
    keeper: Actor
    driver: Actor
    assessor: Actor
    stranger: Actor

    @property
    def organization_id(self) -> UUID:
        return self.organization.id


def actor(user: User, organization_id: UUID, *roles: Role | tuple[Role, UUID]) -> Actor:
    """That person acting in that organization with these roles (a pair limits a role to one thing)."""
    held = [role if isinstance(role, tuple) else (role, None) for role in roles]
    return Actor(
        ActorKind.PERSON, organization_id, user.name, user_id=user.id, rights=rights(held),
        language=user.language, time_zone=user.time_zone, units=user.units,
    )  # fmt: skip


@cache
def cheap_hash(password: str) -> str:
    """A hash as the product keeps it, which took little work: it says so itself, so looking takes as little."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def _added(
    tx: Transaction, organization: Organization, name: str, *roles: Role | tuple[Role, UUID], password: str | None = None
) -> Actor:
    user = User(
        name=name, email=f"{name.split()[0].lower()}.{organization.slug}@example.org",
        password_hash=cheap_hash(password) if password else None,
    )  # fmt: skip
    tx.add(user)
    for role in roles:
        plain, scope = role if isinstance(role, tuple) else (role, None)
        tx.add(UserRole(organization_id=organization.id, user_id=user.id, role=plain, scope_id=scope))
    return actor(user, organization.id, *roles)


async def person(organization: Organization, name: str, *roles: Role | tuple[Role, UUID], password: str | None = None) -> Actor:
    """A new member of that organization; the address is the first name at example.org."""
    async with across_tenants("tests") as tx:
        return _added(tx, organization, name, *roles, password=password)


async def build_world(password: str | None = None) -> World:
    """The two organizations and everybody in them, written at once, for nearly every test begins with them; with that
    password they can sign in."""
    async with across_tenants("tests") as tx:
        organization = Organization(name="Green Steading", slug="green", time_zone="Asia/Phnom_Penh")
        other = Organization(name="Other Steading", slug="other")
        tx.add_all([organization, other])
        await tx.flush()
        return World(
            organization,
            other,
            owner=_added(tx, organization, "Olga Owner", Role.OWNER, password=password),
            colleague=_added(tx, organization, "Colin Colleague", Role.STAFF, password=password),
            viewer=_added(tx, organization, "Vera Viewer", Role.VIEWER, password=password),
            keeper=_added(tx, organization, "Kim Keeper", Role.KEEPER, password=password),
            driver=_added(tx, organization, "Dara Driver", Role.DRIVER, password=password),
            assessor=_added(tx, organization, "Asha Assessor", Role.ASSESSOR, password=password),
            stranger=_added(tx, other, "Sam Stranger", Role.OWNER, password=password),
        )
