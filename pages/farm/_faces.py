"""The tiles on one screen and what each shows, so that only what changed is sent."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from data.farm import commands
from data.farm.queries import Tile as Known
from data.farm.rules import SWITCHED
from pages._shell import Looker
from pages.farm._face import face
from ui.tile import Tile, tile

MOMENTARY = frozenset({"asked_s"})
"""What is other at each look, and is told only with something that has changed."""


class Faces:
    """Draw tiles, and push to them what is different."""

    def __init__(self, look: Looker) -> None:
        self._look = look
        self._zones: dict[UUID, str] = {}
        self._shown: dict[UUID, tuple[Tile, dict[str, Any]]] = {}
        self._asking: dict[UUID, Known | None] = {}
        self._asked_at: dict[UUID, datetime] = {}

    def draw(self, one: Known, zone: str, *, is_row: bool = False) -> Tile:
        """A new tile, or a line; a switch is on it only for who may switch."""
        self._zones[one.device.id] = zone
        shown = self._face(one)
        drawn = {key: value for key, value in shown.items() if key != "switchable"}
        is_switched = one.device.device_type in SWITCHED and self._look.may("farm.switch", one.device.farm_id)
        made = tile(
            **drawn, zone=zone, is_row=is_row, on_switch=self._switch(one.device.id) if is_switched else None,
            on_call_off=self._call_off(one.device.id) if is_switched else None,
        )  # fmt: skip
        if is_switched and not shown["switchable"]:
            made.set(switchable=False)
        self._shown[one.device.id] = made, shown
        return made

    def push(self, tiles: Sequence[Known]) -> None:
        """Tell the tiles what is different now. What was read before somebody's last tap is no answer to it, and is left out."""
        for one in tiles:
            if (held := self._shown.get(one.device.id)) is None or self._is_from_before(one):
                continue
            made, before = held
            shown = self._face(one)
            changed = {key for key, value in shown.items() if before.get(key) != value}
            if "wish_id" in changed:
                changed |= {"asked", *MOMENTARY}
            if changed - MOMENTARY:
                made.set(**{key: shown[key] for key in changed})
            self._shown[one.device.id] = made, shown

    def _is_from_before(self, one: Known) -> bool:
        if one.device.id in self._asking:
            self._asking[one.device.id] = one
            return True
        asked_at = self._asked_at.get(one.device.id)
        return asked_at is not None and (one.command is None or one.command.requested_at < asked_at)

    def _face(self, one: Known) -> dict[str, Any]:
        may_switch = self._look.may("farm.switch", one.device.farm_id)
        return face(one, may_switch=may_switch, zone=self._zones.get(one.device.id))

    def _switch(self, device_id: UUID) -> Callable[[bool], Awaitable[None]]:
        async def switch(on: bool) -> None:
            shown = self._shown[device_id][1]
            shown |= {"asked": on, "reason": "", "waits": "", "can_call_off": False}  # the browser shows it already
            self._asking[device_id] = None
            try:
                async with self._look.transaction() as tx:
                    self._asked_at[device_id] = (await commands.switch(tx, device_id, on=on)).requested_at
            except Exception:  # an edge: the tile takes it back and says why
                shown["asked"] = None
                if (meanwhile := self._asking.pop(device_id)) is not None:
                    self.push([meanwhile])
                raise
            self._asking.pop(device_id)  # what came of it is announced

        return switch

    def _call_off(self, device_id: UUID) -> Callable[[], Awaitable[None]]:
        async def call_off() -> None:
            if wish_id := self._shown[device_id][1].get("wish_id"):
                async with self._look.command() as tx:
                    await commands.cancel(tx, UUID(wish_id))

        return call_off
