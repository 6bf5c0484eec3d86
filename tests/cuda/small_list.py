"""A list of a few atoms as kernels read it, by comparing all of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from dpse_fast.kernels.cuda.layout import FullList
from dpse_fast.kernels.layout import Neighbourhood
from numpy.typing import NDArray

from dpse_fast.cuda.batches import Cut

Floats = NDArray[np.float64]
IMAGES = 2  # cells on each side


class SmallList(NamedTuple):
    """Rows sorted by type, with their neighbours."""

    hood: FullList
    located: Floats  # (4 · n_all,)
    order: NDArray[np.int32]  # (n,) the atom of each row
    n: int
    n_types: int

    def rows_of(self) -> NDArray[np.intp]:
        """(n_list,) the row of each entry."""
        counts = np.diff(self.hood.first[:: self.n_types])
        return np.repeat(np.arange(self.n), counts)

    def differences(self) -> Floats:
        """(n_list, 3) Å, x_j − x_i."""
        at = self.located.reshape(-1, 4)[:, :3]
        return np.asarray(at[self.hood.neighbours] - at[self.rows_of()])

    def neighbourhood(self, species: Sequence[int]) -> Neighbourhood:
        """The same list for the processors, types numbered as in the model."""
        at = self.located.reshape(-1, 4)
        return Neighbourhood(
            positions=np.ascontiguousarray(at[:, :3]),
            types=np.array(species, np.int32)[at[:, 3].astype(int)],
            centres=np.arange(self.n, dtype=np.int32),
            first=np.ascontiguousarray(self.hood.first[:: self.n_types]),
            neighbours=self.hood.neighbours,
        )

    def cuts(self, most: int) -> list[Cut]:
        """Batches of at most so many rows."""
        types = self.located.reshape(-1, 4)[: self.n, 3].astype(int)
        first = self.hood.first[:: self.n_types]
        found = []
        for t in range(self.n_types):
            rows = np.flatnonzero(types == t)
            for begin in range(0, len(rows), most):
                some = rows[begin : begin + most]
                row, end = int(some[0]), int(some[-1]) + 1
                listed = int(first[end] - first[row])
                found.append(Cut(row, len(some), t, int(first[row]), listed))
        return found


def small_list(
    positions: Floats,
    types: NDArray[np.int32],
    cell: Floats,
    reach: float,
    n_types: int = 0,
) -> SmallList:
    """All neighbours within the reach (Å), in a periodic cell.

    Parameters
    ----------
    n_types : if some have no atoms
    """
    order = np.argsort(types, kind="stable").astype(np.int32)
    rows, n, n_types = positions[order], len(types), n_types or int(types.max()) + 1
    images = [s for s in product(range(-IMAGES, IMAGES + 1), repeat=3) if any(s)]
    everything = np.concatenate([rows, *(rows + s @ cell for s in np.array(images))])
    distances = np.linalg.norm(everything[None] - rows[:, None], axis=2)
    near = np.flatnonzero(
        (distances < reach).any(axis=0) | (np.arange(len(everything)) < n)
    )
    owners = (near % n).astype(np.int32)
    located = np.column_stack([everything[near], types[order][owners]])
    first, neighbours = [0], []
    for row in range(n):
        for species in range(n_types):
            found = [
                j
                for j, atom in enumerate(near)
                if atom != row
                and distances[row, atom] < reach
                and located[j, 3] == species
            ]
            neighbours += found
            first.append(len(neighbours))
    hood = _completed(np.array(first), np.array(neighbours, int), owners, located, n)
    return SmallList(hood, located.reshape(-1), order, n, n_types)


def _completed(
    first: NDArray[np.int64],
    neighbours: NDArray[np.int64],
    owners: NDArray[np.int32],
    located: Floats,
    n: int,
) -> FullList:
    """With reverse places and the extreme owners."""
    n_types = (len(first) - 1) // n
    row = np.repeat(np.arange(n), np.diff(first[::n_types]))
    d = located[neighbours, :3] - located[row, :3]
    reverse = np.empty(len(row), np.uint16)
    for e, (i, j) in enumerate(zip(row, owners[neighbours], strict=True)):
        same = (row == j) & (owners[neighbours] == i)
        same &= np.linalg.norm(d + d[e], axis=1) < 1e-9
        (place,) = np.flatnonzero(same)
        reverse[e] = place - first[j * n_types]
    lowest = np.full(len(first) - 1, np.iinfo(np.int32).max, np.int32)
    highest = np.full(len(first) - 1, -1, np.int32)
    for k in range(len(first) - 1):
        some = owners[neighbours[first[k] : first[k + 1]]]
        if len(some):
            lowest[k], highest[k] = some.min(), some.max()
    return FullList(
        first=first.astype(np.int64),
        neighbours=neighbours.astype(np.int32),
        reverse=reverse,
        owners=owners,
        lowest=lowest,
        highest=highest,
    )
