"""Arguments of the kernels of environments."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.environment import environments, keep_nearest
from dpse_fast.kernels.cuda.layout import Batch, BatchPairs, FullList
from dpse_fast.kernels.layout import Environments, Tally

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import Example


def examples(precision: str) -> list[Example]:
    """Each kernel, for the pairs of a precision."""
    dtype, geometry_dtype = PRECISIONS[precision]
    reals, longs, ints = (np.zeros(64, t) for t in (np.float64, np.int64, np.int32))
    places, square = np.zeros(64, np.uint16), np.zeros((8, 8), np.int32)
    hood = FullList(longs, ints, places, ints, ints, ints)
    geometry = np.zeros(64, geometry_dtype)
    offsets = np.zeros(64, dtype)
    pairs = BatchPairs(longs, 0, 1, ints, places, ints, offsets, geometry, ints)
    env = Environments(
        cutoff=6.0,
        trusted=0.5,
        trained=0.8,
        sel=longs,
        list_size=0,
        group=ints,
        table_of=square,
        competes=square,
        slots=square,
        unseen=square,
        first_row=longs,
        first_register=longs,
        registers=longs,
        shortest=reals,
        cells_per_length=reals,
        first_cell=longs,
        cells=ints,
        origins=reals,
    )
    tally = Tally(longs, np.zeros((8, 8), np.int64), ints, square, ints, ints, square)
    arguments = (hood, reals, Batch(0, 1), env, True, pairs, tally)
    return [
        Example(name, kernel, arguments, n, wide_loads=True, float64=True)
        for name, kernel, n in (
            ("environments", environments, 80),
            ("keep_nearest", keep_nearest, 128),
        )
    ]
