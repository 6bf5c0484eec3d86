"""Energies, forces and virials of a model on one structure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpse_fast.model import Model

from .descriptors import Description
from .fitting import atomic_energies, parameters
from .geometry import neighbour_pairs
from .pair_table import blend
from .slots import Overflow

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evaluation:
    """Energy (eV), forces (N, 3) (eV/Å), virial (3, 3) (eV) and their shares.

    ``virial`` is -Σ ∂E/∂d ⊗ d over all pair vectors d. Each term belongs to the
    neighbour: ``atomic_virials`` (N, 3, 3). ``atomic_energies`` is (N,).
    """

    energy: float
    forces: Array
    virial: Array
    atomic_energies: Array
    atomic_virials: Array


def evaluate(
    model: Model,
    positions: ArrayLike,
    types: ArrayLike,
    cell: ArrayLike | None = None,
    pbc: Sequence[bool] = (True, True, True),
    sel_overflow: Overflow = "truncate",
    fparam: ArrayLike | None = None,
    aparam: ArrayLike | None = None,
) -> Evaluation:
    """Evaluate the model on N atoms at ``positions`` (N, 3), Å.

    ``cell`` holds the lattice vectors as rows; ``None`` means open boundaries.
    With more neighbours of a type than ``sel``, "truncate" keeps the nearest and
    "all" keeps every one, the padding count then being negative. An atom of type
    -1 does not exist: its energy and force are 0. ``fparam`` is (k,), ``aparam``
    (N, k).
    """
    x = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    t = np.asarray(types, dtype=np.int64)
    real = t >= 0
    if not real.all():
        if aparam is not None:
            aparam = np.asarray(aparam, np.float64).reshape(len(t), -1)[real]
        kept = evaluate(
            model, x[real], t[real], cell, pbc, sel_overflow, fparam, aparam
        )
        return _with_virtual_atoms(kept, real)

    pairs = neighbour_pairs(x, cell, pbc, model.rcut)
    descriptions = [
        Description(d, pairs, t, sel_overflow, model.emptied) for d in model.descriptors
    ]
    features = np.hstack([d.features for d in descriptions])
    p = parameters(model, len(t), fparam, aparam)
    energies, gradient = atomic_energies(model, features, p, t)

    pulls = []
    if model.pair_table is not None:
        mix = blend(model.pair_table, pairs, t, sel_overflow)
        pulls += mix.pulls(energies)
        energies = energies + mix.weights * (mix.energies - energies)
        gradient = gradient * (1 - mix.weights)[:, None]
    splits = np.cumsum([d.features.shape[1] for d in descriptions])[:-1]
    for d, share in zip(descriptions, np.split(gradient, splits, 1), strict=True):
        pulls += d.pulls(share)

    force = np.zeros_like(x)
    virials = np.zeros((len(x), 3, 3))
    for some, pull in pulls:
        np.add.at(force, some.centre, pull)
        np.add.at(force, some.neighbour, -pull)
        outer = pull[:, :, None] * some.vector[:, None, :]
        np.add.at(virials, some.neighbour, -outer)
    return Evaluation(
        float(energies.sum()), force, virials.sum(axis=0), energies, virials
    )


def _with_virtual_atoms(found: Evaluation, real: NDArray[np.bool_]) -> Evaluation:
    def spread(values: Array) -> Array:
        full = np.zeros((len(real), *values.shape[1:]))
        full[real] = values
        return full

    return Evaluation(
        found.energy,
        spread(found.forces),
        found.virial,
        spread(found.atomic_energies),
        spread(found.atomic_virials),
    )
