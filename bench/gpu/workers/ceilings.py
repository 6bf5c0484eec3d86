"""What the device reaches in copies, loads, multiply-adds and matrix products.

The rates that it prints carry the names of `bench.gpu.ceilings.Ceilings`.
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
STEP, HOP = 256, 1021  # see `ceiling_kernels.read_parts`
NETS = ((488, 240), (240, 240), (1480, 240))  # inputs and outputs of fitting layers


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


def kernels(backend: Backend) -> dict[str, float]:
    """What our own kernels reach that do nothing but load, copy or multiply."""
    from dpse_fast.cuda.cupy_device import CupyDevice

    device = CupyDevice()
    properties = backend.xp.cuda.runtime.getDeviceProperties(device.number)
    n_warps = 64 * int(properties["multiProcessorCount"])
    l2_bytes = int(properties["l2CacheSize"])
    with device.active():
        return kernel_rates(backend, device, n_warps, COPIED["cuda"], l2_bytes, 2**10)


def kernel_rates(
    backend: Backend,
    device: Device,
    n_warps: int,
    n_bytes: int,
    l2_bytes: int,
    rounds: int,
) -> dict[str, float]:
    """Bytes and operations a second.

    Parameters
    ----------
    n_bytes : of an array that no cache holds
    rounds : of multiply-adds in float32, four times those in float64
    """
    from .ceiling_kernels import CHAINS, LINKS, copy_kernel, multiply_add, read_kernel

    host = np.random.default_rng(0).normal(size=n_bytes // 4).astype(np.float32)
    source, target = device.upload(host), device.empty(host.size, np.float32)
    sums = {kind: device.empty(32 * n_warps, kind) for kind in (np.float32, np.float64)}

    def rate(amount: float, kernel: Any, *arguments: Any) -> float:
        work = partial(device.launch, kernel, n_warps, *arguments)
        return amount / seconds_of(backend, work)

    found = {"copy_kernel": rate(2.0 * n_bytes, copy_kernel, source, target, n_warps)}
    for name, read in reads_of(host.size, l2_bytes, n_warps).items():
        size, part, hop, times = read
        some = device.part(source, 0, size)
        arguments = (some, part, hop, times, n_warps, sums[np.float32])
        loaded = 16.0 * part * times * n_warps
        found[name] = rate(loaded, read_kernel, *arguments)
    for kind, times in ((np.float32, rounds), (np.float64, rounds // 4)):
        chains: Any = multiply_add(kind)
        operations = 2.0 * CHAINS * LINKS * times * 32 * n_warps
        found[np.dtype(kind).name] = rate(
            operations, chains, times, n_warps, sums[kind]
        )
    return found


def reads_of(
    size: int, l2_bytes: int, n_warps: int
) -> dict[str, tuple[int, int, int, int]]:
    """Numbers, vectors of a part, hop and rounds of what each level serves.

    The whole array once, a quarter of L2 many times, 32 KiB by every warp.

    Parameters
    ----------
    size : numbers of float32 that there are
    """
    share = size // 4 // n_warps // STEP * STEP
    in_l2 = max(l2_bytes // 16 // (4 * STEP), 1)
    return {
        "memory_read": (size, share, 1, 1),
        "l2": (4 * STEP * in_l2, STEP, HOP % in_l2 or 1, 64),
        "l1": (2**13, 2**11, 0, 64),
    }


def main() -> None:
    options = json.loads(sys.argv[1])
    backend = backend_named(options["device"])
    steps: list[Callable[[Backend], dict[str, Any]]] = [copies, products]
    if backend.device == "cuda":
        steps.append(kernels)
    for step in steps:
        start = time.perf_counter()
        found = step(backend)
        backend.release()
        emit({**found, f"seconds of {step.__name__}": time.perf_counter() - start})


if __name__ == "__main__":
    main()
