"""Arrays and clock of the device that is measured; processors stand in for tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any


class Backend:
    """A GPU, or the processors.

    Attributes
    ----------
    device : "cuda" or "cpu", as for `dpse_fast.load`
    xp : cupy or numpy
    """

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.on_gpu = device != "cpu"
        self.xp: Any = import_module("cupy" if self.on_gpu else "numpy")

    def time(self, work: Callable[[], object]) -> tuple[float, float]:
        """Seconds of some work by the device's clock and by ours, after all before."""
        self.synchronise()
        begun = time.perf_counter()
        if not self.on_gpu:
            work()
            return (time.perf_counter() - begun,) * 2
        begin, end = self.xp.cuda.Event(), self.xp.cuda.Event()
        begin.record()
        work()
        end.record()
        end.synchronize()
        seconds = 1e-3 * float(self.xp.cuda.get_elapsed_time(begin, end))
        return seconds, time.perf_counter() - begun

    def synchronise(self) -> None:
        """Wait for all that was launched."""
        if self.on_gpu:
            self.xp.cuda.runtime.deviceSynchronize()

    def used_bytes(self) -> int | None:
        """Of device memory in arrays now, where that is known."""
        if not self.on_gpu:
            return None
        return int(self.xp.get_default_memory_pool().used_bytes())

    def free_bytes(self) -> int | None:
        """That new arrays may take, where that is known."""
        self.release()
        return int(self.xp.cuda.runtime.memGetInfo()[0]) if self.on_gpu else None

    def release(self) -> None:
        """Give unused memory back."""
        if self.on_gpu:
            self.xp.get_default_memory_pool().free_all_blocks()
