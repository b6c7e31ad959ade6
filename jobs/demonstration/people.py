"""The people of the demonstration, one for each way of looking at the business."""

from uuid import UUID

from sqlmodel import select

from data.core.session import Transaction, across_tenants
from data.identity import commands
from data.identity.tables import Organization, Role

PASSWORD = "steading-demo"
SLUG = "angkor-fresh"

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


async def ensure_world() -> None:
    """Make the demonstration's organization and people, once."""
    async with across_tenants("demonstration") as tx:
        if (await tx.exec(select(Organization.id).where(Organization.slug == SLUG))).first():
            return
        organization = await commands.create_organization(
            tx, name="Angkor Fresh", slug=SLUG, time_zone="Asia/Phnom_Penh", is_demonstration=True
        )
        for email, name, _, language, role in PEOPLE:
            await _add(tx, organization.id, email, name, language, role)
        neighbour = await commands.create_organization(tx, name="Next Door", slug="next-door", is_demonstration=True)
        await _add(tx, neighbour.id, NEIGHBOUR[0], NEIGHBOUR[1], "en", Role.OWNER)


async def _add(tx: Transaction, organization_id: UUID, email: str, name: str, language: str, role: Role) -> None:
    user = await commands.create_user(
        tx, name=name, email=email, password=PASSWORD, language=language, time_zone="Asia/Phnom_Penh"
    )
    await commands.give_role(tx, user.id, role=role, organization_id=organization_id)
