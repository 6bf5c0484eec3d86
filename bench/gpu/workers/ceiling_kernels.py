"""Kernels that do nothing but multiply and add, for the ceilings of a GPU."""

from __future__ import annotations

from functools import cache
from typing import Any

from dpse_fast.kernels.cuda._cuda import WARP, cuda, kernel
from dpse_fast.kernels.cuda._ptx import first_item, lane, put

CHAINS, LINKS = 8, 16  # of dependent multiply-adds in a thread, a round
BLOCKS = 8  # of a multiprocessor


@cache
def multiply_add(dtype: Any) -> Any:
    """A kernel of multiply-adds in registers, CHAINS · LINKS a round and thread."""

    def chains(rounds: int, n_warps: int, out: Any) -> None:
        x = cuda.local.array(CHAINS, dtype)
        w = first_item()
        if w >= n_warps:
            return
        real = out.dtype.type
        factor = real(0.999)
        for k in range(CHAINS):
            x[k] = real(k)
        for _ in range(rounds):
            for _ in range(LINKS):
                for k in range(CHAINS):
                    x[k] = x[k] * factor + factor
        total = real(0)
        for k in range(CHAINS):
            total += x[k]
        put(out, w * WARP + lane(), total)

    return kernel(chains, blocks=BLOCKS)
