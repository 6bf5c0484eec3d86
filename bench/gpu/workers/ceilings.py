"""What the device reaches in copies, multiply-adds and matrix products.

It prints ``copy`` in bytes/s, read and written; ``float32`` and ``float64`` in
operations/s outside matrix products; ``product_KIND`` in operations/s of matrix
products in float32, float64 and tf32, the best of all shapes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from dpse_fast.cuda.device import Device

from ...ratios import median
from ..backend import Backend, backend_named
from ..running import emit

REPEATS, WARM_UP = 7, 2
SQUARE = {"cuda": 8192, "cpu": 512}
ROWS = {"cuda": 2**16, "cpu": 256}  # of a batch of atoms
COPIED = {"cuda": 2**30, "cpu": 2**22}  # bytes, beyond any L2
NETS = ((480, 240), (240, 240), (1480, 240))  # inputs and outputs of fitting layers
WARPS, ROUNDS = 64, 2**10  # of a multiprocessor; of multiply-adds


def seconds_of(
    backend: Backend, work: Callable[[], object], repeats: int = REPEATS
) -> float:
    """Median by the device's clock, after a warm-up."""
    for _ in range(WARM_UP):
        work()
    backend.synchronise()
    found = []
    for _ in range(repeats):
        begin = backend.mark()
        work()
        found.append(backend.seconds_between(begin, backend.mark()))
    return median(found)


def numbers(backend: Backend, shape: Any, dtype: Any) -> Any:
    """Of a normal distribution: products of zeros take less power."""
    random = backend.xp.random.default_rng(0)
    return random.standard_normal(shape, dtype=np.float32).astype(dtype)


def copies(backend: Backend) -> dict[str, float]:
    """Bytes read and written in a second by a copy of an array."""
    n_bytes = COPIED[backend.device]
    source = numbers(backend, n_bytes // 4, np.float32)
    target = backend.xp.empty_like(source)

    def copy() -> None:
        target[...] = source

    return {"copy": 2 * n_bytes / seconds_of(backend, copy)}


def products(backend: Backend) -> dict[str, Any]:
    """Rates of large square products, and of those of fitting nets, there and back."""
    kinds = ["float32", "float64"] + (["tf32"] if backend.device == "cuda" else [])
    multiply = _multiply_of(backend)
    found: dict[str, Any] = {"fitting_shapes": {}}
    rows = ROWS[backend.device]
    for kind in kinds:
        dtype = np.dtype("float64" if kind == "float64" else "float32")
        size = SQUARE[backend.device] // (2 if kind == "float64" else 1)
        rate = _rate(backend, multiply, (size, size, size), dtype, kind, False)
        found[f"product_{kind}"] = rate
        for k, m in NETS:
            shape = f"({rows}, {k}) ({k}, {m})"
            there, back = (
                _rate(backend, multiply, (rows, k, m), dtype, kind, turned)
                for turned in (False, True)
            )
            found["fitting_shapes"][f"{kind} {shape}"] = [there, back]
            # The ceiling is the best that any shape reaches.
            found[f"product_{kind}"] = max(found[f"product_{kind}"], there, back)
    return found


def _rate(
    backend: Backend,
    multiply: Callable[..., None],
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    kind: str,
    turned: bool,
) -> float:
    n, k, m = shape
    left = numbers(backend, (n, m if turned else k), dtype)
    right = numbers(backend, (k, m), dtype)
    out = backend.xp.empty((n, k if turned else m), dtype)
    seconds = seconds_of(backend, lambda: multiply(left, right, out, turned, kind))
    return 2.0 * n * k * m / seconds


def _multiply_of(backend: Backend) -> Callable[..., None]:
    """The product that dpse-fast calls."""
    if backend.device == "cpu":

        def by_numpy(a: Any, b: Any, out: Any, turned: bool, kind: str) -> None:
            np.matmul(a, b.T if turned else b, out=out)

        return by_numpy
    from dpse_fast.cuda.cupy_device import CupyDevice

    device = CupyDevice()

    def by_cublas(a: Any, b: Any, out: Any, turned: bool, kind: str) -> None:
        device.multiply(a, b, out, transpose=turned, tf32=kind == "tf32")

    return by_cublas


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


def main() -> None:
    options = json.loads(sys.argv[1])
    backend = backend_named(options["device"])
    steps: list[Callable[[Backend], dict[str, Any]]] = [copies, products]
    if backend.device == "cuda":
        steps.append(arithmetic)
    for step in steps:
        start = time.perf_counter()
        found = step(backend)
        backend.release()
        emit({**found, f"seconds of {step.__name__}": time.perf_counter() - start})


if __name__ == "__main__":
    main()
