"""Arguments of the kernels of forces and sums."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.forces import make_gather_forces, make_scatter_forces
from dpse_fast.kernels.cuda.layout import FullList, PairGradients, Tile
from dpse_fast.kernels.cuda.sums import hand_over, sum_parts

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import Example


def examples(precision: str) -> list[Example]:
    """Each kernel, for the pair gradients of a precision."""
    reals, longs, ints = (np.zeros(64, t) for t in (np.float64, np.int64, np.int32))
    hood = FullList(longs, ints, np.zeros(64, np.uint16), ints, ints, ints)
    gradients = PairGradients(np.zeros(64, PRECISIONS[precision][1]), 0)
    tile = Tile(0, 1)
    found = []
    for atomic in (False, True):
        suffix = "_atomic" if atomic else ""
        gather = (hood, 2, reals, 36.0, tile, gradients, 1, reals, reals, reals)
        scatter = (hood, 2, reals, tile, gradients, 1, reals, reals, reals)
        found += [
            Example(
                f"gather_forces{suffix}",
                make_gather_forces(atomic),
                gather,
                registers=96 if atomic else 72,
                wide_loads=True,
                float64=True,
            ),
            Example(
                f"scatter_forces{suffix}",
                make_scatter_forces(atomic),
                scatter,
                registers=96 if atomic else 72,
                wide_loads=True,
                float64=True,
            ),
        ]
    parts = (reals, 64, 1, reals, 0)
    results = (ints, ints, reals, reals, reals, reals, reals, reals, longs)
    return [
        *found,
        Example("sum_parts", sum_parts, parts, 32, wide_loads=False, float64=True),
        Example("hand_over", hand_over, results, 32, wide_loads=False, float64=True),
    ]
