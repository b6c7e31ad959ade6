"""What has become of a wish at each of many devices, as somebody who must walk to the silent ones wants to read it."""

from collections.abc import Sequence
from uuid import UUID

from nicegui import ui

from data.core.errors import NotFound
from data.core.session import Transaction
from data.farm import queries
from data.farm.batches import Fate, Progress, fate
from data.farm.tables import OPEN, Device, DeviceCommand, Farm
from pages.farm._face import waits
from pages.farm._words import icon_of, reason_of
from ui.badge import State, badge
from ui.words import _, n_, noop

STOP_WORDS = {
    Fate.DONE: noop("Stopped"), Fate.WAITING: noop("Asked, no answer yet"), Fate.AWAY: noop("Offline"), Fate.SILENT: noop("Does not answer"),
    Fate.REFUSED: noop("Could not"), Fate.TOO_LATE: noop("Too late"), Fate.CALLED_OFF: noop("Called off"), Fate.UNDONE: noop("On again"),
}  # fmt: skip
FATE_WORDS = STOP_WORDS | {Fate.DONE: noop("Confirmed")}
FATE_STATES: dict[Fate, State] = {
    Fate.DONE: "ok", Fate.WAITING: "waiting", Fate.AWAY: "critical", Fate.SILENT: "critical", Fate.REFUSED: "critical",
    Fate.TOO_LATE: "warning", Fate.CALLED_OFF: "neutral", Fate.UNDONE: "critical",
}  # fmt: skip
ORDER = (Fate.UNDONE, Fate.SILENT, Fate.AWAY, Fate.REFUSED, Fate.TOO_LATE, Fate.WAITING, Fate.CALLED_OFF, Fate.DONE)
"""Those that somebody must walk to come first."""
BY_HAND = frozenset({Fate.UNDONE, Fate.SILENT, Fate.AWAY, Fate.REFUSED})


async def chosen(tx: Transaction, farm_id: UUID | None) -> Farm:
    """The farm that an address names, or else the first by name."""
    if farm_id:
        return await queries.farm(tx, farm_id)
    if not (farms := await queries.farms(tx)):
        raise NotFound("There is no such farm.")
    return farms[0]


def sum_words(progress: Progress, *, is_stop: bool) -> str:
    """How far all of it has come, in one line."""
    done, all_of_them = progress.fates.get(Fate.DONE, 0), len(progress.lines)
    if is_stop:
        said = n_("{done} of {n} device is stopped.", "{done} of {n} devices are stopped.", all_of_them, done=done)
    else:
        said = n_("{done} of {n} device has confirmed.", "{done} of {n} devices have confirmed.", all_of_them, done=done)
    parts = [said]
    if waiting := progress.fates.get(Fate.WAITING, 0):
        parts.append(n_("{n} has not answered yet.", "{n} have not answered yet.", waiting))
    return " ".join(parts)


def lines(progress: Progress, zone: str, *, is_stop: bool, only_open: bool = False) -> None:
    """A line a device, those that need a hand first; with `only_open` those that are done are left out."""
    told = sorted(((fate(*line), line) for line in progress.lines), key=lambda one: ORDER.index(one[0]))
    with ui.element("div").classes("st-pick").props("role=list"):
        for end, (device, command) in told:
            if not (only_open and end is Fate.DONE):
                _line(end, device, command, zone, STOP_WORDS if is_stop else FATE_WORDS, is_stop=is_stop)


def _line(end: Fate, device: Device, command: DeviceCommand, zone: str, words: dict[Fate, str], *, is_stop: bool) -> None:
    state = FATE_STATES[end] if is_stop or end is not Fate.AWAY else "offline"
    with ui.element("div").classes(f"st-fate is-{state}").props("role=listitem"):
        ui.icon(icon_of(device)).props("aria-hidden=true")
        with ui.element("div").classes("st-item-main"):
            ui.link(device.name, f"/farm/devices/{device.id}").classes("st-item-words")
            for text in _more(end, device, command, zone, is_stop=is_stop):
                ui.label(text).classes("st-soft")
        badge(state, _(words[end]))


def _more(end: Fate, device: Device, command: DeviceCommand, zone: str, *, is_stop: bool) -> Sequence[str]:
    said = [device.location or ""]
    if is_stop and end in BY_HAND:
        said.append(_("Switch it off by hand."))
    if command.status in OPEN and not device.is_online:
        said.append(waits(command, zone))
    elif end in (Fate.REFUSED, Fate.TOO_LATE):
        said.append(reason_of(command.error_message, command.error_values))
    return [text for text in said if text]
