"""Numba's own implementations, loaded before the first kernel."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numba


def _blas_is_installed() -> None:
    """As `numba.np.linalg.ensure_blas`, without importing SciPy's."""
    if find_spec("scipy") is None:
        raise ImportError("scipy is required for linear algebra")


def load_registries() -> None:
    """Load what Numba loads with the first compiled function, less `scipy.linalg`.

    Numba imports SciPy's linear algebra only to know whether it is there: 0.17 of
    the 1.0 s of processor time to the first energy. While Numba's module is imported
    a look at the installed packages answers. Whoever compiles linear algebra later
    has Numba's own check, which is back in its place, and SciPy is imported then.
    With a Numba that has no such check nothing is done: it loads what it needs.
    """
    if numba.config.DISABLE_JIT or "scipy.linalg" in sys.modules:
        return
    _load_arrays()


def _load_arrays() -> None:
    try:
        linalg: Any = import_module("numba.np.linalg")
        check = linalg.ensure_blas
    except (ImportError, AttributeError):
        return
    linalg.ensure_blas = _blas_is_installed
    try:
        arrays: Any = import_module("numba.np.arraymath")
    except ImportError:
        return
    finally:
        linalg.ensure_blas = check
    if getattr(arrays, "ensure_blas", None) is _blas_is_installed:
        arrays.ensure_blas = check
