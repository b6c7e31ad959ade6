"""A farm's rooms: the air of each in a word, its probes as lines, and a tile for everything that is switched."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from nicegui import ui

from data.core.time import now
from data.farm.queries import Tile
from data.farm.rules import COMMANDS, warmth
from data.farm.rules.health import Air, air
from data.farm.tables import Farm
from pages.farm._faces import Faces
from pages.farm._words import WARMTH_ICONS, WARMTH_STATES, WARMTH_WORDS, degrees
from ui.air import Air as AirShown
from ui.air import More
from ui.air import air as draw_air
from ui.words import _, number, temperature_unit


class Rooms:
    """The rooms on one screen; `push` tells them what is different."""

    def __init__(self, farm: Farm, faces: Faces) -> None:
        self._farm, self._faces = farm, faces
        self._airs: dict[str, AirShown] = {}

    def draw(self, tiles: Sequence[Tile]) -> None:
        rooms = [(room, list(members)) for room, members in groupby(tiles, key=_room)]
        for room, members in rooms:
            with ui.element("section").classes("st-room"):
                if len(rooms) > 1 or room:
                    ui.label(room or _("Elsewhere")).classes("st-h2").props("role=heading aria-level=2")
                self._air(room, [one for one in members if not COMMANDS[one.device.device_type]])
                with ui.element("div").classes("st-tiles"):
                    for one in members:
                        if COMMANDS[one.device.device_type]:
                            self._faces.draw(one, self._farm.time_zone)
        self._breathe(tiles)

    def push(self, tiles: Sequence[Tile]) -> None:
        self._faces.push(tiles)
        self._breathe(tiles)

    def _air(self, room: str, probes: Sequence[Tile]) -> None:
        """The air of a room opens its probe; where there are several, each has a line."""
        if not probes:
            return
        only = probes[0].device if len(probes) == 1 else None
        self._airs[room] = draw_air(
            room or self._farm.name, zone=self._farm.time_zone, href=f"/farm/devices/{only.id}" if only else "", link_word=only.name if only else ""
        )
        for one in probes if only is None else ():
            self._faces.draw(one, self._farm.time_zone, is_row=True)

    def _breathe(self, tiles: Sequence[Tile]) -> None:
        for room, members in groupby(tiles, key=_room):
            if shown := self._airs.get(room):
                say(shown, air_of(members, at=now()))


def _room(one: Tile) -> str:
    return one.device.location or ""


def air_of(tiles: Iterable[Tile], *, at: datetime) -> Air:
    """The air of the room in which these are."""
    return air((one.device.latest for one in tiles if one.device.is_active), at=at)


def say(shown: AirShown, found: Air) -> None:
    """Put a room's air on the screen."""
    shown.set(**spoken(found))


def spoken(found: Air) -> dict[str, Any]:
    """A room's air in the reader's words: the arguments of `ui.air.Air.set`."""
    more = [
        More(icon, label, f"{number(value, 0)} %")
        for icon, label, value in (("water_drop", _("Humidity"), found.humidity), ("water", _("Water"), found.water))
        if value is not None
    ]
    known: dict[str, Any] = {"more": more, "at": found.at, "is_old": found.is_old}
    if found.celsius is None:
        word = _("No temperature yet") if found.at is None else _("Temperature is not measured")
        return known | {"word": word, "icon": "device_thermostat", "state": "neutral", "value": "", "unit": ""}
    felt = warmth(found.celsius)
    return known | {
        "word": _(WARMTH_WORDS[felt]), "icon": WARMTH_ICONS[felt], "state": "offline" if found.is_old else WARMTH_STATES[felt],
        "value": degrees(found.celsius), "unit": temperature_unit(),
    }  # fmt: skip
