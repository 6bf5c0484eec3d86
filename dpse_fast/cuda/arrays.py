"""Callers' arrays on a GPU, and results in the kind of the positions."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..array_types import AnyArray, Int64s, Integers
from ..errors import InputError
from ..inputs.arrays import FARTHEST, Faults, Give, kind_of, unreadable
from ..inputs.plain_numbers import refuse_meaning
from ..kernels.cuda.boundary import (
    FIRST_FAR,
    FIRST_OUTSIDE,
    N_COUNTED,
    N_FAR,
    N_VIRTUAL,
    check_atoms,
)
from ..kernels.cuda.rows import gather_rows
from .device import Array, Device
from .warps import warps


class CudaArrays:
    """See `inputs.arrays.Arrays`."""

    def __init__(self, device: Device) -> None:
        self.gpu = device

    def adopt(self, value: Any, name: str) -> Any:
        device = self.gpu
        refuse_meaning(value, name)
        kind = kind_of(value, name)
        number, array = kind.number, None
        if number is None or number == device.number:
            try:
                array, number = device.adopt(value)
            except Exception as error:
                raise unreadable(value, name, error) from error
        if number != device.number:
            raise InputError(
                f"{name}: expected an array on GPU {device.number}, where the "
                f"potential is, got {kind._replace(number=number)}; load the potential "
                f"with device='cuda:{number}', or copy the array"
            )
        return array

    def on_host(self, value: Any, name: str) -> Any:
        if not kind_of(value, name).on_device:
            return value
        array = self.adopt(value, name)
        return self.gpu.download(self.gpu.cast(array, array.dtype))

    def upload(self, values: AnyArray) -> Array:
        return self.gpu.upload(values)

    def download(self, array: Array) -> AnyArray:
        return self.gpu.download(array)

    def cast(self, array: Any, dtype: DTypeLike) -> Array:
        return self.gpu.cast(array, dtype)

    def zeros(self, size: int) -> Array:
        return self.gpu.zeros(size, np.float64)

    def take_rows(self, array: Array, rows: Int64s) -> Array:
        device, n = self.gpu, len(rows)
        taken = device.empty((n, 3), np.float64)
        places = device.upload(rows.astype(np.int32))
        arguments = (device.flat(array), 3, places, device.flat(taken))
        device.launch(gather_rows, warps(n), *arguments)
        return taken

    def distinct(self, types: Array, n_types: int) -> Integers:
        return np.unique(self.gpu.download(types))

    def giver(self, like: Any) -> Give:
        """Copied to NumPy where ``like`` is of the host.

        Else not copied, and on the stream that is current in its library.
        """
        device, kind = self.gpu, kind_of(like, "positions")
        if not kind.on_device:
            return lambda array, shape: device.download(array).reshape(shape)
        if kind.library == "numba":

            def numba(array: Array, shape: tuple[int, ...]) -> Any:
                # Its kernels may run on any stream.
                device.synchronise()
                return device.view(array, shape)

            return numba
        convert = _converter(kind.library, like)
        return lambda array, shape: convert(device.native(array, shape))

    def add_into(self, sums: Any, values: Array, shape: tuple[int, int]) -> Any:
        if isinstance(sums, np.ndarray):
            sums += self.gpu.download(values).reshape(shape)
            return sums
        sums[...] += self.gpu.native(values, shape)
        # Its own library may go on, on any stream.
        self.gpu.synchronise()
        return sums

    def faults(
        self, positions: Array, types: Array, least: int, n_types: int
    ) -> Callable[[], Faults]:
        device, n = self.gpu, int(positions.shape[0])
        found = device.zeros(N_COUNTED, np.int64)
        arguments = (positions, FARTHEST, types, least, n_types - 1, found)
        device.launch(check_atoms, warps(n), *arguments)

        def read() -> Faults:
            met = device.download(found)
            faults = Faults(n_virtual=int(met[N_VIRTUAL]))
            if met[FIRST_FAR]:
                atom = n - int(met[FIRST_FAR])
                places = 3 * atom + np.arange(3)
                at = device.pick(device.flat(positions), places)
                faults = faults._replace(
                    n_far=int(met[N_FAR]),
                    far_atom=atom,
                    far_position=tuple(at.tolist()),
                )
            if met[FIRST_OUTSIDE]:
                atom = n - int(met[FIRST_OUTSIDE])
                kind = int(device.pick(types, np.array([atom]))[0])
                faults = faults._replace(unknown_atom=atom, unknown_type=kind)
            return faults

        return read


def _converter(library: str, like: Any) -> Callable[[Any], Any]:
    """From the device's own library to another."""
    if library == "cupy":
        return lambda array: array
    namespace: Any = None
    if library == "torch":
        namespace = sys.modules["torch"]
    elif hasattr(like, "__array_namespace__"):
        namespace = like.__array_namespace__()
    if not hasattr(namespace, "from_dlpack"):
        return lambda array: array
    found: Callable[[Any], Any] = namespace.from_dlpack
    return found
