"""A caller's full list, with ghosts, brought into the order of ours, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layout import Floats, Ints
from ._cuda import WARP, cuda, device, kernel
from ._ptx import EVERYONE, first_item, lane, pick, put, rank
from .boundary import VIRTUAL
from .layout import FullList, GivenList, PairGradients, Tile

# What is counted: whether anything is out of its range, n_all − the first atom with two
# rows, and rows that count.
WRONG, FIRST_TWICE, N_COUNTING, N_CHECKED = 0, 1, 2, 3


@device
def model_type(types: Ints, atom: int, least: int, of_caller: Ints) -> Any:
    """The model's type of a caller's atom, and whether there is such a type."""
    own = pick(types, atom)
    known = own >= least and own < of_caller.size
    if known and own >= 0:
        return pick(of_caller, own), True
    return np.int32(VIRTUAL), known


@kernel
def check_list_on_device(
    first: Ints,
    neighbours: Ints,
    centres: Ints,
    types: Ints,
    least: int,
    of_caller: Ints,
    model_types: Ints,
    rows: Ints,
    found: Ints,
) -> None:
    """Look for numbers that a list must not have, for types and for rows of atoms.

    A thread takes an atom, a row and a neighbour.

    Parameters
    ----------
    first : (n_rows + 1,) int64
    neighbours : (n_list,) int32 or int64
    centres : (n_rows,) int32 or int64
    types : (n_all,) int32 or int64
    least : of the types, 0 or VIRTUAL
    of_caller : (n_caller_types,) int32, the model's type of each, or VIRTUAL
    model_types : (n_all,) int32, modified
    rows : (n_all,) int32 of −1, modified: the row of each atom
    found : (N_CHECKED,) int64, zeros, modified
    """
    k = first_item() * WARP + lane()
    n_all = types.size
    wrong = counts = False
    if k < n_all:
        kind, known = model_type(types, k, least, of_caller)
        put(model_types, k, kind)
        wrong = not known
    if k < centres.size:
        begin = pick(first, k)
        end = pick(first, k + 1)
        wrong = wrong or begin > end
        if k == 0:
            wrong = wrong or begin != 0
        if k == centres.size - 1:
            wrong = wrong or end != neighbours.size
        centre = pick(centres, k)
        if centre < 0 or centre >= n_all:
            wrong = True
        else:
            if cuda.atomic.max(rows, centre, np.int32(k)) >= 0:
                cuda.atomic.max(found, FIRST_TWICE, n_all - centre)
            kind, known = model_type(types, centre, least, of_caller)
            counts = kind != VIRTUAL
    if k < neighbours.size:
        j = pick(neighbours, k)
        wrong = wrong or j < 0 or j >= n_all
    n_counting = cuda.popc(cuda.ballot_sync(EVERYONE, counts))
    bad = cuda.any_sync(EVERYONE, wrong)
    if lane() == 0 and n_counting:
        cuda.atomic.add(found, N_COUNTING, n_counting)
    if lane() == 0 and bad:
        cuda.atomic.max(found, WRONG, 1)


@kernel
def key_atoms(types: Ints, rows: Ints, n_types: int, keys: Ints) -> None:
    """Keys that sort atoms: rows by type, then those without rows, then virtual ones.

    Parameters
    ----------
    types : (n_all,) int32, as the plan numbers them, VIRTUAL: atoms that do not count
    rows : (n_all,) int32, the caller's row of each atom, or −1
    n_types : P
    keys : (n_all,) int32, modified
    """
    k = first_item() * WARP + lane()
    if k >= keys.size:
        return
    key = pick(types, k)
    if key == VIRTUAL:
        key = n_types + 1
    elif pick(rows, k) < 0:
        key = n_types
    put(keys, k, key)


@kernel
def sort_by_type(
    given: GivenList,
    types: Ints,
    places: Ints,
    n_types: int,
    first: Ints,
    neighbours: Ints,
    origins: Ints,
    fill: bool,
) -> None:
    """Count, or write, the neighbours of each row and type, those of a type as given.

    A warp takes a row, a lane keeps the numbers of one type: of the 32 that a pass
    over the row serves.

    Parameters
    ----------
    types, places : (n_all,) int32 of atoms
    n_types : P
    first : (n · P + 1,) int64; unless fill, modified: 0, and the number of each
    neighbours : (n_list,) int32, modified to fill
    origins : (n_list,) uint16, modified to fill: place of the pair in the given row
    """
    row = first_item()
    if row >= given.rows.size:
        return
    own = lane()
    from_row = pick(given.rows, row)
    begin = pick(given.first, from_row)
    end = pick(given.first, from_row + 1)
    if not fill and row == 0 and own == 0:
        put(first, 0, 0)
    for group in range(0, n_types, WARP):
        next_place = np.int64(0)
        if fill and group + own < n_types:
            next_place = pick(first, row * n_types + group + own)
        for chunk in range(begin, end, WARP):
            e = chunk + own
            atom = np.int32(0)
            kind = np.int32(-1)
            if e < end:
                atom = np.int32(pick(given.neighbours, e))
                kind = np.int32(pick(types, atom) - group)
            near = kind >= 0 and kind < WARP
            bits = np.uint32(cuda.ballot_sync(EVERYONE, near))
            while bits != 0:
                species = cuda.shfl_sync(EVERYONE, kind, cuda.ffs(bits) - 1)
                mine = near and kind == species
                same = np.uint32(cuda.ballot_sync(EVERYONE, mine))
                if fill:
                    to = cuda.shfl_sync(EVERYONE, next_place, species)
                    if mine:
                        to += rank(same, own)
                        put(neighbours, to, pick(places, atom))
                        put(origins, to, int(e - begin))
                if own == species:
                    next_place += cuda.popc(same)
                bits = np.uint32(bits & ~same)
        if not fill and group + own < n_types:
            put(first, row * n_types + group + own + 1, next_place)


@kernel
def list_gradients(
    hood: FullList,
    n_types: int,
    given: GivenList,
    origins: Ints,
    tile: Tile,
    gradients: PairGradients,
    out: Floats,
) -> None:
    """A tile's pair gradients in the order of the caller's list.

    Parameters
    ----------
    n_types : P
    origins : see `sort_by_type`
    out : (3 · the caller's n_list,) float64 eV/Å, written where a pair is listed
    """
    row = tile.begin + first_item()
    if row >= tile.end:
        return
    to = pick(given.first, pick(given.rows, row))
    begin = pick(hood.first, row * n_types)
    end = pick(hood.first, (row + 1) * n_types)
    for e in range(begin + lane(), end, WARP):
        at = 3 * (to + pick(origins, e))
        for c in range(3):
            value = pick(gradients.values, 3 * (e - gradients.base) + c)
            put(out, at + c, float(value))
