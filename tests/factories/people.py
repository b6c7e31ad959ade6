"""The three that every command is tested with, and the others who may look: one business, and the one next door."""

from dataclasses import dataclass
from uuid import UUID

from data.core.actor import Actor, ActorKind
from data.core.session import across_tenants
from data.identity import commands
from data.identity.permissions import rights
from data.identity.tables import Organization, Role, User

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


_HASHES: dict[str, str] = {}


async def person(organization: Organization, name: str, *roles: Role | tuple[Role, UUID], password: str | None = None) -> Actor:
    """A new member of that organization; the address is the first name at example.org."""
    async with across_tenants("tests") as tx:
        user = await commands.create_user(
            tx, name=name, email=f"{name.split()[0].lower()}.{organization.slug}@example.org", password=password
        )
        for role in roles:
            plain, scope = role if isinstance(role, tuple) else (role, None)
            await commands.give_role(tx, user.id, role=plain, organization_id=organization.id, scope_id=scope)
    return actor(user, organization.id, *roles)


async def build_world() -> World:
    async with across_tenants("tests") as tx:
        organization = await commands.create_organization(tx, name="Green Steading", slug="green", time_zone="Asia/Phnom_Penh")
        other = await commands.create_organization(tx, name="Other Steading", slug="other")
    return World(
        organization,
        other,
        owner=await person(organization, "Olga Owner", Role.OWNER, password=None),
        colleague=await person(organization, "Colin Colleague", Role.STAFF),
        viewer=await person(organization, "Vera Viewer", Role.VIEWER),
        keeper=await person(organization, "Kim Keeper", Role.KEEPER),
        driver=await person(organization, "Dara Driver", Role.DRIVER),
        assessor=await person(organization, "Asha Assessor", Role.ASSESSOR),
        stranger=await person(other, "Sam Stranger", Role.OWNER),
    )
