"""Where the distances of pairs lie in tables: rows, and offsets in them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._bits import LANES
from .._jit import inline, inlined, kernel
from .._simd import fma, load, mul, root, store
from ..layout import Environments, Floats, Ints, Pairs
from ..table_rows import row_at as plain_row_at

row_at = inline(plain_row_at)


@inline
def length_of(dx: Any, dy: Any, dz: Any) -> Any:
    """r, bitwise the same wherever it is computed: nothing is left to be fused."""
    return root(fma(dx, dx, fma(dy, dy, mul(dz, dz))))


@inline
def _search_cells(
    origins: Floats,
    cells: Ints,
    shortest: float,
    per_length: float,
    first_cell: int,
    first_row: int,
    first_register: int,
    registers: int,
    distances: Floats,
    begin: int,
    end: int,
    coefficients: Ints,
    offsets: Floats,
) -> None:
    """Where no cell holds two edges: without a branch for each pair.

    The loop with a branch took 2.7 µs for an atom of water, this one 0.2 to 0.6, each
    alone on a busy Xeon. Arrays come in one by one: so alone, a call with all of
    `Environments` and `Pairs` took three times as long. In the whole kernel no gain
    from that was seen.
    """
    real = offsets.dtype.type
    for k in range(end - begin):
        r = distances[k]
        cell = np.int64((r - shortest) * per_length) + 1
        cell = first_cell + (cell if r >= shortest else 0)
        row = np.int64(cells[np.uint64(cell)])
        row += r >= origins[np.uint64(row + 1)]
        p = np.uint64(begin + k)
        coefficients[p] = first_register + (row - first_row) * registers
        offsets[p] = real(r - origins[np.uint64(row)])


@inline
def _search_edges(
    env: Environments, table: int, begin: int, end: int, distances: Floats, pairs: Pairs
) -> None:
    """Where a cell may hold several edges."""
    real = pairs.offsets.dtype.type
    shortest, per_length = env.shortest[table], env.cells_per_length[table]
    first_cell, first_row = env.first_cell[table], env.first_row[table]
    first_register, registers = env.first_register[table], env.registers[table]
    for p in range(begin, end):
        r = distances[p - begin]
        row = row_at(r, shortest, per_length, first_cell, env.cells, env.origins)
        pairs.coefficients[p] = first_register + (row - first_row) * registers
        pairs.offsets[p] = real(r - env.origins[np.uint64(row)])


@inlined
def find_rows(
    env: Environments, table: int, begin: int, end: int, distances: Floats, pairs: Pairs
) -> None:
    """The table rows of pairs of one type, and the offsets in them."""
    if env.one_edge[table] != 0:
        _search_cells(
            env.origins,
            env.cells,
            env.shortest[table],
            env.cells_per_length[table],
            env.first_cell[table],
            env.first_row[table],
            env.first_register[table],
            env.registers[table],
            distances,
            begin,
            end,
            pairs.coefficients,
            pairs.offsets,
        )
    else:
        _search_edges(env, table, begin, end, distances, pairs)


@kernel
def find_places(pairs: Pairs, species: int, env: Environments) -> None:
    """Where the distances of pairs lie in tables: ``coefficients`` and ``offsets``.

    Parameters
    ----------
    pairs : of a block of centres of one type, with differences in float64; modified
    species : type of the centres
    env : whose tables; it counts the same pairs
    """
    n_types = env.group.size
    differences, room = pairs.differences, pairs.offsets.size
    tables = env.table_of[species]
    most = 0
    for k in range(pairs.counts.shape[0] * n_types):
        most = max(most, pairs.first[k + 1] - pairs.first[k])
    distances = np.empty(most + LANES, np.float64)
    for b in range(pairs.counts.shape[0]):
        first = pairs.first[b * n_types : (b + 1) * n_types + 1]
        for t in range(n_types):
            begin, end = first[t], first[t + 1]
            for p in range(begin, end, LANES):
                dx = load(differences, p)
                dy = load(differences, room + p)
                dz = load(differences, 2 * room + p)
                store(distances, p - begin, length_of(dx, dy, dz))
            if begin < end:
                find_rows(env, tables[t], begin, end, distances, pairs)
