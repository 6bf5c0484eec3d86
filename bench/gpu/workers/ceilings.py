"""What the device reaches in copies, multiply-adds and matrix products.

The records have ``copy`` in bytes/s, read and written; ``float32`` and ``float64`` in
operations/s outside matrix products; ``product_KIND`` in operations/s of matrix
products in float32, float64 and tf32, the best of all shapes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from dpse_fast.cuda.device import Device

from ...ratios import median
from ..backend import Backend

REPEATS, WARM_UP = 7, 2
SQUARE = {"cuda": 8192, "cpu": 512}
ROWS = {"cuda": 2**16, "cpu": 256}  # of a batch of atoms
COPIED = {"cuda": 2**30, "cpu": 2**22}  # bytes, beyond any L2
NETS = ((480, 240), (240, 240), (1480, 240))  # inputs and outputs of fitting layers
WARPS, ROUNDS = 64, 2**10  # of a multiprocessor; of multiply-adds


def seconds_of(backend: Backend, work: Callable[[], object]) -> float:
    """Median by the device's clock, after a warm-up."""
    found = [backend.time(work)[0] for _ in range(WARM_UP + REPEATS)]
    return median(found[WARM_UP:])


def numbers(backend: Backend, shape: Any, dtype: Any) -> Any:
    """Of a normal distribution: products of zeros take less power."""
    random = backend.xp.random.default_rng(0)
    return random.standard_normal(shape, dtype=np.float32).astype(dtype)


def copies(backend: Backend) -> dict[str, float]:
    """Bytes read and written in a second by a copy of an array."""
    n_bytes = COPIED[backend.device]
    source = numbers(backend, n_bytes // 4, np.float32)
    target = backend.xp.empty_like(source)
    copy = partial(target.__setitem__, ..., source)
    return {"copy": 2 * n_bytes / seconds_of(backend, copy)}


def products(backend: Backend) -> dict[str, Any]:
    """Rates of large square products, and of those of fitting nets, there and back."""
    found: dict[str, Any] = {"fitting_shapes": {}}
    rows = ROWS[backend.device]
    for kind in ("float32", "float64", *(["tf32"] if backend.on_gpu else [])):
        size = SQUARE[backend.device] // (2 if kind == "float64" else 1)
        rates = [product_rate(backend, (size, size, size), kind)]
        for k, m in NETS:
            both = [product_rate(backend, (rows, k, m), kind, t) for t in (False, True)]
            found["fitting_shapes"][f"{kind} ({rows}, {k}) ({k}, {m})"] = both
            rates += both
        # The ceiling is the best that any shape reaches.
        found[f"product_{kind}"] = max(rates)
    return found


def product_rate(
    backend: Backend, shape: tuple[int, int, int], kind: str, turned: bool = False
) -> float:
    """Operations a second of the product that dpse-fast calls, or of its way back."""
    n, k, m = shape
    dtype = np.dtype("float64" if kind == "float64" else "float32")
    left = numbers(backend, (n, m if turned else k), dtype)
    right = numbers(backend, (k, m), dtype)
    out = backend.xp.empty((n, k if turned else m), dtype)
    if backend.on_gpu:
        from dpse_fast.cuda.cupy_device import CupyDevice

        how = {"transpose": turned, "tf32": kind == "tf32"}
        work = partial(CupyDevice().multiply, left, right, out, **how)
    else:
        work = partial(np.matmul, left, right.T if turned else right, out=out)
    return 2.0 * n * k * m / seconds_of(backend, work)


def arithmetic(backend: Backend) -> dict[str, float]:
    """Multiply-adds outside matrix products, on a whole GPU."""
    from dpse_fast.cuda.cupy_device import CupyDevice

    device = CupyDevice()
    properties = backend.xp.cuda.runtime.getDeviceProperties(device.number)
    n_warps = WARPS * int(properties["multiProcessorCount"])
    with device.active():
        return arithmetic_rates(backend, device, n_warps, ROUNDS)


def arithmetic_rates(
    backend: Backend, device: Device, n_warps: int, rounds: int
) -> dict[str, float]:
    """Operations a second by precision; a multiply-add is two.

    Parameters
    ----------
    rounds : of multiply-adds in float32, four times those in float64
    """
    from .ceiling_kernels import CHAINS, LINKS, multiply_add

    found = {}
    for kind, times in ((np.float32, rounds), (np.float64, rounds // 4)):
        sums = device.empty(32 * n_warps, kind)
        work = partial(device.launch, multiply_add(kind), n_warps, times, n_warps, sums)
        operations = 2.0 * CHAINS * LINKS * times * 32 * n_warps
        found[np.dtype(kind).name] = operations / seconds_of(backend, work)
    return found


def records(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    backend = Backend(options["device"])
    for step in (copies, products, *([arithmetic] if backend.on_gpu else [])):
        start = time.perf_counter()
        found = step(backend)
        backend.release()
        yield {**found, f"seconds of {step.__name__}": time.perf_counter() - start}
