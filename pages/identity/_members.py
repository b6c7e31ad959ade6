"""Who belongs to the organization or to one farm, as what; and those who were invited and have not come yet."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import segno
from nicegui import app, ui

from data.core.errors import Refusal
from data.core.time import now
from data.flows import joining
from data.flows.joining import Invited
from data.identity import members
from data.identity.events import PeopleChanged
from data.identity.members import Member
from data.identity.permissions import OF_ONE_THING
from data.identity.tables import Invitation, Role
from pages._shell import Looker, field_errors
from pages.alerts._words import ROLE_WORDS
from ui.age import age
from ui.badge import badge
from ui.dialog import confirm, panel
from ui.form import Form, button
from ui.live import live
from ui.words import LANGUAGES, _, moment


@dataclass(frozen=True, slots=True)
class Place:
    """The organization (no scope), or one farm with its name; `reaches` is the right that makes somebody one of its people."""

    name: str
    scope_id: UUID | None = None
    reaches: str | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    people: Sequence[Member]
    invited: Sequence[Invitation]
    mine: Collection[Role]


def people_of(look: Looker, place: Place) -> None:
    """Everybody there, and what one may do about each."""

    async def ask() -> _Seen:
        async with look.transaction() as tx:
            return _Seen(
                await members.members(tx, scope_id=place.scope_id, reaches=place.reaches),
                await members.invitations(tx, scope_id=place.scope_id), await members.may_give(tx, place.scope_id),
            )  # fmt: skip

    def show(seen: _Seen) -> None:
        if seen.mine and look.may(members.INVITE, place.scope_id):
            button(_("Invite somebody"), lambda: _invite(look, place, seen.mine), kind="primary", icon="person_add")
        for one in seen.people:
            _person(look, place, one, seen.mine)
        if seen.invited:
            ui.label(_("Invited")).classes("st-h2").props("role=heading aria-level=2")
        for invitation in seen.invited:
            _waiting(look, invitation)

    live(ask, show, look.topic(PeopleChanged), minimum_interval_s=0.3)


def _person(look: Looker, place: Place, one: Member, mine: Collection[Role]) -> None:
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(one.user.name).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(one.user.email or one.user.phone or "")
                if one.user.last_login_at:
                    age(one.user.last_login_at)
        for role, scope in one.roles:
            words = _(ROLE_WORDS[role])
            if place.scope_id and scope is None:
                words = _("{role} of everything", role=words)
            elif place.scope_id is None and scope:
                words = _("{role} of one place", role=words)
            badge("neutral", words, icon="badge")
        is_me = one.user.id == look.actor.user_id
        there = one.at(place.scope_id)
        may = look.may(members.EDIT, place.scope_id) and all(role in mine for role in there)
        may = may or (place.scope_id is None and look.may("organization.delete"))
        if may and (there or place.scope_id is None) and not is_me:
            button(_("Change role"), lambda: _change(look, place, one, mine), kind="quiet", icon="edit")
            button(_("Remove"), lambda: _remove(look, place, one), kind="quiet", icon="person_remove")
        elif is_me and there:
            button(_("Leave"), lambda: _remove(look, place, one), kind="quiet", icon="logout")


def _waiting(look: Looker, invitation: Invitation) -> None:
    is_old = invitation.expires_at <= now()

    async def again() -> None:
        made: Invited | None = None
        async with look.command() as tx:
            made = await joining.invite_again(tx, invitation.id, origin=app.state.settings.origin)
        if made:
            with look.page:
                _show_link(made)

    async def revoke() -> None:
        who = invitation.name or invitation.email or invitation.phone or _("Anybody with the link")
        if await confirm(_("Take the invitation back?"), _("Its link opens nothing any more."), action=_("Take it back"), goes=[who]):
            async with look.command() as tx:
                await members.revoke_invitation(tx, invitation.id)

    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(invitation.name or invitation.email or invitation.phone or _("Anybody with the link")).classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(" · ".join(filter(None, (invitation.email, invitation.phone))))
                ui.label(_("too old since {time}", time=moment(invitation.expires_at)) if is_old else _("until {time}", time=moment(invitation.expires_at)))
        badge("warning" if is_old else "waiting", _(ROLE_WORDS[Role(invitation.role)]))
        if look.may(members.INVITE, invitation.scope_id):
            button(_("New link"), again, kind="quiet", icon="forward_to_inbox")
            button(_("Take back"), revoke, kind="quiet", icon="block")


def _roles(mine: Collection[Role]) -> dict[str, str]:
    """What one may make somebody, the strongest first."""
    order = [*OF_ONE_THING, *(role for role in Role if role not in OF_ONE_THING)]
    return {role.value: _(ROLE_WORDS[role]) for role in order if role in mine}


def _invite(look: Looker, place: Place, mine: Collection[Role]) -> None:
    with panel(_("Invite somebody"), f"{place.name} · {_('The link works once, for a week.')}") as dialog:
        form = Form()
        with form:
            form.select("role", _("Role"), _roles(mine), Role.KEEPER.value if Role.KEEPER in mine else None, required=True, help=_(
                "Administrators do everything, managers all but choose people, keepers switch and write down, viewers look."
            ))  # fmt: skip
            form.text("name", _("Name"))
            form.text("phone", _("Phone"), mode="tel", placeholder="+855 12 345 678", help=_("The link is sent there by text message, where these are set up."))
            form.text("email", _("E-mail"), mode="email", help=_("With an address only whoever has it may use the link."))
            form.select("language", _("Language"), dict(LANGUAGES), look.actor.language, required=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    made = await joining.invite(
                        tx, origin=app.state.settings.origin, role=Role(values["role"]), email=values["email"] or None,
                        phone=values["phone"] or None, name=values["name"] or None, scope_id=place.scope_id, language=values["language"],
                    )  # fmt: skip
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            with look.page:
                _show_link(made)
            return None

        form.buttons(_("Invite"), send, on_cancel=dialog.close)
    dialog.open()


def _show_link(made: Invited) -> None:
    """The link itself: to be passed on, or held before the camera of whoever has no mail."""
    if made.to and made.why_not is None:
        text = _("It is on its way to {address}. It can also be passed on, or read with the camera of a phone:", address=made.to)
    elif made.to:
        text = _("It could not be sent to {address}: {reason} Pass it on yourself, or have it read with the camera of a phone:",
                 address=made.to, reason=_(made.why_not or ""))  # fmt: skip
    else:
        text = _("Pass it on, or have it read with the camera of a phone. It is not shown again.")
    picture = segno.make(made.link, error="m").svg_data_uri(scale=5, border=3, dark="#111", light="#fff")
    with panel(_("The invitation's link"), text, persistent=True) as dialog:
        shown = ui.element("img").classes("st-qr")
        shown.props["src"], shown.props["alt"] = picture, _("The link as a picture for a camera")
        with ui.element("div").classes("st-secret"):
            ui.label(made.link).classes("st-secret-text")
            copied = button(_("Copy"), icon="content_copy")

            def copy() -> None:
                ui.clipboard.write(made.link)
                copied.set_text(_("Copied"))

            copied.on_click(copy)
        with ui.element("div").classes("st-panel-buttons"):
            button(_("Done"), dialog.close, kind="primary")
    dialog.open()


def _change(look: Looker, place: Place, one: Member, mine: Collection[Role]) -> None:
    offered = dict(_roles(mine))
    if place.scope_id is None and look.may("organization.delete"):
        offered[Role.OWNER.value] = _(ROLE_WORDS[Role.OWNER])
    held = one.at(place.scope_id)
    with panel(_("What {name} is", name=one.user.name), place.name) as dialog:
        form = Form()
        with form:
            form.select("role", _("Role"), offered, held[0].value if len(held) == 1 and held[0].value in offered else None, required=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await members.change_role(tx, one.user.id, role=Role(values["role"]), scope_id=place.scope_id)
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


async def _remove(look: Looker, place: Place, one: Member) -> None:
    is_me = one.user.id == look.actor.user_id
    title = _("Leave {place}?", place=place.name) if is_me else _("Remove {name} from {place}?", name=one.user.name, place=place.name)
    if await confirm(title, _("What is open there closes at once."), action=_("Leave") if is_me else _("Remove"), goes=[one.user.name]):
        async with look.command() as tx:
            await members.remove(tx, one.user.id, scope_id=place.scope_id)
