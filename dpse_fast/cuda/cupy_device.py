"""A GPU through CuPy: its memory pool, its streams and cuBLAS."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import cupy
import numpy as np
from cupy.cuda import cublas
from numpy.typing import DTypeLike

from ..array_types import AnyArray, Int64s
from ..kernels.cuda._cuda import THREADS, WARPS, cuda
from .device import Array, Device, Recording, Shape

# library_types.h and cublas_api.h of CUDA 12 and 13
CUDA_R_32F, CUDA_R_64F = 0, 1
CUBLAS_OP_N, CUBLAS_OP_T = 0, 1
CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32 = 68, 77
CUBLAS_COMPUTE_64F = 70
CUBLAS_GEMM_DEFAULT = -1


def count() -> int:
    """GPUs that there are."""
    return int(cupy.cuda.runtime.getDeviceCount())


def capability() -> tuple[int, int]:
    """Of the current GPU: major and minor."""
    text = cupy.cuda.Device().compute_capability
    return int(text[:-1]), int(text[-1])


def on_device(values: AnyArray) -> Any:
    """A copy as CuPy's array."""
    return cupy.asarray(values)


def normal_numbers(shape: tuple[int, ...]) -> Any:
    """float64 of mean 0 and deviation 1, as CuPy's array."""
    return cupy.random.standard_normal(shape)


class CupyDevice(Device):
    """A GPU, in the order of CuPy's current stream.

    Parameters
    ----------
    number : of the GPU; None for CuPy's current one
    """

    out_of_memory = cupy.cuda.memory.OutOfMemoryError

    def __init__(self, number: int | None = None) -> None:
        self.number = int(cupy.cuda.Device(number).id)
        properties = cupy.cuda.runtime.getDeviceProperties(self.number)
        self.name = properties["name"].decode()

    @contextmanager
    def active(self) -> Iterator[None]:
        # Numba keeps a current device of its own.
        with cuda.gpus[self.number], cupy.cuda.Device(self.number):
            yield

    def memory(self) -> tuple[int, int]:
        with self.active():
            free, total = cupy.cuda.runtime.memGetInfo()
            return free + cupy.get_default_memory_pool().free_bytes(), total

    def empty(self, shape: Shape, dtype: DTypeLike) -> Array:
        return _for_kernels(cupy.empty(shape, dtype))

    def fill(self, array: Array, value: float) -> None:
        cupy.asarray(array).fill(value)

    def view(self, array: Array, shape: Shape) -> Array:
        flat = cupy.asarray(array).reshape(-1)
        part = flat[: int(np.prod(shape))].reshape(shape)
        return _for_kernels(part)

    def flat(self, array: Array) -> Array:
        return _for_kernels(cupy.asarray(array).reshape(-1))

    def part(self, array: Array, begin: int, size: int) -> Array:
        part = cupy.asarray(array)[begin : begin + size]
        return _for_kernels(part)

    def upload(self, values: AnyArray, to: Array | None = None) -> Array:
        target = self.empty(values.shape, values.dtype) if to is None else to
        cupy.asarray(target).set(np.ascontiguousarray(values))
        return target

    def download(self, array: Array) -> AnyArray:
        host: AnyArray = cupy.asnumpy(cupy.asarray(array))
        return host

    def launch(self, kernel: Any, n_warps: int, *arguments: Any) -> None:
        if n_warps:
            kernel[-(-n_warps // WARPS), THREADS, self._stream()](*arguments)

    def _stream(self) -> Any:
        pointer = cupy.cuda.get_current_stream().ptr
        return cuda.external_stream(pointer) if pointer else cuda.default_stream()

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
        # cuBLAS counts by columns: outᵀ = bᵀ · aᵀ.
        (n, k), m = a.shape, out.shape[1]
        if not n:
            return
        wide = a.dtype == np.float64
        kind = CUDA_R_64F if wide else CUDA_R_32F
        compute = CUBLAS_COMPUTE_64F if wide else CUBLAS_COMPUTE_32F
        if tf32 and not wide:
            compute = CUBLAS_COMPUTE_32F_FAST_TF32
        real = ctypes.c_double if wide else ctypes.c_float
        one, keep = real(1.0), real(1.0 if accumulate else 0.0)
        cublas.gemmEx(
            cupy.cuda.device.get_cublas_handle(),
            CUBLAS_OP_T if transpose else CUBLAS_OP_N,
            CUBLAS_OP_N,
            m,
            n,
            k,
            ctypes.addressof(one),
            _pointer(b),
            kind,
            b.shape[1],
            _pointer(a),
            kind,
            k,
            ctypes.addressof(keep),
            _pointer(out),
            kind,
            m,
            compute,
            CUBLAS_GEMM_DEFAULT,
        )

    def order(self, keys: Array) -> Array:
        # CuPy sorts with Thrust's stable_sort_by_key.
        return _for_kernels(cupy.argsort(cupy.asarray(keys)))

    def count_each(self, types: Array, n: int) -> Int64s:
        found: Int64s = cupy.asnumpy(cupy.bincount(cupy.asarray(types), minlength=n))
        return found

    def accumulate(self, numbers: Array) -> None:
        values = cupy.asarray(numbers)
        values[...] = cupy.cumsum(values)

    def copy(self, array: Array) -> Array:
        return _for_kernels(cupy.asarray(array).copy())

    def pick(self, array: Array, places: Int64s) -> AnyArray:
        found: AnyArray = cupy.asnumpy(cupy.asarray(array)[cupy.asarray(places)])
        return found

    def adopt(self, value: Any) -> tuple[Any, int]:
        # DLPack makes our stream wait for the other library's on the GPU; of an array
        # without it CuPy waits for the stream that it names.
        if isinstance(value, cupy.ndarray):
            found = value
        elif hasattr(value, "__dlpack__"):
            found = cupy.from_dlpack(value)
        else:
            found = cupy.asarray(value)
        return found, int(found.device.id)

    def cast(self, array: Any, dtype: DTypeLike) -> Array:
        return _for_kernels(cupy.ascontiguousarray(cupy.asarray(array), dtype))

    def native(self, array: Array, shape: Shape) -> Any:
        return cupy.asarray(array).reshape(-1)[: int(np.prod(shape))].reshape(shape)

    def synchronise(self) -> None:
        cupy.cuda.get_current_stream().synchronize()

    def record(self, work: Callable[[], None]) -> Recording:
        # The default stream cannot be recorded.
        with cupy.cuda.Stream(non_blocking=True) as stream:
            stream.begin_capture()
            try:
                work()
            finally:
                graph = stream.end_capture()
        return _Graph(graph)

    def mark(self) -> Any:
        event = cupy.cuda.Event()
        event.record()
        return event

    def seconds_between(self, begin: Any, end: Any) -> float:
        end.synchronize()
        return 1e-3 * float(cupy.cuda.get_elapsed_time(begin, end))


class _Graph(Recording):
    """A CUDA graph."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def run(self) -> None:
        self._graph.launch(cupy.cuda.get_current_stream())


def _for_kernels(array: Any) -> Array:
    """A CuPy array as Numba's kernels take it, bound to no stream.

    CuPy names its current stream with each array; coming back from Numba with that
    name, every array would make CuPy wait for the stream.
    """
    found = cuda.as_cuda_array(array, sync=False)
    found.stream = 0
    return found


def _pointer(array: Array) -> int:
    return int(array.__cuda_array_interface__["data"][0])
