"""Arrays and clock of the device that is measured; processors stand in for tests."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np


class Backend:
    """The processors.

    Attributes
    ----------
    device : for `dpse_fast.load`
    xp : numpy or cupy
    """

    device = "cpu"
    xp: Any = np

    def mark(self) -> Any:
        """A moment."""
        return time.perf_counter()

    def seconds_between(self, begin: Any, end: Any) -> float:
        """Between two moments."""
        return float(end - begin)

    def synchronise(self) -> None:
        """Wait for all that was launched."""

    def used_bytes(self) -> int | None:
        """Of device memory in arrays now, where that is known."""
        return None

    def free_bytes(self) -> int | None:
        """That new arrays may take."""
        return None

    def release(self) -> None:
        """Give unused memory back."""

    def profiled(self) -> AbstractContextManager[None]:
        """What a profiler that waits for it looks at."""
        return nullcontext()


class CupyBackend(Backend):
    """A GPU: its own clock."""

    device = "cuda"

    def __init__(self) -> None:
        import cupy

        self.xp = cupy

    def mark(self) -> Any:
        event = self.xp.cuda.Event()
        event.record()
        return event

    def seconds_between(self, begin: Any, end: Any) -> float:
        end.synchronize()
        return 1e-3 * float(self.xp.cuda.get_elapsed_time(begin, end))

    def synchronise(self) -> None:
        self.xp.cuda.runtime.deviceSynchronize()

    def used_bytes(self) -> int | None:
        return int(self.xp.get_default_memory_pool().used_bytes())

    def free_bytes(self) -> int | None:
        self.release()
        return int(self.xp.cuda.runtime.memGetInfo()[0])

    def release(self) -> None:
        self.xp.get_default_memory_pool().free_all_blocks()

    def profiled(self) -> AbstractContextManager[None]:
        from cupyx.profiler import profile

        context: AbstractContextManager[None] = profile()
        return context


def backend_named(device: str) -> Backend:
    """Of "cpu" or "cuda"."""
    return Backend() if device == "cpu" else CupyBackend()
