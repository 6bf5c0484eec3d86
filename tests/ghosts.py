"""Explicit ghosts and a full list as an MD code would bring them, in plain NumPy."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Ghosts(NamedTuple):
    """Local atoms first, then ghosts; a full list of the local ones in any order."""

    positions: Array  # (n_all, 3)
    types: NDArray[np.int64]  # (n_all,)
    owners: NDArray[np.int64]  # (n_all,) the atom behind each
    first: NDArray[np.int64]
    neighbours: NDArray[np.int64]

    @property
    def lists(self) -> tuple[Any, ...]:
        """What the session takes after the types."""
        return self.first, self.neighbours

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the session takes first."""
        return self.positions, self.types, *self.lists

    def onto_owners(self, values: Array, n: int) -> Array:
        """(n, …) sums of the values of all atoms."""
        total = np.zeros((n, *values.shape[1:]))
        np.add.at(total, self.owners, values)
        return total


def with_ghosts(
    positions: Array,
    types: Any,
    cell: Array | None,
    pbc: Any,
    reach: float,
    local: Any = None,
    seed: int = 0,
) -> Ghosts:
    """Ghosts within reach (Å) of the local atoms; None: all are local.

    Other atoms of the structure are ghosts as well, as on one rank of several.
    """
    rng = np.random.default_rng(seed)
    n = len(positions)
    own = np.arange(n) if local is None else np.asarray(local)
    shifts, vectors = [range(1)] * 3, np.eye(3)
    if cell is not None and np.any(pbc):
        vectors = np.asarray(cell)
        heights = 1 / np.linalg.norm(np.linalg.pinv(vectors), axis=0)
        span = np.ptp(positions @ np.linalg.pinv(vectors), axis=0)
        most = np.ceil(reach / heights + span).astype(int)
        periodic = zip(most, np.broadcast_to(pbc, 3), strict=True)
        shifts = [range(-m, m + 1) if p else range(1) for m, p in periodic]
    owners, places = list(own), list(positions[own])
    for shift in product(*shifts):
        moved = positions + np.array(shift) @ vectors
        apart = np.linalg.norm(moved[:, None] - positions[own], axis=2)
        near = (apart < reach).any(axis=1)
        if shift == (0, 0, 0):
            near[own] = False
        owners += np.flatnonzero(near).tolist()
        places += list(moved[near])
    whole, of = np.array(places).reshape(-1, 3), np.array(owners, np.int64)
    rows = []
    for k in range(len(own)):
        near = np.linalg.norm(whole - whole[k], axis=1) < reach
        near[k] = False
        rows.append(rng.permutation(np.flatnonzero(near)))
    first = np.cumsum([0, *map(len, rows)])
    neighbours = np.concatenate([*rows, np.empty(0, np.int64)]).astype(np.int64)
    return Ghosts(whole, np.asarray(types)[of], of, first, neighbours)
