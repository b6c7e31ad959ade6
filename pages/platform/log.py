"""What happened, and who did it: the organization's event log, or the part of it that is about one farm."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from nicegui import app, ui

from data.audit import queries
from data.audit.queries import Wanted
from data.audit.tables import EventLog
from data.core.session import Transaction, transaction
from data.farm import queries as farms
from data.farm.queries_log import about_farm, names_of
from data.farm.tables import Farm
from pages._csv import csv_response
from pages._shell import Looker, actor, screen
from pages.platform._log_words import CATEGORIES, details, what, who
from ui.empty import empty_state
from ui.form import button
from ui.words import _, moment, n_

DAYS = (1, 7, 30, 90, 365)
PAGE, MOST = 100, 10_000
HEADER = ("recorded_at", "sequence", "actor_type", "actor", "event_type", "severity", "title", "subject_id", "event_data", "ip_address", "event_hash")


@screen("/log", title="What happened", place="log", permission="audit.view")
async def log(look: Looker, farm: str = "", days: int = 7, category: str = "", person: str = "", before: int | None = None) -> None:
    async with look.transaction() as tx:
        places = [one for one in await farms.farms(tx) if look.may("audit.view", one.id)] if look.may("farm.view") else []
        is_whole = look.actor.scopes("audit.view") is None
        place = next((one for one in places if str(one.id) == farm), None if is_whole or not places else places[0])
        wanted = Wanted(days if days in DAYS else 7, category if category in CATEGORIES else "", person[:100], before)
        found = await _lines(tx, wanted, place, PAGE)
        names = await names_of(tx, {line.subject_id for line in found if line.subject_id})
    chosen = {"farm": str(place.id) if place else "", "days": str(wanted.days), "category": wanted.category, "person": wanted.actor}
    assert look.frame
    with look.frame.actions:
        button(_("Download CSV"), kind="quiet", icon="download", href=f"/log.csv?{_query(chosen)}")
    _narrowing(chosen, places, is_whole)
    ui.label(_("Nothing in here can be changed or deleted: each line carries the fingerprint of the one before it.")).classes("st-soft")
    _show(found, names, place, chosen)


async def _lines(tx: Transaction, wanted: Wanted, place: Farm | None, limit: int) -> Sequence[EventLog]:
    about = about_farm(place.id) if place else None
    return await queries.lines(tx, wanted, scope_id=place.id if place else None, about=about, limit=limit)


def _query(chosen: Mapping[str, str], **changes: str) -> str:
    return urlencode({key: value for key, value in {**chosen, **changes}.items() if value})


def _narrowing(chosen: Mapping[str, str], places: Sequence[Farm], is_whole: bool) -> None:
    whole = {"": _("Everywhere")} if is_whole else {}
    with ui.element("div").classes("st-row"):
        for key, label, options in (
            ("farm", _("Farm"), whole | {str(one.id): one.name for one in places}),
            ("days", _("Time"), {str(n): n_("Last {n} day", "Last {n} days", n) for n in DAYS}),
            ("category", _("About"), {"": _("Everything")} | {name: _(words) for name, words in CATEGORIES.items()}),
        ):  # fmt: skip
            if len(options) > 1:
                ui.select(
                    options, value=chosen[key], on_change=lambda e, key=key: ui.navigate.to(f"/log?{_query(chosen, **{key: e.value or ''})}")
                ).props(f'outlined dense options-dense=false aria-label="{label}"')
        field = ui.input(placeholder=_("By whom"), value=chosen["person"]).props("outlined dense clearable")
        field.props["aria-label"] = _("By whom")
        field.on("keydown.enter", lambda: ui.navigate.to(f"/log?{_query(chosen, person=field.value or '')}"))


def _show(found: Sequence[EventLog], names: Mapping[UUID, str], place: Farm | None, chosen: Mapping[str, str]) -> None:
    if not found:
        empty_state(_("Nothing happened in this time."), _("Choose a longer time, or something else."), icon="history")
    for line in found:
        with ui.element("article").classes("st-item is-flat"), ui.element("div").classes("st-item-main"):
            ui.label(what(line, names)).classes("st-item-words")
            if told := details(line):
                ui.label(told).classes("st-soft").style("overflow-wrap: anywhere")
            with ui.element("div").classes("st-soft"):
                ui.label(who(line))
                ui.label(moment(line.recorded_at, place.time_zone if place else None, seconds=True)).classes("st-number")
    if len(found) == PAGE:
        button(_("Earlier"), kind="plain", icon="expand_more", href=f"/log?{_query(chosen, before=str(found[-1].sequence))}")


@app.get("/log.csv")
async def log_csv(request: Request, farm: str = "", days: int = 7, category: str = "", person: str = "") -> Response:
    """At most ten thousand lines, the latest first."""
    async with transaction(actor(request)) as tx:
        place = await farms.farm(tx, UUID(farm)) if farm else None
        found = await _lines(tx, Wanted(days, category, person[:100]), place, MOST)
    rows = (
        (
            line.recorded_at, line.sequence, line.actor_type, line.actor_name, line.event_type, line.severity, line.title, line.subject_id,
            line.event_data, line.ip_address, line.event_hash,
        )
        for line in found
    )  # fmt: skip
    return csv_response("log.csv", HEADER, rows)
