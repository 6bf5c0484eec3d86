"""Arguments of the kernels of environments, of the pair table, of forces and sums."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.environment import environments, keep_nearest
from dpse_fast.kernels.cuda.forces import make_gather_forces, make_scatter_forces
from dpse_fast.kernels.cuda.incoming import make_gather_incoming
from dpse_fast.kernels.cuda.layout import Batch, Incoming, Tile
from dpse_fast.kernels.cuda.pair_potential import pair_potentials, take_over
from dpse_fast.kernels.cuda.sums import hand_over, sum_parts
from dpse_fast.kernels.layout import Environments, PairPotential, Switch, Tally

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import (
    DOUBLES,
    HOOD,
    INTS,
    LONGS,
    PLACES,
    Example,
    gradients_of,
    pairs_with,
)


def examples(precision: str) -> list[Example]:
    """Each kernel, for the pairs and pair gradients of a precision."""
    return [
        *of_environments(precision),
        *of_the_pair_table(precision),
        *of_forces(precision),
    ]


def of_environments(precision: str) -> list[Example]:
    square = np.zeros((8, 8), np.int32)
    pairs = pairs_with(*(np.zeros(64, dtype) for dtype in PRECISIONS[precision]))
    squares = dict.fromkeys(("table_of", "competes", "slots", "unseen"), square)
    longs = ("sel", "first_row", "first_register", "registers", "first_cell")
    doubles = ("shortest", "cells_per_length", "origins")
    env = Environments(
        **{"cutoff": 6.0, "trusted": 0.5, "trained": 0.8, "list_size": 0},
        **{"certified": 0.7},
        **{"group": INTS, "cells": INTS, "one_edge": INTS, **squares},
        **dict.fromkeys(longs, LONGS),
        **dict.fromkeys(doubles, DOUBLES),
    )
    seen = np.zeros((8, 8), np.int64)
    tally = Tally(LONGS, seen, INTS, square, INTS, INTS, square, INTS)
    arguments = (HOOD, DOUBLES, Batch(0, 1), env, True, pairs, tally)
    return [
        Example("environments", environments, arguments, 80, True, True),
        Example("keep_nearest", keep_nearest, arguments, 128, True, True),
    ]


def of_the_pair_table(precision: str) -> list[Example]:
    pairs = pairs_with(INTS, DOUBLES)  # it needs no tables' offsets
    potential = PairPotential(
        coefficients=DOUBLES,
        start=0.5,
        inverse_step=8.0,
        end=3.0,
        switch_rcut=4.0,
        switch=Switch(1.9, 1.0, 1.0, 0.0),
        inverse_alpha=5.0,
        least_sum=0.0,
        excluded=np.zeros((2, 2), np.int32),
        sel=LONGS,
        group=INTS,
    )
    collect = (HOOD, DOUBLES, Batch(0, 1), potential, True, pairs, DOUBLES, DOUBLES)
    switch = (pairs, 2, DOUBLES, DOUBLES, 0.0, DOUBLES, gradients_of(precision))
    collect += (LONGS, INTS, INTS, INTS)
    return [
        Example("pair_potentials", pair_potentials, collect, 128, True, True),
        Example("take_over", take_over, switch, 64, False, True),
    ]


def of_forces(precision: str) -> list[Example]:
    sums = (Tile(0, 1), gradients_of(precision), 1, DOUBLES, DOUBLES, DOUBLES)
    makers = {
        make_gather_forces: (36.0,),
        make_scatter_forces: (),
        make_gather_incoming: (Incoming(LONGS, INTS, PLACES),),
    }
    found = []
    for make, own in makers.items():
        for atomic in (False, True):
            name = make.__name__.removeprefix("make_") + ("_atomic" if atomic else "")
            registers = 96 if atomic and make is not make_gather_incoming else 72
            given = (HOOD, 2, DOUBLES, *own, *sums)
            found.append(Example(name, make(atomic), given, registers, True, True))
    parts = (DOUBLES, 64, 1, DOUBLES, 0)
    results = (
        INTS,
        INTS,
        INTS,
        DOUBLES,
        DOUBLES,
        DOUBLES,
        DOUBLES,
        DOUBLES,
        DOUBLES,
        LONGS,
    )
    return [
        *found,
        Example("sum_parts", sum_parts, parts, 32, False, True),
        Example("hand_over", hand_over, results, 32, False, True),
    ]
