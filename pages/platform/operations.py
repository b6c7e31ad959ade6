"""Whether the house is in order: the timetable's last runs, the event log's chain, and what happened last."""

from collections.abc import Sequence

from nicegui import ui

from data.audit import log
from data.audit import queries as audit
from data.audit.rules import Break
from data.audit.tables import EventLog
from data.core.time import now
from data.platform import backups, queries, streams
from data.platform.backups import Keeping
from data.platform.streams import Trouble
from data.platform.tables import ScheduledJob
from pages._shell import Looker, screen
from pages.platform._keeping import keeping_section
from pages.platform._machine import machine_section
from pages.platform._streams import streams_section, trouble_banner
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.words import _, moment, n_

Kept = tuple[Sequence[Trouble], Keeping]
Seen = tuple[Sequence[ScheduledJob], Sequence[EventLog]]


@screen("/operations", title="Operations", place="operations", permission="operations.view")
async def operations(look: Looker) -> None:
    async def ask_kept() -> Kept:
        async with look.transaction() as tx:
            return await streams.troubles(tx, now()), await backups.keeping(tx)

    def show_kept(found: Kept) -> None:
        troubles, kept = found
        trouble_banner(troubles)
        keeping_section(kept, in_detail=look.actor.is_platform_admin)

    async def ask() -> Seen:
        async with look.transaction() as tx:
            return await queries.scheduled_jobs(tx), await audit.latest(tx, limit=30)

    def show(found: Seen) -> None:
        jobs, lines = found
        ui.label(_("Timetable")).classes("st-h2").props("role=heading aria-level=2")
        if not jobs:
            empty_state(_("Nothing has run yet."), icon="schedule")
        for job in jobs:
            with ui.element("article").classes("st-item"):
                with ui.element("div").classes("st-item-main"):
                    ui.label(job.name).classes("st-item-words")
                    if job.last_error:
                        ui.label(job.last_error).classes("st-soft")
                ui.label(f"{job.last_duration_ms} ms").classes("st-number")
                age(job.last_run_at)
                badge("critical" if job.last_error else "ok", _("failed") if job.last_error else "")
        ui.label(_("Event log")).classes("st-h2").props("role=heading aria-level=2")
        button(_("Check the chain"), lambda: _check(look), icon="verified")
        for line in lines:
            with ui.element("div").classes("st-item is-flat"):
                ui.label(f"#{line.sequence}").classes("st-number")
                with ui.element("div").classes("st-item-main"):
                    ui.label(line.title).classes("st-item-words")
                    ui.label(f"{line.event_type} · {line.actor_name}").classes("st-soft")
                ui.label(moment(line.recorded_at)).classes("st-soft")

    if look.actor.is_platform_admin:
        streams_section(look)
    live(ask_kept, show_kept)
    machine_section(look)
    live(ask, show)


async def _check(look: Looker) -> None:
    found: list[Break] | None = None
    async with look.command() as tx:
        tx.actor.require("audit.view")
        found = await log.verify(tx, tx.organization_id)
    if found:
        words = n_("The log is broken in {n} place.", "The log is broken in {n} places.", len(found))
        ui.notify(f"{words} {found[0].kind}: #{found[0].sequence}", type="negative")
    elif found is not None:
        ui.notify(_("The log is whole: nothing was altered, removed or put in."), type="positive")
