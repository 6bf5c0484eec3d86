"""What matrix products of given shapes reach on one thread of this machine."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCKS = (64, 128, 256, 512, 1024)  # rows of atoms
SQUARE = 2048
REPEATS = 7

Shape = tuple[int, int]  # inputs, outputs of a layer
Array = NDArray[np.floating]


def layer_flops(shapes: Sequence[Shape]) -> int:
    """FLOPs of one atom's matrix products through a net and back: x@W and y@Wᵀ."""
    return 4 * sum(n_in * n_out for n_in, n_out in shapes)


def least_seconds(function: Callable[[], Any], calls: int = 1) -> float:
    """CPU time of a call in the shortest of several runs of so many calls.

    Of all threads of the process, so that BLAS must be on one.
    """
    function()
    runs = timeit.repeat(
        function, timer=time.process_time, repeat=REPEATS, number=calls
    )
    return min(runs) / calls


def square_rate(dtype: Any, size: int = SQUARE) -> float:
    """GFLOP/s of a large square product."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(size, size)).astype(dtype) for _ in range(2))
    out = np.empty_like(a)
    seconds = least_seconds(lambda: np.matmul(a, b, out=out))
    return float(2 * size**3 / seconds / 1e9)


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
    by_block = {}
    layers: dict[int, list[dict[str, Any]]] = {}
    rng = np.random.default_rng(0)
    weights = [(rng.normal(size=s) / np.sqrt(s[0])).astype(dtype) for s in shapes]
    for rows in blocks:
        inputs: list[Array] = [np.ones((rows, n), dtype) for n, _ in shapes]
        outputs: list[Array] = [np.ones((rows, n), dtype) for _, n in shapes]
        slopes: list[Array] = [np.ones((rows, n), dtype) for n, _ in shapes]
        together = tuple(zip(weights, inputs, outputs, slopes, strict=True))

        def chain(together: Any = together) -> None:
            for w, x, y, _ in together:
                np.matmul(x, w, out=y)
            for w, _, y, back in reversed(together):
                np.matmul(y, w.T, out=back)

        # About a thousand rows a run, so that the clock's grain does not matter.
        seconds = least_seconds(chain, max(1, 1024 // rows))
        by_block[rows] = rows * layer_flops(shapes) / seconds / 1e9
        layers[rows] = [_layer(*arrays) for arrays in together]
    best = max(by_block, key=by_block.__getitem__)
    return {
        "gflops": by_block[best],
        "block": best,
        "by_block": by_block,
        "layers": layers[best],
    }


def _layer(w: Array, x: Array, y: Array, back: Array) -> dict[str, Any]:
    forward = least_seconds(lambda: np.matmul(x, w, out=y))
    backward = least_seconds(lambda: np.matmul(y, w.T, out=back))
    flops = 2 * len(x) * w.size
    return {
        "shape": list(w.shape),
        "forward_gflops": flops / forward / 1e9,
        "backward_gflops": flops / backward / 1e9,
    }
