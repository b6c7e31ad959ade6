"""Every tag: how many stand where, the live map, and the list."""

from typing import Any
from uuid import UUID

from nicegui import ui

from data.tracking import queries
from data.tracking.events import RunChanged, TrackerChanged, TrackerMoved
from data.tracking.queries import Seen
from data.tracking.tables import TrackerStatus
from pages._map import live_map
from pages._shell import Looker, screen
from pages.tracking import _downloads  # noqa: F401 - its routes
from pages.tracking._words import STATUS_ICONS, STATUS_STATES, status_word
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.table import Column, table
from ui.words import _, number


@screen("/tracking", title="Tracking", place="tracking", permission="tracking.view")
async def trackers(look: Looker, run: UUID | None = None, status: TrackerStatus | None = None) -> None:
    assert look.frame
    with look.frame.actions:
        button(_("Runs and places"), kind="plain", icon="inventory", href="/tracking/runs")
        if look.may("tracking.edit"):
            button(_("Import trackers"), kind="primary", icon="upload_file", href="/tracking/import")

    async def ask() -> dict[TrackerStatus, int]:
        async with look.transaction() as tx:
            return await queries.summary(tx)

    def show(counts: dict[TrackerStatus, int]) -> None:
        if not any(counts.values()):
            _nothing_yet(look)
            return
        choices = ui.element("nav").classes("st-row")
        choices.props["aria-label"] = _("By status")
        with choices:
            for one, count in counts.items():
                _choice(one, count, run, is_chosen=status is one)

    live(ask, show, look.topic(TrackerChanged), minimum_interval_s=1.0)
    await live_map(look, "tracking", height="min(46vh, 460px)")
    if run or status:
        await _narrowed(look, run, status)
    _list(look, run, status)


def _nothing_yet(look: Looker) -> None:
    if look.may("tracking.edit"):
        empty_state(
            _("There are no trackers yet."), _("Set up a client, a brand and a run; then import the trackers' file."),
            icon="share_location", action=_("Set up a run"), href="/tracking/runs",
        )  # fmt: skip
    else:
        empty_state(_("There are no trackers yet."), icon="share_location")


def _choice(status: TrackerStatus, count: int, run: UUID | None, *, is_chosen: bool) -> None:
    """A status with its count; pressing it narrows the list, pressing it again widens it."""
    query = [f"run={run}"] if run else []
    query += [] if is_chosen else [f"status={status.value}"]
    link = ui.element("a").classes("st-plain")
    link.props["href"] = "/tracking" + (f"?{'&'.join(query)}" if query else "")
    link.props["aria-current"] = "true" if is_chosen else "false"
    with link:
        badge(STATUS_STATES[status], status_word(status), icon=STATUS_ICONS[status])
        ui.label(number(count)).classes("st-number")


async def _narrowed(look: Looker, run: UUID | None, status: TrackerStatus | None) -> None:
    """What the list is narrowed to, and the way back."""
    words = [status_word(status)] if status else []
    if run:
        async with look.transaction() as tx:
            words.append((await queries.run(tx, run)).description)
    with ui.element("div").classes("st-row"):
        ui.label(" · ".join(words)).classes("st-h2").props("role=heading aria-level=2")
        button(_("Show all trackers"), kind="quiet", icon="close", href="/tracking")


def _list(look: Looker, run: UUID | None, status: TrackerStatus | None) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, text: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found, total = await queries.page(
                tx, page=page, size=size, sort=sort, descending=descending, filter=text, run_id=run, status=status
            )
        return [_row(seen) for seen in found], total

    columns = [
        Column("name", _("Name")),
        Column("status", _("Status"), "badge"),
        Column("run", _("Run")),
        Column("city", _("Nearest city")),
        Column("age", _("Last heard"), "age", zone=look.time_zone),
        Column("accuracy", _("Accuracy"), "number", unit="m", decimals=0),
        Column("place", _("Place"), sortable=False, hidden=True),
        Column("client", _("Client"), hidden=True),
        Column("mac", _("MAC address"), hidden=True),
    ]
    narrowing = "&".join([f"run={run}"] * bool(run) + [f"status={status.value}" if status else ""]).strip("&")
    table(
        columns, ask, sort="name", csv_href="/tracking/trackers.csv" + (f"?{narrowing}" if narrowing else ""),
        empty=_("There are no trackers yet."), filter_label=_("Find by name, run or city"), label=_("Trackers"),
        topics=(look.topic(TrackerMoved), look.topic(TrackerChanged), look.topic(RunChanged)),
    )  # fmt: skip


def _row(seen: Seen) -> dict[str, Any]:
    return {
        "id": seen.id, "href": f"/tracking/{seen.id}", "name": seen.name, "run": seen.run or "", "place": seen.place or "",
        "status": (STATUS_STATES[seen.status], status_word(seen.status)), "city": seen.nearest_city or "",
        "age": seen.positioned_at, "accuracy": seen.horizontal_accuracy_m, "client": seen.client or "", "mac": seen.mac_address or "",
    }  # fmt: skip
