"""Where the machine code of a kernel is found again."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numba_cuda
import numpy as np
from numba.cuda.dispatcher import CUDACache

PLAIN = (bool, int, float, str, type(None), np.generic, np.dtype)


class KernelCache(CUDACache):
    """Keyed by what a kernel closes over, by name.

    numba-cuda 0.30 pickles it: bytes of functions differ from process to process, so
    that kernels which close over one were compiled in each. Its key also lacks the
    bounds of the registers, and a kernel with others was taken for the same.

    Parameters
    ----------
    bounds : threads of a block and blocks of a multiprocessor
    """

    def __init__(self, function: FunctionType, bounds: tuple[int, int]) -> None:
        self._what = f"{numba_cuda.__version__} {bounds} {described(function)}"
        super().__init__(function)

    def _index_key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        return signature, codegen.magic_tuple(), self._what


def described(value: Any) -> str:
    """What tells a value in a closure from others, the same in every process.

    The sources are not in it: they are in the name of the folder, see `_jit`.

    Raises
    ------
    TypeError
        For a value that a name or a number does not tell from others.
    """
    function = getattr(value, "py_func", value)
    if isinstance(function, FunctionType):
        cells = tuple(cell.cell_contents for cell in function.__closure__ or ())
        line = function.__code__.co_firstlineno
        name = f"{function.__module__}.{function.__qualname__}:{line}"
        return name + described(cells)
    if isinstance(value, tuple):
        return f"({', '.join(described(part) for part in value)})"
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, PLAIN):
        return f"{type(value).__name__} {value!r}"
    raise TypeError(f"a kernel closes over {value!r}: expected functions and numbers")
