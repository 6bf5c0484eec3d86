"""What the kernels read and write: arrays that travel together.

Symbols: n_all atoms with ghosts, n_rows centres of a list, n_pairs of a block,
M channels padded to whole registers, B centres of a block, n_types T.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


class Neighbourhood(NamedTuple):
    """A full neighbour list over local and ghost atoms (CSR).

    The neighbours of atom ``centres[k]`` are ``neighbours[first[k]:first[k+1]]``.
    Pairs beyond the model's cutoff (a skin) are allowed.
    """

    positions: Floats  # (n_all, 3) Å
    types: Ints  # (n_all,) int32
    centres: Ints  # (n_rows,) int32, index into positions
    first: Ints  # (n_rows + 1,) int64
    neighbours: Ints  # (n_list,) int32, index into positions


class Switch(NamedTuple):
    """s(r) = w(r)/(r + protection), w from 1 at ``start`` to 0 at ``cutoff``."""

    cutoff: float  # Å
    start: float  # Å
    inverse_width: float  # 1/Å
    protection: float  # Å


class Environments(NamedTuple):
    """What turns a distance into a row of R and a row of a table."""

    switch: Switch
    trusted: float  # Å, closer pairs are counted
    sel: Ints  # (T,) int64
    table_of: Ints  # (T, T) int32, -1: the pair does not count
    slots: Ints  # (T, T) int32, 1: the pair takes one of the sel slots
    mean: Floats  # (T, T) of s
    radial: Floats  # (T, T) 1/deviation of s
    angular: Floats  # (T, T) 1/deviation of s·d/r
    shortest: Floats  # (n_tables,) Å, where a table starts
    cells_per_length: Floats  # (n_tables,) 1/Å
    first_cell: Ints  # (n_tables,) int64, into cells
    cells: Ints  # (n_cells,) int32: row that holds the cell's left edge
    origins: Floats  # (n_table_rows + n_tables,) Å, +inf after each table


class Pairs(NamedTuple):
    """The pairs of a block within the cutoff; see `GEOMETRY` for the columns."""

    first: Ints  # (B + 1,) int64
    neighbours: Ints  # (n_pairs,) int32
    table_rows: Ints  # (n_pairs,) int32
    geometry: Floats  # (n_pairs, 9)
    counts: Ints  # (B, T) int32, slots taken by each type


# Columns of Pairs.geometry: d = x_j - x_i, 1/r, t = r - origin of the table row,
# R_0 and its slope in r, q = R_k/d_k and its slope in r.
GEOMETRY = (
    "dx",
    "dy",
    "dz",
    "inverse_r",
    "t",
    "radial",
    "radial_slope",
    "q",
    "q_slope",
)
N_GEOMETRY = len(GEOMETRY)
