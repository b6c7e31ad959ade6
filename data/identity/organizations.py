"""An organization is called something and lives by a clock, which those in charge may change."""

from data.core.errors import Invalid
from data.core.session import Transaction
from data.core.time import now, zone
from data.identity import queries
from data.identity.events import PeopleChanged
from data.identity.tables import Organization

EDIT = "organization.edit"
LONGEST_NAME = 200


async def describe(tx: Transaction, *, name: str, time_zone: str) -> Organization:
    """Call it something else, or let it live by another clock."""
    tx.actor.require(EDIT)
    if not name.strip() or len(name.strip()) > LONGEST_NAME:
        raise Invalid("name", "Give it a name of at most {most} characters.", most=LONGEST_NAME)
    organization = await queries.organization(tx)
    organization.name, organization.time_zone, organization.updated_at = name.strip(), zone(time_zone).key, now()
    tx.add(organization)
    tx.emit(PeopleChanged())
    return organization
