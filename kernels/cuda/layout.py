"""What CUDA kernels read and write besides `kernels.layout`.

Symbols: P types that a plan serves, n rows, one for each atom, sorted by type and
then in space; n_all rows and, behind them, periodic images; B rows of a batch, all of
one type; G groups of slots; W channels of a descriptor's tables with their padding.
Types are numbered as in the plan. Arrays are flat and C-contiguous unless a shape of
more dimensions stands there; structures of `kernels.layout` come with their arrays on
the device, restricted to the plan's types.
"""

from __future__ import annotations

from typing import NamedTuple

from ..layout import Floats, Ints

NO_REVERSE = 65535


class FullList(NamedTuple):
    """Neighbours within the cutoff and a skin, sorted by row and neighbour type.

    Those of row k and type t are ``neighbours[first[k·P + t]:first[k·P + t + 1]]``,
    places in ``located``, whose first n places are the rows themselves.
    """

    first: Ints  # (n · P + 1,) int64
    neighbours: Ints  # (n_list,) int32, of 0 … n_all − 1
    reverse: Ints  # (n_list,) uint16, place of the same pair in its owner's row
    owners: Ints  # (n_all,) int32, the row behind each row and image
    lowest: Ints  # (n · P,) int32, of the owners of a row's neighbours of a type
    highest: Ints  # (n · P,) int32


class Batch(NamedTuple):
    """Consecutive rows of one type."""

    begin: int  # first row
    count: int  # B


class BatchPairs(NamedTuple):
    """The pairs of a batch that count, each row and type from its place in the list.

    Pair k of row b and type t is at ``first[(begin + b)·P + t] − first[begin·P] + k``.
    """

    first: Ints  # (n · P + 1,) int64, of the list
    begin: int  # first row of the batch
    count: int  # B
    met: Ints  # (B · P,) int32, how many pairs count
    slots: Ints  # (room,) uint16, place of the neighbour in its row of the list
    coefficients: Ints  # (room,) int32, first vector of four numbers of the table's row
    offsets: Floats  # (room,) Å, r less the origin of the table's row
    differences: Floats  # (3 · room,) Å, x_j − x_i: all dx, all dy, all dz
    counts: Ints  # (B · G,) int32, slots filled of each group


class PairGradients(NamedTuple):
    """dE_i/dd_ij, eV/Å, of consecutive rows of the list; 0 where a pair does not count.

    Those of place e of the list are ``values[3·(e − base) + c]``, c = 0, 1, 2.
    """

    values: Floats  # (3 · room,)
    base: int


class Tile(NamedTuple):
    """Consecutive rows whose pair gradients are in memory together."""

    begin: int
    end: int
