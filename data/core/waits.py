"""How long whoever asked something waited for the answer, held in memory until it is written down each minute."""

from dataclasses import dataclass
from random import randrange

MOST = 5_000
"""Times of a minute that are kept each; of more a fair choice."""


class Waits:
    """Times in milliseconds, since they were last taken."""

    __slots__ = ("_count", "_kept", "_longest")

    def __init__(self) -> None:
        self._kept: list[float] = []
        self._count, self._longest = 0, 0.0

    def add(self, ms: float) -> None:
        """Somebody waited so long."""
        self._count += 1
        if ms > self._longest:
            self._longest = ms
        if len(self._kept) < MOST:
            self._kept.append(ms)
        elif (place := randrange(self._count)) < MOST:
            self._kept[place] = ms

    def take(self) -> tuple[int, dict[str, float]]:
        """How many there were, and what half, 95 of 100 and all of them waited at most; nothing of none. Then it begins anew."""
        count, kept, longest = self._count, sorted(self._kept), self._longest
        self._kept, self._count, self._longest = [], 0, 0.0
        if not kept:
            return 0, {}
        return count, {"p50": kept[(len(kept) - 1) // 2], "p95": kept[(len(kept) - 1) * 95 // 100], "max": longest}


@dataclass(slots=True)
class Answered:
    """What this process was asked: by requests, and by taps on open pages. `failures` are answers of 500 and above."""

    requests: Waits
    events: Waits
    failures: int = 0

    def take(self) -> dict[tuple[str, str], float]:
        """{(what, part or percentile): value} since the last time."""
        found: dict[tuple[str, str], float] = {}
        for name, waits in (("request", self.requests), ("event", self.events)):
            count, times = waits.take()
            found["answers", f"{name}s"] = float(count)
            found |= {(f"{name}_ms", percentile): ms for percentile, ms in times.items()}
        found["answers", "failures"], self.failures = float(self.failures), 0
        return found


answered = Answered(Waits(), Waits())
"""This process's."""
