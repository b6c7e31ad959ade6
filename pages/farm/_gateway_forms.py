"""A gateway is claimed by its code, and described, in a panel over the page; a thumb and a small screen are enough."""

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from data.core.errors import Refusal
from data.farm import queries_gateways
from data.farm.commands import gateways as commands
from data.farm.rules.gateways import written_code
from data.farm.tables import Farm, Gateway
from pages._shell import Looker, field_errors
from ui.dialog import panel
from ui.form import Field, Form, button
from ui.words import _

MOST_OFFERED = 6


async def claim(look: Looker, farms: Sequence[Farm], code: str = "") -> None:
    """Type the code that a gateway shows, and say in which house it stands."""
    async with look.transaction() as tx:
        known = await queries_gateways.houses(tx)
    with panel(_("Claim a gateway"), _("Switch the gateway on. It shows a code for half an hour.")) as dialog:
        form = Form()
        with form:
            typed = form.text(
                "code", _("Code on its screen"), written_code(code), required=True, placeholder="XXX-XXX", autocomplete="off",
                help=_("Small letters, spaces and dashes do not matter."),
            )  # fmt: skip
            typed.control.props('input-class="st-code" maxlength=20 autocapitalize=characters spellcheck=false autofocus input-style="text-transform: uppercase"')
            farm = form.select(
                "farm_id", _("Farm"), {one.id: one.name for one in farms}, farms[0].id if len(farms) == 1 else None, required=True, search=len(farms) > 8
            )
            house = form.text("house", _("House"), placeholder=_("House 1"), help=_("As the room is called at its probes and fans."))
            offered = ui.element("div").classes("st-row")
            form.text("name", _("Name"), help=_("Empty: as the house."))
        _offer(offered, house, known.get(farm.value, ()))
        farm.control.on_value_change(lambda: _offer(offered, house, known.get(farm.value, ())))

        async def send(values: dict[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.note_try(tx)
                async with look.transaction() as tx:
                    made = await commands.claim_gateway(tx, values.pop("code"), **values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            with look.page:
                said = _("{name} is yours. It is the box with the number {number}.", name=made.name, number=made.hardware_id)
                ui.notify(said, type="positive", position="top", timeout=10_000)
            return None

        form.buttons(_("Claim it"), send, on_cancel=dialog.close)
    dialog.open()


def edit(look: Looker, gateway: Gateway) -> None:
    """Call it something else, or say that it stands in another house."""
    with panel(_("Edit the gateway"), gateway.hardware_id) as dialog:
        form = Form()
        with form:
            form.text("name", _("Name"), gateway.name, required=True)
            form.text("house", _("House"), gateway.house or "", help=_("As the room is called at its probes and fans."))

        async def send(values: Mapping[str, Any]) -> dict[str, str] | None:
            try:
                async with look.transaction() as tx:
                    await commands.edit_gateway(tx, gateway.id, **values)
            except Refusal as reason:
                return field_errors(reason)
            dialog.close()
            return None

        form.buttons(_("Save"), send, on_cancel=dialog.close)
    dialog.open()


def _offer(place: ui.element, house: Field, names: Sequence[str]) -> None:
    """The houses that are known, each a tap."""

    def choose(name: str) -> None:
        house.control.set_value(name)

    with place.clear():
        for name in names[:MOST_OFFERED]:
            button(name, lambda _event, chosen=name: choose(chosen), kind="quiet")
