"""What the fitting nets take, and what their last layers take, of one structure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpse_fast.model import Model

from .descriptors import Description
from .fitting import parameters
from .geometry import neighbour_pairs
from .networks import hidden
from .slots import Overflow

Array = NDArray[np.float64]


def features(
    model: Model,
    positions: ArrayLike,
    types: ArrayLike,
    cell: ArrayLike | None = None,
    pbc: Sequence[bool] = (True, True, True),
    sel_overflow: Overflow = "truncate",
    fparam: ArrayLike | None = None,
    aparam: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """D of all descriptors (N, n_descriptor), and the last layers' inputs (N, W).

    See `evaluate`; all atoms exist.
    """
    x = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    t = np.asarray(types, dtype=np.int64)
    pairs = neighbour_pairs(x, cell, pbc, model.rcut)
    parts = [
        Description(d, pairs, t, sel_overflow, model.emptied).features
        for d in model.descriptors
    ]
    descriptors = np.hstack(parts)
    inputs = np.hstack([descriptors, parameters(model, len(t), fparam, aparam)])
    last = np.zeros((len(t), model.fitting[0].layers[-1].n_in))
    for kind, net in enumerate(model.fitting):
        last[t == kind] = hidden(net, inputs[t == kind])
    return descriptors, last
