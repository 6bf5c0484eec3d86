"""CUDA kernels run as Python: ``NUMBA_ENABLE_CUDASIM=1``, as for Numba's own simulator.

Numba's has no warps, and a thread of the operating system for each of CUDA's. Here
they are greenlets that run in turns up to the next operation of their warp or block,
so that mistakes show: shared, local and new memory is NaN or the largest integer
until it is written, indices outside an array raise, and so do operations of a warp
that not all of its lanes reach at the same line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

import numpy as np
from greenlet import greenlet

WARP = 32
EVERYONE = 0xFFFFFFFF


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
        self.values[self._checked(index)] = value

    def __len__(self) -> int:
        return int(self.shape[0])


class _X:
    """An index along the only axis that our grids have."""

    def __init__(self, x: int) -> None:
        self.x = x


class _Lane:
    """A thread of a block, and what it waits for."""

    def __init__(self, index: int, block: _Block) -> None:
        self.index, self.block = _X(index), block
        self.waits_for: tuple[Any, ...] = ()
        self.value: Any = None
        self.result: Any = None
        self.run = greenlet(block.function)
        # What NumPy does about numbers that overflow is part of a context.
        self.run.gr_context = copy_context()

    def ask(
        self, what: str, value: Any, answer: Callable[[list[Any], int], Any]
    ) -> Any:
        """Wait until all have asked the same at the same line; the answer."""
        caller = sys._getframe(2)
        self.waits_for = (what, caller.f_code, caller.f_lineno)
        self.value = value
        self.block.scheduler.switch()
        return answer(self.result, self.index.x % WARP)


class _Block:
    """Runs the threads of a block."""

    def __init__(
        self, function: Callable[..., None], block: int, n_threads: int, arguments: Any
    ) -> None:
        self.function, self.index, self.size = function, _X(block), _X(n_threads)
        self.arguments = arguments
        self.shared: dict[tuple[Any, int], CheckedArray] = {}
        self.scheduler = greenlet.getcurrent()
        self.lanes = [_Lane(k, self) for k in range(n_threads)]

    def run(self) -> None:
        waiting: list[_Lane] = list(self.lanes)
        backwards = False
        while waiting:
            for lane in reversed(waiting) if backwards else waiting:
                cuda.lane = lane
                lane.run.switch(*(() if lane.waits_for else self.arguments))
            backwards = not backwards
            waiting = [lane for lane in self.lanes if not lane.run.dead]
            released = self._whole_block(waiting) or self._whole_warps(waiting)
            if waiting and not released:
                raise RuntimeError(f"threads wait for each other: {_sites(waiting)}")
            waiting = released
        self.arguments = ()  # not kept until Python looks for cycles

    def _whole_block(self, waiting: list[_Lane]) -> list[_Lane]:
        """All threads, if they are at one barrier of the block."""
        sites = {lane.waits_for for lane in waiting}
        at_barrier = len(sites) == 1 and next(iter(sites))[0] == "syncthreads"
        return waiting if at_barrier and len(waiting) == len(self.lanes) else []

    def _whole_warps(self, waiting: list[_Lane]) -> list[_Lane]:
        """Those whose warp has come to one operation, with what its lanes show."""
        released: list[_Lane] = []
        for begin in range(0, len(self.lanes), WARP):
            warp = self.lanes[begin : begin + WARP]
            here = [lane for lane in warp if not lane.run.dead]
            if not here or here[0].waits_for[0] == "syncthreads":
                continue
            if len(here) < len(warp) or len({k.waits_for for k in here}) > 1:
                raise RuntimeError(f"a warp has diverged: {_sites(here)}")
            shown = [lane.value for lane in warp]
            for lane in warp:
                lane.result = shown
            released += warp
        return released


def _sites(lanes: list[_Lane]) -> str:
    found = {(w[0], w[1].co_name, w[2]) for w in (lane.waits_for for lane in lanes)}
    return f"{len(lanes)} lanes at {sorted(found)}"


class _Shared:
    """Memory of a block, one array for each line that asks."""

    def array(self, shape: Any, dtype: Any) -> CheckedArray:
        caller = sys._getframe(1)
        site = caller.f_code, caller.f_lineno
        known = cuda.lane.block.shared
        if site not in known:
            known[site] = CheckedArray(poison(np.empty(shape, np.dtype(dtype))))
        return known[site]


class _Local:
    """Memory of a thread."""

    def array(self, shape: Any, dtype: Any) -> CheckedArray:
        return CheckedArray(poison(np.empty(shape, np.dtype(dtype))))


class _Atomic:
    """Updates that no other thread comes between; each gives the old number."""

    def add(self, array: CheckedArray, index: Any, value: Any) -> Any:
        old = array[index]
        array[index] = old + value
        return old

    def max(self, array: CheckedArray, index: Any, value: Any) -> Any:
        old = array[index]
        array[index] = max(old, value)
        return old


class _Cuda:
    """What kernels use of ``numba.cuda``."""

    shared, local, atomic = _Shared(), _Local(), _Atomic()
    lane: _Lane

    @property
    def threadIdx(self) -> _X:
        return self.lane.index

    @property
    def blockIdx(self) -> _X:
        return self.lane.block.index

    @property
    def blockDim(self) -> _X:
        return self.lane.block.size

    def syncthreads(self) -> None:
        self.lane.ask("syncthreads", None, lambda shown, own: None)

    def syncwarp(self) -> None:
        self.lane.ask("syncwarp", None, lambda shown, own: None)

    def shfl_sync(self, mask: int, value: Any, source: int) -> Any:
        _check(mask)
        return self.lane.ask("shfl", value, lambda shown, own: shown[int(source) % 32])

    def shfl_xor_sync(self, mask: int, value: Any, other: int) -> Any:
        _check(mask)
        return self.lane.ask("shfl_xor", value, lambda shown, own: shown[own ^ other])

    def shfl_up_sync(self, mask: int, value: Any, by: int) -> Any:
        _check(mask)
        return self.lane.ask(
            "shfl_up", value, lambda shown, own: shown[own - by if own >= by else own]
        )

    def ballot_sync(self, mask: int, predicate: Any) -> int:
        _check(mask)

        def bits(shown: list[Any], own: int) -> int:
            return sum(1 << k for k, true in enumerate(shown) if true)

        return int(self.lane.ask("ballot", bool(predicate), bits))

    def any_sync(self, mask: int, predicate: Any) -> bool:
        _check(mask)
        return bool(
            self.lane.ask("any", bool(predicate), lambda shown, own: any(shown))
        )

    def popc(self, bits: int) -> int:
        return int(bits).bit_count()

    def ffs(self, bits: int) -> int:
        bits = int(bits)
        return (bits & -bits).bit_length()

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return a * b + c


cuda = _Cuda()


def _check(mask: int) -> None:
    if mask != EVERYONE:
        raise ValueError(f"mask: expected EVERYONE, all lanes of a warp, got {mask:#x}")


class Kernel:
    """A kernel as `_cuda.kernel` gives it: ``kernel[blocks, threads](…)``."""

    def __init__(self, function: Callable[..., None]) -> None:
        self.py_func = function

    def __getitem__(self, configuration: tuple[int, ...]) -> Callable[..., None]:
        n_blocks, n_threads = configuration[:2]

        def launch(*arguments: Any) -> None:
            # In no order that a kernel may count on.
            for block in np.random.default_rng(n_blocks).permutation(n_blocks):
                _Block(self.py_func, int(block), n_threads, arguments).run()

        return launch
