"""How many cores the rest of the machine used while something was measured."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from pathlib import Path

STAT = Path("/proc/stat")
BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq, stolen by the host


def busy_seconds(text: str, ticks: int) -> float:
    """Of all processors since the machine started, from ``/proc/stat``."""
    fields = text.splitlines()[0].split()[1:]
    return sum(int(fields[k]) for k in BUSY) / ticks


def processors(text: str) -> int:
    return sum(1 for line in text.splitlines() if line[:3] == "cpu" and line[3] != " ")


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
        """Busy seconds of all processors less ours."""
        if not STAT.exists():
            return None
        text = STAT.read_text()
        self.of = processors(text)
        return busy_seconds(text, os.sysconf("SC_CLK_TCK")) - _own_seconds()
