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

    def products(rows: int) -> tuple[list[Product], list[Product]]:
        """Forward and backward, layer by layer."""
        there: list[Product] = []
        back: list[Product] = []
        for w in weights:
            x, y, slope = (np.ones((rows, n), dtype) for n in (*w.shape, w.shape[0]))
            there.append(partial(np.matmul, x, w, out=y))
            back.append(partial(np.matmul, y, w.T, out=slope))
        return there, back

    by_block = {}
    for rows in blocks:
        there, back = products(rows)
        chain = partial(_all, [*there, *back[::-1]])
        # About a thousand rows a run, so that the clock's grain does not matter.
        calls = max(1, 1024 // rows)
        by_block[rows] = gflops(rows * layer_flops(shapes), chain, calls)
    best = max(by_block, key=by_block.__getitem__)
    layers = []
    for (n_in, n_out), *both in zip(shapes, *products(best), strict=True):
        forward, backward = (gflops(2 * best * n_in * n_out, each) for each in both)
        layer = {"shape": [n_in, n_out], "forward_gflops": forward}
        layers.append({**layer, "backward_gflops": backward})
    rate = by_block[best]
    return {"gflops": rate, "block": best, "by_block": by_block, "layers": layers}


def _all(products: Sequence[Product]) -> None:
    for product in products:
        product()
