"""Arguments of the kernels of the pair table."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.layout import Batch, BatchPairs, FullList, PairGradients
from dpse_fast.kernels.cuda.pair_potential import pair_potentials, take_over
from dpse_fast.kernels.layout import PairPotential, Switch

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import Example


def examples(precision: str) -> list[Example]:
    """Each kernel, for the pair gradients of a precision."""
    reals, longs, ints = (np.zeros(64, t) for t in (np.float64, np.int64, np.int32))
    places = np.zeros(64, np.uint16)
    hood = FullList(longs, ints, places, ints, ints, ints)
    # A pair table needs no tables' offsets.
    pairs = BatchPairs(longs, 0, 1, ints, places, ints, ints, reals, ints)
    potential = PairPotential(
        coefficients=reals,
        start=0.5,
        inverse_step=8.0,
        end=3.0,
        switch_rcut=4.0,
        switch=Switch(1.9, 1.0, 1.0, 0.0),
        inverse_alpha=5.0,
        least_sum=0.0,
        excluded=np.zeros((2, 2), np.int32),
        sel=longs,
        group=ints,
    )
    collect = (hood, reals, Batch(0, 1), potential, True, pairs, reals, reals)
    gradients = PairGradients(np.zeros(64, PRECISIONS[precision][1]), 0)
    switch = (pairs, 2, reals, reals, 0.0, reals, gradients)
    return [
        Example(
            "pair_potentials",
            pair_potentials,
            (*collect, longs, ints, ints),
            registers=128,
            wide_loads=True,
            float64=True,
        ),
        Example("take_over", take_over, switch, 64, wide_loads=False, float64=True),
    ]
