"""What counts as trouble: every field with its value, who says so, what would hold otherwise, and who changed it when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from nicegui import ui

from data.cold_chain.commands import rules as commands
from data.cold_chain.events import PlacesChanged, RulesChanged
from data.cold_chain.queries import rules as queries
from data.cold_chain.queries import units
from data.cold_chain.queries.rules import Change, Deviation, Field, Place
from data.cold_chain.rules.ranges import OF_SITES, RANGES, WITH_FRACTIONS
from data.core.errors import Invalid, Refusal
from pages._shell import Looker, screen, translated
from pages.cold_chain._rule_words import (
    FIELDS,
    GROUPS,
    range_words,
    shown,
    source_words,
    typed,
    unit_words,
    value_words,
)
from ui.age import age
from ui.badge import badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live
from ui.words import _, n_

PATH = "/cold-chain/rules"
MOST_CHANGES = 30


@dataclass(frozen=True, slots=True)
class Shown:
    """A place with its rule, the changes of it, and which places say something themselves."""

    place: Place
    fields: Sequence[Field]
    changes: Sequence[Change]
    deviations: Sequence[Deviation]
    places: Mapping[str, str]


@screen(PATH, title="Rules", place="cold_chain", permission=queries.EDIT_RULES)
async def rules(look: Looker, unit: UUID | None = None, site: UUID | None = None) -> None:
    async def ask() -> Shown:
        async with look.transaction() as tx:
            place = await queries.place(tx, unit_id=unit, site_id=None if unit else site)
            return Shown(
                place, await queries.fields(tx, place),
                await queries.history(tx, place if unit or site else None, limit=MOST_CHANGES),
                await queries.deviations(tx), _places(await units.tree(tx)),
            )  # fmt: skip

    def show(found: Shown) -> None:
        _choice(found)
        with ui.element("div").classes("st-columns"):
            with ui.element("div").classes("st-stack"):
                for title, names in GROUPS.items():
                    _group(look, found, title, names)
            with ui.element("div").classes("st-stack"):
                _history(found)
                _deviations(found)

    live(ask, show, look.topic(RulesChanged), look.topic(PlacesChanged), minimum_interval_s=0.5)


def _places(tree: Sequence[units.SiteBranch]) -> dict[str, str]:
    """What can be chosen, by what stands in the address."""
    found = {"": _("Everything")}
    for branch in tree:
        found[f"site={branch.site.id}"] = branch.site.name
        for area in branch.areas:
            found |= {f"unit={unit.id}": f"{branch.site.name} · {area.area.name} · {unit.name}" for unit in area.units}
    return found


def _key(place: Place) -> str:
    return f"unit={place.unit_id}" if place.unit_id else f"site={place.site_id}" if place.site_id else ""


def _choice(found: Shown) -> None:
    with ui.element("div").classes("st-row"):
        ui.select(
            dict(found.places), label=_("For"), value=_key(found.place) if _key(found.place) in found.places else "", with_input=True,
            on_change=lambda event: ui.navigate.to(f"{PATH}?{event.value}" if event.value else PATH),
        ).props("outlined dense").classes("st-grow")  # fmt: skip
        if found.place.unit_id:
            button(_("Open the unit"), kind="quiet", icon="open_in_new", href=f"/cold-chain/units/{found.place.unit_id}")


def _group(look: Looker, found: Shown, title: str, names: Sequence[str]) -> None:
    by_name = {one.name: one for one in found.fields}
    with ui.element("section").classes("st-card"):
        ui.label(_(title)).classes("st-h2").props("role=heading aria-level=2")
        for name in names:
            if not (found.place.unit_id and name in OF_SITES):
                _field(look, found.place, by_name[name])


def _field(look: Looker, place: Place, one: Field) -> None:
    told = FIELDS[one.name]
    is_own = one.own is not None
    with ui.element("div").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.label(_(told.label)).classes("st-soft")
            ui.label(_holds(one)).classes("st-item-words st-number")
            with ui.element("div").classes("st-field-origin" + (" is-own" if is_own else "")):
                ui.icon("edit" if is_own else "subdirectory_arrow_right").props("aria-hidden=true")
                ui.label(source_words(one.source, place))
            if is_own:
                ui.label(_otherwise(one, place)).classes("st-soft")
        change = button(_("Change"), lambda: _change(look, place, one), kind="quiet")
        change.props["aria-label"] = f"{_('Change')}: {_(told.label)}"


def _holds(one: Field) -> str:
    return _("by its kind") if one.source == "type" and one.holds is None else value_words(one.name, one.holds)


def _otherwise(one: Field, place: Place) -> str:
    if one.inherited_from == "type" and one.inherited is None:
        return _("Otherwise: by the kind of unit")
    value, source = value_words(one.name, one.inherited), source_words(one.inherited_from, place)
    return _("Otherwise: {value}, {source}", value=value, source=source)


def _change(look: Looker, place: Place, one: Field) -> None:
    told = FIELDS[one.name]
    with panel(_(told.label), place.name or _("The whole organization")) as dialog:
        form = Form()
        with form:
            form.number(
                one.name, _(told.label), shown(one.name, one.own), unit=unit_words(one.name), decimals=2 if one.name in WITH_FRACTIONS else 0,
                help=" ".join(filter(None, (_(told.help) if told.help else "", range_words(one.name), _("Empty: inherited.")))),
            )  # fmt: skip

        async def save(value: float | None) -> dict[str, str] | None:
            least, most = RANGES[one.name]
            if value is not None and not least <= value <= most:
                return {one.name: range_words(one.name)}
            try:
                async with look.transaction() as tx:
                    await commands.set_rule(tx, changes={one.name: value}, unit_id=place.unit_id, site_id=place.site_id)
            except Refusal as reason:
                return {one.name if isinstance(reason, Invalid) else "": translated(reason)}
            dialog.close()
            return None

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            return await save(typed(one.name, values[one.name]))

        async def inherit() -> None:
            form.show_errors(await save(None) or {})

        form.buttons(_("Save"), send, on_cancel=dialog.close)
        if one.own is not None:
            ui.label(_otherwise(one, place)).classes("st-soft")
            button(_("Inherit again"), inherit, kind="quiet", icon="undo")
    dialog.open()


def _history(found: Shown) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("Changes")).classes("st-h2").props("role=heading aria-level=2")
        if not found.changes:
            empty_state(_("Nobody has changed anything here yet."), icon="history")
        for change in found.changes:
            with ui.element("article").classes("st-item is-flat"), ui.element("div").classes("st-item-main"):
                for name, old, new in change.fields:
                    ui.label(f"{_(FIELDS[name].label)}: {_said(name, old)} → {_said(name, new)}").classes("st-item-words")
                with ui.element("div").classes("st-row st-soft"):
                    ui.label(change.who or _("The system"))
                    if not _key(found.place):
                        ui.label(change.place or _("The whole organization"))
                    age(change.changed_at)


def _said(name: str, value: float | None) -> str:
    return _("inherited") if value is None else value_words(name, value)


def _deviations(found: Shown) -> None:
    with ui.element("section").classes("st-card"):
        ui.label(_("What differs")).classes("st-h2").props("role=heading aria-level=2")
        if not found.deviations:
            empty_state(_("All sites and units follow the whole organization."), icon="done_all")
        for one in found.deviations:
            key = f"unit={one.unit_id}" if one.unit_id else f"site={one.site_id}"
            with ui.element("a").classes("st-item is-flat") as link:
                link.props["href"] = f"{PATH}?{key}"
                if key == _key(found.place):
                    link.props["aria-current"] = "true"
                with ui.element("div").classes("st-item-main"):
                    ui.label(one.name).classes("st-item-words")
                    with ui.element("div").classes("st-row st-soft"):
                        ui.label(_("Site") if one.unit_id is None else one.site_name)
                        ui.label(", ".join(_(FIELDS[name].label) for name in one.fields[:3]))
                badge("neutral", n_("{n} field", "{n} fields", len(one.fields)), icon="tune")
