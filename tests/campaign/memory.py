"""How much memory a process of Linux has."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

Value = TypeVar("Value")
MIB = 2**20


def memory(key: str = "VmRSS", pid: int | str = "self") -> int:
    """Bytes of VmRSS, or of VmHWM, its peak."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/{pid}/status has no {key}")


def peak_growth(function: Callable[[], Value]) -> tuple[Value, int]:
    """What a function gives, and by how many bytes memory grew at most meanwhile."""
    Path("/proc/self/clear_refs").write_text("5")
    before = memory()
    value = function()
    return value, memory("VmHWM") - before


def growth_after_warm_up(samples: list[tuple[float, int]]) -> float:
    """Bytes that memory grows by over the later three quarters of a run.

    The slope of a straight line through the samples, times what was done meanwhile.

    Parameters
    ----------
    samples : of each what was done so far, and the memory then
    """
    later = np.array(samples[len(samples) // 4 :], float)
    if len(later) < 3 or not np.ptp(later[:, 0]):
        return 0.0
    slope = np.polyfit(later[:, 0], later[:, 1], 1)[0]
    return float(slope * np.ptp(later[:, 0]))


def has_limits() -> bool:
    """Whether the system states a process's peak and can reset it."""
    return os.access("/proc/self/clear_refs", os.W_OK)
