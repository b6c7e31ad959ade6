"""The people of the demonstration, one for each way of looking at the business."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from data.core.actor import Actor, ActorKind
from data.core.session import Transaction, across_tenants
from data.identity import commands
from data.identity.permissions import rights
from data.identity.tables import Organization, Role, User, UserRole

PASSWORD = "steading-demo"
SLUG = "angkor-fresh"
ZONE = "Asia/Phnom_Penh"

PEOPLE: tuple[tuple[str, str, str, str, Role], ...] = (
    ("owner@demo.example", "Sophea Chan", "owner: sees and does everything", "en", Role.OWNER),
    ("dispatcher@demo.example", "Rithy Keo", "manager: maps, drivers, orders", "en", Role.MANAGER),
    ("quality@demo.example", "Maly Sok", "staff: temperatures and alerts", "en", Role.STAFF),
    ("farmer@demo.example", "ដារ៉ា ឈឹម", "keeper of the farms, in Khmer", "km", Role.KEEPER),
    ("driver@demo.example", "Vuthy Nhem", "driver", "km", Role.DRIVER),
    ("arborist@demo.example", "Chantha Lim", "assessor: reviews tree jobs", "en", Role.ASSESSOR),
    ("viewer@demo.example", "Bopha Meas", "viewer: looks, changes nothing", "en", Role.VIEWER),
)
NEIGHBOUR = ("stranger@demo.example", "Nobody Known", "owner of another organization: sees none of it")
SIGN_INS = [(email, words) for email, _, words, _, _ in PEOPLE] + [(NEIGHBOUR[0], NEIGHBOUR[2])]


@dataclass(frozen=True, slots=True)
class Staff:
    """Whoever acts in the demonstration. Somebody may have tried out how to let people go: then it acts by itself."""

    organization_id: UUID
    people: Mapping[Role, Actor]

    def acting(self, role: Role) -> Actor:
        return self.people.get(role, self.itself)

    @property
    def itself(self) -> Actor:
        return Actor.system(self.organization_id, "demonstration")


async def ensure_people() -> Staff:
    """The demonstration's organization and people, made once."""
    async with across_tenants("demonstration") as tx:
        found = (await tx.exec(select(Organization.id).where(Organization.slug == SLUG))).first()
        return await _staff(tx, found or await _make(tx))


async def _make(tx: Transaction) -> UUID:
    organization = await commands.create_organization(
        tx, name="Angkor Fresh", slug=SLUG, time_zone=ZONE, is_demonstration=True
    )
    for email, name, _, language, role in PEOPLE:
        await _add(tx, organization.id, email, name, language, role)
    neighbour = await commands.create_organization(tx, name="Next Door", slug="next-door", is_demonstration=True)
    await _add(tx, neighbour.id, NEIGHBOUR[0], NEIGHBOUR[1], "en", Role.OWNER)
    await tx.flush()
    return organization.id


async def _add(tx: Transaction, organization_id: UUID, email: str, name: str, language: str, role: Role) -> None:
    user = await commands.create_user(tx, name=name, email=email, password=PASSWORD, language=language, time_zone=ZONE)
    await commands.give_role(tx, user.id, role=role, organization_id=organization_id)


async def _staff(tx: Transaction, organization_id: UUID) -> Staff:
    rows = await tx.exec(
        select(User, UserRole.role)
        .join(UserRole, col(UserRole.user_id) == User.id)
        .where(UserRole.organization_id == organization_id, col(User.email).in_([email for email, *_ in PEOPLE]))
        .order_by(col(UserRole.id))
    )
    people: dict[Role, Actor] = {}
    for user, word in rows:
        role = Role(word)
        actor = Actor(ActorKind.PERSON, organization_id, user.name, user_id=user.id, rights=rights([(role, None)]), time_zone=ZONE)
        people.setdefault(role, actor)
    return Staff(organization_id, people)
