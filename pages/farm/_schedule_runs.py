"""What a schedule would do now, what it did, and where else the same is wanted."""

from nicegui import ui

from data.core.errors import Refusal
from data.farm import commands, queries
from data.farm.queries import Planned
from data.farm.rules import PLANNED
from data.farm.tables import ScheduleExecution, ScheduleType
from data.farm.trials import Trial, try_out
from pages._shell import Looker, field_errors
from pages.farm._schedule_words import does, done_words
from pages.farm._words import ACTION_WORDS, RUN_STATES, RUN_WORDS, reason_of
from ui.badge import badge
from ui.dialog import confirm, panel
from ui.form import Form, button
from ui.words import _, clock, day, moment

MOST_SHOWN = 30
MOST_FOLLOWING = 8


async def past_runs(look: Looker, one: Planned) -> None:
    """What became of the last runs, those that fell into an outage with what was done about them."""
    async with look.transaction() as tx:
        runs = await queries.executions_of(tx, one.schedule.id, limit=MOST_SHOWN)
    with panel(_("Runs of {name}", name=one.schedule.name)) as dialog:
        if not runs:
            ui.label(_("It has not run yet.")).classes("st-soft")
        for run in runs:
            _run(one, run)
        with ui.element("div").classes("st-panel-buttons"):
            if len(runs) == MOST_SHOWN:
                button(_("All runs"), kind="quiet", href=f"/farm/ledger?schedule={one.schedule.id}")
            button(_("Close"), dialog.close, kind="plain")
    dialog.open()


def _run(one: Planned, run: ScheduleExecution) -> None:
    with ui.element("div").classes("st-item is-flat"):
        with ui.element("div").classes("st-item-main"):
            ui.label(moment(run.scheduled_time, one.farm.time_zone, seconds=True)).classes("st-item-words")
            if reason := reason_of(run.error_message, run.error_values):
                ui.label(reason).classes("st-soft")
            if words := done_words(run):
                ui.label(_("In an outage: {what}", what=words)).classes("st-soft")
        badge(RUN_STATES[run.status], _(RUN_WORDS[run.status]))


async def dry_run(look: Looker, one: Planned) -> None:
    """Say what it would do if its time came now; nothing is switched."""
    async with look.transaction() as tx:
        trial = await try_out(tx, one.schedule.id)
    with panel(_("{name}, if its time came now", name=one.schedule.name), _("Nothing is switched by this.")) as dialog:
        _told(one, trial)
        for message, values in trial.obstacles:
            with ui.element("div").classes("st-row"):
                badge("warning", _("In its way"))
                ui.label(_(message, **values))
        if trial.follows:
            ui.label(_("After that, as planned")).classes("st-field-label")
            for moment_ in trial.follows[:MOST_FOLLOWING]:
                at = f"{day(moment_.at, one.farm.time_zone)}, {clock(moment_.at, one.farm.time_zone)}"
                ui.label(f"{at} · {_(ACTION_WORDS[moment_.action])}").classes("st-soft")  # type: ignore[index]
        with ui.element("div").classes("st-panel-buttons"):
            button(_("Close"), dialog.close, kind="plain")
    dialog.open()


def _told(one: Planned, trial: Trial) -> None:
    if one.schedule.schedule_type is not ScheduleType.CONDITION:
        ui.label(_("{device} would be asked: {what}", device=one.device.name, what=does(one.schedule)))
    elif trial.is_held is None:
        ui.label(_("A probe is silent, so {device} would be brought to its safe state.", device=one.device.name))
    elif trial.is_held:
        ui.label(_("Its condition holds, so {device} would be asked: {what}", device=one.device.name, what=does(one.schedule)))
    else:
        ui.label(_("Its condition does not hold, so nothing would be asked."))


async def run_at_once(look: Looker, one: Planned) -> None:
    async with look.transaction() as tx:
        trial = await try_out(tx, one.schedule.id)
    text = _("{device}: {what}. It runs at once, whatever else is planned.", device=one.device.name, what=does(one.schedule))
    obstacles = [_(message, **values) for message, values in trial.obstacles]
    if await confirm(_("Run {name} now?", name=one.schedule.name), text, action=_("Run now"), goes=obstacles, danger=False):
        async with look.command() as tx:
            await commands.run_now(tx, one.schedule.id)


async def copy_elsewhere(look: Looker, one: Planned) -> None:
    """The same schedule for the same or other devices, paused until somebody lets it run."""
    async with look.transaction() as tx:
        farms = {farm.id: farm for farm in await queries.farms(tx)}
        devices = await queries.devices(tx)
    offered = {
        device.id: " · ".join(filter(None, (device.name, device.location, farms[device.farm_id].name)))
        for device in devices
        if device.device_type.value in PLANNED and look.may("farm.schedule", device.farm_id)
    }
    with panel(_("Copy {name}", name=one.schedule.name), _("Each copy is paused until somebody lets it run.")) as dialog:
        form = Form()
        with form:
            form.select("device_ids", _("To these devices"), offered, [one.device.id], multiple=True, required=True, search=len(offered) > 8)
            form.text("name", _("Name"), _("{name} (copy)", name=one.schedule.name), required=True)

        async def send(values: dict[str, object]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.copy_to_devices(tx, one.schedule.id, values["device_ids"], name=str(values["name"]))  # type: ignore[arg-type]
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Copy"), send, on_cancel=dialog.close)
    dialog.open()
