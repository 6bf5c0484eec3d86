"""The one place that decides how kernels are compiled and cached."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

# NaN and inf keep their meaning: "nnan" and "ninf" are left out.
FASTMATH = frozenset({"nsz", "arcp", "contract", "reassoc"})


def _compile(function: Function, **options: Any) -> Function:
    options = {"nogil": True, "no_cfunc_wrapper": True, **options}
    compiled: Function = numba.njit(function, **options)
    if not numba.config.DISABLE_JIT:
        # A Numba with other caches than those that we know: compiled in each process.
        with suppress(ImportError, AttributeError, TypeError, OSError):
            from ._kernel_cache import KernelCache

            compiled._cache = KernelCache(function, options)
    return compiled


def kernel(function: Function) -> Function:
    """A cached kernel that releases the GIL, with value-safe fast-math."""
    return _compile(function, fastmath=set(FASTMATH), error_model="numpy")


def exact(function: Function) -> Function:
    """As `kernel`, with IEEE arithmetic: for decisions that must not depend
    on how the compiler orders a sum (cell indices, counts, comparisons)."""
    return _compile(function, error_model="numpy")


def inline(function: Function) -> Function:
    """Scalar physics that kernels call; Python cannot call it.

    Functions that C and Python could call were 1.9 of the 17.4 s that water's first
    plan took in double precision, compilation and all (AVX-512 Xeon).
    """
    compiled: Function = numba.njit(
        function,
        fastmath=set(FASTMATH),
        error_model="numpy",
        no_cfunc_wrapper=True,
        no_cpython_wrapper=True,
    )
    return compiled


def inlined(function: Function) -> Function:
    """As `inline`, put into its caller before types are known.

    A call counts every array that it is given, up and down; this is none.
    """
    compiled: Function = numba.njit(
        function,
        fastmath=set(FASTMATH),
        error_model="numpy",
        no_cfunc_wrapper=True,
        no_cpython_wrapper=True,
        inline="always",
    )
    return compiled
