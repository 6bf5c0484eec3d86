"""Where a model was trained: distances and pairs of types."""

from __future__ import annotations

import numpy as np

from ..array_types import Bools, Int32s
from ..model import Descriptor, Model

SHORTEST_BOND = 0.8  # Å, where the file states no trained minimum
LEAST_BOND = 0.1  # Å, where the file states less
TRUSTED = 0.5  # Å, where the file states no trained minimum
# Plans are certified from this part of the shortest bond on.
CERTIFIED = 0.9
# What deepmd-kit writes for the deviation of a type without data, besides 1/rcut.
UNTRAINED_DEVIATION = 1e-2


def trusted_distance(model: Model) -> float:
    """Half the trained minimum, Å: closer pairs are reported with a warning."""
    return 0.5 * model.min_distance if model.min_distance else TRUSTED


def trained_distance(model: Model) -> float:
    """The shortest distance of the training data, Å; 0 where the file has none."""
    return model.min_distance or 0.0


def shortest_bond(model: Model, cutoff: float) -> float:
    """The distance, Å, that a model of this cutoff must be accurate from."""
    stated = model.min_distance or SHORTEST_BOND
    return min(max(stated, LEAST_BOND), 0.5 * cutoff)


def certified_distance(model: Model) -> float:
    """The distance, Å, from which on a plan's certificate holds.

    Atoms with a closer neighbour are evaluated with the unreduced plan.
    """
    return CERTIFIED * shortest_bond(model, model.rcut)


def unseen_types(descriptor: Descriptor) -> Bools:
    """Types (n_types,) whose statistics are those of a type without any data.

    deepmd-kit then writes no mean and one deviation, 1/rcut or 0.01, for all
    components. Without such statistics of some type nothing can be told.
    """
    defaults = [UNTRAINED_DEVIATION, 1 / descriptor.rcut]
    first = descriptor.dstd[:, :1, :1]
    same = (descriptor.dstd == first).all(axis=(1, 2))
    same &= ~descriptor.davg.any(axis=(1, 2))
    known = np.isclose(first.reshape(-1, 1), defaults, rtol=1e-6, atol=0)
    unseen: Bools = same & known.any(axis=1)
    return np.zeros_like(unseen) if unseen.all() else unseen


def unseen_pairs(model: Model) -> Int32s:
    """(n_types, n_types) by centre and neighbour, 1: no such pair in training.

    Either type was absent, or no descriptor has a slot for the neighbour.
    """
    n = model.n_types
    slots = np.zeros((n, n), bool)
    for descriptor in model.descriptors:
        sel = np.array(descriptor.sel)[list(descriptor.slot_group)]
        slots |= sel[None, :] > 0
    absent = absent_types(model)
    return (absent[:, None] | absent[None, :] | ~slots).astype(np.int32)


def trained_types(model: Model, types: frozenset[int]) -> frozenset[int]:
    """Those of the types that were in training; all of them if none was.

    What a net that was never trained gives says nothing of the accuracy that the
    others need: it may be a hundred times as large.
    """
    absent = absent_types(model)
    return frozenset(t for t in types if not absent[t]) or types


def absent_types(model: Model) -> Bools:
    """Types (n_types,) that no descriptor has statistics of; see `unseen_types`."""
    absent = [unseen_types(descriptor) for descriptor in model.descriptors]
    return np.asarray(np.all(absent, axis=0))
