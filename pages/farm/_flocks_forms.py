"""The panels in which a flock is placed, described anew, and said to have left."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nicegui import ui

from data.core.errors import Invalid, Refusal
from data.core.time import now, zone
from data.farm.commands import flocks_limits
from data.farm.commands.flocks import close_batch, edit_batch, start_batch
from data.farm.commands.flocks_limits import Proposal
from data.farm.flocks import KINDS, points
from data.farm.queries_flocks import flock_of
from data.farm.tables import Farm, FlockBatch
from pages._shell import Looker, field_errors
from pages.farm._flocks_words import KIND_WORDS, PATH
from ui.dialog import confirm, panel
from ui.form import Form
from ui.words import (
    _,
    celsius_from,
    difference_from,
    difference_value,
    n_,
    temperature,
    temperature_unit,
    temperature_value,
)


def describe(look: Looker, farms: Sequence[Farm], batch: FlockBatch | None = None) -> None:
    """Place birds, or describe those that are there."""
    with panel(_("Edit the flock") if batch else _("Place a flock")) as dialog:
        form = Form()
        with form:
            if batch is None:
                form.select("farm_id", _("Farm"), {farm.id: farm.name for farm in farms}, farms[0].id if len(farms) == 1 else None, required=True)
            form.text("house", _("House"), batch.house if batch else "", required=True, help=_("As the room is called at its probes and fans."))
            form.select("kind", _("What birds?"), {kind: _(KIND_WORDS[kind]) for kind in KINDS}, batch.kind if batch else "broiler", required=True)
            form.number("placed_count", _("How many"), batch.placed_count if batch else None, minimum=1, decimals=0, required=True)
            today = datetime.now(zone(farms[0].time_zone)).date() if farms else now().date()
            form.date("placed_on", _("Placed on"), batch.placed_on if batch else today, required=True)
            form.number("placed_age_days", _("Age then"), batch.placed_age_days if batch else 0, unit=_("days"), minimum=0, decimals=0, required=True)
            weight = float(batch.placed_weight_g) if batch and batch.placed_weight_g else None
            form.number("placed_weight_g", _("Weight of a bird then"), weight, unit="g", minimum=0, decimals=1)
            form.text("name", _("Name"), batch.name if batch else "")
            form.text("breed", _("Breed"), (batch.breed or "") if batch else "")
            form.text(
                "targets", _("Right temperatures"), _written(batch) if batch and batch.targets else "", lines=4,
                help=_("Each line: age in days, {unit}, how far off is fine. Empty: as usual for these birds.", unit=temperature_unit()),
                placeholder=_written(batch) if batch else "",
            )  # fmt: skip
            form.text("notes", _("Note"), (batch.notes or "") if batch else "", lines=2)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                farm_id = values.pop("farm_id", None)
                values["targets"] = _read(values["targets"])
                async with look.transaction() as tx:
                    if batch:
                        await edit_batch(tx, batch.id, **values)
                    else:
                        made = await start_batch(tx, farm_id, **values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            if batch is None:
                ui.navigate.to(f"{PATH}/{made.id}")
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def close(look: Looker, batch: FlockBatch, farm: Farm, alive: int) -> None:
    """The birds have left: how many, and what they weighed."""
    with panel(_("The flock has left"), batch.name) as dialog:
        form = Form()
        with form:
            form.date("closed_on", _("Day it left"), datetime.now(zone(farm.time_zone)).date(), required=True)
            form.number("closed_count", _("How many left"), alive, minimum=0, decimals=0, required=True)
            form.number("closed_weight_kg", _("What they weighed together"), unit="kg", minimum=0, decimals=2)

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await close_batch(tx, batch.id, **values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            ui.navigate.reload()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _written(batch: FlockBatch) -> str:
    """The curve as lines in the reader's unit."""
    return "\n".join(
        f"{day:g} {temperature_value(celsius):.1f} {difference_value(within):.1f}" for day, celsius, within in points(flock_of(batch))
    )


def _read(text: str) -> list[Mapping[str, float]]:
    """Lines as points in °C. Invalid('targets') where one is none."""
    found: list[Mapping[str, float]] = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        try:
            day, warmth, *rest = (float(word) for word in line.replace(",", ".").split())
        except ValueError:
            raise Invalid("targets", "Each line is an age in days, a temperature, and how far off is still fine.") from None
        found.append({"day": day, "celsius": celsius_from(warmth)} | ({"within": difference_from(rest[0])} if rest else {}))
    return found


async def set_limits(look: Looker, batch: FlockBatch) -> None:
    """What is right for the birds' age, beside what the probes of the house are set to; one tap takes it over."""
    found: Sequence[Proposal] = ()
    async with look.command() as tx:
        found = await flocks_limits.proposals(tx, batch.id)
    wrong = [one for one in found if not one.is_right]
    if not wrong:
        words = _("The limits are right for their age.") if found else _("No probe measures in this house.")
        with look.page:
            ui.notify(words, type="positive" if found else "warning", position="top")
        return
    right = _range(wrong[0].right_low, wrong[0].right_high)
    told = [_("{probe}: {before}, then {after}", probe=one.device.name, before=_range(one.low, one.high), after=right) for one in wrong]
    with look.page:
        is_sure = await confirm(
            _("Set the limits of {house}?", house=batch.house), _("Outside of these somebody is told. The birds' age asks for:"),
            action=_("Set to {limits}", limits=right), goes=told, danger=False,
        )  # fmt: skip
    if is_sure:
        count = 0
        async with look.command() as tx:
            count = await flocks_limits.take(tx, batch.id)
        if count:
            with look.page:
                ui.notify(n_("{n} probe was set.", "{n} probes were set.", count), type="positive", position="top")


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return _("not set")
    return f"{temperature(low)} – {temperature(high)}"
