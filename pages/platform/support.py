"""Who runs the installation helps an organization by looking into it, for an hour and with a reason that its owner reads."""

from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.identity import support as visits
from data.identity.tables import Organization
from pages._shell import Looker, field_errors, screen
from ui.dialog import panel
from ui.empty import empty_state, no_permission_state
from ui.form import Form, button
from ui.words import _


@screen("/support", title="Support", place="support")
async def support(look: Looker, q: str = "") -> None:
    if not look.actor.is_platform_admin:
        no_permission_state()
        return
    if look.actor.visit_id:
        with ui.element("section").classes("st-card"):
            ui.label(_("You are looking into {organization}.", organization=look.organization_name)).classes("st-item-words")
            button(_("Leave"), lambda: visits.leave(look.actor), kind="primary", icon="logout")
        return
    found = await visits.organizations(look.actor, search=q[:100])
    search = ui.input(placeholder=_("Search"), value=q).props('outlined dense clearable type=search')
    search.on("keydown.enter", lambda: ui.navigate.to(f"/support?q={search.value or ''}"))
    if not found:
        empty_state(_("No organization is called that."), icon="search_off")
    for one in found:
        with ui.element("article").classes("st-item"):
            with ui.element("div").classes("st-item-main"):
                ui.label(one.name).classes("st-item-words")
                ui.label(f"{one.slug} · {one.time_zone}").classes("st-soft")
            button(_("Look in"), lambda _event, one=one: _ask_reason(look, one), icon="visibility")


def _ask_reason(look: Looker, organization: Organization) -> None:
    text = _("For an hour you see what its people see and can change nothing. The reason stands in its event log.")
    with panel(_("Look into {organization}", organization=organization.name), text) as dialog:
        with Form() as form:
            form.text("reason", _("Reason"), required=True, placeholder=_("Ticket 1234: a freezer shows no readings"))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                await visits.look_in(look.actor, UUID(str(organization.id)), reason=values["reason"])
            except Refusal as reason:
                return field_errors(reason)
            ui.navigate.to("/")
            return None

        form.buttons(_("Look in"), send, on_cancel=dialog.close)
    dialog.open()
