"""Memory, launches and matrix products of the device that computes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..array_types import AnyArray, Int64s
from ..inputs.arrays import Array as Array

Shape = int | tuple[int, ...]


class Recording(ABC):
    """Launches, products and fills to be run again, with the same arrays."""

    @abstractmethod
    def run(self) -> None:
        """All of them, at one stroke."""


class Device(ABC):
    """Where arrays are and kernels run, in the order of one stream.

    Attributes
    ----------
    name : of the hardware
    number : which of the machine's GPUs
    out_of_memory : what is raised where memory is short
    """

    name: str
    number: int
    out_of_memory: type[Exception] = MemoryError

    @abstractmethod
    def active(self) -> AbstractContextManager[Any]:
        """Makes this the device that everything below runs on."""

    @abstractmethod
    def memory(self) -> tuple[int, int]:
        """Bytes that are free for us, and in all."""

    @abstractmethod
    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        """An array of anything."""

    @abstractmethod
    def fill(self, array: Array, value: float) -> None:
        """Set all numbers of an array."""

    @abstractmethod
    def view(self, array: Array, shape: Shape) -> Array:
        """The array's first numbers in this shape, not copied."""

    @abstractmethod
    def flat(self, array: Array) -> Array:
        """The array as one of one dimension, not copied."""

    @abstractmethod
    def part(self, array: Array, begin: int, size: int) -> Array:
        """Some consecutive numbers of a flat array, not copied."""

    @abstractmethod
    def upload(self, values: AnyArray, to: Array | None = None) -> Array:
        """A copy on the device, in ``to`` if there is one."""

    @abstractmethod
    def download(self, array: Array) -> AnyArray:
        """A copy on the host, once all that was launched before has run."""

    @abstractmethod
    def launch(self, kernel: Any, n_warps: int, *arguments: Any) -> None:
        """Run a kernel on at least so many warps; nothing where they are 0."""

    @abstractmethod
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
        """out ← a · b, or a · bᵀ, (n, k) and (k, m) or (m, k), C-contiguous.

        Parameters
        ----------
        accumulate : add to what is there
        tf32 : round the numbers of float32 matrices to TF32's 11 bits
        """

    @abstractmethod
    def order(self, keys: Array) -> Array:
        """(n,) int64 places that sort the keys; equal keys keep their order."""

    @abstractmethod
    def count_each(self, types: Array, n: int) -> Int64s:
        """(n,) how many there are of each number below n, on the host."""

    @abstractmethod
    def accumulate(self, numbers: Array) -> None:
        """Each becomes the sum of those up to it."""

    @abstractmethod
    def synchronise(self) -> None:
        """Wait until all that was launched has run."""

    @abstractmethod
    def record(self, work: Callable[[], None]) -> Recording:
        """What the work launches, without running it.

        It must have run before, and neither ask for memory nor for results.
        """

    @abstractmethod
    def mark(self) -> Any:
        """A moment in the order of what is launched."""

    @abstractmethod
    def seconds_between(self, begin: Any, end: Any) -> float:
        """Between two moments that have passed."""

    @abstractmethod
    def copy(self, array: Array) -> Array:
        """An array of the same numbers."""

    @abstractmethod
    def pick(self, array: Array, places: Int64s) -> AnyArray:
        """Numbers of a flat array, on the host."""

    @abstractmethod
    def adopt(self, value: Any) -> tuple[Any, int]:
        """A foreign array of a GPU, not copied, and the number of that GPU.

        By DLPack or ``__cuda_array_interface__``, in the order of the stream that made
        it, as the device's own library has it: with a shape and a NumPy dtype.
        """

    @abstractmethod
    def cast(self, array: Any, dtype: DTypeLike) -> Array:
        """For kernels, C-contiguous; not copied where it is so with this dtype.

        From an array of the device's library or one for kernels.
        """

    @abstractmethod
    def native(self, array: Array, shape: Shape) -> Any:
        """The array's first numbers in this shape, as the device's library has it."""

    def last(self, array: Array) -> Any:
        """The last number of a flat array, on the host."""
        return self.pick(array, np.array([array.size - 1]))[0]

    def zeros(self, shape: Shape, dtype: DTypeLike) -> Array:
        """An array of zeros."""
        array = self.empty(shape, dtype)
        self.fill(array, 0)
        return array

    def upload_all(self, group: Any) -> Any:
        """A named tuple with its arrays on the device, numbers as they are."""
        return type(group)(
            *(self.upload(v) if isinstance(v, np.ndarray) else v for v in group)
        )
