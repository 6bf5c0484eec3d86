"""Kernels with the faults that the gate is for."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda._cuda import cuda, kernel
from dpse_fast.kernels.cuda._ptx import first_item, lane, load4, pick, put

from tests.cuda.example import Example

N_SUMS = 48
SIZE = 64


@kernel
def literals(x, out):
    i = first_item() * 32 + lane()
    put(out, i, 0.3 * pick(x, i) + 0.1)


@kernel
def run_time_index(x, out, n):
    kept = cuda.local.array(SIZE, np.float32)
    i = first_item() * 32 + lane()
    for k in range(n):
        kept[k % SIZE] = pick(x, i + k)
    put(out, i, kept[i % SIZE])


@kernel
def narrow_loads(x, out):
    i = first_item() * 32 + lane()
    put(out, i, pick(x, i))


def make_many_sums(blocks):
    """More sums than `blocks` blocks of a multiprocessor have registers for."""

    def many_sums(x, out, n):
        sums = cuda.local.array(N_SUMS, np.float32)
        i = first_item() * 32 + lane()
        for k in range(N_SUMS):
            sums[k] = pick(x, i + k)
        for row in range(n):
            four = load4(x, 4 * row)
            for k in range(N_SUMS):
                sums[k] = sums[k] * four[k % 4] + sums[(k + 1) % N_SUMS]
        for k in range(N_SUMS):
            put(out, i + k, sums[k])

    return kernel(many_sums, blocks=blocks)


def examples(precision: str) -> list[Example]:
    """One for each fault, and one that has none."""
    x = np.zeros(64, np.float32)

    def example(name, function, arguments, registers=64, wide=False):
        return Example(name, function, arguments, registers, wide, float64=False)

    many = (x, x, 4)
    return [
        example("literals", literals, (x, x)),
        example("run_time_index", run_time_index, (x, x, 4)),
        example("narrow_loads", narrow_loads, (x, x), wide=True),
        example("spills", make_many_sums(12), many, wide=True),
        example("many_registers", make_many_sums(4), many, registers=32, wide=True),
        example("good", make_many_sums(4), many, registers=128, wide=True),
    ]
