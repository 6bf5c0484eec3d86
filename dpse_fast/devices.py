"""The choice of the device that computes: the processors or a GPU."""

from __future__ import annotations

import os
import re

from .cpu.backend import CpuBackend
from .errors import InputError
from .evaluation.backend import Backend
from .inputs.choices import whole_number
from .inputs.plain_numbers import shown

GEMMS = ("float32", "tf32x3", "tf32")
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,3})?")


def choose_backend(
    device: str, gemm: str | None, deterministic: bool, threads: int | None
) -> Backend:
    """The backend that `load` is asked for.

    Raises
    ------
    InputError
        For a device that does not exist or cannot be used, and options that do not
        exist.
    """
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise InputError(
            f"device: expected auto, cpu, cuda or cuda:N, got {shown(device)}"
        )
    if gemm is not None and (not isinstance(gemm, str) or gemm not in GEMMS):
        raise InputError(f"gemm: expected one of {', '.join(GEMMS)}, got {shown(gemm)}")
    if not isinstance(deterministic, bool):
        raise InputError(f"deterministic: expected a bool, got {shown(deterministic)}")
    n_threads = check_threads(threads)
    if device == "cpu":
        return CpuBackend(n_threads)
    from .cuda.availability import missing, simulated

    family, _, number = device.partition(":")
    asked_for = family == "cuda"
    reason = None if asked_for and simulated() else missing()
    if reason is None:
        from .cuda.backend import CudaBackend

        place = int(number) if number else None
        return CudaBackend(place, gemm, deterministic, n_threads)
    if asked_for:
        raise InputError(
            f"device: {device!r} cannot be used: {reason}; "
            "device='cpu' computes on the processors"
        )
    return CpuBackend(n_threads, reason)


def check_threads(threads: int | None) -> int:
    """The number of threads: as asked for, or the processors we may use."""
    if threads is None:
        available = getattr(os, "sched_getaffinity", None)
        return len(available(0)) if available else os.cpu_count() or 1
    return whole_number(threads, 1, 1024, "threads")
