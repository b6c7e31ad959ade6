"""Whether all of this could be put back tomorrow: the last copy, and the last time one was tried."""

from itertools import pairwise

from nicegui import ui

from data.core.time import now
from data.platform.backups import STALE_AFTER, Keeping
from data.platform.stretches import BEHIND_AFTER, Log
from data.platform.tables import Backup, RestoreDrill
from ui.age import age
from ui.badge import badge
from ui.empty import empty_state
from ui.words import _, compact, moment, n_, noop, number

MB = 1_000_000
WHY = {
    "is_off": noop("The installation's settings say so."),
    "is_newer": noop("The database is newer than the programs that would receive its log."),
    "is_standby": noop("The database is only a copy of another."),
    "writes_little": noop("The database writes too little into its log (wal_level)."),
    "has_tablespaces": noop("The database is spread over several places on its machine."),
    "has_no_senders": noop("The database lets nobody receive its log (max_wal_senders)."),
    "role_may_not": noop("The role that we are in the database may not receive its log (REPLICATION)."),
    "is_kept_out": noop("The database does not let us in to receive its log (pg_hba.conf)."),
}
"""Why the log is not received."""


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
    if kept.log:
        _log(kept.log, in_detail)
    if kept.drill:
        _drill(kept.drill, in_detail)


def _copy(last: Backup, in_detail: bool) -> None:
    is_stale = now() - last.started_at > STALE_AFTER
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.label(_("Last backup")).classes("st-item-words")
            if in_detail:
                size, rows = number((last.size_bytes or 0) / MB, 1), compact(sum(last.row_counts.values()))
                words = _("{size} MB, {rows} rows", size=size, rows=rows) if last.row_counts else _("{size} MB", size=size)
                ui.label(words).classes("st-soft")
                ui.label(last.store).classes("st-soft")
        age(last.started_at, stale_after_s=STALE_AFTER.total_seconds())
        badge("critical" if is_stale else "ok", _("too old") if is_stale else "")


def _log(kept: Log, in_detail: bool) -> None:
    """To which instants one can go back; or that it is only to the copies by the hour, and why."""
    is_behind, last = kept.is_behind(now()), kept.spans[-1] if kept.spans else None
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            if kept.now.refusal:
                ui.label(_("Copies are made by the hour; there is no way back to a moment between two.")).classes("st-item-words")
                ui.label(_(WHY[kept.now.refusal])).classes("st-soft")
            elif last is None:
                ui.label(_("The database's log is received; the first copy for it to go on from is being made.")).classes("st-item-words")
            else:
                ui.label(_("Any moment can be gone back to.")).classes("st-item-words")
                ui.label(_("From {since} to {until}", since=moment(last.since), until=moment(last.until))).classes("st-soft")
                for earlier, later in pairwise(kept.spans):
                    words = _("Not between {since} and {until}: the log has a gap there.", since=moment(earlier.until), until=moment(later.since))
                    ui.label(words).classes("st-soft")
            if in_detail and kept.now.detail:
                ui.label(kept.now.detail).classes("st-soft")
        if not kept.now.refusal:
            age(kept.now.until_at or kept.now.began_at, stale_after_s=BEHIND_AFTER.total_seconds())
            badge("critical" if is_behind else "ok", _("behind") if is_behind else "")


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
