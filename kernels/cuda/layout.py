"""What CUDA kernels read and write besides `kernels.layout`.

Symbols: P types that a plan serves, n rows, one for each atom, sorted by type and
then in space; n_all rows and, behind them, periodic images or a caller's ghosts; B
rows of a batch, all of one type; G groups of slots; W channels of a descriptor's tables
with their padding.
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

    Those of row k and type t are ``neighbours[first[k·P + t]:first[k·P + t + 1]]``.
    They are places in ``located``, whose first n places are the rows themselves. In
    each such part of the list, rows come first, in ascending order, and then images,
    in descending order.
    """

    first: Ints  # (n · P + 1,) int64
    neighbours: Ints  # (n_list,) int32, of 0 … n_all − 1
    reverse: Ints  # (n_list,) uint16, place of the same pair in its owner's row
    owners: Ints  # (n_all,) int32, the row behind each row and image
    lowest: Ints  # (n · P,) int32, of the owners of a row's neighbours of a type
    highest: Ints  # (n · P,) int32


class GivenList(NamedTuple):
    """A caller's list, and which of its rows ours come from.

    The neighbours of the caller's row k are
    ``neighbours[first[k]:first[k + 1]]``, atoms as the caller numbers them.
    """

    first: Ints  # (n_rows + 1,) int64
    neighbours: Ints  # (n_list,) int32, or (0,) once ours is made of it
    rows: Ints  # (n,) int32, the caller's row of each row


class Incoming(NamedTuple):
    """The pairs whose neighbour a row or ghost is, in the order of the list.

    Those of place p are the entries ``first[p]`` to ``first[p + 1]``.
    """

    first: Ints  # (n_all + 1,) int64
    rows: Ints  # (n_list,) int32, of the centre
    places: Ints  # (n_list,) uint16, of the pair in that row


class PlacesByCell(NamedTuple):
    """Copies of rows and images in the order of cells.

    An array each: the 32 lanes of a warp load 32 bytes for each of their candidates,
    where records of four numbers, half a record at a time, would make them load 64.
    """

    x: Floats  # (n_all,) Å
    y: Floats
    z: Floats
    tags: Ints  # (n_all,) int64, place + (type << 32)


class Images(NamedTuple):
    """Which images each atom has, and at which places.

    Those of atom i are the entries n + ``ends[i − 1]`` to n + ``ends[i]``, by their
    cell vectors, the last one fastest; entry i is the atom itself.
    """

    wrapped: Floats  # (3 · n,) fractions of the cell
    reach: Floats  # (3,) fractions of the cell, 0 along open axes
    ends: Ints  # (n,) int64
    places: Ints  # (n_all,) int32, of entries
    shifts: Ints  # (n_all,) int64, of places: cell vectors from the row, packed
    order: Ints  # (n,) int32, the atom of each row


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
