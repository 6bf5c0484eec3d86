"""What matrix products of given shapes reach on one thread of this machine."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

BLOCKS = (64, 128, 256, 512, 1024)  # rows of atoms
SQUARE = 2048
REPEATS = 7

Product = Callable[[], Any]
Shape = tuple[int, int]  # inputs, outputs of a layer


def layer_flops(shapes: Sequence[Shape]) -> int:
    """FLOPs of one atom's matrix products through a net and back: x@W and y@Wᵀ."""
    return 4 * sum(n_in * n_out for n_in, n_out in shapes)


def gflops(flops: float, function: Callable[[], Any], calls: int = 1) -> float:
    """GFLOP/s of a call by CPU time, in the shortest of several runs of so many calls.

    CPU time is that of all threads of the process, so that BLAS must be on one.
    """
    function()
    runs = timeit.repeat(
        function, timer=time.process_time, repeat=REPEATS, number=calls
    )
    return float(1e-9 * flops * calls / min(runs))


def square_rate(dtype: Any, size: int = SQUARE) -> float:
    """GFLOP/s of a large square product."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(size, size)).astype(dtype) for _ in range(2))
    out = np.empty_like(a)
    return gflops(2 * size**3, lambda: np.matmul(a, b, out=out))


def chain_rates(
    shapes: Sequence[Shape], dtype: Any, blocks: Sequence[int] = BLOCKS
) -> dict[str, Any]:
    """Products of a net's layers, forward and backward, block after block.

    Parameters
    ----------
    shapes : (inputs, outputs) of the layers in order
    blocks : numbers of rows to try

    Returns
    -------
    ``gflops`` and ``block`` of the best block, ``by_block``, and ``layers``: the
    rates of x@W and of y@Wᵀ of every layer at that block
    """
    rng = np.random.default_rng(0)
    weights = [(rng.normal(size=s) / np.sqrt(s[0])).astype(dtype) for s in shapes]

    def products(rows: int) -> list[tuple[Product, Product]]:
        """Of each layer, forward and backward."""
        found: list[tuple[Product, Product]] = []
        for w in weights:
            x, y, back = (np.ones((rows, n), dtype) for n in (*w.shape, w.shape[0]))
            forward = partial(np.matmul, x, w, out=y)
            found.append((forward, partial(np.matmul, y, w.T, out=back)))
        return found

    def chain(rows: int) -> Callable[[], None]:
        layers = products(rows)
        order = [there for there, _ in layers] + [back for _, back in layers[::-1]]

        def run() -> None:
            for product in order:
                product()

        return run

    # About a thousand rows a run, so that the clock's grain does not matter.
    by_block = {
        rows: gflops(rows * layer_flops(shapes), chain(rows), max(1, 1024 // rows))
        for rows in blocks
    }
    best = max(by_block, key=by_block.__getitem__)
    layers = [
        {
            "shape": list(shape),
            "forward_gflops": gflops(2 * best * shape[0] * shape[1], forward),
            "backward_gflops": gflops(2 * best * shape[0] * shape[1], backward),
        }
        for shape, (forward, backward) in zip(shapes, products(best), strict=True)
    ]
    return {
        "gflops": by_block[best],
        "block": best,
        "by_block": by_block,
        "layers": layers,
    }
