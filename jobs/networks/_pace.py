"""Whoever asks more often than they need to is told when to come back."""

from collections import deque
from time import monotonic
from typing import NamedTuple

from data.core.errors import TooOften

MOST_KNOWN = 10_000


class Pace:
    """So many requests within so many seconds, for each who asks; counted in this process."""

    def __init__(self, most: int, within_s: float) -> None:
        self._most, self._within_s = most, within_s
        self._asked: dict[object, deque[float]] = {}

    def check(self, who: object, at_s: float | None = None) -> "Left":
        """Count a request, and say what is left; TooOften, with the seconds to wait, where it is one too many."""
        at = monotonic() if at_s is None else at_s
        if len(self._asked) > MOST_KNOWN:
            self._asked = {one: times for one, times in self._asked.items() if at - times[-1] <= self._within_s}
        times = self._asked.setdefault(who, deque())
        while times and at - times[0] > self._within_s:
            times.popleft()
        if len(times) >= self._most:
            raise TooOften("This is asked too often. Ask again later.", retry_after_s=max(1, round(times[0] + self._within_s - at)))
        times.append(at)
        return Left(self._most, self._most - len(times), max(1, round(times[0] + self._within_s - at)))


class Left(NamedTuple):
    """How many requests may come in all, how many still may, and after how many seconds the oldest counts no more."""

    most: int
    remaining: int
    reset_s: int
