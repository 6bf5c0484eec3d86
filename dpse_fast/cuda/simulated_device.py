"""Numba's CUDA simulator as a device, for tests: ``NUMBA_ENABLE_CUDASIM=1``.

New memory is NaN, and an index out of range raises.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..array_types import AnyArray, Int64s, Singles
from ..kernels.cuda._cuda import THREADS, WARPS
from ..kernels.cuda._simulator import CheckedArray, poison
from .device import Array, Device, Recording, Shape

MEMORY = 2**30
STREAM = 1  # as DLPack numbers CUDA's default stream


class _Calls(Recording):
    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def run(self) -> None:
        for call in self.calls:
            call()


class SimulatedDevice(Device):
    """See `Device`."""

    name = "simulator"
    number = 0

    def __init__(self) -> None:
        self._recording: _Calls | None = None

    def _do(self, call: Callable[[], None]) -> None:
        """Now, or when what is being recorded runs."""
        if self._recording is None:
            call()
        else:
            self._recording.calls.append(call)

    def _never_recorded(self, what: str) -> None:
        if self._recording is not None:
            raise RuntimeError(f"{what} while launches are recorded")

    def active(self) -> AbstractContextManager[Any]:
        return nullcontext()

    def memory(self) -> tuple[int, int]:
        return MEMORY, MEMORY

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        self._never_recorded("memory asked for")
        return CheckedArray(poison(np.empty(shape, dtype)))

    def fill(self, array: Array, value: float) -> None:
        self._do(lambda: array.values.fill(value))

    def view(self, array: Array, shape: Shape) -> Array:
        size = int(np.prod(shape))
        return CheckedArray(array.values.reshape(-1)[:size].reshape(shape))

    def flat(self, array: Array) -> Array:
        return CheckedArray(array.values.reshape(-1))

    def part(self, array: Array, begin: int, size: int) -> Array:
        if begin + size > array.size:
            raise IndexError(f"{begin} to {begin + size} of {array.size}")
        return CheckedArray(array.values[begin : begin + size])

    def upload(self, values: AnyArray, to: Array | None = None) -> Array:
        self._never_recorded("upload")
        if to is None:
            return CheckedArray(np.array(values, order="C"))
        to.values[...] = values
        return to

    def download(self, array: Array) -> AnyArray:
        self._never_recorded("download")
        return np.array(array.values)

    def launch(self, kernel: Any, n_warps: int, *arguments: Any) -> None:
        if n_warps:
            blocks = -(-n_warps // WARPS)
            self._do(lambda: _run(kernel[blocks, THREADS], arguments))

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
        def product() -> None:
            left, right = a.values, b.values.T if transpose else b.values
            if tf32 and left.dtype == np.float32:
                left, right = _tf32(left), _tf32(right)
            found = left @ right
            out.values[...] = out.values + found if accumulate else found

        self._do(product)

    def order(self, keys: Array) -> Array:
        return self.upload(np.argsort(keys.values, kind="stable"))

    def count_each(self, types: Array, n: int) -> Int64s:
        return np.bincount(types.values, minlength=n)

    def accumulate(self, numbers: Array) -> None:
        np.cumsum(numbers.values, out=numbers.values)

    def copy(self, array: Array) -> Array:
        return CheckedArray(array.values.copy())

    def pick(self, array: Array, places: Int64s) -> AnyArray:
        self._never_recorded("download")
        found: AnyArray = array.values[places]
        return found

    def adopt(self, value: Any) -> tuple[Any, int]:
        if hasattr(value, "__dlpack__"):
            return np.from_dlpack(_Exported(value.__dlpack__(stream=STREAM))), 0
        return np.asarray(_OfHost(dict(value.__cuda_array_interface__))), 0

    def cast(self, array: Any, dtype: DTypeLike) -> Array:
        values = array.values if isinstance(array, CheckedArray) else array
        return CheckedArray(np.ascontiguousarray(values, dtype))

    def native(self, array: Array, shape: Shape) -> Any:
        return self.view(array, shape).values

    def synchronise(self) -> None:
        self._never_recorded("synchronisation")

    def record(self, work: Callable[[], None]) -> Recording:
        recording = self._recording = _Calls()
        try:
            work()
        finally:
            self._recording = None
        return recording

    def mark(self) -> Any:
        return time.perf_counter()

    def seconds_between(self, begin: Any, end: Any) -> float:
        return float(end - begin)


class _Exported:
    """What NumPy reads a DLPack capsule from."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **options: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


class _OfHost:
    """A ``__cuda_array_interface__`` of the host's memory, as NumPy reads it."""

    def __init__(self, interface: dict[str, Any]) -> None:
        interface.pop("stream", None)
        self.__array_interface__ = interface


def _tf32(values: Singles) -> Singles:
    """Rounded to the nearest number of eleven significant bits, ties away from 0."""
    bits = values.view(np.uint32).astype(np.uint64) + 0x1000
    return (bits & 0xFFFFE000).astype(np.uint32).view(np.float32)


def _run(launch: Any, arguments: tuple[Any, ...]) -> None:
    # A GPU does not warn of numbers that overflow.
    with np.errstate(all="ignore"):
        launch(*arguments)
