"""Numba's CUDA simulator as a device, for tests: ``NUMBA_ENABLE_CUDASIM=1``.

New memory is NaN, and an index out of range raises.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..kernels.cuda._cuda import THREADS, WARPS
from ..kernels.cuda._simulator import CheckedArray, poison
from .device import Array, Device, Shape

MEMORY = 2**30


class SimulatedDevice(Device):
    """See `Device`."""

    name = "simulator"
    number = 0

    def active(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def memory(self) -> tuple[int, int]:
        return MEMORY, MEMORY

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        return CheckedArray(poison(np.empty(shape, dtype)))

    def fill(self, array: Array, value: float) -> None:
        array.values.fill(value)

    def view(self, array: Array, shape: Shape) -> Array:
        size = int(np.prod(shape))
        return CheckedArray(array.values.reshape(-1)[:size].reshape(shape))

    def upload(self, values: NDArray[Any], to: Array | None = None) -> Array:
        if to is None:
            return CheckedArray(np.array(values, order="C"))
        to.values[...] = values
        return to

    def download(self, array: Array) -> NDArray[Any]:
        return np.array(array.values)

    def launch(self, kernel: Any, n_warps: int, *arguments: Any) -> None:
        if n_warps:
            kernel[-(-n_warps // WARPS), THREADS](*arguments)

    def multiply(
        self,
        a: Array,
        b: Array,
        out: Array,
        *,
        transpose: bool = False,
        accumulate: bool = False,
        tf32: bool = False,
    ) -> None:
        left, right = a.values, b.values.T if transpose else b.values
        if tf32 and left.dtype == np.float32:
            left, right = _tf32(left), _tf32(right)
        product = left @ right
        out.values[...] = out.values + product if accumulate else product

    def synchronise(self) -> None:
        pass


def _tf32(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounded to the nearest number of eleven significant bits, ties away from 0."""
    bits = values.view(np.uint32).astype(np.uint64) + 0x1000
    return (bits & 0xFFFFE000).astype(np.uint32).view(np.float32)
