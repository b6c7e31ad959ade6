"""Who belongs to the organization, and as what; links that let others join."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from nicegui import app, ui

from data.core.errors import Refusal
from data.identity import commands, queries
from data.identity.events import PeopleChanged
from data.identity.permissions import GRANTABLE
from data.identity.tables import Invitation, Role, User, UserRole
from pages._shell import Looker, field_errors, screen
from ui.age import age
from ui.badge import badge
from ui.dialog import ask_secret_once, panel
from ui.form import Form, button
from ui.live import live
from ui.words import _, noop

ROLE_WORDS = {
    Role.OWNER: noop("Owner"), Role.ADMIN: noop("Administrator"), Role.MANAGER: noop("Manager"), Role.STAFF: noop("Staff"),
    Role.VIEWER: noop("Viewer"), Role.KEEPER: noop("Keeper"), Role.DRIVER: noop("Driver"), Role.CUSTOMER: noop("Customer"),
    Role.ASSESSOR: noop("Assessor"), Role.INSPECTOR: noop("Inspector"),
}  # fmt: skip

Found = tuple[Sequence[tuple[User, UserRole]], Sequence[Invitation], Sequence[Role]]


@screen("/people", title="People", place="people", permission="people.view")
async def people(look: Looker) -> None:
    async def ask() -> Found:
        async with look.transaction() as tx:
            assert look.actor.user_id
            return await queries.people(tx), await queries.open_invitations(tx), await queries.roles_of(tx, look.actor.user_id)

    def show(found: Found) -> None:
        members, invitations, mine = found
        roles: dict[str, list[str]] = defaultdict(list)
        users = {}
        for user, held in members:
            users[str(user.id)] = user
            roles[str(user.id)].append(_(ROLE_WORDS[Role(held.role)]))
        grantable = sorted({r for role in mine for r in GRANTABLE.get(role, ())})
        if grantable and look.may("people.invite"):
            button(_("Invite somebody"), lambda: _invite(look, grantable, part.refresh), kind="primary", icon="person_add")
        for key, user in users.items():
            with ui.element("article").classes("st-item"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(user.name).classes("st-item-words")
                    ui.label(user.email or user.phone or "").classes("st-soft")
                for word in roles[key]:
                    badge("neutral", word, icon="badge")
                if user.last_login_at:
                    age(user.last_login_at)
        if invitations:
            ui.label(_("Invited")).classes("st-h2").props("role=heading aria-level=2")
        for invitation in invitations:
            with ui.element("article").classes("st-item"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(invitation.email or _("Anybody with the link")).classes("st-item-words")
                badge("waiting", _(ROLE_WORDS[Role(invitation.role)]))
                age(invitation.created_at)

    part = live(ask, show, look.topic(PeopleChanged))


def _invite(look: Looker, grantable: Sequence[Role], done: Any) -> None:
    with panel(_("Invite somebody"), _("You get a link to pass on. It works once, for a week.")) as dialog:
        form = Form()
        with form:
            form.select("role", _("Role"), {r.value: _(ROLE_WORDS[r]) for r in grantable}, required=True)
            form.text("email", _("E-mail, if only this address may use it"), mode="email")

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    token = await commands.invite(tx, role=Role(values["role"]), email=values["email"] or None)
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            done()
            await ask_secret_once(_("The invitation's link"), f"{app.state.settings.origin}/invitation/{token}")
            return None

        form.buttons(_("Make the link"), send, on_cancel=dialog.close)
    dialog.open()
