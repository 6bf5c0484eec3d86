"""How many cores the rest of the machine used while something was measured."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from pathlib import Path

STAT = Path("/proc/stat")
BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, stolen by the host


def _own_seconds() -> float:
    """Of this process and its children that have ended."""
    return sum(os.times()[:4])


class OtherWork(AbstractContextManager["OtherWork"]):
    """Watches what is not ours.

    Attributes
    ----------
    cores : mean number of processors that others kept busy; None where the
        system does not tell
    of : processors of the machine
    """

    cores: float | None = None
    of: int | None = None

    def __enter__(self) -> OtherWork:
        self._start, self._others = time.perf_counter(), self._seconds()
        return self

    def __exit__(self, *_: object) -> None:
        now = self._seconds()
        if now is not None and self._others is not None:
            wall = time.perf_counter() - self._start
            self.cores = max(now - self._others, 0.0) / wall

    def _seconds(self) -> float | None:
        """Busy seconds of all processors since the machine started, less ours."""
        if not STAT.exists():
            return None
        total, *rest = STAT.read_text().splitlines()
        self.of = sum(line.startswith("cpu") for line in rest)
        fields = total.split()[1:]
        ticks = sum(int(fields[k]) for k in BUSY)
        return ticks / os.sysconf("SC_CLK_TCK") - _own_seconds()
