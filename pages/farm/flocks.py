"""Every flock that is on a farm, with its age, how many live, and whether somebody has written of it today."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from nicegui import ui

from data.core.errors import NotFound
from data.core.time import now, zone
from data.farm import queries
from data.farm import queries_flocks as flocks_there
from data.farm.commands.flocks import restore_batch
from data.farm.events import FarmChanged, FlockChanged
from data.farm.queries_flocks import Standing, flock_of
from data.farm.tables import Farm
from pages._attention import SOURCES, Matter, Source
from pages._shell import SEARCHERS, Looker, screen
from pages.farm._flocks_forms import describe
from pages.farm._flocks_words import PATH, age_words, day_words, figure, kind_words
from ui.badge import badge
from ui.empty import empty_state
from ui.form import button
from ui.live import live
from ui.palette import Found
from ui.words import _, n_

WRITTEN_BY = time(18)
"""By then a keeper has been through the houses; who has not written yet is asked on Home."""


@screen("/farm/flocks", title="Flocks", place="farm", permission="farm.view")
async def flocks(look: Looker, removed: UUID | None = None) -> None:
    assert look.frame
    async with look.transaction() as tx:
        farms = [farm for farm in await queries.farms(tx) if look.may("farm.edit", farm.id)]
    if farms:
        with look.frame.actions:
            button(_("Place a flock"), lambda: describe(look, farms), kind="primary", icon="add")
    if removed:
        await _offer_undo(look, removed)

    async def ask() -> Sequence[Standing]:
        async with look.transaction() as tx:
            return await flocks_there.batches(tx)

    live(ask, lambda found: _show(look, found, farms), look.topic(FlockChanged), look.topic(FarmChanged), minimum_interval_s=0.5)


def _show(look: Looker, found: Sequence[Standing], farms: Sequence[Farm]) -> None:
    if not found and farms:
        empty_state(
            _("No flock is on the farm."), _("Place one, and write down each day how it does."), icon="egg", action=_("Place a flock"),
            on_action=lambda: describe(look, farms),
        )  # fmt: skip
    elif not found:
        empty_state(_("No flock is on the farm."), icon="egg")
    for farm, there in groupby((one for one in found if one.batch.closed_on is None), key=lambda one: one.farm):
        with ui.element("section").classes("st-stack"):
            ui.label(farm.name).classes("st-h2").props("role=heading aria-level=2")
            for one in there:
                _card(one)
    if left := [one for one in found if one.batch.closed_on]:
        with ui.element("section").classes("st-stack"):
            ui.label(_("Have left")).classes("st-h2").props("role=heading aria-level=2")
            for one in left:
                _card(one)


def _card(one: Standing) -> None:
    batch = one.batch
    today = datetime.now(zone(one.farm.time_zone)).date()
    with ui.element("article").classes("st-item"):
        with ui.element("div").classes("st-item-main"):
            ui.link(batch.name, f"{PATH}/{batch.id}").classes("st-item-words")
            with ui.element("div").classes("st-soft"):
                ui.label(batch.house)
                ui.label(kind_words(batch))
                ui.label(age_words(flock_of(batch).age(batch.closed_on or today)))
            with ui.element("div").classes("st-soft"):
                ui.label(n_("{n} bird alive", "{n} birds alive", batch.placed_count - one.dead - one.culled))
                ui.label(_("{percent} % died", percent=figure(one.dead / batch.placed_count * 100, 2)))
                if one.weight_g:
                    ui.label(figure(one.weight_g, 0, "g"))
        if batch.closed_on:
            badge("neutral", _("Left on {day}", day=day_words(batch.closed_on)), icon="logout")
        elif one.last_day == today:
            badge("ok", _("Written today"))
        else:
            badge("waiting", _("Nothing written today"))


async def _offer_undo(look: Looker, batch_id: UUID) -> None:
    """A flock that was just taken away can be brought back; an old link offers nothing."""
    try:
        async with look.transaction() as tx:
            batch = await flocks_there.batch(tx, batch_id, deleted=True)
    except NotFound:
        return
    if not look.may("farm.edit", batch.farm_id):
        return

    async def undo() -> None:
        async with look.command() as tx:
            await restore_batch(tx, batch_id)
        bar.delete()

    with ui.element("div").classes("st-undo").props("role=status") as bar:
        ui.label(_("{name} was removed.", name=batch.name))
        button(_("Undo"), undo, icon="undo", kind="quiet")
        button(_("Close"), bar.delete, kind="quiet")


async def _find(look: Looker, text: str) -> Sequence[Found]:
    if not look.may("farm.view"):
        return []
    async with look.transaction() as tx:
        rows = await flocks_there.find(tx, text, limit=5)
    return [Found(batch.name, f"{PATH}/{batch.id}", " · ".join((farm.name, batch.house)), "egg") for batch, farm in rows]


async def _unwritten(look: Looker) -> Sequence[Matter]:
    """Flocks of which nothing is written for yesterday, or in the evening for today."""
    async with look.transaction() as tx:
        found = [one for one in await flocks_there.batches(tx) if one.batch.closed_on is None and look.may("farm.record", one.batch.farm_id)]
    matters = []
    for one in found:
        there = now().astimezone(zone(one.farm.time_zone))
        day = there.date() if there.time() >= WRITTEN_BY else there.date() - timedelta(days=1)
        if day >= one.batch.placed_on and (one.last_day is None or one.last_day < day):
            since = datetime.combine(day, WRITTEN_BY, there.tzinfo)
            words = _("{name}: nothing is written for {day}.", name=one.batch.name, day=day_words(day))
            matters.append(Matter("waiting", words, f"{PATH}/{one.batch.id}?day={day}", since, "egg"))
    return matters


SEARCHERS.append(_find)
SOURCES.append(Source("farm.record", _unwritten, (FlockChanged,)))
