"""The records as an inspector reads them: certain units, certain days, part by part; nothing here changes anything."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from nicegui import app, ui

from data.cold_chain.commands.inspection import note_inspection
from data.cold_chain.queries import inspection
from data.cold_chain.queries.inspection import Inspected
from data.cold_chain.reports import queries as reports
from data.core.session import UNREACHABLE
from pages._gate import actor_of
from pages._plain import no_right, told
from pages.cold_chain._report_words import KIND_WORDS
from pages.identity._plain import browser_of, visitor_language
from pages.inspector import _downloads  # noqa: F401 - its routes
from pages.inspector._asked import PARTS, Asked, read
from pages.inspector._looking import COOKIE, PATH, Looking, looking, nothing_opens, opening, with_link, without_link
from pages.inspector._parts import FACTS, temperature_columns, temperature_row
from ui.badge import badge
from ui.empty import empty_state
from ui.form import Form, button
from ui.frame import use_language_and_theme
from ui.table import table
from ui.theme import page_head
from ui.words import LANGUAGES, _, current_language, current_reader, moment


@app.get(f"{PATH}/{{token}}", include_in_schema=False)
async def come_in(request: Request, token: str) -> Response:
    """The link itself: the token moves into a cookie and out of the address."""
    try:
        found = await opening(token[:200], browser_of(request))
    except UNREACHABLE:  # told here: whoever logs it elsewhere logs the address, and the token with it
        return told(_("Try again"), _("The database does not answer. Try again in a few seconds."), language=visitor_language(request), status=503)
    if found is None:
        return nothing_opens(request)
    return with_link(RedirectResponse(PATH, status_code=303), token, found.expires_at)


@app.post(f"{PATH}/leave", include_in_schema=False)
async def leave() -> Response:
    """Close the link in this browser; it opens again where it is shown again."""
    return without_link(RedirectResponse("/", status_code=303))


@ui.page(PATH, response_timeout=20)
async def records(request: Request) -> Response | None:
    look = await looking(request, is_use=True)
    if look is None:
        if request.cookies.get(COOKIE):
            return nothing_opens(request)
        return no_right(current_language()) if actor_of(request) else RedirectResponse(f"/sign-in?next={PATH}", status_code=303)
    asked = read(request.query_params, look.actor.time_zone)
    async with look.transaction() as tx:
        units = {unit.id: unit for unit in await inspection.units(tx)}
        await note_inspection(tx, asked.part, asked.stretch(look.actor.time_zone), link_id=look.link_id)
    use_language_and_theme(current_language())
    page_head()
    ui.add_head_html('<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">')
    ui.page_title(f"{_('Records')} · {look.organization_name}")
    _header(look, asked)
    with ui.element("main").classes("st-content").props("id=content"):
        with ui.element("div").classes("st-head"), ui.element("h1"):
            ui.label(_("Temperature records of {name}", name=look.organization_name))
        if not units:
            empty_state(_("There are no units to inspect."), icon="fact_check")
            return None
        _filter(asked, units)
        _parts(asked)
        if asked.part == "reports":
            await _reports(look)
        else:
            _list(look, asked, units)
    return None


def _header(look: Looking, asked: Asked) -> None:
    with ui.element("header").classes("st-top is-wrapping"):
        with ui.element("div").classes("st-brand"):
            ui.icon("spa").props("aria-hidden=true")
            ui.label("Steading")
        ui.element("div").classes("st-grow")
        if not look.link_id:
            button(_("Back"), kind="quiet", icon="arrow_back", href="/cold-chain")
            return
        badge("neutral", _("Read only, until {day}", day=moment(look.until)) if look.until else "", icon="visibility")
        for code, words in LANGUAGES.items():
            if code != current_language():
                ui.link(words, asked.address(PATH, language=code)).classes("st-plain")
        other = "c" if current_reader().temperature_unit == "f" else "f"
        ui.link(f"°{other.upper()}", asked.address(PATH, degrees=other)).classes("st-plain")
        with ui.element("form").props(f"method=post action={PATH}/leave"), ui.element("button").classes("st-plain").props("type=submit"):
            ui.label(_("Close"))


def _filter(asked: Asked, units: Mapping[UUID, Inspected]) -> None:
    sites = {unit.site_name for unit in units.values()}
    names = {
        unit.id: " · ".join(filter(None, (unit.site_name if len(sites) > 1 else "", unit.area_name, unit.name, _("gone") if unit.is_gone else "")))
        for unit in units.values()
    }
    form = Form()
    form.box.classes("st-filter")
    with form:
        fields = {
            "unit": form.select("unit", _("Units"), names, [one for one in asked.unit_ids if one in names], multiple=True, search=len(names) > 8),
            "since": form.date("since", _("From day"), asked.since, required=True),
            "until": form.date("until", _("To day"), asked.until, required=True),
        }
        if asked.part == "temperatures":
            fields["by_hand"] = form.check("by_hand", _("Written by hand only"), asked.by_hand)

    def go() -> None:
        said = {name: field.value for name, field in fields.items()}
        said["by_hand"] = "1" if said.get("by_hand") else ""
        ui.navigate.to(asked.address(PATH, **said))

    with form.box, ui.element("div").classes("st-form-buttons"):
        button(_("Show"), go, kind="primary")


def _parts(asked: Asked) -> None:
    with ui.element("nav").classes("st-row").props(f'aria-label="{_("Parts of the records")}"'):
        for part, words in PARTS.items():
            link = ui.link(_(words), asked.address(PATH, part=part)).classes("st-plain")
            if part == asked.part:
                link.classes("is-here").props("aria-current=page")


def _list(look: Looking, asked: Asked, units: Mapping[UUID, Inspected]) -> None:
    zone = look.actor.time_zone
    stretch = asked.stretch(zone)

    async def ask(page: int, size: int, sort: str, descending: bool, search: str) -> tuple[Sequence[Mapping[str, Any]], int]:
        offset = (page - 1) * size
        async with look.transaction() as tx:
            if asked.part == "temperatures":
                read, total = await inspection.temperatures(tx, stretch, offset=offset, limit=size, only_by_hand=asked.by_hand)
                return [temperature_row(one, units[one.unit_id]) for one in read if one.unit_id in units], total
            found, total = await inspection.facts(tx, asked.part, stretch, offset=offset, limit=size)
        return [FACTS[asked.part].row(one, units[one.unit_id]) for one in found if one.unit_id in units], total

    columns = temperature_columns(zone) if asked.part == "temperatures" else FACTS[asked.part].columns(zone)
    table(
        columns, ask, empty=_("There is nothing of that in these days."), filter_label="", label=_(PARTS[asked.part]), size=50,
        csv_href=asked.address(f"{PATH}/{asked.part}.csv"),
    )  # fmt: skip


async def _reports(look: Looking) -> None:
    async with look.transaction() as tx:
        found = [one.report for one in await reports.reports(tx, limit=100) if one.report.file_id]
    if not found:
        empty_state(_("No report has been made yet."), icon="description")
    for one in found:
        with ui.element("article").classes("st-item"):
            with ui.element("div").classes("st-item-main"):
                ui.link(one.title, f"{PATH}/reports/{one.id}").classes("st-item-words")
                ui.label(f"{_(KIND_WORDS[one.kind])} · {moment(one.since, one.time_zone)} – {moment(one.until, one.time_zone)}").classes("st-soft")
            if one.fingerprint:
                ui.label(one.fingerprint[:16]).classes("st-soft st-number")
