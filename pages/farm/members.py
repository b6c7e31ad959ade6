"""Who works on a farm, and as what."""

from uuid import UUID

from nicegui import ui

from data.farm import queries
from pages._shell import Looker, screen
from pages.farm._chosen import choose, chosen
from pages.identity._members import Place, people_of
from ui.empty import empty_state
from ui.words import _


@screen("/farm/members", title="People of the farm", place="farm", permission="people.view")
async def members(look: Looker, farm: UUID | None = None) -> None:
    async with look.transaction() as tx:
        farms = [one for one in await queries.farms(tx) if look.may("people.view", one.id)]
    found = chosen(farms, farm)
    if found is None:
        empty_state(_("There is no farm that you look after yet."), _("Ask a manager to add you to one."), icon="agriculture")
        return
    choose(farms, found, "/farm/members")
    ui.label(_("Who belongs to the whole organization stands here too; they are changed under People.")).classes("st-soft")
    people_of(look, Place(found.name, found.id, "farm.view"))
