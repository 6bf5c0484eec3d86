"""Which rows of a neighbour list moved atoms change, as lists of their own."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..array_types import Doubles, Int32s, Int64s, Integers
from ..inputs.neighbour_list import CallerList
from ..kernels.layout import Neighbourhood


class Cluster(NamedTuple):
    """Rows of a list, over the atoms and images that are in them.

    Parameters
    ----------
    positions : (n, 3) Å
    owners : (n,) the structure's atom behind each
    centres : (n_rows,) the structure's atom of each row
    rows : CallerList, of indices into positions
    """

    positions: Doubles
    owners: Int32s
    centres: Int32s
    rows: CallerList

    def copies(self, number: int) -> CallerList:
        """The rows of so many copies of the cluster, one after another."""
        n, rows = len(self.positions), self.rows
        ends = rows.first[1:]
        later = np.arange(number)[:, None]
        return CallerList(
            types=np.tile(rows.types, number),
            centres=_shifted(rows.centres, n * later),
            first=np.append(0, (ends + rows.n_list * later).reshape(-1)),
            neighbours=_shifted(rows.neighbours, n * later),
        )


class TouchedRows:
    """The rows of a full neighbour list that depend on where some atoms are.

    The energy of an atom depends on its neighbours' positions alone, and in a full list
    the neighbours of an atom are those that have it for a neighbour.

    Parameters
    ----------
    hood : over the atoms of a structure and their images
    owners : (n_all,) the structure's atom behind each
    """

    def __init__(self, hood: Neighbourhood, owners: Int32s) -> None:
        self._hood, self._owners = hood, owners
        self._row_of = np.empty(len(hood.centres), np.int64)
        self._row_of[owners[hood.centres]] = np.arange(len(hood.centres))

    def by(self, moved: Integers) -> Int64s:
        """Rows (m,), ascending, that change where these atoms move."""
        own = self._row_of[moved]
        near = self._owners[self._listed(own)[1]]
        return np.unique(np.concatenate([own, self._row_of[near]]))

    def cluster(self, rows: Int64s) -> Cluster:
        """The cluster of these rows."""
        hood = self._hood
        first, listed = self._listed(rows)
        centres = hood.centres[rows]
        atoms, places = np.unique(
            np.concatenate([centres, listed]), return_inverse=True
        )
        own = places.reshape(-1).astype(np.int32)
        return Cluster(
            positions=hood.positions[atoms],
            owners=self._owners[atoms],
            centres=self._owners[centres],
            rows=CallerList(
                types=hood.types[atoms],
                centres=own[: len(rows)],
                first=first,
                neighbours=own[len(rows) :],
            ),
        )

    def _listed(self, rows: Int64s) -> tuple[Int64s, Int32s]:
        """Where the neighbours of each row start (m + 1,), and the neighbours."""
        begins = self._hood.first[rows]
        sizes = self._hood.first[rows + 1] - begins
        first = np.append(0, np.cumsum(sizes))
        places = np.arange(first[-1]) + np.repeat(begins - first[:-1], sizes)
        return first, self._hood.neighbours[places]


def _shifted(indices: Int32s, by: Int64s) -> Int32s:
    return (indices + by).reshape(-1).astype(np.int32)
