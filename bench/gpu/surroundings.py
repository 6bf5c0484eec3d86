"""How many neighbours the atoms of a structure have, by their types."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PER_PASS = 2**21  # distances in memory at once


class Surroundings(NamedTuple):
    """Means over the atoms of a periodic structure."""

    share: Floats  # (P,) of the atoms that are of each type
    pairs: Floats  # (P, P) neighbours within the cutoff, by centre and neighbour type
    listed: Floats  # (P, P) within the cutoff and the skin

    def mean(self, numbers: Floats) -> float:
        """Of all atoms, what (P,) centres have."""
        return float(self.share @ numbers)


def surroundings_of(
    positions: Floats,
    types: NDArray[np.integer],
    cell: Floats,
    cutoff: float,
    skin: float,
    n_types: int,
) -> Surroundings:
    """Count all pairs of a small periodic cell.

    Parameters
    ----------
    positions : (N, 3) Å
    types : (N,) of 0 … n_types − 1
    cell : (3, 3) Å, rows a, b, c
    cutoff, skin : Å
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    fractions = positions @ np.linalg.inv(cell)
    spread = np.ptp(fractions, axis=0)
    most = np.ceil((cutoff + skin) / heights + spread).astype(int)
    shifts = np.array(list(product(*(range(-m, m + 1) for m in most)))) @ cell
    counts = np.zeros((2, n_types, n_types))
    rows = max(PER_PASS // (len(shifts) * len(positions)), 1)
    for begin in range(0, len(positions), rows):
        some = positions[begin : begin + rows]
        apart = positions[None, :, None] + shifts - some[:, None, None]
        squared = (apart**2).sum(axis=-1)
        for k, limit in enumerate((cutoff, cutoff + skin)):
            # Not the atom itself.
            near = ((squared < limit**2) & (squared > 0)).sum(axis=-1)
            for t in range(n_types):
                found = near[:, types == t].sum(axis=1)
                np.add.at(counts[k, :, t], types[begin : begin + rows], found)
    atoms = np.bincount(types, minlength=n_types).astype(float)
    each = np.maximum(atoms, 1)[:, None]
    return Surroundings(atoms / atoms.sum(), counts[0] / each, counts[1] / each)
