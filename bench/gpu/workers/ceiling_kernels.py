"""Kernels that do one thing, for the ceilings of a GPU."""

from __future__ import annotations

from functools import cache
from typing import Any

from dpse_fast.kernels.cuda._cuda import WARP, cuda, kernel
from dpse_fast.kernels.cuda._ptx import fetch4, first_item, lane, load4, put, store4

CHAINS, LINKS = 8, 16  # of dependent multiply-adds in a thread, a round
LOADS = 8  # of 16 bytes that a thread has on their way
STEP = LOADS * WARP  # vectors of four
BLOCKS = 8  # of a multiprocessor


def copy_fours(source: Any, target: Any, n_warps: int) -> None:
    """target ← source, 16 bytes a load; both of whole vectors of four."""
    w = first_item()
    if w >= n_warps:
        return
    for at in range(w * WARP + lane(), source.size // 4, n_warps * WARP):
        store4(target, 4 * at, load4(source, 4 * at))


def read_parts(
    source: Any, part: int, hop: int, rounds: int, n_warps: int, out: Any
) -> None:
    """Sums over parts of so many vectors of four, a multiple of `STEP`.

    A warp takes another part in every round, ``hop`` further, so that no part is in
    the L1 cache of its multiprocessor; without a hop all take the first.
    """
    w = first_item()
    if w >= n_warps:
        return
    real = source.dtype.type
    n_parts = source.size // (4 * part)
    a = real(0)
    b = real(0)
    which = w % n_parts if hop > 0 else 0
    for _ in range(rounds):
        first = which * part
        for at in range(first + lane(), first + part, STEP):
            for k in range(LOADS):
                four = fetch4(source, 4 * (at + k * WARP))
                a += four[0] * four[1]
                b += four[2] * four[3]
        which += hop
        if which >= n_parts:
            which -= n_parts
    put(out, w * WARP + lane(), a + b)


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


copy_kernel = kernel(copy_fours, blocks=BLOCKS)
read_kernel = kernel(read_parts, blocks=BLOCKS)
