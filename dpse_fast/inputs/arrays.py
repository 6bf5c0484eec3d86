"""Callers' arrays: which library they are of, where they lie, and how they are taken.

Arrays of a GPU come by DLPack (``__dlpack__``; its streams put the work of both
libraries in order) or by ``__cuda_array_interface__``, and are not copied.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from ..array_types import AnyArray, Doubles, Int64s, Integers
from ..errors import InputError
from .plain_numbers import as_rows, refuse_meaning, refuse_rows_of_meaning

# DLDeviceType of DLPack
CPU, CUDA, CUDA_HOST, CUDA_MANAGED = 1, 2, 3, 13
OTHER_DEVICES = {4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 14: "oneAPI"}
_OF_HOST = (np.ndarray, np.generic, list, tuple, int, float, str, type(None))

FARTHEST = 1e7  # Å; beyond it float64 keeps fewer than nine decimals
VIRTUAL = -1  # the type of an atom that does not exist for the model

Array = Any  # of a backend's device, as its kernels take it
Give = Callable[[Array, tuple[int, ...]], Any]


class Kind(NamedTuple):
    """Whose an array is, and where."""

    library: str  # that made it: "numpy", "cupy", "torch", …
    on_device: bool  # on an NVIDIA GPU
    number: int | None  # of the GPU, where the array says it

    def __str__(self) -> str:
        place = "a GPU" if self.number is None else f"GPU {self.number}"
        return f"an array of {self.library} on {place}"


HOST = Kind("numpy", False, None)


class Faults(NamedTuple):
    """What is wrong with the numbers of a structure's positions and types."""

    n_far: int = 0  # atoms that are too far away, or not finite
    far_atom: int = 0  # the first of them
    far_position: tuple[float, ...] = ()  # Å
    unknown_atom: int | None = None  # the first whose type is out of range
    unknown_type: int = 0
    n_virtual: int = 0


class Arrays(Protocol):
    """The arrays of a device: how callers' come in, and results go out."""

    def adopt(self, value: Any, name: str) -> Any:
        """A caller's array of this device, as the device's library has it, not copied.

        Raises
        ------
        InputError
            If it is on another device, or cannot be read.
        """

    def on_host(self, value: Any, name: str) -> Any:
        """The argument as it came, or a copy on the host of an array of the device."""

    def upload(self, values: AnyArray) -> Array:
        """An array of the host on the device."""

    def download(self, array: Array) -> AnyArray:
        """An array of the device on the host."""

    def cast(self, array: Any, dtype: DTypeLike) -> Array:
        """C-contiguous, as kernels take it; not copied where it is so already."""

    def zeros(self, size: int) -> Array:
        """(size,) float64."""

    def take_rows(self, array: Array, rows: Int64s) -> Array:
        """Those rows of an (n, 3) array of float64."""

    def distinct(self, types: Array, n_types: int) -> Integers:
        """The types that occur, on the host."""

    def giver(self, like: Any) -> Give:
        """What hands a flat array out in a shape, as ``like`` is an array."""

    def add_into(self, sums: Any, values: Array, shape: tuple[int, int]) -> Any:
        """Add to an array that `inputs.neighbour_list.check_sums` gave; returns it."""

    def faults(
        self, positions: Array, types: Array, least: int, n_types: int
    ) -> Callable[[], Faults]:
        """Look at all numbers; a GPU is waited for when the answer is asked for.

        Parameters
        ----------
        positions : (n, 3) float64
        types : (n,) integers
        least : the lowest type that is valid
        n_types : of the model
        """


class HostArrays:
    """See `Arrays`: NumPy's, on the processors. Arrays of a GPU are refused."""

    def adopt(self, value: Any, name: str) -> Any:
        refuse_device_array(value, name)
        return value

    def on_host(self, value: Any, name: str) -> Any:
        return value

    def upload(self, values: AnyArray) -> AnyArray:
        return values

    def download(self, array: AnyArray) -> AnyArray:
        return array

    def cast(self, array: AnyArray, dtype: DTypeLike) -> AnyArray:
        return np.ascontiguousarray(array, dtype)

    def zeros(self, size: int) -> Doubles:
        return np.zeros(size)

    def take_rows(self, array: AnyArray, rows: Int64s) -> AnyArray:
        return array[rows]

    def distinct(self, types: AnyArray, n_types: int) -> Integers:
        return np.unique(types)

    def giver(self, like: Any) -> Give:
        return lambda array, shape: array.reshape(shape)

    def add_into(self, sums: Any, values: AnyArray, shape: tuple[int, int]) -> Any:
        sums += values.reshape(shape)
        return sums

    def faults(
        self, positions: AnyArray, types: AnyArray, least: int, n_types: int
    ) -> Callable[[], Faults]:
        found = Faults()
        if not positions.size:
            return lambda: found
        # NaN compares with nothing.
        if not (positions.min() > -FARTHEST and positions.max() < FARTHEST):
            bad = ~(np.abs(positions) < FARTHEST).all(axis=1)
            atom = int(np.argmax(bad))
            place = tuple(positions[atom].tolist())
            found = Faults(int(bad.sum()), atom, place)
        lowest = int(types.min())
        if lowest < least or int(types.max()) >= n_types:
            atom = int(np.argmax((types < least) | (types >= n_types)))
            found = found._replace(unknown_atom=atom, unknown_type=int(types[atom]))
        if lowest <= VIRTUAL:
            found = found._replace(n_virtual=int(np.count_nonzero(types == VIRTUAL)))
        return lambda: found


def kind_of(value: Any, name: str) -> Kind:
    """The kind of an argument; everything that NumPy reads is of the host.

    Raises
    ------
    InputError
        For arrays of devices that are neither the host nor an NVIDIA GPU.
    """
    if isinstance(value, _OF_HOST):
        return HOST
    if hasattr(type(value), "__dlpack_device__"):
        try:
            place, number = (int(part) for part in value.__dlpack_device__())
        except Exception as error:
            raise unreadable(value, name, error) from error
        if place in (CPU, CUDA_HOST):
            return HOST
        if place in (CUDA, CUDA_MANAGED):
            return Kind(_library(value), True, number)
        device = OTHER_DEVICES.get(place, f"DLPack's type {place}")
        raise InputError(
            f"{name}: expected an array of the host or of an NVIDIA GPU, got one of "
            f"{_library(value)} on a device of {device}"
        )
    if hasattr(type(value), "__cuda_array_interface__"):
        return Kind(_library(value), True, None)
    return HOST


def _library(value: Any) -> str:
    """The package of the first of its classes that is of a library we know."""
    packages = [c.__module__.partition(".")[0] for c in type(value).__mro__]
    for package in packages:
        if package in ("cupy", "torch", "numba", "numba_cuda", "jax", "jaxlib"):
            return {"numba_cuda": "numba", "jaxlib": "jax"}.get(package, package)
    return packages[0]


def unreadable(value: Any, name: str, error: Exception) -> InputError:
    """The error for an array that its own library does not hand over."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return InputError(
        f"{name}: the array of {_library(value)} cannot be read: {reason}"
    )


def refuse_device_array(value: Any, name: str) -> None:
    """Raise an InputError for an array on a GPU, with the remedies."""
    kind = kind_of(value, name)
    if kind.on_device:
        raise InputError(
            f"{name}: expected an array of the host, since the potential is on the "
            f"processors, got {kind}; load the potential with device='cuda', or copy "
            "the array to the host"
        )


def array_of(
    value: Any, name: str, expected: str, *, bools_count: bool = False
) -> AnyArray:
    """What NumPy makes of it, of any dtype and shape; nothing that it means is lost.

    Parameters
    ----------
    bools_count : whether True and 1 may stand side by side in a list

    Raises
    ------
    InputError
        If NumPy cannot read it, and for `refuse_meaning`.
    """
    if type(value) is np.ndarray:
        return value
    refuse_device_array(value, name)
    try:
        refuse_meaning(value, name)
        rows = as_rows(value)
        if rows is not None:
            refuse_rows_of_meaning(rows, name, bools_count=bools_count)
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        # Of an object that turns itself into an array, a mask or a unit may appear now.
        found = np.asanyarray(value)
        refuse_meaning(found, name)
        return np.asarray(found)
    except InputError:
        raise
    except ValueError as error:
        reason = str(error)
        if "inhomogeneous" in reason:
            reason = "ragged rows"
        raise InputError(f"{name}: expected {expected}, got {reason}") from None
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{name}: expected {expected}, got a {type(value).__name__} that NumPy "
            f"cannot read: {reason}"
        ) from error
