"""What a process needs of its machine, and how late its turn comes."""

import asyncio
import os
import time
from pathlib import Path

MEASURE_EVERY_S = 0.05
MEASUREMENTS = 60
Reading = dict[tuple[str, str], float]
"""(what, of which part or percentile of it): how much."""


class Gauge:
    """Reads this process. The processor's share is of one core, since the gauge was last read."""

    def __init__(self, measurements: int = MEASUREMENTS) -> None:
        self._measurements = measurements
        self._began = time.monotonic()
        self._last = time.monotonic(), time.process_time()

    async def read(self) -> Reading:
        """Takes three seconds, for the event loop's lag is seen by waiting."""
        lags = sorted([await _lag_ms() for _ in range(self._measurements)])
        at, busy = time.monotonic(), time.process_time()
        before_at, before_busy = self._last
        self._last = at, busy
        return {
            ("cpu_percent", "process"): 100 * (busy - before_busy) / max(at - before_at, 0.001),
            ("memory_mb", "process"): memory_mb(),
            ("uptime_s", "process"): at - self._began,
            ("loop_lag_ms", "p50"): lags[len(lags) // 2],
            ("loop_lag_ms", "p95"): lags[len(lags) * 95 // 100],
            ("loop_lag_ms", "max"): lags[-1],
        }


async def _lag_ms() -> float:
    started = time.perf_counter()
    await asyncio.sleep(MEASURE_EVERY_S)
    return max(0.0, (time.perf_counter() - started - MEASURE_EVERY_S) * 1000)


def memory_mb() -> float:
    """What of the machine's memory is really taken; where the system does not say it in Linux's way, the most it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
