"""The one place that imports numba-cuda and decides how CUDA kernels are compiled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable[..., Any])

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
WARP = 32
# Of a block; Python threads are slow, one warp is enough for the simulator.
WARPS = 1 if SIMULATED else 4
THREADS = WARP * WARPS

if SIMULATED:
    from ._simulator import Kernel, cuda
else:
    if not hasattr(np, "row_stack"):
        # numba-cuda 0.30 asks for what NumPy 2.5 no longer has.
        np.row_stack = np.vstack  # noqa: NPY201
    from numba import cuda

    from ._cache import KernelCache

__all__ = ["SIMULATED", "THREADS", "WARP", "WARPS", "cuda", "device", "kernel"]


def kernel(function: Function, *, blocks: int = 4) -> Any:
    """A CUDA kernel of blocks of `THREADS` threads, cached on disk.

    Parameters
    ----------
    blocks : that a multiprocessor should hold: with 4, a thread has up to 128
        registers; without a number ptxas 13.0 spilled at 96
    """
    if SIMULATED:
        return Kernel(function)
    bounds = THREADS, blocks
    compiled = cuda.jit(function, launch_bounds=bounds)
    # A numba-cuda with other caches than those that we know: compiled in each process.
    with suppress(AttributeError, OSError):
        compiled._cache = KernelCache(function, bounds)
    return compiled


def device(function: Function) -> Any:
    """A function that CUDA kernels call; its source may serve the CPU too."""
    if SIMULATED:
        return function
    return cuda.jit(device=True, forceinline=True)(function)
