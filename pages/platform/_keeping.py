"""Whether all of this could be put back tomorrow: the last copy, and the last time one was tried."""

from nicegui import ui

from data.core.time import now
from data.platform.backups import STALE_AFTER, Keeping
from data.platform.tables import Backup, RestoreDrill
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.words import _, compact, moment, n_, number

MB = 1_000_000


def keeping_section(kept: Keeping, *, in_detail: bool) -> None:
    """Two lines: what was copied last, and whether it could be put back; in red where it is too old or was not whole.

    A copy is of everybody's: how large it is, where, and what is wrong with it only those learn who run the installation.
    """
    ui.label(_("Backups")).classes("st-h2").props("role=heading aria-level=2")
    if kept.failed:
        with ui.element("article").classes("st-item"):
            with ui.element("div").classes("st-item-main"):
                ui.label(_("The last backup could not be made.")).classes("st-item-words")
                if in_detail:
                    ui.label(kept.failed.error or "").classes("st-soft")
            age(kept.failed.started_at)
            badge("critical", _("failed"))
    if kept.last:
        _copy(kept.last, in_detail)
    else:
        empty_state(_("No backup has been made yet."), icon="backup")
    if kept.drill:
        _drill(kept.drill, in_detail)


def _copy(last: Backup, in_detail: bool) -> None:
    is_stale = now() - last.started_at > STALE_AFTER
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(_("Last backup")).classes("st-item-words")
            if in_detail:
                size, rows = number((last.size_bytes or 0) / MB, 1), compact(sum(last.row_counts.values()))
                ui.label(_("{size} MB, {rows} rows", size=size, rows=rows)).classes("st-soft")
                ui.label(last.store).classes("st-soft")
        age(last.started_at, stale_after_s=STALE_AFTER.total_seconds())
        badge("critical" if is_stale else "ok", _("too old") if is_stale else "")


def _drill(drill: RestoreDrill, in_detail: bool) -> None:
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            if drill.is_whole:
                ui.label(_("A backup was put back and is whole.")).classes("st-item-words")
                until = moment(drill.restored_until_at) if drill.restored_until_at else ""
                tables = n_("{n} table compared", "{n} tables compared", int(drill.compared.get("tables", 0)))
                ui.label(f"{tables} · {until}").classes("st-soft")
            else:
                ui.label(_("A backup could not be put back whole.")).classes("st-item-words")
                if in_detail:
                    ui.label(drill.error or "").classes("st-soft")
        age(drill.finished_at)
        badge("ok" if drill.is_whole else "critical", "" if drill.is_whole else _("failed"))
