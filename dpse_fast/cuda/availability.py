"""Whether a GPU can be used, and what is missing if not; asks for little to know it."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from importlib.util import find_spec

INSTALL = "pip install 'dpse-fast[cuda13]', or [cuda12] for a driver of CUDA 12"
LEAST_CAPABILITY = (7, 0)


def simulated() -> bool:
    """Whether Numba simulates CUDA on the processors: ``NUMBA_ENABLE_CUDASIM=1``."""
    import numba

    return bool(getattr(numba.config, "ENABLE_CUDASIM", 0))


@cache
def missing() -> str | None:
    """One sentence that says what a GPU run lacks here, or None."""
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    if not _loads(driver):
        return f"there is no NVIDIA driver ({driver} was not found)"
    for module, package in (("numba_cuda", "numba-cuda"), ("cupy", "CuPy")):
        if find_spec(module) is None:
            return f"{package} is not installed; {INSTALL}"
    return _without_gpu()


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _without_gpu() -> str | None:
    try:
        from .cupy_device import capability, count

        if not count():
            return "the driver shows no GPU"
        found = capability()
    except Exception as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        return f"CUDA does not start: {reason[0]}; {INSTALL}"
    if found < LEAST_CAPABILITY:
        return (
            f"the GPU has compute capability {found[0]}.{found[1]}; expected "
            f"{LEAST_CAPABILITY[0]}.{LEAST_CAPABILITY[1]} or more"
        )
    return None
