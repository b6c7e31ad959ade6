"""Everything that was ever asked of a device: by whom, when, what it answered, how long that took, and why it came to nothing."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from nicegui import ui

from data.farm.events import DeviceChanged
from data.farm.queries import Asked
from data.farm.queries_device import Wanted, commands_page
from data.farm.tables import Commanded
from pages._shell import Looker
from pages.farm._device_words import SOURCE_WORDS, asked_words, who_words
from pages.farm._words import STATUS_STATES, STATUS_WORDS, reason_of
from ui.table import Column, Table, table
from ui.words import _, noop

OUTCOME_WORDS = {
    "": noop("Everything"), "open": noop("Still waiting"), "done": noop("Confirmed"), "not_done": noop("Came to nothing"),
    "called_off": noop("Called off"),
}  # fmt: skip


def history(look: Looker, device_id: UUID, zone: str) -> None:
    """The list, to choose from by outcome and by who asked."""
    chosen = {"outcome": "", "source": ""}

    async def ask(page: int, size: int, _sort: str, _descending: bool, text: str) -> tuple[Sequence[Mapping[str, Any]], int]:
        source = Commanded(chosen["source"]) if chosen["source"] else None
        async with look.transaction() as tx:
            found, total = await commands_page(
                tx, device_id, Wanted(chosen["outcome"], source, text), offset=(page - 1) * size, limit=size
            )
        return [_row(one) for one in found], total

    with ui.element("div").classes("st-form st-filter"):
        sources = {"": _("Everybody")} | {source.value: _(words) for source, words in SOURCE_WORDS.items()}
        _choice(_("What came of it"), {key: _(words) for key, words in OUTCOME_WORDS.items()}, chosen, "outcome", lambda: made.refresh())
        _choice(_("On whose behalf"), sources, chosen, "source", lambda: made.refresh())
    columns = [
        Column("at", _("When"), "moment", sortable=False, zone=zone), Column("what", _("What"), sortable=False),
        Column("who", _("Who"), sortable=False), Column("came", _("What came of it"), "badge", sortable=False),
        Column("took", _("Answered after"), "number", sortable=False, decimals=1, unit="s"), Column("why", _("Why"), sortable=False),
    ]  # fmt: skip
    made: Table = table(
        columns, ask, name="asked", size=10, empty=_("Nothing has been asked of it yet."), filter_label=_("Person or schedule"),
        label=_("What was asked"), topics=[look.topic(DeviceChanged, device_id=device_id)],
    )  # fmt: skip


def _choice(label: str, options: Mapping[str, str], chosen: dict[str, str], key: str, changed: Any) -> None:
    def choose(value: str) -> None:
        chosen[key] = value
        changed()

    with ui.element("div").classes("st-field"):
        ui.label(label).classes("st-field-label")
        select = ui.select(dict(options), value=chosen[key], on_change=lambda event: choose(event.value))
        select.props(f'outlined dense options-dense=false aria-label="{label}"')


def _row(one: Asked) -> Mapping[str, Any]:
    command = one.command
    took = (command.completed_at - command.requested_at).total_seconds() if command.response_data and command.completed_at else None
    return {
        "id": command.id, "at": command.requested_at, "what": asked_words(command), "who": who_words(command, one.person, one.schedule),
        "came": (STATUS_STATES[command.status], _(STATUS_WORDS[command.status])), "took": took,
        "why": reason_of(command.error_message, command.error_values),
    }  # fmt: skip
