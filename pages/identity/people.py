"""Who belongs to the organization, and as what; links that let others join."""

from data.identity import queries
from pages._shell import Looker, screen
from pages.identity._members import Place, people_of
from ui.empty import empty_state
from ui.words import _


@screen("/people", title="People", place="people", permission="people.view")
async def people(look: Looker) -> None:
    if look.actor.scopes("people.view") is not None:
        empty_state(_("The people of your farms stand with each farm."), icon="group", action=_("Farm"), href="/farm/members")
        return
    async with look.transaction() as tx:
        name = (await queries.organization(tx)).name
    people_of(look, Place(name))
