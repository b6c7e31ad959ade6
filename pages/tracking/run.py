"""One run: the places its goods go to, drawn on the map with their circles, and its tags."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from nicegui import ui

from data.core.errors import Refusal
from data.tracking import commands, queries
from data.tracking.events import RunChanged, TrackerMoved
from data.tracking.queries import NamedPlace, Run
from data.tracking.rules import PlaceKind
from data.tracking.tables import DEFAULT_GEOFENCE_M
from pages._map import tiles
from pages._shell import Looker, field_errors, screen
from pages.tracking._layer import marker
from pages.tracking._words import PLACE_WORDS
from ui.badge import State, badge
from ui.dialog import panel
from ui.empty import empty_state
from ui.form import Form, button
from ui.live import live, live_value
from ui.map import Fence, Marker, fleet
from ui.words import _, day, n_, number

PLACE_STATES: dict[PlaceKind, State] = {PlaceKind.STORAGE: "waiting", PlaceKind.DELIVERY: "ok"}
PLACE_ICONS = {PlaceKind.STORAGE: "warehouse", PlaceKind.DELIVERY: "storefront"}
MOST_MARKERS = 500

Found = tuple[Sequence[NamedPlace], Sequence[NamedPlace]]


@screen("/tracking/runs/{run_id:uuid}", title="Run", place="tracking", permission="tracking.view")
async def run(look: Looker, run_id: UUID) -> None:
    async with look.transaction() as tx:
        found = await queries.run(tx, run_id)
    ui.page_title(f"{found.description} · Steading")
    may_edit = look.may("tracking.edit", found.client_id)
    _head(look, found, may_edit)
    drawn = fleet(
        tiles=tiles(), height="min(50vh, 460px)", zone=look.time_zone,
        on_fence=(lambda fence: _new_place(look, run_id, fence)) if may_edit else None,
    )  # fmt: skip
    live_value(lambda: _markers(look, run_id), drawn.set_markers, look.topic(TrackerMoved), minimum_interval_s=1.0)
    if may_edit:
        with ui.element("div").classes("st-row"):
            button(_("Draw a new place"), lambda: drawn.draw("circle"), kind="primary", icon="add_location_alt")
            button(_("Enter its numbers"), lambda: _new_place(look, run_id), kind="quiet", icon="pin")

    async def ask() -> Found:
        async with look.transaction() as tx:
            return await queries.places_of(tx, run_id), await queries.sharable_places(tx, run_id) if may_edit else ()

    def show(both: Found) -> None:
        places, sharable = both
        drawn.set_fences([_fence(each) for each in places])
        if not places:
            empty_state(_("This run has no places yet."), _("Draw the warehouses and shops that its goods go to."), icon="add_location_alt")
        for each in places:
            _item(each)
        if sharable:
            button(_("Use a place of another run"), lambda: _share(look, run_id, sharable), kind="quiet", icon="link")

    ui.label(_("Places")).classes("st-h2").props("role=heading aria-level=2")
    live(ask, show, look.topic(RunChanged))


def _head(look: Looker, found: Run, may_edit: bool) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("All runs"), kind="quiet", icon="arrow_back", href="/tracking/runs")
        if may_edit:
            button(_("Import trackers"), kind="plain", icon="upload_file", href=f"/tracking/import?run={found.id}")
    look.frame.set_title(found.description)
    until = day(found.ends_at) if found.ends_at else _("open end")
    with ui.element("div").classes("st-row"):
        ui.label(f"{found.client_name} · {found.brand_name}")
        ui.label(f"{day(found.starts_at)} – {until}").classes("st-soft")
        ui.link(n_("{n} tracker", "{n} trackers", found.tracker_count), f"/tracking?run={found.id}")


async def _markers(look: Looker, run_id: UUID) -> list[Marker]:
    async with look.transaction() as tx:
        found, _total = await queries.page(tx, run_id=run_id, size=MOST_MARKERS)
    return [marker(index, seen) for index, seen in enumerate(found) if seen.latitude is not None]


def _fence(each: NamedPlace) -> Fence:
    place = each.place
    return Fence(
        str(place.id), each.name, [(place.latitude, place.longitude)], radius_m=place.geofence_size_m, state=PLACE_STATES[place.kind]
    )


def _item(each: NamedPlace) -> None:
    with ui.element("article").classes("st-item"):
        badge(PLACE_STATES[each.place.kind], _(PLACE_WORDS[each.place.kind]), icon=PLACE_ICONS[each.place.kind])
        with ui.element("div").classes("st-item-main"):
            ui.label(each.name).classes("st-item-words")
            ui.label(f"{each.place.latitude:.5f}, {each.place.longitude:.5f}").classes("st-soft")
        ui.label(_("within {m} m", m=number(each.place.geofence_size_m, 0)))


def _new_place(look: Looker, run_id: UUID, fence: dict[str, Any] | None = None) -> None:
    """Name what was drawn; its numbers can be set by hand, and all of them are where nothing was drawn."""
    latitude, longitude = fence["points"][0] if fence else (None, None)
    radius_m = fence and fence["radius_m"] or DEFAULT_GEOFENCE_M
    with panel(_("New place")) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), required=True)
            form.select("kind", _("What it is"), {kind: _(word) for kind, word in PLACE_WORDS.items()}, PlaceKind.STORAGE, required=True)
            form.number("latitude", _("Latitude"), latitude and round(latitude, 6), unit="°", required=True)
            form.number("longitude", _("Longitude"), longitude and round(longitude, 6), unit="°", required=True)
            form.number("geofence_size_m", _("Size of the circle"), round(radius_m), unit="m", required=True, decimals=0)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.add_place(
                        tx, run_id, values["kind"], name=values["name"], latitude=values["latitude"],
                        longitude=values["longitude"], geofence_size_m=values["geofence_size_m"],
                    )  # fmt: skip
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Add"), send, on_cancel=dialog.close)
    dialog.open()


def _share(look: Looker, run_id: UUID, sharable: Sequence[NamedPlace]) -> None:
    with panel(_("Use a place of another run")) as dialog:
        form = Form()
        with form:
            names = {each.place.id: f"{each.name} ({_(PLACE_WORDS[each.place.kind])})" for each in sharable}
            form.select("place", _("Place"), names, required=True, search=True)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.share_place(tx, run_id, values["place"])
            except Refusal as refusal:
                return field_errors(refusal)
            dialog.close()
            return None

        form.buttons(_("Use it"), send, on_cancel=dialog.close)
    dialog.open()
