"""What Numba's CUDA simulator lacks: warps, and memory that shows mistakes.

Shared and local arrays start as NaN or the largest integer, so that a read before a
write, or without a barrier, shows; an index out of range raises.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numba.cuda.simulator import kernelapi

WARP = 32
PATIENCE = 60.0  # s that a warp waits for a thread that does not come
_lock = threading.Lock()


def poison(array: Any) -> Any:
    """Fill with NaN or the largest integer; returns the array."""
    kind = array.dtype.kind
    if kind == "f":
        array.fill(np.nan)
    elif kind in "iu":
        array.fill(np.iinfo(array.dtype).max)
    return array


class CheckedArray:
    """A NumPy array as kernels see it: indices count from 0 and must be inside."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.dtype, self.shape = values.dtype, values.shape
        self.size, self.ndim = values.size, values.ndim
        self.nbytes = values.nbytes

    def _checked(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        if len(parts) > self.ndim:
            raise IndexError(f"{len(parts)} indices of shape {self.shape}")
        for part, n in zip(parts, self.shape, strict=False):
            if not isinstance(part, slice) and not 0 <= part < n:
                raise IndexError(f"index {index} of shape {self.shape}")
        return index

    def __getitem__(self, index: Any) -> Any:
        found = self.values[self._checked(index)]
        return CheckedArray(found) if isinstance(found, np.ndarray) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        value = value.values if isinstance(value, CheckedArray) else value
        self.values[self._checked(index)] = value

    def __len__(self) -> int:
        return int(self.shape[0])


class _PoisonedNumPy:
    """NumPy, as the simulator's shared and local arrays take it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def empty(shape: Any, dtype: Any) -> CheckedArray:
        return CheckedArray(poison(np.empty(shape, dtype)))


class _Warp:
    """The threads of a warp, and what they show each other."""

    def __init__(self, n_threads: int) -> None:
        self.barrier = threading.Barrier(n_threads)
        self.slots: list[Any] = [None] * WARP


def _warp() -> tuple[_Warp, int]:
    thread: Any = threading.current_thread()
    manager, index = thread._manager, thread.thread_id
    number, lane = divmod(index, WARP)
    with _lock:
        warps = manager.__dict__.setdefault("_warps", {})
        if number not in warps:
            n_threads = int(np.prod(manager._block_dim)) - WARP * number
            warps[number] = _Warp(min(WARP, n_threads))
    return warps[number], lane


def _exchanged(mask: int, value: Any) -> tuple[list[Any], int]:
    """What every thread of the warp gave, and this one's lane."""
    if mask & 0xFFFFFFFF != 0xFFFFFFFF:
        raise NotImplementedError("warp operations take the full mask only")
    warp, lane = _warp()
    warp.slots[lane] = value
    warp.barrier.wait(PATIENCE)
    shown = list(warp.slots)
    warp.barrier.wait(PATIENCE)
    return shown, lane


class _WarpOperations:
    """Methods of the simulator's cuda module within kernels."""

    def syncwarp(self, mask: int = 0xFFFFFFFF) -> None:
        _exchanged(mask, None)

    def shfl_sync(self, mask: int, value: Any, source: int) -> Any:
        shown, _ = _exchanged(mask, value)
        return shown[int(source) % WARP]

    def shfl_xor_sync(self, mask: int, value: Any, other: int) -> Any:
        shown, lane = _exchanged(mask, value)
        return shown[lane ^ int(other)]

    def shfl_up_sync(self, mask: int, value: Any, by: int) -> Any:
        shown, lane = _exchanged(mask, value)
        return shown[lane - int(by)] if lane >= by else value

    def shfl_down_sync(self, mask: int, value: Any, by: int) -> Any:
        shown, lane = _exchanged(mask, value)
        return shown[lane + int(by)] if lane + by < WARP else value

    def ballot_sync(self, mask: int, predicate: Any) -> int:
        shown, _ = _exchanged(mask, bool(predicate))
        return sum(1 << k for k, true in enumerate(shown) if true)

    def any_sync(self, mask: int, predicate: Any) -> bool:
        return any(_exchanged(mask, bool(predicate))[0])

    def all_sync(self, mask: int, predicate: Any) -> bool:
        shown, _ = _exchanged(mask, bool(predicate))
        return all(value is not False for value in shown)


def add_warps() -> None:
    """Give the simulator warps and poisoned memory."""
    for name, operation in vars(_WarpOperations).items():
        if not name.startswith("__"):
            setattr(kernelapi.FakeCUDAModule, name, operation)
    kernelapi.np = _PoisonedNumPy()
