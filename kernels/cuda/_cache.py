"""Where the machine code of a CUDA kernel is found again."""

from __future__ import annotations

from types import FunctionType

import numba_cuda
from numba.cuda.dispatcher import CUDACache, CUDACacheImpl

from .._kernel_cache import CheckedCache, Unlocated, described


class _Kernels(Unlocated, CUDACacheImpl):
    pass


class KernelCache(CheckedCache, CUDACache):
    """Keyed by what a kernel closes over, by name.

    numba-cuda 0.30 pickles it: bytes of functions differ from process to process, so
    that kernels which close over one were compiled in each. Its key also lacks the
    bounds of the registers, and a kernel with others was taken for the same.

    Parameters
    ----------
    bounds : threads of a block and blocks of a multiprocessor
    """

    _impl_class = _Kernels

    def __init__(self, function: FunctionType, bounds: tuple[int, int]) -> None:
        what = f"{numba_cuda.__version__} {bounds} {described(function)}"
        super().__init__(function, what)
