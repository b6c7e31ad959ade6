"""Every tree job: how many stand where, and the list."""

from typing import Any

from nicegui import ui

from data.trees.events import JobChanged
from data.trees.queries import jobs as known
from data.trees.queries.jobs import JobRow
from data.trees.words import JobStatus
from pages._map import live_map
from pages._shell import Looker, screen
from pages.trees import _files  # noqa: F401 - its routes
from pages.trees._words import STATUS_ICONS, STATUS_STATES, rating_badge, status_word
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.table import Column, table
from ui.words import _, number


@screen("/trees", title="Trees", place="trees", permission="trees.view")
async def jobs(look: Looker, status: JobStatus | None = None) -> None:
    assert look.frame
    if look.may("trees.approve_device"):
        with look.frame.actions:
            button(_("Phones"), icon="phone_android", href="/trees/devices")

    async def ask() -> dict[JobStatus, int]:
        async with look.transaction() as tx:
            return await known.counts(tx)

    def show(counts: dict[JobStatus, int]) -> None:
        if not counts:
            _nothing_yet(look)
            return
        with ui.element("nav").classes("st-row").props(f'aria-label="{_("By status")}"'):
            for one, count in counts.items():
                _choice(one, count, is_chosen=status is one)

    live(ask, show, look.topic(JobChanged), minimum_interval_s=1.0)
    _list(look, status)
    await live_map(look, "trees", height="min(46vh, 460px)")


def _nothing_yet(look: Looker) -> None:
    if look.may("trees.approve_device"):
        empty_state(
            _("There are no tree jobs yet."), _("They are made on an arborist's phone. Let the first phone in."), icon="park",
            action=_("Phones"), href="/trees/devices",
        )  # fmt: skip
    else:
        empty_state(_("There are no tree jobs yet."), _("They are made on an arborist's phone."), icon="park")


def _choice(status: JobStatus, count: int, *, is_chosen: bool) -> None:
    """A status with its count; pressing it narrows the list, pressing it again widens it."""
    link = ui.element("a").classes("st-plain")
    link.props["href"] = "/trees" if is_chosen else f"/trees?status={status.value}"
    link.props["aria-current"] = "true" if is_chosen else "false"
    with link:
        badge(STATUS_STATES[status], status_word(status), icon=STATUS_ICONS[status])
        ui.label(number(count)).classes("st-number")


def _list(look: Looker, status: JobStatus | None) -> None:
    async def ask(page: int, size: int, sort: str, descending: bool, text: str) -> tuple[list[dict[str, Any]], int]:
        async with look.transaction() as tx:
            found, total = await known.page(
                tx, offset=(page - 1) * size, limit=size, status=status, search=text, sort=sort, descending=descending
            )
        return [_row(row) for row in found], total

    if status:
        with ui.element("div").classes("st-row"):
            ui.label(status_word(status)).classes("st-h2").props("role=heading aria-level=2")
            button(_("Show all jobs"), kind="quiet", icon="close", href="/trees")
    columns = [
        Column("number", _("Number")),
        Column("name", _("Job"), sortable=False),
        Column("customer", _("Customer")),
        Column("address", _("Address")),
        Column("tree", _("Tree number"), "number", decimals=0),
        Column("species", _("Species")),
        Column("status", _("Status"), "badge"),
        Column("rating", _("Risk"), "badge"),
        Column("age", _("Made"), "age", zone=look.time_zone),
    ]
    table(
        columns, ask, sort="age", descending=True, csv_href="/trees/jobs.csv" + (f"?status={status.value}" if status else ""),
        empty=_("There are no tree jobs here."), filter_label=_("Find by number, customer, address or species"),
        label=_("Tree jobs"), topics=(look.topic(JobChanged),),
    )  # fmt: skip


def _row(row: JobRow) -> dict[str, Any]:
    job = row.job
    return {
        "id": job.id, "href": f"/trees/{job.id}", "number": job.job_number, "name": job.job_name, "customer": row.customer.name,
        "address": job.job_address, "tree": row.tree.tree_number if row.tree else None, "species": job.tree_species or "",
        "status": (STATUS_STATES[job.status], status_word(job.status)), "rating": rating_badge(job.risk_rating), "age": job.created_at,
    }  # fmt: skip
