"""From a neighbour list to the pairs of a block: geometry, switch, table rows."""

from __future__ import annotations

import numpy as np

from .._jit import inline, kernel
from ..layout import (
    DISTANCE,
    DX,
    DY,
    DZ,
    Environments,
    Floats,
    Ints,
    Neighbourhood,
    Pairs,
    T,
    Tally,
)
from .geometry import radial_geometry
from .nearest import without_dropped

# Columns of the counters that `environments` adds to, before one per group of slots.
SHORT_PAIRS = 0
CLOSE_PAIRS = 1
COINCIDENT = 2  # 1 + the index of an atom that another one lies on
N_COUNTERS = 3

CLOSEST = 1e-4  # Å; closer atoms are at the same place


@inline
def _within(
    hood: Neighbourhood, row: int, cutoff: float, found: Ints, squared: Floats
) -> int:
    centre = hood.centres[row]
    x, y, z = hood.positions[centre]
    limit = cutoff * cutoff
    n = 0
    for k in range(hood.first[row], hood.first[row + 1]):
        j = hood.neighbours[k]
        dx = hood.positions[j, 0] - x
        dy = hood.positions[j, 1] - y
        dz = hood.positions[j, 2] - z
        r2 = dx * dx + dy * dy + dz * dz
        found[n] = j
        squared[n] = r2
        n += r2 < limit
    return n


@inline
def _count_types(types: Ints, n: int, found: Ints, met: Ints) -> None:
    """How many of the neighbours found are of each type."""
    met[:] = 0
    for k in range(n):
        met[types[found[k]]] += 1


@inline
def _count_groups(group: Ints, counted: Ints, met: Ints, total: Ints) -> None:
    """The neighbours met that count, by the group whose slots they share."""
    total[:] = 0
    for t in range(met.size):
        total[group[t]] += counted[t] * met[t]


@inline
def _keep_nearest(
    candidates: Ints, most: int, n: int, found: Ints, squared: Floats
) -> int:
    """Drop all but the nearest of the candidates, ties by list order."""
    order = np.argsort(squared[candidates], kind="mergesort")
    for k in range(most, candidates.size):
        found[candidates[order[k]]] = -1
    return without_dropped(n, found, squared)


@inline
def _of_group(
    types: Ints, env: Environments, own: int, group: int, n: int, found: Ints
) -> Ints:
    """The places in ``found`` of the neighbours that compete for a group's slots."""
    candidates = np.empty(n, np.int64)
    m = 0
    for k in range(n):
        other = types[found[k]]
        if env.group[other] == group and env.competes[own, other]:
            candidates[m] = k
            m += 1
    return candidates[:m]


@inline
def _sort_by_type(
    hood: Neighbourhood,
    centre: int,
    tables: Ints,
    n: int,
    found: Ints,
    first: Ints,
    pairs: Pairs,
) -> None:
    """Write the neighbours that count and their differences, type by type.

    Parameters
    ----------
    tables : (T,) of the centre's type, -1: the pair does not count
    first : (T + 1,) modified but for first[0]: where each type starts in the pairs
    """
    n_types = tables.size
    real = pairs.geometry.dtype.type
    for t in range(n_types):
        first[t + 1] = 0
    for k in range(n):
        t = hood.types[found[k]]
        first[t + 1] += tables[t] >= 0
    for t in range(n_types):
        first[t + 1] += first[t]
    end = first[n_types]
    # first[t + 1] is where type t ends: it is filled from its end.
    x, y, z = hood.positions[centre]
    for k in range(n - 1, -1, -1):
        j = found[k]
        t = hood.types[j]
        if tables[t] >= 0:
            first[t + 1] -= 1
            p = first[t + 1]
            pairs.neighbours[p] = j
            pairs.geometry[DX, p] = real(hood.positions[j, 0] - x)
            pairs.geometry[DY, p] = real(hood.positions[j, 1] - y)
            pairs.geometry[DZ, p] = real(hood.positions[j, 2] - z)
    for t in range(n_types):
        first[t] = first[t + 1]
    first[n_types] = end


@inline
def _find_rows(
    env: Environments, table: int, begin: int, end: int, pairs: Pairs
) -> None:
    """The table rows of pairs of one type, and t."""
    real = pairs.rows.dtype.type
    shortest, per_length = env.shortest[table], env.cells_per_length[table]
    first_cell, first_row = env.first_cell[table], env.first_row[table]
    for p in range(begin, end):
        r = np.float64(pairs.geometry[DISTANCE, p])
        row = env.cells[first_cell]
        if r >= shortest:
            row = env.cells[first_cell + 1 + np.int64((r - shortest) * per_length)]
            while r >= env.origins[row + 1]:
                row += 1
        pairs.coefficients[p] = (
            env.first_register[table] + (row - first_row) * env.registers[table]
        )
        pairs.rows[T, p] = real(r - env.origins[row])


@kernel
def environments(
    hood: Neighbourhood,
    rows: Ints,
    env: Environments,
    truncate: bool,
    pairs: Pairs,
    tally: Tally,
) -> None:
    """Fill ``pairs`` for the centres ``rows`` (all of one type).

    Parameters
    ----------
    rows : (B,) rows of the list
    truncate : keep the nearest ``sel`` of each group of slots
    pairs : modified; its arrays hold at least as many entries as the list
    tally : added to
    """
    n_groups, n_types = env.sel.size, env.group.size
    capacity = 0
    for row in rows:
        capacity = max(capacity, hood.first[row + 1] - hood.first[row])
    found = np.empty(capacity + 1, np.int32)
    squared = np.empty(capacity + 1, np.float64)
    wanted = np.empty(n_groups, np.int64)
    listed = np.empty(n_groups, np.int64)
    met = np.empty(n_types, np.int64)
    coincident = CLOSEST * CLOSEST
    short, trained = env.trusted * env.trusted, env.trained * env.trained
    pairs.first[0] = 0
    for b in range(rows.size):
        row = rows[b]
        centre = hood.centres[row]
        own = hood.types[centre]
        n = _within(hood, row, env.switch.cutoff, found, squared)
        _count_types(hood.types, n, found, met)
        _count_groups(env.group, env.competes[own], met, wanted)
        unseen = 0
        for t in range(met.size):
            unseen += env.unseen[own, t] * met[t]
            tally.seen[own, t] += met[t]
        n_within = n
        if truncate and 0 < env.list_size < n:
            n = _keep_nearest(np.arange(n), env.list_size, n, found, squared)
            _count_types(hood.types, n, found, met)
        _count_groups(env.group, env.competes[own], met, listed)
        for g in range(n_groups):
            beyond = wanted[g] - min(listed[g], env.sel[g])
            if beyond > 0:
                tally.counters[N_COUNTERS + g] += 1
                tally.over[b] = 1
                if tally.excess.size:
                    tally.excess[row, g] = beyond
                if truncate and listed[g] > env.sel[g]:
                    mine = _of_group(hood.types, env, own, g, n, found)
                    n = _keep_nearest(mine, env.sel[g], n, found, squared)
        if n < n_within:
            _count_types(hood.types, n, found, met)
        _count_groups(env.group, env.slots[own], met, pairs.counts[b])
        tables = env.table_of[own]
        close = 0
        for k in range(n):
            if squared[k] < short or squared[k] < trained:
                if tables[hood.types[found[k]]] < 0:
                    continue
                close += squared[k] < trained
                tally.counters[SHORT_PAIRS] += squared[k] < short
                if squared[k] < coincident:
                    tally.counters[COINCIDENT] = centre + 1
        first = pairs.first[b * n_types : (b + 1) * n_types + 1]
        _sort_by_type(hood, centre, tables, n, found, first, pairs)
        for t in range(n_types):
            begin, end = first[t], first[t + 1]
            if begin < end:
                radial_geometry(
                    pairs,
                    begin,
                    end,
                    env.switch,
                    env.mean[own, t],
                    env.radial[own, t],
                    env.angular[own, t],
                )
                _find_rows(env, tables[t], begin, end, pairs)
        tally.counters[CLOSE_PAIRS] += close
        if tally.close.size:
            tally.close[row] = close
            tally.unseen[row] = unseen
