"""Which topics an MQTT filter means, and who wants to hear a topic."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Listener = TypeVar("Listener")


def matches(wanted: str, topic: str) -> bool:
    """Whether a topic is one of those that the filter means."""
    return is_within(topic, wanted)


def is_within(asked: str, allowed: str) -> bool:
    """Whether every topic that the filter `asked` means is one that `allowed` means too."""
    if asked.startswith("$") and allowed[:1] in ("+", "#"):
        return False
    mine, theirs = asked.split("/"), allowed.split("/")
    for at, level in enumerate(theirs):
        if level == "#":
            return True  # `a/#` means `a` too
        if at >= len(mine):
            return False
        if mine[at] == "#" or (level != "+" and mine[at] != level):
            return False
    return len(mine) == len(theirs)


def is_within_any(asked: str, allowed: Iterable[str]) -> bool:
    return any(is_within(asked, one) for one in allowed)


class Filters(Generic[Listener]):
    """Who listens to what. Finding the listeners of a topic takes as long as the topic is deep, however many there are."""

    def __init__(self) -> None:
        self._tree: _Level[Listener] = _Level()
        self._of: dict[Listener, set[str]] = defaultdict(set)

    def add(self, wanted: str, listener: Listener, quality: int) -> None:
        """It hears these topics from now on, in this quality."""
        level = self._tree
        for name in wanted.split("/"):
            level = level.below.setdefault(name, _Level())
        level.listeners[listener] = quality
        self._of[listener].add(wanted)

    def remove(self, wanted: str, listener: Listener) -> None:
        """It does not hear these any more. Levels that nobody needs go too."""
        path, level = [], self._tree
        for name in wanted.split("/"):
            if name not in level.below:
                return
            path.append((level, name))
            level = level.below[name]
        level.listeners.pop(listener, None)
        self._of[listener].discard(wanted)
        for above, name in reversed(path):
            if above.below[name].listeners or above.below[name].below:
                break
            del above.below[name]

    def forget(self, listener: Listener) -> None:
        """It is gone."""
        for wanted in tuple(self._of.get(listener, ())):
            self.remove(wanted, listener)
        self._of.pop(listener, None)

    def count(self, listener: Listener) -> int:
        """How many filters it has."""
        return len(self._of.get(listener, ()))

    def of(self, topic: str) -> dict[Listener, int]:
        """Who hears this topic, each once, with the best quality it asked for."""
        found: dict[Listener, int] = {}
        for level in self._levels(topic):
            for listener, quality in level.listeners.items():
                found[listener] = max(quality, found.get(listener, 0))
        return found

    def _levels(self, topic: str) -> "Iterator[_Level[Listener]]":
        names, here = topic.split("/"), [self._tree]
        for depth, name in enumerate(names):
            is_hidden = depth == 0 and name.startswith("$")  # wildcards do not mean what is the broker's own
            ahead = []
            for level in here:
                if "#" in level.below and not is_hidden:
                    yield level.below["#"]
                ahead += [level.below[one] for one in ((name,) if is_hidden else (name, "+")) if one in level.below]
            here = ahead
        for level in here:
            yield level
            if "#" in level.below:
                yield level.below["#"]


class _Level(Generic[Listener]):
    __slots__ = ("below", "listeners")

    def __init__(self) -> None:
        self.below: dict[str, _Level[Listener]] = {}
        self.listeners: dict[Listener, int] = {}
