"""What the kernels read and write: arrays that travel together.

Symbols: n_all atoms with ghosts, n_rows centres of a list, n_pairs of a block,
C channels of a centre's moments and K of their mixture, both padded to whole
registers, B centres of a block, T types, G groups of slots, S length of a row of the
fitting net's inputs with its padding.
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
    types: Ints  # (n_all,) int32, -1: a virtual atom
    centres: Ints  # (n_rows,) int32, index into positions
    first: Ints  # (n_rows + 1,) int64
    neighbours: Ints  # (n_list,) int32, index into positions


# Atoms as the pair kernels read them: x, y, z (Å) and the type of each, (n_all · 4,).
LOCATED = ("x", "y", "z", "type")
N_LOCATED = len(LOCATED)

# Columns of the sums of `pair_potentials`: E_table (eV), w, dw/dσ (1/Å), 1 − w.
ENERGY, WEIGHT, WEIGHT_SLOPE, SHARE = range(4)
N_SUMS = 4

# Rows of what it keeps of each pair: ½ du/dr / r, and r, later dσ/dr / r.
SLOPE, SOFTMIN = range(2)
N_KEPT = 2


class Periodicity(NamedTuple):
    """The cell and how far around it images are taken."""

    cell: Floats  # (3, 3) rows, Å
    inverse: Floats  # (3, 3), of the cell
    reach: Floats  # (3,) fractions of the cell, 0 along open axes


class Grid(NamedTuple):
    """Cells of space: x runs fastest, a line is the cells of one y and z."""

    origin: Floats  # (3,) Å
    inverse: Floats  # (3,) cells per Å
    shape: Ints  # (3,) int64
    first: Ints  # (n_cells + 1,) int32, where each cell starts in the sorted atoms


class SortedAtoms(NamedTuple):
    """Atoms and images in the order of the grid's cells."""

    positions: Floats  # (n_all, 3) Å
    columns: Floats  # (3, n_all + 8) the same by axis, 0 behind the last
    offsets: Floats  # (n_all, 3) Å, from the owner's position
    owners: Ints  # (n_all,) int32, the atom behind each image
    types: Ints  # (n_all,) int32
    centres: Ints  # (n_atoms,) int32, index of those that are no image


class Switch(NamedTuple):
    """s(r) = w(r)/(r + protection), w from 1 at ``start`` to 0 at ``cutoff``."""

    cutoff: float  # Å
    start: float  # Å
    inverse_width: float  # 1/Å
    protection: float  # Å


class EnvironmentRows(NamedTuple):
    """What turns a difference of positions into a row of R."""

    switch: Switch
    mean: Floats  # (T, T) of s
    radial: Floats  # (T, T) 1/deviation of s
    angular: Floats  # (T, T) 1/deviation of s·d/r


class Environments(NamedTuple):
    """Which neighbours count, and what turns a distance into a row of a table.

    G is the number of slot groups: neighbour types that share an entry of sel.
    """

    cutoff: float  # Å
    trusted: float  # Å, closer pairs are counted as too short
    trained: float  # Å, pairs closer than the training data's are counted
    certified: float  # Å, centres with a closer neighbour are left out; 0: none is
    sel: Ints  # (G,) int64
    list_size: int  # nearest neighbours that sel chooses from, 0: all
    group: Ints  # (T,) int32, of a neighbour type
    table_of: Ints  # (T, T) int32, -1: the pair does not count
    competes: Ints  # (T, T) int32, 1: the pair is one of those that sel truncates
    slots: Ints  # (T, T) int32, 1: the pair fills one of the sel slots
    unseen: Ints  # (T, T) int32, 1: the training data had no such pair
    first_row: Ints  # (n_tables,) int64, a table's row 0 in origins
    first_register: Ints  # (n_tables,) int64, where its coefficients start
    registers: Ints  # (n_tables,) int64, registers of channels in a row
    shortest: Floats  # (n_tables,) Å, where a table starts
    cells_per_length: Floats  # (n_tables,) 1/Å
    first_cell: Ints  # (n_tables,) int64, into cells
    cells: Ints  # (n_cells,) int32: row that holds the cell's left edge
    one_edge: Ints  # (n_tables,) int32, 1: no cell holds more than one edge of a row
    origins: Floats  # (n_table_rows + n_tables,) Å, +inf after each table


class Tally(NamedTuple):
    """What is beyond a model's domain, counted; arrays of atoms may be empty."""

    counters: Ints  # (N_COUNTERS + G,) int64, see kernels.counters
    seen: Ints  # (T, T) int64, pairs within the cutoff by centre and neighbour
    over: Ints  # (B,) int32 of a block, 1: more neighbours than sel
    excess: Ints  # (n_rows, G) int32, neighbours beyond sel
    close: Ints  # (n_rows,) int32, neighbours below the trained minimum
    short: Ints  # (n_rows,) int32, below the trusted distance
    unseen: Ints  # (n_rows, T) int32, neighbours of pairs of types without training
    left_out: Ints  # (n_rows,) int32, 1: a neighbour is closer than certified; or (0,)


class Pairs(NamedTuple):
    """The pairs of a block within the cutoff, sorted by centre and neighbour type.

    Those of centre b and neighbour type t are ``first[b·T + t]`` to
    ``first[b·T + t + 1]``. n_pairs is what there is room for, two registers of float32
    more than are listed. Rows of R are made where they are used: a pair takes 40 bytes
    in double precision, and would take 112 with them and their slopes.
    """

    first: Ints  # (B · T + 1,) int64
    neighbours: Ints  # (n_pairs,) int32
    coefficients: Ints  # (n_pairs,) int32, first register of the table's row
    offsets: Floats  # (n_pairs,) Å, r less the origin of the table's row
    differences: Floats  # (3 · n_pairs,) Å, x_j - x_i: all dx, all dy, all dz
    counts: Ints  # (B, G) int32, slots filled of each group


class Touched(NamedTuple):
    """The atoms that a block's forces act on, and these forces."""

    slot: Ints  # (n_all,) int32, 1 + the place of an atom among those touched, or 0
    atoms: Ints  # (n_touched,) int32
    forces: Floats  # (n_touched, 4) eV/Å and a 0
    virials: Floats  # (n_touched, 9) eV of atoms, or (0, 9)
    virial: Floats  # (3, 3) eV of the block


class Channels(NamedTuple):
    """Which registers of a centre's moments a pair of types adds to."""

    start: Ints  # (T, T) int64, first register by centre and neighbour
    count: Ints  # (T, T) int64, registers; 0: the pair adds nothing
    total: Ints  # (T,) int64, registers of a centre's moments


class Products(NamedTuple):
    """Which products of channels a centre's fitting net takes.

    Row a of the products holds S[a, k] = Σ_c z[c, a] z[c, k] for k from starts[a] to
    ends[a] − 1.
    """

    starts: Ints  # (n_rows,) int64
    ends: Ints  # (n_rows,) int64
    registers: int  # of z[c]


class Place(NamedTuple):
    """Where a descriptor stands in the rows of a centre's inputs."""

    stride: int  # S, numbers from one atom's row to the next
    offset: int  # column of the descriptor's first number


class PairPotential(NamedTuple):
    """The pair table and the switch to it; see `dpse_fast.model.PairTable`."""

    coefficients: Floats  # (T, T, n_rows, 4) eV
    start: float  # Å
    inverse_step: float  # 1/Å
    end: float  # Å
    switch_rcut: float  # Å
    switch: Switch  # of σ
    inverse_alpha: float  # 1/Å
    least_sum: float  # of the denominator of σ
    excluded: Ints  # (T, T) int32, 1: the pair does not count
    sel: Ints  # (G,) int64, the nearest that count of each group; (0,): all count
    group: Ints  # (T,) int32, of a neighbour type
