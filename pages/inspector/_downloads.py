"""Records to take away as files; each one taken is in the event log."""

from collections.abc import AsyncIterator, Iterable, Mapping
from uuid import UUID

from fastapi import Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from nicegui import app

from data.cold_chain.commands.inspection import note_inspection
from data.cold_chain.queries import inspection
from data.cold_chain.queries.inspection import After, Inspected, Stretch
from data.cold_chain.reports import queries as reports
from data.core.errors import NotFound
from data.platform.commands import path_of
from pages._csv import Row, csv_response, csv_stream
from pages._gate import actor_of
from pages._plain import no_right
from pages.inspector._asked import read
from pages.inspector._looking import COOKIE, PATH, Looking, looking, nothing_opens, unseen
from pages.inspector._parts import FACTS, TEMPERATURE_HEADER, local, place, temperature_cells
from ui.words import current_language

MOST_FACTS = 100_000
ABOUT = ("site", "area", "unit", "since", "local_since", "until", "local_until")


@app.get(f"{PATH}/{{part}}.csv", include_in_schema=False)
async def as_csv(request: Request, part: str) -> Response:
    """One part of the records, of the units and days in the address; temperatures unit by unit, the oldest first."""
    look = await looking(request, is_use=True)
    if look is None:
        return _turned_away(request)
    if part not in FACTS and part != "temperatures":
        raise NotFound("There is no such file.")
    asked = read(request.query_params, look.actor.time_zone)
    stretch = asked.stretch(look.actor.time_zone)
    name = f"{part} {asked.since} {asked.until}.csv"
    async with look.transaction() as tx:
        units = {unit.id: unit for unit in await inspection.units(tx)}
        await note_inspection(tx, f"{part}.csv", stretch, link_id=look.link_id)
        if part == "temperatures":
            chosen = [unit for unit in units.values() if not stretch.unit_ids or unit.id in stretch.unit_ids]
            return unseen(csv_stream(name, TEMPERATURE_HEADER, _temperatures(look, chosen, stretch)))
        found, _total = await inspection.facts(tx, part, stretch, limit=MOST_FACTS)
    rows = ((*_about(fact, units), *FACTS[part].cells(fact)) for fact in found)
    return unseen(csv_response(name, (*ABOUT, *FACTS[part].header), rows))


def _about(fact: inspection.Fact, units: Mapping[UUID, Inspected]) -> tuple[object, ...]:
    unit = units[fact.unit_id]
    return *place(unit), fact.since, local(fact.since, unit), fact.until, local(fact.until, unit)


async def _temperatures(look: Looking, units: Iterable[Inspected], stretch: Stretch) -> AsyncIterator[Iterable[Row]]:
    """A piece at a time, each asked for in a short transaction that looks again whether the link still opens."""
    for unit in units:
        after: After | None = None
        while True:
            async with look.transaction() as tx:
                found, after = await inspection.temperatures_after(tx, unit.id, stretch, after)
            yield [temperature_cells(one, unit) for one in found]
            if after is None:
                break


@app.get(f"{PATH}/reports/{{report_id:uuid}}", include_in_schema=False)
async def report(request: Request, report_id: UUID) -> Response:
    """A report as it was made."""
    look = await looking(request, is_use=True)
    if look is None:
        return _turned_away(request)
    async with look.transaction() as tx:
        made = await reports.report(tx, report_id)
        file = await reports.report_file(tx, report_id)
        await note_inspection(tx, f"report {report_id}", Stretch(made.since, made.until), link_id=look.link_id)
    path = path_of(file)
    if not path.is_file():
        raise NotFound("There is no such file.")
    return unseen(FileResponse(path, media_type=file.mime_type, filename=file.file_name))


def _turned_away(request: Request) -> Response:
    if request.cookies.get(COOKIE):
        return nothing_opens(request)
    return no_right(current_language()) if actor_of(request) else RedirectResponse(f"/sign-in?next={PATH}", status_code=303)
