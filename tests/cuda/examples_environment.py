"""Arguments of the kernel that collects pairs."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.environment import environments
from dpse_fast.kernels.cuda.layout import Batch, BatchPairs, FullList
from dpse_fast.kernels.layout import Environments, Tally

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import Example


def examples(precision: str) -> list[Example]:
    """The kernel, for the pairs of a precision."""
    dtype, geometry = PRECISIONS[precision]
    doubles, ints, longs = (np.zeros(64, t) for t in (np.float64, np.int32, np.int64))
    slots, square = np.zeros(64, np.uint16), np.zeros((2, 2), np.int32)
    hood = FullList(longs, ints, slots, ints, ints, ints)
    pairs = BatchPairs(
        *(longs, 0, 1, ints, slots, ints),
        *(np.zeros(64, dtype), np.zeros(192, geometry), ints),
    )
    env = Environments(
        *(6.0, 0.4, 0.9, longs, 0, ints),
        *([square] * 4),
        *([longs] * 3),
        *(doubles, doubles, longs, ints, doubles),
    )
    counts = np.zeros((2, 2), np.int64)
    tally = Tally(longs, counts, ints, square, ints, ints)
    arguments = (hood, doubles, Batch(0, 1), env, True, pairs, tally)
    return [Example("environments", environments, arguments, 128, True, True)]
