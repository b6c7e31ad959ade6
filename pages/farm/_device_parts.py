"""A part of a device's page stands still while it is read and pressed, and is drawn anew only when something in it is other."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from nicegui import ui

from ui.live import Part, Topic, live_value

Value = TypeVar("Value")


def still(ask: Callable[[], Awaitable[Value]], key: Callable[[Value], Any], show: Callable[[Value], Any], *topics: Topic) -> Part:
    """Ask whenever a topic changes; draw only when `key` of the answer differs from that of what is drawn."""
    box = ui.element("div").classes("st-live")
    drawn: list[Any] = []

    def push(value: Value) -> None:
        if drawn != [found := key(value)]:
            drawn[:] = [found]
            with box.clear():
                show(value)

    return live_value(ask, push, *topics, minimum_interval_s=0.5)
