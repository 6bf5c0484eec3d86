"""Arrays as libraries of GPUs show them, in the memory of the host."""

from __future__ import annotations

from typing import Any

import numpy as np

CUDA = 2  # of DLPack


class ByDlpack:
    """With ``__dlpack__``, on a GPU as it says."""

    def __init__(self, values: Any, number: int = 0, place: int = CUDA) -> None:
        self.values, self.number, self.place = np.asarray(values), number, place
        self.streams: list[Any] = []

    def __dlpack__(self, *, stream: Any = None, **options: Any) -> Any:
        self.streams.append(stream)
        return self.values.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.place, self.number

    def __array__(self, *arguments: Any, **options: Any) -> Any:
        raise TypeError("implicit copies to the host are not allowed")


class ByInterface:
    """With ``__cuda_array_interface__`` alone."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {**self.values.__array_interface__, "version": 3, "stream": 1}


class InNamespace(ByDlpack):
    """Of a library that follows the array API."""

    def __array_namespace__(self) -> type[Namespace]:
        return Namespace


class Namespace:
    """That library."""

    @staticmethod
    def from_dlpack(array: Any) -> InNamespace:
        return InNamespace(np.from_dlpack(array))


def of(library: str, base: type) -> Any:
    """The same kind of array, as of another library."""
    return type("Array", (base,), {"__module__": f"{library}.somewhere"})
