"""For how long a farm's past is kept: what holds here, and what an organization wants for all its farms."""

from collections.abc import Mapping
from typing import Any

from nicegui import app, ui

from data.core.errors import Refusal
from data.farm.commands.retention import keep_for
from data.farm.rules.retention import SWITCH_DAYS, Retention, wanted
from pages._shell import Looker, field_errors
from ui.dialog import confirm
from ui.form import Form
from ui.words import _, n_, noop

WORDS: Mapping[str, str] = {"raw_days": noop("Each value"), "hourly_days": noop("Hours"), "daily_days": noop("Days")}


def past_kept(look: Looker, own: Retention) -> None:
    """What holds, for everybody; a form for who decides about the organization."""
    installation = of_installation()
    holds = own.within(installation)
    with ui.element("div").classes("st-facts"):
        for name, words in WORDS.items():
            with ui.element("div").classes("st-fact"):
                ui.label(_(words)).classes("st-fact-label")
                ui.label(_long(getattr(holds, name))).classes("st-fact-value")
    ui.label(_("Words of switches stay for {days} days, and what is held by order of law stays until that ends.", days=SWITCH_DAYS)).classes("st-soft")
    if look.may("organization.edit"):
        _form(look, own, installation, holds)


def of_installation() -> Retention:
    """What the settings of this installation say."""
    settings = app.state.settings
    return Retention.of_settings(settings.farm_raw_days, settings.farm_hourly_days, settings.farm_daily_days)


def _form(look: Looker, own: Retention, installation: Retention, holds: Retention) -> None:
    ui.label(_("Your organization can keep less on all its farms, and nothing for longer than this installation.")).classes("st-soft")
    form = Form()
    with form:
        for name, words in WORDS.items():
            most = getattr(installation, name)
            form.number(name, _(words), getattr(own, name), unit=_("days"), decimals=0, help=_("Empty: as this installation, {span}.", span=_long(most)))

    async def save(values: dict[str, Any]) -> dict[str, str] | None:
        wish = Retention(**{name: None if values[name] is None else int(values[name]) for name in WORDS})
        try:
            goes = shortened(holds, wanted(wish, installation).within(installation))
        except Refusal as reason:
            return field_errors(reason)
        text = _("It goes in the coming night and cannot be brought back.")
        if goes and not await confirm(_("Let go of what is older?"), text, action=_("Keep less"), goes=goes):
            return None
        try:
            async with look.transaction() as tx:
                await keep_for(tx, wish, installation=installation)
        except Refusal as reason:
            return field_errors(reason)
        ui.navigate.reload()
        return None

    form.buttons(_("Save"), save)


def shortened(before: Retention, after: Retention) -> list[str]:
    """What will go: one line for each that is kept for less than before."""
    found = []
    for name, words in WORDS.items():
        was, will_be = getattr(before, name), getattr(after, name)
        if will_be is not None and (was is None or will_be < was):
            found.append(_("{what}: older than {span}", what=_(words), span=_long(will_be)))
    return found


def _long(days: int | None) -> str:
    return _("For ever") if days is None else n_("{n} day", "{n} days", days)
