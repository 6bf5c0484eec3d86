"""Which kinds of arrays come in, and results in the kind of the positions.

Arrays of a GPU come by DLPack (``__dlpack__``; its streams put the work of both
libraries in order) or by ``__cuda_array_interface__``, and are not copied.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

if TYPE_CHECKING:
    from ..cuda.device import Array, Device

# DLDeviceType of DLPack
CPU, CUDA, CUDA_HOST, CUDA_MANAGED = 1, 2, 3, 13
OTHER_DEVICES = {4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 14: "oneAPI"}
_OF_HOST = (np.ndarray, np.generic, list, tuple, int, float, str, type(None))

Give = Callable[["Array", tuple[int, ...]], Any]


class Kind(NamedTuple):
    """Whose an array is, and where."""

    library: str  # that made it: "numpy", "cupy", "torch", …
    on_device: bool  # on an NVIDIA GPU
    number: int | None  # of the GPU, where the array says it

    def __str__(self) -> str:
        place = "a GPU" if self.number is None else f"GPU {self.number}"
        return f"an array of {self.library} on {place}"


HOST = Kind("numpy", False, None)


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
            raise _unreadable(value, name, error) from error
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


def _unreadable(value: Any, name: str, error: Exception) -> InputError:
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


def adopt(device: Device, value: Any, name: str) -> Any:
    """An array of the device, as the device's library has it, not copied.

    Raises
    ------
    InputError
        If it is on another GPU, or cannot be read.
    """
    kind = kind_of(value, name)
    number, array = kind.number, None
    if number is None or number == device.number:
        try:
            array, number = device.adopt(value)
        except Exception as error:
            raise _unreadable(value, name, error) from error
    if number != device.number:
        raise InputError(
            f"{name}: expected an array on GPU {device.number}, where the potential "
            f"is, got {kind._replace(number=number)}; load the potential with "
            f"device='cuda:{number}', or copy the array"
        )
    return array


def on_host(device: Device, value: Any, name: str) -> Any:
    """The argument as it came, or a copy on the host of an array of the device."""
    if not kind_of(value, name).on_device:
        return value
    array = adopt(device, value, name)
    return device.download(device.cast(array, array.dtype))


def giver(device: Device, like: Any) -> Give:
    """What hands out a flat array of the device in a shape, as ``like`` is an array.

    Copied to NumPy where that is of the host. Else not copied, and on the stream that
    is current in its library.
    """
    kind = kind_of(like, "positions")
    if not kind.on_device:

        def numpy(array: Array, shape: tuple[int, ...]) -> NDArray[Any]:
            return device.download(array).reshape(shape)

        return numpy
    if kind.library == "numba":

        def numba(array: Array, shape: tuple[int, ...]) -> Any:
            # Its kernels may run on any stream.
            device.synchronise()
            return device.view(array, shape)

        return numba
    convert = _converter(kind.library, like)

    def native(array: Array, shape: tuple[int, ...]) -> Any:
        return convert(device.native(array, shape))

    return native


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
